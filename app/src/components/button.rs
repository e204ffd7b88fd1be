//! Buttons, and links that look like them.

use leptos::prelude::*;

use crate::html::Html;

/// How prominent a button is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Weight {
    /// The main action of the page.
    Primary,
    /// Anything else.
    #[default]
    Secondary,
    /// Opens the confirmation page of a destructive action.
    Danger,
    /// Carries out a destructive action. Only on a confirmation page.
    Final,
    /// Styled as a link.
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

/// A button that submits its form.
#[component]
pub fn Button(
    /// How prominent it is.
    #[prop(optional)]
    weight: Weight,
    /// Form field that it sets, when a form has several buttons.
    #[prop(optional)]
    name: Option<&'static str>,
    /// Value of that field.
    #[prop(optional)]
    value: Option<&'static str>,
    /// The label.
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
    /// How prominent it is.
    #[prop(optional)]
    weight: Weight,
    /// The label.
    children: Html,
) -> impl IntoView {
    view! { <a class=weight.class() href=href>{children}</a> }
}
