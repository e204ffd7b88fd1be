//! Code: a command, a header block, a body. Long lines wrap, so that nothing scrolls sideways.

use leptos::prelude::*;

use super::copy_button::CopyButton;

/// Monospaced text with a copy button.
#[component]
pub fn CodeBlock(
    /// The text shown.
    #[prop(into)]
    text: String,
    /// What it is, for screen readers: `response body`.
    #[prop(into)]
    what: String,
    /// The text copied, if it differs from the text shown.
    #[prop(optional, into)]
    copies: Option<String>,
    /// Whether a credential in it is masked, so that it is not worth copying.
    #[prop(optional)]
    masked: bool,
) -> impl IntoView {
    let copies = copies.unwrap_or_else(|| text.clone());
    view! {
        <div class="flex items-start justify-between gap-2 bg-sunk rounded-s px-3 py-2">
            <pre class="min-w-0 text-meta whitespace-pre-wrap wrap-anywhere"><code>{text}</code></pre>
            {(!masked).then(|| view! { <CopyButton text=copies what=what/> })}
        </div>
    }
}

/// A code block that can be collapsed.
#[component]
pub fn FoldedCode(
    /// The summary line.
    #[prop(into)]
    title: String,
    /// The text shown when it is open.
    #[prop(into)]
    text: String,
    /// Element id, so that a live update keeps it open.
    #[prop(into)]
    id: String,
    /// Whether it is open initially.
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
