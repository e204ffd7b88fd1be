//! The delivery list: what matches the filter in the URL, newest first, each with its cause.

use domain::{actor::Permission, delivery::DeliveryCounts, filter::DeliveryFilter};
use islands::live::Live;
use leptos::prelude::*;

use super::{
    counts::Counts,
    facets::{Names, chips},
    filter_form::FilterForm,
    no_match,
    rows::Rows,
};
use crate::html::IntoHtml;
use crate::{
    api::{self, deliveries::DeliveryList},
    components::{
        button::{LinkButton, Weight},
        delivery_row::{RowActs, SELECTION},
        empty_state::EmptyState,
        filter_chips::FilterChips,
        heading::Heading,
        live_region::{LiveRegion, Refresh},
        pager::{Pager, Paging, Trail},
        render_context::RenderContext,
        sidebar::Part,
    },
    links,
    pages::{RouteParams, account_page},
    visit::Frame,
};

/// `/a/:acct/deliveries`
#[component]
pub fn DeliveriesPage() -> impl IntoView {
    account_page(Part::Deliveries, async |route, frame| {
        let loaded = api::deliveries::list(route.acct.clone(), route.query.clone()).await?;
        let filter = DeliveryFilter::parse(&route.query);
        let view = RenderContext::from(&frame);
        let base = view.path("deliveries");
        let names = Names { endpoints: loaded.endpoints.clone(), zone: view.zone.clone() };
        let none = loaded.page.rows.is_empty();
        let empty = match (none, filter.is_all()) {
            (false, _) => None,
            (true, true) => Some(first_use(&view).into_html()),
            (true, false) => Some(no_match::NoMatch::load(&view, &filter, &names).await?.view().into_html()),
        };
        let feed = view.path("deliveries/live");
        Ok(view! {
            <Heading title="Deliveries" lead=view.clock() tab=tab(loaded.counts)>
                <Refresh/>
                {frame.support.is_none().then(|| view! { <Live feed=feed/> })}
            </Heading>
            <div class="grid gap-2">
                <FilterForm filter=filter.clone() names=names.clone() base=base.clone()/>
                <FilterChips chips=chips(&filter, &names, &base) clear=base.clone()/>
            </div>
            <LiveRegion view=view.clone() version=loaded.page.rows.len().to_string()>
                {match empty {
                    Some(empty) => empty,
                    None => filled(loaded, filter, view, &route).into_html(),
                }}
            </LiveRegion>
        }
        .into_html())
    })
}

/// The tab title shows the number of failures: `(3 ▲) Deliveries`.
fn tab(counts: DeliveryCounts) -> String {
    if counts.failed == 0 { "Deliveries".to_owned() } else { format!("({} ▲) Deliveries", counts.failed) }
}

fn filled(loaded: DeliveryList, filter: DeliveryFilter, view: RenderContext, route: &RouteParams) -> impl IntoView {
    let paging =
        Paging::around(&Trail::parse(&route.query), filter.cursor.as_deref(), loaded.page.next.as_deref(), |cursor| {
            DeliveryFilter { cursor, ..filter.clone() }.to_query()
        });
    let query = filter.first_page().to_query();
    let may = use_context::<Frame>().is_some_and(|frame| frame.may(Permission::WriteDeliveries));
    let acts = if may { RowActs::SelectAndRetry } else { RowActs::Link };
    let bar = may.then(|| view! { <BulkBar query=query.clone() view=view.clone()/> });
    view! {
        <div class="flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
            <Counts counts=loaded.counts filter=filter base=view.path("deliveries")/>
            {bar}
        </div>
        <Rows rows=loaded.page.rows view=view query=query acts=acts/>
        <Pager paging=paging/>
    }
    .into_html()
}

/// Actions on the selected rows, and on all that match.
#[component]
fn BulkBar(query: String, view: RenderContext) -> impl IntoView {
    let all = links::bulk(&view.acct, &query);
    view! {
        <form method="get" action=links::bulk(&view.acct, "") id=SELECTION class="flex flex-wrap items-center gap-x-4 gap-y-1 text-table">
            <input type="hidden" name="selected" value="1"/>
            <button type="submit" class=QUIET>"Retry or resend selected…"</button>
            <a class=QUIET href=all>"Retry or resend all…"</a>
        </form>
    }
}

const QUIET: &str =
    "inline-flex min-h-6 pointer-coarse:min-h-11 items-center underline underline-offset-4 hover:decoration-2";

fn first_use(view: &RenderContext) -> impl IntoView + use<> {
    let may = use_context::<Frame>().is_some_and(|frame| frame.may(Permission::WriteEndpoints));
    let (href, verb) =
        if may { (view.path("start"), "Send a test") } else { (view.path("endpoints"), "View endpoints") };
    view! {
        <EmptyState
            title="No deliveries yet"
            words="A delivery is created for each event and each endpoint subscribed to it. It shows the result and, if it failed, the reason."
        >
            <LinkButton href=href weight=Weight::Primary>{verb}</LinkButton>
        </EmptyState>
    }
}
