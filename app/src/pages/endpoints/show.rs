//! One endpoint: its status, what happens next, its settings, its deliveries.

use domain::actor::Permission;
use domain::delivery::DeliveryRow;
use domain::endpoint::{EndpointState, EndpointStatus, EndpointSummary, PauseReason};
use domain::fix::Fix;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::history::{History, LastDay};
use super::rotation::RotationBanner;
use super::rows::DeliveryRows;
use super::waiting::Waiting;
use crate::api::endpoints::{PauseEndpoint, ResumeEndpoint, RevealCredentials, load_endpoint, load_endpoint_history};
use crate::api::recover::load_running_retry;
use crate::api::rotation::load_rotation;
use crate::api::test_events::load_test;
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::endpoint_badge::{EndpointBadge, next, verdict};
use crate::components::field::CONTROL;
use crate::components::fix::FixButton;
use crate::components::heading::Heading;
use crate::components::key_value::{Facts, KeyValue};
use crate::components::panel::Panel;
use crate::components::render_context::RenderContext;
use crate::components::secret::{NewCredentials, SECRET_PURPOSE, Secret, TOKEN_PURPOSE};
use crate::components::sidebar::Part;
use crate::components::test_result::TestResult;
use crate::components::time_text::UntilText;
use crate::html::IntoHtml;
use crate::links;
use crate::pages::account_page;
use crate::visit::Frame;

/// `/a/:acct/endpoints/:ep`
#[component]
pub fn EndpointPage() -> impl IntoView {
    account_page(Part::Endpoints, async |route, frame| {
        let (summary, latest) = load_endpoint(route.acct.clone(), route.param("ep")).await?;
        let history = load_endpoint_history(route.acct.clone(), route.param("ep")).await?;
        let rotation = load_rotation(route.acct.clone(), route.param("ep")).await?;
        let test = load_test(route.acct.clone(), route.query_param("dlv")).await?;
        let running = load_running_retry(route.acct.clone(), route.param("ep")).await?;
        let view = RenderContext::from(&frame);
        let flash = frame.visit.flash.clone();
        // After revealing there is no message: the credentials replace the dots.
        let created = flash.ok.is_some();
        let (title, ep) = (summary.endpoint.name.clone(), summary.endpoint.id.to_string());
        let may_recover = frame.may(Permission::WriteDeliveries) && summary.endpoint.state != EndpointState::Deleted;
        let may_rotate = frame.may(Permission::RotateCredentials) && summary.endpoint.state != EndpointState::Deleted;
        let waiting =
            view! { <Waiting summary=summary.clone() running=running test=test.clone() frame=frame.clone()/> }
                .into_html();
        let (first, after) = if test.is_some() { (Some(waiting), None) } else { (None, Some(waiting)) };
        let actions = view! { <Actions summary=summary.clone() frame=frame.clone()/> };
        Ok(view! {
            <Heading title=title>{actions}</Heading>
            {created.then(|| view! { <NewCredentials flash=flash/> })}
            {first}
            {test.map(|detail| view! { <TestResult detail=detail view=view.clone()/> })}
            <RotationBanner rotation=rotation may=may_rotate view=view.clone()/>
            <Verdict summary=summary.clone() frame=frame.clone() view=view.clone()/>
            {after}
            <LastDay hours=history.hours.clone() view=view.clone()/>
            <div class="grid items-start gap-6 xl:grid-cols-2">
                <Settings summary=summary.clone()/>
                {frame.support.is_none().then(|| view! { <CredentialsPanel summary=summary frame=frame/> })}
            </div>
            <History history=history view=view.clone()/>
            <Latest rows=latest ep=ep may_recover=may_recover view=view/>
        }
        .into_html())
    })
}

