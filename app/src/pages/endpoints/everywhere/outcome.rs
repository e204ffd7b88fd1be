//! What the step before came to: credentials that were made, this once, and endpoints that were passed over.

use leptos::prelude::*;

use crate::components::copy_button::CopyButton;
use crate::flash::Flash;

/// Nothing after a page was opened afresh.
#[component]
pub fn Outcome(flash: Flash) -> impl IntoView {
    let pairs = |names, values| flash.values(names).into_iter().zip(flash.values(values)).collect::<Vec<_>>();
    let (made, skipped) = (pairs("made_at", "made"), pairs("skipped_at", "skipped"));
    (!flash.refused()).then(|| view! { <Made made=made/> <Skipped skipped=skipped/> })
}

#[component]
fn Made(made: Vec<(String, String)>) -> impl IntoView {
    let row = |(name, value): (String, String)| {
        let what = format!("credential of {name}");
        view! {
            <li class="grid gap-1 md:grid-cols-[minmax(0,1fr)_minmax(0,2fr)] md:items-center md:gap-4">
                <span class="font-semibold wrap-anywhere">{name}</span>
                <span class="flex items-start justify-between gap-2 rounded-s bg-sunk px-3 py-2">
                    <code class="min-w-0 text-table break-all select-all">{value.clone()}</code>
                    <CopyButton text=value what=what/>
                </span>
            </li>
        }
    };
    (!made.is_empty()).then(|| {
        view! {
            <section class="grid gap-3 border-l-4 border-lamp bg-surface p-4" aria-labelledby="just-made">
                <h2 class="text-large font-bold" id="just-made">"Copy them into your servers now"</h2>
                <p class="text-ink-2">"When you leave this page they are masked; you can reveal each again on its endpoint's page."</p>
                <ul class="grid gap-3">{made.into_iter().map(row).collect_view()}</ul>
            </section>
        }
    })
}

#[component]
fn Skipped(skipped: Vec<(String, String)>) -> impl IntoView {
    let row = |(name, why): (String, String)| {
        view! { <li><strong class="wrap-anywhere">{name}</strong> ": " {why}</li> }
    };
    (!skipped.is_empty()).then(|| {
        view! {
            <section class="grid max-w-column gap-2 border-l-4 border-held-fill bg-held-soft px-4 py-3" aria-labelledby="skipped">
                <h2 class="font-bold" id="skipped">"Skipped"</h2>
                <ul class="grid gap-1">{skipped.into_iter().map(row).collect_view()}</ul>
            </section>
        }
    })
}
