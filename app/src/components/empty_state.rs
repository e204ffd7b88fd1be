//! The placeholder of an empty list.

use leptos::prelude::*;

use crate::html::Html;

/// What will appear here, how it gets here, and a button to get started.
#[component]
pub fn EmptyState(
    /// What is missing, or what will appear here.
    #[prop(into)]
    title: String,
    /// How to get there, in one sentence.
    #[prop(into)]
    words: String,
    /// Buttons.
    children: Html,
) -> impl IntoView {
    view! {
        <div class="rounded-m border border-line bg-surface px-6 py-12 text-center">
            <h2 class="text-large font-bold">{title}</h2>
            <p class="mx-auto mt-1 mb-5 max-w-column text-ink-2">{words}</p>
            <div class="flex flex-wrap justify-center gap-3">{children}</div>
        </div>
    }
}