/// Actions, with pausing before deleting.
#[component]
fn Actions(summary: EndpointSummary, frame: Frame) -> impl IntoView {
    let recover = frame.may(Permission::WriteDeliveries) && (summary.failed_24h > 0 || summary.failure.is_some());
    let endpoint = summary.endpoint;
    if !frame.may(Permission::WriteEndpoints) || endpoint.state == EndpointState::Deleted {
        return None;
    }
    let (acct, ep) = (frame.acct().to_owned(), endpoint.id.to_string());
    let page = |rest| links::endpoint(&acct, &ep, rest);
    let active = endpoint.state == EndpointState::Active;
    let (action, verb) = if active { (PauseEndpoint::PATH, "Pause") } else { (ResumeEndpoint::PATH, "Resume") };
    let weight = if active { Weight::Secondary } else { Weight::Primary };
    let drain = !active && summary.waiting > 0;
    Some(view! {
        {active.then(|| view! { <LinkButton weight=Weight::Primary href=page("test")>"Send test"</LinkButton> })}
        <form class="flex flex-wrap items-center gap-3" method="post" action=action>
            <input type="hidden" name="acct" value=acct.clone()/>
            <input type="hidden" name="ep" value=ep.clone()/>
            {drain.then(|| view! { <DrainRate/> })}
            <Button weight=weight>{verb}</Button>
        </form>
        {recover.then(|| view! { <LinkButton href=page("recover")>"Recover…"</LinkButton> })}
        <LinkButton href=page("edit")>"Edit"</LinkButton>
        <LinkButton weight=Weight::Danger href=page("delete")>"Delete"</LinkButton>
    })
}

/// The rate at which held events are sent, so that a recovering server is not overloaded.
#[component]
fn DrainRate() -> impl IntoView {
    let rates = [10, 50, 200].map(|rate| view! { <option value=rate>{format!("{rate} per second")}</option> });
    view! {
        <label class="flex items-center gap-2 text-table">
            "Send waiting events:"
            <select class=CONTROL name="drain">
                <option value="">"as fast as possible"</option>
                {rates}
            </select>
        </label>
    }
}

/// The verdict, what happens next, and how to fix a failure.
#[component]
fn Verdict(summary: EndpointSummary, frame: Frame, view: RenderContext) -> impl IntoView {
    let verdict = verdict(&summary, &view.zone, view.now);
    let next = next(&summary, &view.zone, view.now);
    let status = EndpointStatus::of(&summary, view.now);
    let gone = summary.endpoint.pause_reason == Some(PauseReason::Gone);
    let sends = summary.endpoint.state == EndpointState::Active && !summary.suspended;
    let throttled = summary.throttled_until.filter(|_| sends).map(|at| {
        view! { <p>"Your server requested a pause. The next event is sent " <UntilText at=at view=view.clone()/> "."</p> }
    });
    let failure = summary.failure.clone().filter(|_| status.needs_attention() || gone);
    let remedy = failure.as_ref().map(|failure| (failure.remedy(), links::cause(failure.cause.code())));
    // The page's own buttons resume it.
    let failure = failure.filter(|failure| !matches!(failure.fix(summary.endpoint.url.as_str()), Some(Fix::Resume)));
    let fix = failure.map(|failure| {
        view! { <div class="pt-2"><FixButton failure=failure endpoint=summary.endpoint.clone() frame=frame/></div> }
    });
    view! {
        <section class="grid max-w-column gap-1" aria-label="Status">
            <p class="text-large"><EndpointBadge status=status/></p>
            <p class="text-large wrap-break-word">{verdict}</p>
            <p class="text-ink-2">{next}</p>
            {throttled}
            {remedy.map(|(text, help)| view! { <p>{text} " " <a href=help>"Learn more about this cause"</a></p> })}
            {fix}
        </section>
    }
}

