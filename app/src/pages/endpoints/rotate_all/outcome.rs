//! The result of the previous step: new credentials, shown once, and skipped endpoints.

use leptos::prelude::*;

use crate::components::copy_button::CopyButton;
use crate::flash::Flash;

/// Nothing if no step was taken before.
#[component]
pub fn Outcome(flash: Flash) -> impl IntoView {
    let pairs = |names, values| flash.values(names).into_iter().zip(flash.values(values)).collect::<Vec<_>>();
    let (created, skipped) = (pairs("created_for", "credentials"), pairs("skipped", "reasons"));
    (!flash.refused()).then(|| view! { <Created created=created/> <Skipped skipped=skipped/> })
}

#[component]
fn Created(created: Vec<(String, String)>) -> impl IntoView {
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
    (!created.is_empty()).then(|| {
        view! {
            <section class="grid gap-3 border-l-4 border-lamp bg-surface p-4" aria-labelledby="new-credentials">
                <h2 class="text-large font-bold" id="new-credentials">"Copy them to your servers now"</h2>
                <p class="text-ink-2">"They are masked once you leave this page. You can reveal each one again on its endpoint's page."</p>
                <ul class="grid gap-3">{created.into_iter().map(row).collect_view()}</ul>
            </section>
        }
    })
}

#[component]
fn Skipped(skipped: Vec<(String, String)>) -> impl IntoView {
    let row = |(name, reason): (String, String)| {
        view! { <li><strong class="wrap-anywhere">{name}</strong> ": " {reason}</li> }
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
