//! Buttons, and links that look like them.

use leptos::prelude::*;

use crate::html::Html;

/// How much a button wants to be pressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Weight {
    /// The one thing to do on this page.
    Primary,
    /// Anything else.
    #[default]
    Secondary,
    /// Leads to a page that asks before it destroys.
    Danger,
    /// Destroys. Only on the page that asks.
    Final,
    /// As quiet as a link.
    Quiet,
}

impl Weight {
    /// The classes of a button or link of this weight.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Primary => {
                "inline-flex items-center justify-center gap-2 min-h-9 pointer-coarse:min-h-11 px-4 py-1.5 rounded-s border border-ink bg-ink text-surface font-semibold no-underline hover:bg-ink-2 hover:border-ink-2"
            }
            Self::Secondary => {
                "inline-flex items-center justify-center gap-2 min-h-9 pointer-coarse:min-h-11 px-4 py-1.5 rounded-s border border-control bg-surface text-ink font-semibold no-underline hover:bg-sunk"
            }
            Self::Danger => {
                "inline-flex items-center justify-center gap-2 min-h-9 pointer-coarse:min-h-11 px-4 py-1.5 rounded-s border border-failed bg-surface text-failed font-semibold no-underline hover:bg-failed-soft"
            }
            Self::Final => {
                "inline-flex items-center justify-center gap-2 min-h-9 pointer-coarse:min-h-11 px-4 py-1.5 rounded-s border border-failed bg-failed text-surface font-semibold no-underline hover:underline"
            }
            Self::Quiet => {
                "inline-flex items-center gap-2 min-h-6 pointer-coarse:min-h-11 text-ink underline underline-offset-4 hover:decoration-2"
            }
        }
    }
}

/// A button that sends its form.
#[component]
pub fn Button(
    /// How much it wants to be pressed.
    #[prop(optional)]
    weight: Weight,
    /// Name that it adds to the form, when a form has several buttons.
    #[prop(optional)]
    name: Option<&'static str>,
    /// Value of that name.
    #[prop(optional)]
    value: Option<&'static str>,
    /// The verb.
    children: Html,
) -> impl IntoView {
    view! { <button type="submit" class=weight.class() name=name value=value>{children}</button> }
}

/// A link that looks like a button.
#[component]
pub fn LinkButton(
    /// Where it leads.
    #[prop(into)]
    href: String,
    /// How much it wants to be pressed.
    #[prop(optional)]
    weight: Weight,
    /// The verb.
    children: Html,
) -> impl IntoView {
    view! { <a class=weight.class() href=href>{children}</a> }
}
