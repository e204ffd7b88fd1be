//! A credential: masked, or in full where the person asked for it.

use leptos::prelude::*;

/// A credential under its name, with what it is for.
#[component]
pub fn Secret(
    /// What it is called.
    name: &'static str,
    /// What it is for, in one sentence.
    purpose: &'static str,
    /// The credential, masked or in full.
    #[prop(into)]
    value: String,
) -> impl IntoView {
    view! {
        <div class="grid gap-1">
            <dt class="font-semibold">{name}</dt>
            <dd class="grid gap-1">
                <code class="block rounded-s bg-sunk px-3 py-2 text-table break-all select-all">{value}</code>
                <span class="text-table text-ink-2">{purpose}</span>
            </dd>
        </div>
    }
}
