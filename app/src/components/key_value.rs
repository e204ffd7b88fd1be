//! Facts: a name and what it says, in a description list.

use leptos::prelude::*;

use super::copy_button::CopyButton;
use crate::html::Html;

/// The list around facts.
#[component]
pub fn Facts(
    /// The facts.
    children: Html,
) -> impl IntoView {
    view! { <dl class="text-table">{children}</dl> }
}

/// One fact.
#[component]
pub fn KeyValue(
    /// Its name.
    #[prop(into)]
    name: String,
    /// What it says.
    children: Html,
) -> impl IntoView {
    view! {
        <div class="grid sm:grid-cols-[11rem_minmax(0,1fr)] gap-x-4 py-1.5 border-t border-line">
            <dt class="text-ink-3">{name}</dt>
            <dd class="flex flex-wrap items-center gap-x-2 gap-y-1 min-w-0 wrap-anywhere">{children}</dd>
        </div>
    }
}

/// An id in the fixed-width face with its copy button.
#[component]
pub fn IdText(
    /// The id.
    #[prop(into)]
    id: String,
    /// What it is the id of: `delivery id`.
    what: &'static str,
) -> impl IntoView {
    view! {
        <code class="text-meta wrap-anywhere">{id.clone()}</code>
        <CopyButton text=id what=what/>
    }
}
