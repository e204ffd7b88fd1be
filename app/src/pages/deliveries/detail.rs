//! A delivery's page: what happened, what to do, what happens next, the attempts with request and response, the event,
//! the details.

use domain::{
    actor::Permission,
    body::pretty,
    delivery::{DeliveryDetail, DeliveryRow, Status},
    endpoint::Endpoint,
};
use islands::live::Live;
use leptos::{prelude::*, server_fn::ServerFn as _};

use super::{
    attempts::{self, Attempts},
    curl,
    next::NextStep,
    ticket,
};
use crate::html::IntoHtml;
use crate::{
    api::{self, deliveries::Retry},
    components::{
        button::{Button, LinkButton, Weight},
        cadence::CadenceChart,
        cause,
        code_block::{CodeBlock, FoldedCode},
        copy_button::CopyButton,
        delivery_row::{parties, version},
        fix::FixButton,
        heading::TabTitle,
        key_value::{Facts, IdText, KeyValue},
        live_region::{LiveRegion, Refresh},
        notices::Notices,
        panel::Panel,
        render_context::RenderContext,
        sidebar::Part,
        status_badge::{StatusIcon, TestMark, glyph, ink},
        time_text::{TimeForm, TimeText},
    },
    links,
    pages::{account_page, support::numbers::Numbers},
    visit::Frame,
};

/// `/a/:acct/deliveries/:dlv`, and with a selected attempt: `/a/:acct/deliveries/:dlv/attempts/:n`
#[component]
pub fn DeliveryPage() -> impl IntoView {
    account_page(Part::Deliveries, async |route, frame| {
        let around = route.param("n").parse().ok();
        let detail = api::deliveries::show(route.acct.clone(), route.param("dlv"), around).await?;
        let ep = detail.row.endpoint_id.to_string();
        let endpoint = api::endpoints::load_endpoint_of(route.acct.clone(), ep).await?;
        let view = RenderContext::from(&frame);
        let list = view.path("deliveries") + &domain::filter::DeliveryFilter::parse(&route.query).to_query();
        let (row, feed) = (detail.row.clone(), view.path("deliveries/live"));
        let live = frame.support.is_none();
        let content = body(detail, endpoint, view.clone(), frame, route.param("n"));
        Ok(view! {
            <TabTitle title=format!("{} {} to {}", glyph(row.status), row.kind, row.endpoint_name)/>
            <div class="flex flex-wrap items-center justify-between gap-2">
                <a class="inline-flex items-center min-h-6 text-table" href=list>"← Deliveries"</a>
                <Refresh/>
                {live.then(|| view! { <Live feed=feed/> })}
            </div>
            <Notices/>
            <LiveRegion view=view version=version(&row) ended=row.status.is_final()>{content}</LiveRegion>
        }
        .into_html())
    })
}

/// The page below its navigation. `named` is the number of the selected attempt, empty for the latest.
fn body(detail: DeliveryDetail, endpoint: Endpoint, view: RenderContext, frame: Frame, named: String) -> impl IntoView {
    let (row, now) = (detail.row.clone(), view.now);
    let (event, caller, callee) = (row.event_id.clone(), row.caller.clone(), row.callee.clone());
    let numbers = view! { <Numbers frame=frame.clone() event=event caller=caller callee=callee/> };
    let attempts = view! { <Attempts detail=detail.clone() named=named.clone() view=view.clone()/> };
    view! {
        <div class="grid gap-6">
            <Verdict row=row.clone() to=endpoint view=view.clone() frame=frame/>
            <CadenceChart row=row now=now/>
            <Panel title="Attempts" id="attempts">{attempts}</Panel>
            {numbers}
            <EventJson detail=detail.clone() named=named/>
            <DetailsPanel detail=detail view=view/>
        </div>
    }
}

/// What happened, what to do, what happens next.
#[component]
fn Verdict(row: DeliveryRow, to: Endpoint, view: RenderContext, frame: Frame) -> impl IntoView {
    let endpoint = links::endpoint(&view.acct, row.endpoint_id.as_str(), "");
    view! {
        <header class="grid gap-4">
            <div class="grid gap-1">
                <h1 class=format!("flex items-baseline gap-3 text-verdict font-bold leading-row {}", ink(row.status))>
                    <StatusIcon status=row.status class="size-5 shrink-0"/>
                    <span class="wrap-anywhere">{cause::verdict(&row, view.now)}</span>
                </h1>
                <p class="flex flex-wrap items-center gap-x-2 text-ink-2">
                    <span>{format!("{} to ", row.kind)}<a href=endpoint>{row.endpoint_name.clone()}</a></span>
                    <span aria-hidden="true">"·"</span>
                    <span>{parties(&row)}</span>
                    {row.test.then(|| view! { <TestMark/> })}
                </p>
            </div>
            <div class="grid gap-6 md:grid-cols-2">
                <Remedy row=row.clone() endpoint=to frame=frame.clone()/>
                <section class="grid content-start gap-1">
                    <h2 class="font-bold">"What happens next"</h2>
                    <NextStep row=row.clone() view=view.clone()/>
                </section>
            </div>
            <Actions row=row view=view frame=frame/>
        </header>
    }
    .into_html()
}

