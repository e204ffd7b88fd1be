//! The test call: what arrives while someone calls.

use domain::{
    connector::{Connector, ConnectorStatus},
    event::EventRow,
    phone,
};
use islands::live::Live;
use leptos::prelude::*;

use super::{Area, SetUp, connect::Waiting, new::Crumb, steps};
use crate::{
    api::connectors::{load_connector, load_latest_events},
    components::{
        button::{LinkButton, Weight},
        connector_badge::{ConnectorBadge, problem},
        heading::Heading,
        live_region::{LiveRegion, Refresh},
        sidebar::Part,
        steps::Steps,
        time_text::{AgoText, TimeForm, TimeText},
    },
    error::UiError,
    html::{Html, IntoHtml},
    links,
    pages::{RouteParams, account_page, events::outcome::Outcome, ops_page},
};

/// `/a/:acct/connectors/:con/test-call`
#[component]
pub fn TestCallPage() -> impl IntoView {
    account_page(Part::Connectors, async |route, frame| test_call(route, Area::account(&frame)).await)
}

/// `/ops/connectors/:con/test-call`
#[component]
pub fn PlatformTestCallPage() -> impl IntoView {
    ops_page(async |route, visit| test_call(route, Area::platform(&visit)).await)
}

async fn test_call(route: RouteParams, area: Area) -> Result<Html, UiError> {
    area.need_manager()?;
    let connector = load_connector(area.pages.clone(), route.param("con")).await?;
    let events = load_latest_events(area.pages.clone()).await?;
    // Older events came in another way.
    let events: Vec<_> =
        events.into_iter().filter(|event| event.accepted_at >= connector.created_at && !event.test).collect();
    let (steps, here) = steps(&area, &connector, SetUp::TestCall);
    let (feed, back) = (area.feed.clone(), area.page(&connector, ""));
    let lead = "Call one of your numbers from outside, and let it ring. The call appears here as it happens.";
    Ok(view! {
        <Crumb area=area.clone()/>
        <Heading title="Make a test call" lead=lead>
            <Refresh/>
            {feed.map(|feed| view! { <Live feed=feed/> })}
            <LinkButton href=back>"Finish"</LinkButton>
        </Heading>
        <Steps steps=steps here=here/>
        <Seen connector=connector events=events area=area/>
    }
    .into_html())
}

#[component]
fn Seen(connector: Connector, events: Vec<EventRow>, area: Area) -> impl IntoView {
    let newest = events.first().map(|event| event.id.to_string()).unwrap_or_default();
    let last = connector.state.last_event_at;
    let status = connector.status(area.view.now);
    let version = format!("{newest}-{last:?}-{}-{:?}", status.as_str(), connector.state.problem);
    let unconnected = status != ConnectorStatus::Connected;
    let problem = problem(&connector)
        .or_else(|| unconnected.then(|| format!("{} is not connected, so it can’t see a call.", connector.name)));
    let connect = area.page(&connector, "connect");
    let trouble = problem.map(|text| {
        view! {
            <p class="max-w-column border-l-4 border-failed-fill bg-failed-soft px-4 py-3 text-failed">
                {text}" "{unconnected.then(|| view! { <a class="text-failed" href=connect>"See what is missing"</a> })}
            </p>
        }
    });
    let content = if area.is_platform() {
        platform(&connector, &area).into_html()
    } else if events.is_empty() {
        waiting(&connector).into_html()
    } else {
        arrived(&connector, events, &area).into_html()
    };
    view! {
        <LiveRegion view=area.view.clone() version=version>
            <p class="flex flex-wrap items-center gap-x-3 text-table"><ConnectorBadge status=status way=connector.way/> {connector.name.clone()}</p>
            {trouble}
            {content}
        </LiveRegion>
    }
}

fn waiting(connector: &Connector) -> impl IntoView + use<> {
    let check = if super::has_trunks(connector) {
        "Check the trunks: only calls through a trunk are reported."
    } else {
        "Check the address and the token in the phone system."
    };
    view! {
        <div role="status" class="max-w-column">
            <Waiting/>
            <h2 class="text-large font-bold">"Waiting for the first call"</h2>
            <p class="text-table text-ink-2">"Nothing after a few seconds? "{check}</p>
        </div>
    }
}

/// The events of the account, newest first.
fn arrived(connector: &Connector, events: Vec<EventRow>, area: &Area) -> impl IntoView + use<> {
    let view = area.view.clone();
    let sent = events.iter().any(|event| event.deliveries > 0);
    let rows = events.into_iter().map({
        let view = view.clone();
        move |event| {
            let parties = format!("{} → {}", phone::display(&event.caller), phone::display(&event.callee));
            let href = links::call(&view.acct, &event.call_id);
            let at = view! { <TimeText at=event.accepted_at form=TimeForm::Clock view=view.clone()/> };
            view! {
                <li class="relative grid gap-x-4 gap-y-0.5 border-b border-line py-2 text-table hover:bg-sunk sm:grid-cols-[9rem_minmax(0,1fr)_auto]">
                    <a class="font-semibold no-underline after:absolute after:inset-0" href=href>{event.kind.as_str()}</a>
                    <span class="wrap-anywhere">{parties}</span>
                    <span class="text-ink-3">{at}</span>
                    <span class="text-ink-2 sm:col-span-3"><Outcome event=event view=view.clone()/></span>
                </li>
            }
        }
    });
    let next = if sent { (area.page(connector, ""), "Finish") } else { (view.path("start"), "Set up an endpoint") };
    view! {
        <section class="grid max-w-column gap-3" role="status" aria-labelledby="seen">
            <h2 class="text-large font-bold" id="seen">"Your call is here"</h2>
            <ul class="border-t border-line">{rows.collect_view()}</ul>
            <div><LinkButton weight=Weight::Primary href=next.0>{next.1}</LinkButton></div>
        </section>
    }
}

/// For the platform: whether a call was seen. Its events belong to the account that the number is routed to.
fn platform(connector: &Connector, area: &Area) -> impl IntoView + use<> {
    let Some(at) = connector.state.last_event_at else { return waiting(connector).into_html() };
    let (routes, page) = (area.page(connector, "routes"), area.page(connector, ""));
    let ago = view! { <AgoText at=at view=area.view.clone()/> };
    view! {
        <section class="grid max-w-column gap-3" role="status" aria-labelledby="seen">
            <h2 class="text-large font-bold" id="seen">"A call was seen "{ago}</h2>
            <p class="text-ink-2">"Each call is reported to the account that its number is routed to. Numbers without a route are listed on the connector’s page."</p>
            <div class="flex flex-wrap gap-3">
                <LinkButton weight=Weight::Primary href=routes>"Route numbers"</LinkButton>
                <LinkButton href=page>"Finish"</LinkButton>
            </div>
        </section>
    }
    .into_html()
}
