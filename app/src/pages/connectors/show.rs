//! One connector: its state, its gaps, its settings, its history. For the platform's, also the numbers without a route.

use domain::{
    connector::{Connector, Way},
    query::Page as Paged,
};
use islands::live::Live;
use leptos::prelude::*;

use super::{Area, gaps::Gaps, state::State};
use crate::{
    api::connectors::{load_connector, load_connector_history},
    components::{
        button::{Button, LinkButton, Weight},
        heading::TabTitle,
        key_value::{Facts, IdText, KeyValue},
        live_region::{LiveRegion, Refresh},
        notices::Notices,
        pager::{Paging, Trail},
        panel::Panel,
        render_context::RenderContext,
        sidebar::Part,
        time_text::{TimeForm, TimeText},
    },
    error::UiError,
    html::{Html, IntoHtml},
    pages::{RouteParams, account_page, ops::connectors::unrouted::Unrouted, ops_page},
};

/// `/a/:acct/connectors/:con`
#[component]
pub fn ConnectorPage() -> impl IntoView {
    account_page(Part::Connectors, async |route, frame| show(route, Area::account(&frame)).await)
}

/// `/ops/connectors/:con`
#[component]
pub fn PlatformConnectorPage() -> impl IntoView {
    ops_page(async |route, visit| show(route, Area::platform(&visit)).await)
}

async fn show(route: RouteParams, area: Area) -> Result<Html, UiError> {
    let connector = load_connector(area.pages.clone(), route.param("con")).await?;
    let cursor = route.query_param("cursor");
    let (gaps, log) = load_connector_history(area.pages.clone(), route.param("con"), cursor.clone()).await?;
    let unrouted = if area.is_platform() { Some(Unrouted::load(&connector).await?) } else { None };
    let paging = paging(&route, &gaps, &cursor);
    let (feed, list, version) = (area.feed.clone(), area.pages.list(), version(&connector, &area));
    let unrouted = unrouted.map(|unrouted| unrouted.view(&area.flash, &area.view));
    let (actions, settings) = (actions(&connector, &area), settings(&connector, &area));
    let has_gaps = connector.way.is_connected(connector.system) || !gaps.rows.is_empty();
    let state = view! { <State connector=connector.clone() area=area.clone()/> };
    let history = view! { <History log=log view=area.view.clone()/> };
    Ok(view! {
        <TabTitle title=connector.name.clone()/>
        <div class="flex flex-wrap items-center justify-between gap-x-6 gap-y-3">
            <a class="inline-flex min-h-6 items-center text-table" href=list>"← Connectors"</a>
            <div class="flex flex-wrap items-center gap-2">
                <Refresh/>
                {feed.map(|feed| view! { <Live feed=feed/> })}
                {actions}
            </div>
        </div>
        <Notices/>
        <LiveRegion view=area.view.clone() version=version>
            {state}
        </LiveRegion>
        {unrouted}
        <div class="grid grid-cols-1 items-start gap-6 xl:grid-cols-2">
            {has_gaps.then(|| view! { <Gaps connector=connector.clone() gaps=gaps.rows paging=paging area=area.clone()/> })}
            {settings}
        </div>
        {history}
    }
    .into_html())
}

/// Changes with everything that the state shows, except for the passing of time.
fn version(connector: &Connector, area: &Area) -> String {
    let state = &connector.state;
    let status = connector.status(area.view.now).as_str();
    format!("{status}-{:?}-{}-{:?}-{:?}", state.last_event_at, state.calls_open, state.lag_ms, state.problem)
}

fn paging(route: &RouteParams, gaps: &Paged<domain::connector::Gap>, cursor: &str) -> Paging {
    let cursor = Some(cursor).filter(|cursor| !cursor.is_empty());
    Paging::around(&Trail::parse(&route.query), cursor, gaps.next.as_deref(), |cursor| {
        domain::query::Writer::default().with("cursor", cursor.unwrap_or_default()).finish()
    })
}

