//! Policies: what is in force, where it comes from, and a preview in words before it is changed. The retry schedule and
//! the time limits stand there to be read.

use domain::endpoint::{
    ATTEMPT_TIMEOUT_MAX_MS, ATTEMPT_TIMEOUT_MIN_MS, ATTEMPT_TIMEOUT_MS, CONNECT_TIMEOUT_MS, DNS_TIMEOUT_MS,
};
use domain::installation::policy::PolicyName;
use domain::retry::{JITTER_PERCENT, NEWS_FRESH_MS, Rhythm};
use domain::time::span;
use leptos::prelude::*;

use super::{policy::PolicyPanel, viewpoint};
use crate::html::IntoHtml;
use crate::{
    api::ops_policies::load_policies,
    components::{
        heading::Heading,
        key_value::{Facts, KeyValue},
        panel::Panel,
    },
    links,
    pages::ops_page,
};

/// `/ops/policies`, with `?policy=` and the value under its name for a preview
#[component]
pub fn PoliciesPage() -> impl IntoView {
    ops_page(async |place, visit| {
        let view = viewpoint(&visit);
        let previewed = PolicyName::parse(&place.asked("policy"));
        let panels = load_policies().await?.into_iter().map(|policy| {
            let name = policy.name;
            let preview = (previewed == Some(name)).then(|| place.asked(name.as_str()));
            view! { <PolicyPanel policy=policy preview=preview view=view.clone()/> }
        });
        let panels = panels.collect_view();
        let lead = "What holds for every account. What is set here goes before the environment of the server.";
        Ok(view! {
            <Heading title="Policies" lead=lead/>
            {panels}
            <Schedule/>
            <TimeLimits/>
        }
        .into_html())
    })
}

/// The retry schedule, to be read.
#[component]
fn Schedule() -> impl IntoView {
    let waits = |rhythm: Rhythm| {
        let waits = rhythm.waits_ms().iter().map(|wait_ms| span(*wait_ms)).collect::<Vec<_>>().join(", ");
        format!("{} attempts: at once, then after {waits}", rhythm.attempts())
    };
    let note = format!(
        "Each wait is up to {JITTER_PERCENT} % shorter or longer at random. News expire {} after the event.",
        span(NEWS_FRESH_MS)
    );
    view! {
        <Panel title="Retries" id="retries">
            <Facts>
                <KeyValue name="CallProcessed">{waits(Rhythm::Record)}</KeyValue>
                <KeyValue name="News of calls">{waits(Rhythm::News)}</KeyValue>
            </Facts>
            <p class="mt-3 text-table text-ink-2">{note} " It is the same for all; customers read it under " <a href=format!("{}/retries", links::HELP)>"Retries and order"</a> "."</p>
        </Panel>
    }
}

/// How long an attempt may take, to be read.
#[component]
fn TimeLimits() -> impl IntoView {
    let ms = |ms: u32| span(i64::from(ms));
    let (least, most) = (ms(ATTEMPT_TIMEOUT_MIN_MS), ms(ATTEMPT_TIMEOUT_MAX_MS));
    let whole = format!("{}, or {least} to {most} by endpoint", ms(ATTEMPT_TIMEOUT_MS));
    view! {
        <Panel title="Time limits" id="time-limits">
            <Facts>
                <KeyValue name="An attempt, all in all">{whole}</KeyValue>
                <KeyValue name="Looking up the name">{ms(DNS_TIMEOUT_MS)}</KeyValue>
                <KeyValue name="Connecting, with TLS">{ms(CONNECT_TIMEOUT_MS)}</KeyValue>
            </Facts>
        </Panel>
    }
}
