//! A button that copies a text. One island listens for all of them; without script they are not shown, since they
//! could do nothing.

use leptos::prelude::*;

/// Copies `text` when pressed.
#[component]
pub fn CopyButton(
    /// What is copied.
    #[prop(into)]
    text: String,
    /// What it is, for the button's name: `delivery id`.
    #[prop(into)]
    what: String,
    /// The word on the button.
    #[prop(default = "Copy")]
    word: &'static str,
) -> impl IntoView {
    view! {
        <button
            type="button"
            data-copy=text
            class="relative z-1 shrink-0 hidden in-data-islands:inline-flex items-center justify-center min-h-6 min-w-6 px-1.5 border border-control rounded-s bg-surface text-ink-2 text-meta hover:text-ink hover:bg-sunk"
        >
            <span aria-live="polite">{word}</span>
            <span class="sr-only">" "{what}</span>
        </button>
    }
}