#[component]
fn Settings(summary: EndpointSummary) -> impl IntoView {
    let endpoint = summary.endpoint;
    let events = endpoint.events.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    let rate = endpoint.rate_per_s.map_or_else(|| "No limit".to_owned(), |n| format!("{n} events per second"));
    let headers = if endpoint.header_names.is_empty() { "None".to_owned() } else { endpoint.header_names.join(", ") };
    let late =
        if endpoint.deliver_late { "Retried for three days, like CallProcessed" } else { "Retried for a minute" };
    view! {
        <Panel title="Settings" id="settings">
            <Facts>
                <KeyValue name="URL"><code>{endpoint.url.as_str().to_owned()}</code></KeyValue>
                <KeyValue name="Events">{events}</KeyValue>
                <KeyValue name="Timeout">{endpoint.timeout_ms / 1_000} " s"</KeyValue>
                <KeyValue name="Rate limit">{rate}</KeyValue>
                <KeyValue name="Custom headers">{headers}</KeyValue>
                <KeyValue name="Call-start events">{late}</KeyValue>
                <KeyValue name="Details">{if endpoint.send_details { "Sent" } else { "Not sent" }}</KeyValue>
                <KeyValue name="Endpoint ID"><code class="select-all">{endpoint.id.to_string()}</code></KeyValue>
            </Facts>
        </Panel>
    }
}

/// The masked credentials with a button to reveal them, or in full afterwards.
#[component]
fn CredentialsPanel(summary: EndpointSummary, frame: Frame) -> impl IntoView {
    let flash = &frame.visit.flash;
    let revealed = |field| flash.value(field).filter(|_| flash.ok.is_none() && !flash.refused()).map(str::to_owned);
    let (token, secret) = (revealed("auth_token"), revealed("signing_secret"));
    let may = frame.may(Permission::RevealCredentials)
        && summary.endpoint.state != EndpointState::Deleted
        && secret.is_none();
    let rotates = frame.may(Permission::RotateCredentials) && summary.endpoint.state != EndpointState::Deleted;
    let (acct, ep) = (frame.acct().to_owned(), summary.endpoint.id.to_string());
    let page = links::endpoint(&acct, &ep, "secret");
    let other = [("Auth token in rotation", "other_auth_token"), ("Old signing secret", "earlier_signing_secret")];
    let other = other.map(|(name, field)| revealed(field).map(|value| (name, value)));
    let other = other.into_iter().flatten().map(|(name, value)| {
        view! { <Secret name=name purpose="Part of the rotation in progress." value=value/> }
    });
    let other = other.collect_view();
    view! {
        <Panel title="Credentials" id="credentials">
            <dl class="grid gap-4">
                <Secret name="Auth token" purpose=TOKEN_PURPOSE value=token.unwrap_or(summary.auth_token_masked)/>
                <Secret name="Signing secret" purpose=SECRET_PURPOSE value=secret.unwrap_or(summary.signing_secret_masked)/>
                {other}
            </dl>
            {may.then(|| view! {
                <form class="mt-4" method="post" action=RevealCredentials::PATH>
                    <input type="hidden" name="acct" value=acct/>
                    <input type="hidden" name="ep" value=ep/>
                    <Button>"Reveal"</Button>
                </form>
            })}
            {rotates.then(|| view! { <p class="mt-4"><a href=page>"Rotate credentials"</a></p> })}
        </Panel>
    }
}

#[component]
fn Latest(rows: Vec<DeliveryRow>, ep: String, may_recover: bool, view: RenderContext) -> impl IntoView {
    let recover = links::endpoint(&view.acct, &ep, "recover");
    let all = format!("{}?endpoint={ep}", links::account(&view.acct, "deliveries"));
    view! {
        <section class="grid gap-3" aria-labelledby="latest">
            <div class="flex flex-wrap items-baseline justify-between gap-3">
                <h2 class="text-large font-bold" id="latest">"Latest deliveries"</h2>
                <p class="flex flex-wrap gap-x-5">
                    {may_recover.then(|| view! { <a href=recover>"Recover missed events"</a> })}
                    <a href=all>"All deliveries"</a>
                </p>
            </div>
            <DeliveryRows rows=rows view=view/>
        </section>
    }
}