fn actions(connector: &Connector, area: &Area) -> Option<impl IntoView + use<>> {
    let page = |rest| area.page(connector, rest);
    let paused = connector.paused_at.is_some();
    let (turn, verb) = if paused { ("resume", "Resume") } else { ("pause", "Pause") };
    let weight = if paused { Weight::Primary } else { Weight::Secondary };
    let (action, fields) = (area.actions().turn, area.fields(connector));
    let never = connector.state.last_event_at.is_none() && !paused;
    let is_files = connector.way == Way::Files;
    let records = if is_files { ("Import a file", Weight::Primary) } else { ("Call record files", Weight::Secondary) };
    let set_up = if never { Weight::Primary } else { Weight::Secondary };
    area.manages.then(|| {
        view! {
            {(!is_files).then(|| view! {
                <LinkButton weight=set_up href=page("connect")>{if never { "Continue setup" } else { "Setup" }}</LinkButton>
            })}
            <LinkButton weight=records.1 href=page("records")>{records.0}</LinkButton>
            <form method="post" action=action>
                {fields}
                <Button weight=weight name="turn" value=turn>{verb}</Button>
            </form>
            <LinkButton href=page("edit")>"Edit"</LinkButton>
            {(!is_files).then(|| view! { <LinkButton href=page("rotate")>"Rotate secret"</LinkButton> })}
            <LinkButton weight=Weight::Danger href=page("delete")>"Delete"</LinkButton>
        }
    })
}

fn settings(connector: &Connector, area: &Area) -> impl IntoView + use<> {
    let or = |text: String, none: &str| if text.is_empty() { none.to_owned() } else { text };
    let trunks = super::has_trunks(connector).then(|| or(connector.trunks.join(", "), "None chosen yet"));
    let country = or(connector.country.map(String::from).unwrap_or_default(), "Not set");
    let facts = [
        Some(("Phone system", connector.system.label().to_owned())),
        Some(("How it is connected", connector.way.label().to_owned())),
        connector.ami_address.clone().map(|address| ("AMI address", address)),
        trunks.map(|trunks| ("Trunks", trunks)),
        Some(("Country", country)),
        connector.time_zone.clone().map(|zone| ("Time zone", zone)),
        Some(("Internal calls", if connector.include_internal { "Reported" } else { "Not reported" }.to_owned())),
        (area.manages && connector.way != Way::Files).then(|| ("Secret", format!("••••{}", connector.secret_hint))),
    ];
    let facts = facts.into_iter().flatten().map(|(name, value)| view! { <KeyValue name=name>{value}</KeyValue> });
    let (id, mapping) = (connector.id.to_string(), area.page(connector, "mapping"));
    let records = area.page(connector, "records");
    let maps = connector.way == Way::Http && area.manages;
    view! {
        <Panel title="Settings" id="settings">
            <Facts>
                {facts.collect_view()}
                {(!area.manages).then(|| view! { <KeyValue name="Call record files"><a href=records>"Latest imports"</a></KeyValue> })}
                {maps.then(|| view! { <KeyValue name="Mapping"><a href=mapping>"Edit and try it"</a></KeyValue> })}
                <KeyValue name="Connector ID"><IdText id=id what="connector ID"/></KeyValue>
            </Facts>
        </Panel>
    }
}

/// The audit log of the connector, newest first.
#[component]
fn History(log: Vec<domain::audit::AuditRecord>, view: RenderContext) -> impl IntoView {
    let entry = move |entry: domain::audit::AuditRecord| {
        let who = entry.who.map(|who| format!(" by {who}")).unwrap_or_default();
        view! {
            <li class="flex flex-wrap justify-between gap-x-4 border-t border-line py-1.5">
                <span class="wrap-anywhere">{entry.action.summary()}{who}</span>
                <TimeText at=entry.at form=TimeForm::Short view=view.clone()/>
            </li>
        }
    };
    view! {
        <Panel title="History" id="history">
            <ol class="text-table">{log.into_iter().map(entry).collect_view()}</ol>
        </Panel>
    }
}
