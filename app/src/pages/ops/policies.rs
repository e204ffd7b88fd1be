//! Policies: current values, where they come from, and a preview before a change. Also shows the retry schedule and the
//! timeouts, which can't be changed.

use domain::endpoint::{
    ATTEMPT_TIMEOUT_MAX_MS, ATTEMPT_TIMEOUT_MIN_MS, ATTEMPT_TIMEOUT_MS, CONNECT_TIMEOUT_MS, DNS_TIMEOUT_MS,
};
use domain::ops::policy::PolicyName;
use domain::retry::{EPHEMERAL_FRESH_MS, JITTER_PERCENT, RetryPolicy};
use domain::time::span;
use leptos::prelude::*;

use super::policy::PolicyPanel;
use crate::html::IntoHtml;
use crate::{
    api::ops_policies::load_policies,
    components::{
        heading::Heading,
        key_value::{Facts, KeyValue},
        panel::Panel,
        render_context::RenderContext,
    },
    links,
    pages::ops_page,
};

/// `/ops/policies`, with `?policy=` and a value under that name for a preview
#[component]
pub fn PoliciesPage() -> impl IntoView {
    ops_page(async |place, visit| {
        let view = RenderContext::from(&visit);
        let previewed = PolicyName::parse(&place.query_param("policy"));
        let panels = load_policies().await?.into_iter().map(|policy| {
            let name = policy.name;
            let preview = (previewed == Some(name)).then(|| place.query_param(name.as_str()));
            view! { <PolicyPanel policy=policy preview=preview view=view.clone()/> }
        });
        let panels = panels.collect_view();
        let lead = "Policies apply to every account and override environment variables.";
        Ok(view! {
            <Heading title="Policies" lead=lead/>
            {panels}
            <Schedule/>
            <TimeLimits/>
        }
        .into_html())
    })
}

/// The retry schedule, read-only.
#[component]
fn Schedule() -> impl IntoView {
    let waits = |policy: RetryPolicy| {
        let waits = policy.waits_ms().iter().map(|wait_ms| span(*wait_ms)).collect::<Vec<_>>().join(", ");
        format!("{} attempts: immediately, then after {waits}", policy.attempts())
    };
    let note = format!(
        "Each delay is randomised by up to {JITTER_PERCENT} %. IncomingCall and OutgoingCall expire {} after the event.",
        span(EPHEMERAL_FRESH_MS)
    );
    view! {
        <Panel title="Retries" id="retries">
            <Facts>
                <KeyValue name="CallProcessed">{waits(RetryPolicy::Durable)}</KeyValue>
                <KeyValue name="IncomingCall and OutgoingCall">{waits(RetryPolicy::Ephemeral)}</KeyValue>
            </Facts>
            <p class="mt-3 text-table text-ink-2">{note} " The schedule is the same for all accounts. Customers can read it in " <a href=format!("{}/retries", links::HELP)>"Retries and order"</a> "."</p>
        </Panel>
    }
}

/// The timeouts, read-only.
#[component]
fn TimeLimits() -> impl IntoView {
    let ms = |ms: u32| span(i64::from(ms));
    let (least, most) = (ms(ATTEMPT_TIMEOUT_MIN_MS), ms(ATTEMPT_TIMEOUT_MAX_MS));
    let whole = format!("{}, or {least} to {most} if set for the endpoint", ms(ATTEMPT_TIMEOUT_MS));
    view! {
        <Panel title="Timeouts" id="time-limits">
            <Facts>
                <KeyValue name="Whole attempt">{whole}</KeyValue>
                <KeyValue name="DNS lookup">{ms(DNS_TIMEOUT_MS)}</KeyValue>
                <KeyValue name="Connection and TLS handshake">{ms(CONNECT_TIMEOUT_MS)}</KeyValue>
            </Facts>
        </Panel>
    }
}
