//! All connectors, with the state of each.

use domain::connector::Connector;
use leptos::prelude::*;

use super::Area;
use crate::{
    api::connectors::load_connectors,
    components::{
        button::{LinkButton, Weight},
        connector_badge::{ConnectorBadge, problem},
        empty_state::EmptyState,
        heading::Heading,
        sidebar::Part,
        time_text::AgoText,
    },
    error::UiError,
    html::{Html, IntoHtml},
    links,
    pages::{account_page, ops_page},
};

/// `/a/:acct/connectors`
#[component]
pub fn ConnectorsPage() -> impl IntoView {
    account_page(Part::Connectors, async |_, frame| list(Area::account(&frame)).await)
}

/// `/ops/connectors`
#[component]
pub fn PlatformConnectorsPage() -> impl IntoView {
    ops_page(async |_, visit| list(Area::platform(&visit)).await)
}

async fn list(area: Area) -> Result<Html, UiError> {
    let connectors = load_connectors(area.pages.clone()).await?;
    if connectors.is_empty() {
        return Ok(empty(&area).into_html());
    }
    let new = area.manages.then(|| {
        let href = format!("{}/new", area.pages.list());
        view! { <LinkButton weight=Weight::Primary href=href>"New connector"</LinkButton> }
    });
    let rows = connectors.into_iter().map(|connector| view! { <Row connector=connector area=area.clone()/> });
    Ok(view! {
        <Heading title="Connectors" lead="The phone systems that report calls.">{new}</Heading>
        <ul class="border-b border-line">{rows.collect_view()}</ul>
    }
    .into_html())
}

/// What connectors are for, and the way to the first one.
fn empty(area: &Area) -> impl IntoView + use<> {
    let words = if area.is_platform() {
        "A connector reports the calls of a phone system as they happen. A platform connector has the calls of many accounts, \
         and routes each call to one of them by its number."
    } else {
        "A connector reports the calls of your phone system as they happen, so that your endpoints receive them. It takes about \
         five minutes, without changes to your dialplan."
    };
    let new = format!("{}/new", area.pages.list());
    let manages = area.manages;
    view! {
        <Heading title="Connectors"/>
        <EmptyState title="No phone system is connected" words=words>
            {manages.then(|| view! { <LinkButton weight=Weight::Primary href=new>"Connect a phone system"</LinkButton> })}
            <LinkButton href=format!("{}/connect-asterisk", links::HELP)>"Read how it works"</LinkButton>
        </EmptyState>
    }
}

#[component]
fn Row(connector: Connector, area: Area) -> impl IntoView {
    let status = connector.status(area.view.now);
    let page = area.page(&connector, "");
    let what = format!("{} · {}", connector.system.label(), connector.way.label());
    let last = connector.state.last_event_at.map(|at| {
        let ago = view! { <AgoText at=at view=area.view.clone()/> };
        view! { <span>"Last event "{ago}</span> }
    });
    let problem = problem(&connector).map(|text| {
        view! { <p class="text-table text-failed md:col-span-2">{text}</p> }
    });
    view! {
        <li class="relative grid gap-x-4 border-t border-line px-3 py-2 hover:bg-sunk md:grid-cols-[minmax(0,1fr)_auto]">
            <p><a class="font-semibold wrap-anywhere after:absolute after:inset-0" href=page>{connector.name}</a></p>
            <p class="text-table md:text-right"><ConnectorBadge status=status way=connector.way/></p>
            <p class="text-table text-ink-2">{what}</p>
            <p class="text-table text-ink-2 md:text-right">{last}</p>
            {problem}
        </li>
    }
}