/// How to fix a failure, with a command to check. Nothing after a success.
#[component]
fn Remedy(row: DeliveryRow, endpoint: Endpoint, frame: Frame) -> impl IntoView {
    let failure = row.failure.filter(|_| row.status != Status::Delivered);
    failure.map(|failure| {
        view! {
            <section class="grid content-start gap-1 min-w-0">
                <h2 class="font-bold">"What to do"</h2>
                <p>{failure.remedy()} " " <a href=links::cause(failure.cause.code())>"Learn more about this cause"</a></p>
                {failure.command().map(|command| view! { <CodeBlock text=command what="command"/> })}
                <div class="pt-1"><FixButton failure=failure endpoint=endpoint frame=frame/></div>
            </section>
        }
    })
}

#[component]
fn Actions(row: DeliveryRow, view: RenderContext, frame: Frame) -> impl IntoView {
    let page = links::delivery(&view.acct, row.id.as_str());
    let retries = row.status == Status::Retrying && row.next_attempt_at.is_some();
    let (acct, dlv) = (view.acct.clone(), row.id.to_string());
    let cancels = matches!(row.status, Status::Queued | Status::Retrying | Status::Held);
    let weight = if row.status == Status::Delivered { Weight::Secondary } else { Weight::Primary };
    frame.may(Permission::WriteDeliveries).then(|| view! {
        <div class="flex flex-wrap gap-2">
            {retries.then(|| view! {
                <form method="post" action=Retry::PATH>
                    <input type="hidden" name="acct" value=acct/>
                    <input type="hidden" name="dlv" value=dlv/>
                    <Button weight=Weight::Primary>"Retry now"</Button>
                </form>
            })}
            {row.status.is_final().then(|| view! {
                <LinkButton href=format!("{page}/resend") weight=weight>"Resend"</LinkButton>
            })}
            {cancels.then(|| view! { <LinkButton href=format!("{page}/cancel") weight=Weight::Danger>"Cancel delivery"</LinkButton> })}
        </div>
    })
}

/// The event as it is sent, with copy buttons.
#[component]
fn EventJson(detail: DeliveryDetail, named: String) -> impl IntoView {
    let body = curl::masked_body(&detail).map(|body| {
        view! {
            <details id="event-json" open>
                <summary class="py-1 min-h-6 text-table font-semibold">"JSON"</summary>
                <CodeBlock text=pretty(&body) copies=body what="raw JSON"/>
            </details>
        }
    });
    let command = curl::command(&detail, attempts::selected(&detail.attempts, &named));
    let command = command.map(|command| {
        view! {
            <p class="pt-2"><CopyButton text=command word="Copy as curl" what="with placeholders for credentials"/></p>
        }
    });
    let gone = detail.payload.is_none().then(|| view! {
        <p class="text-ink-2">"The payload is past its retention period and has been deleted. Timing and result are kept."</p>
    });
    view! { <Panel title="Event" id="event">{body} {command} {gone}</Panel> }
}

#[component]
fn DetailsPanel(detail: DeliveryDetail, view: RenderContext) -> impl IntoView {
    let ticket = ticket::markdown(&detail, view.now);
    let row = detail.row;
    let url = detail.attempts.last().map_or(detail.endpoint_url, |attempt| attempt.url.clone());
    let accepted = view! { <TimeText at=row.created_at form=TimeForm::Full view=view.clone()/> };
    let (event, call) = (links::event(&view.acct, row.event_id.as_str()), links::call(&view.acct, &row.call_id));
    let attempts = format!("{} of {}", row.attempts, row.attempts_at_most());
    let finished = row.finished_at.map(|at| {
        let at = view! { <TimeText at=at form=TimeForm::Full view=view/> };
        view! { <KeyValue name="Finished">{at}</KeyValue> }
    });
    view! {
        <Panel title="Details" id="details">
            <Facts>
                <KeyValue name="Delivery"><IdText id=row.id.to_string() what="delivery ID"/></KeyValue>
                <KeyValue name="Event">
                    <IdText id=row.event_id.to_string() what="event ID"/>
                    <a href=event>"View event"</a>
                </KeyValue>
                <KeyValue name="Call"><IdText id=row.call_id what="call ID"/> <a href=call>"View call"</a></KeyValue>
                <KeyValue name="URL used"><code class="text-meta">{url}</code></KeyValue>
                <KeyValue name="Accepted">{accepted}</KeyValue>
                {finished}
                <KeyValue name="Attempts">{attempts}</KeyValue>
            </Facts>
            <div class="mt-3"><FoldedCode title="Support ticket summary (numbers masked)" text=ticket.clone() id="for-ticket"/></div>
            <p class="pt-2"><CopyButton text=ticket word="Copy for ticket" what="as Markdown"/></p>
        </Panel>
    }
    .into_html()
}
