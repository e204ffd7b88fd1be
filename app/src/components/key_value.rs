//! A description list of names and values.

use leptos::prelude::*;

use super::copy_button::CopyButton;
use crate::html::Html;

/// The list.
#[component]
pub fn Facts(
    /// The entries.
    children: Html,
) -> impl IntoView {
    view! { <dl class="text-table">{children}</dl> }
}

/// One entry.
#[component]
pub fn KeyValue(
    /// Its name.
    #[prop(into)]
    name: String,
    /// Its value.
    children: Html,
) -> impl IntoView {
    view! {
        <div class="grid sm:grid-cols-[11rem_minmax(0,1fr)] gap-x-4 py-1.5 border-t border-line">
            <dt class="text-ink-3">{name}</dt>
            <dd class="flex flex-wrap items-center gap-x-2 gap-y-1 min-w-0 wrap-anywhere">{children}</dd>
        </div>
    }
}

/// An ID in monospace with a copy button.
#[component]
pub fn IdText(
    /// The ID.
    #[prop(into)]
    id: String,
    /// What it identifies: `delivery ID`.
    what: &'static str,
) -> impl IntoView {
    view! {
        <code class="text-meta wrap-anywhere">{id.clone()}</code>
        <CopyButton text=id what=what/>
    }
}
