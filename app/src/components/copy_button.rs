//! A button that copies text. One island handles all of them; without script they are hidden.

use leptos::prelude::*;

/// Copies `text` when pressed.
#[component]
pub fn CopyButton(
    /// The text to copy.
    #[prop(into)]
    text: String,
    /// What it is, for the button's accessible name: `delivery ID`.
    #[prop(into)]
    what: String,
    /// The visible label.
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
