//! A rotation as a timeline: a row per credential, with its current and future use.

use leptos::prelude::*;

/// One credential of the timeline.
#[component]
pub fn TimelineRow(
    /// Its role: `Current`, `Next`.
    name: &'static str,
    /// The credential, masked.
    masked: String,
    /// How it is used, and until when.
    #[prop(into)]
    usage: String,
    /// Whether it is in use now.
    used: bool,
) -> impl IntoView {
    let line = if used { "border-ink" } else { "border-dashed border-control" };
    view! {
        <li class="flex flex-wrap items-center gap-x-3 gap-y-1">
            <span class="font-semibold">{name}</span>
            <code class="text-table">{masked}</code>
            <span class=format!("min-w-6 flex-1 border-t-2 {line}") aria-hidden="true"></span>
            <span class="text-ink-2">{usage}</span>
        </li>
    }
}
