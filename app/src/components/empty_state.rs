//! What a list says while it is empty.

use leptos::prelude::*;

use crate::html::Html;

/// What will be here, how it gets here, and the button that does it now.
#[component]
pub fn EmptyState(
    /// What will be here.
    #[prop(into)]
    title: String,
    /// How it gets here, in one sentence.
    #[prop(into)]
    words: String,
    /// The button, or what else to do.
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
