//! The state of a connector: the verdict, four numbers, and what is wrong.

use domain::{
    connector::{Connector, ConnectorStatus},
    time::length,
};
use leptos::prelude::*;

use super::Area;
use crate::{
    components::{
        connector_badge::{icon, problem, since, verdict},
        count_text::grouped,
        status_badge::{StatusIcon, ink},
        time_text::AgoText,
    },
    html::{Html, IntoHtml},
};

#[component]
pub(super) fn State(connector: Connector, area: Area) -> impl IntoView {
    let (now, status) = (area.view.now, connector.status(area.view.now));
    let title = verdict(&connector, now);
    let since = since(&connector, &area.view.zone, now);
    let look = ink(icon(status));
    let meters = meters(&connector, &area);
    let problem = problem(&connector).map(|text| {
        view! { <p class="max-w-column border-l-4 border-failed-fill bg-failed-soft px-4 py-3 text-failed">{text}</p> }
    });
    view! {
        <div class="flex flex-wrap items-start justify-between gap-x-8 gap-y-3">
            <div class="min-w-0">
                <h1 class="flex items-baseline gap-3 text-verdict font-bold leading-row wrap-anywhere">
                    <span class=look><StatusIcon status=icon(status) class="size-5"/></span>
                    {title}
                </h1>
                <p class="max-w-column text-ink-2">{since}</p>
            </div>
            {meters}
        </div>
        {problem}
    }
}

/// What it reports. Only for a connector that has ever been connected.
fn meters(connector: &Connector, area: &Area) -> Option<Html> {
    let state = &connector.state;
    let connected = connector.status(area.view.now) == ConnectorStatus::Connected;
    if state.connected_at.is_none() && state.last_event_at.is_none() {
        return None;
    }
    let last = match state.last_event_at {
        Some(at) => view! { <AgoText at=at view=area.view.clone()/> }.into_html(),
        None => view! { <span>"none yet"</span> }.into_html(),
    };
    let live = connected && connector.way.is_connected(connector.system);
    let calls = live.then(|| meter("calls open", view! { <span>{grouped(state.calls_open)}</span> }.into_html()));
    let lag = state.lag_ms.filter(|_| live).map(|ms| meter("lag", view! { <span>{length(ms)}</span> }.into_html()));
    Some(
        view! {
            <dl class="flex flex-wrap gap-y-2">
                {calls}
                {lag}
                {meter("last event", last)}
            </dl>
        }
        .into_html(),
    )
}

fn meter(name: &'static str, value: Html) -> impl IntoView {
    view! {
        <div class="flex flex-col-reverse border-l border-line px-4 first:border-l-0 first:pl-0 md:first:border-l md:first:pl-4">
            <dt class="text-meta text-ink-3">{name}</dt>
            <dd class="text-large font-semibold whitespace-nowrap">{value}</dd>
        </div>
    }
}
