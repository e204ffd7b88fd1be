//! A rotation as a time line: a row for each credential, from what it is to what becomes of it.

use leptos::prelude::*;

/// One credential on the line.
#[component]
pub fn OnLine(
    /// Which it is: `Earlier`, `Next`.
    name: &'static str,
    /// The credential, masked.
    masked: String,
    /// What it does and until when.
    #[prop(into)]
    words: String,
    /// Whether it is in use now.
    used: bool,
) -> impl IntoView {
    let line = if used { "border-ink" } else { "border-dashed border-control" };
    view! {
        <li class="flex flex-wrap items-center gap-x-3 gap-y-1">
            <span class="font-semibold">{name}</span>
            <code class="text-table">{masked}</code>
            <span class=format!("min-w-6 flex-1 border-t-2 {line}") aria-hidden="true"></span>
            <span class="text-ink-2">{words}</span>
        </li>
    }
}
