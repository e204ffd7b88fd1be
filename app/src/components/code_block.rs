//! Text for machines: a command, a header block, a body. Long lines break, so that nothing scrolls sideways.

use leptos::prelude::*;

use super::copy_button::CopyButton;

/// A text in the fixed-width face with a button that copies it.
#[component]
pub fn CodeBlock(
    /// What is shown.
    #[prop(into)]
    text: String,
    /// What it is: `response body`.
    #[prop(into)]
    what: String,
    /// What is copied, where it differs from what is shown.
    #[prop(optional, into)]
    copies: Option<String>,
) -> impl IntoView {
    let copies = copies.unwrap_or_else(|| text.clone());
    view! {
        <div class="flex items-start justify-between gap-2 bg-sunk rounded-s px-3 py-2">
            <pre class="min-w-0 text-meta whitespace-pre-wrap wrap-anywhere"><code>{text}</code></pre>
            <CopyButton text=copies what=what/>
        </div>
    }
}

/// The same behind a line that opens and closes it.
#[component]
pub fn FoldedCode(
    /// The line that is always seen.
    #[prop(into)]
    title: String,
    /// What is shown when it is open.
    #[prop(into)]
    text: String,
    /// Name of this part in the page, so that a live update keeps it open.
    #[prop(into)]
    id: String,
    /// Whether it begins open.
    #[prop(optional)]
    open: bool,
) -> impl IntoView {
    view! {
        <details id=id open=open class="border-t border-line">
            <summary class="py-2 min-h-6 text-table font-semibold">{title.clone()}</summary>
            <div class="pb-3"><CodeBlock text=text what=title.to_lowercase()/></div>
        </details>
    }
}
