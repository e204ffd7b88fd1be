//! How the account stands: a verdict, its endpoints, its latest deliveries.

use domain::UnixMs;
use domain::delivery::DeliveryRow;
use domain::endpoint::EndpointSummary;
use domain::time::counted;
use leptos::prelude::*;

use super::account_page;
use super::endpoints::rows::{DeliveryRows, EndpointRows};
use crate::api;
use crate::components::button::LinkButton;
use crate::components::endpoint_lamp::Standing;
use crate::components::heading::TabTitle;
use crate::components::notices::Notices;
use crate::components::rail::Part;
use crate::components::viewpoint::Viewpoint;
use crate::links;

/// `/a/:acct`
#[component]
pub fn Overview() -> impl IntoView {
    account_page(Part::Overview, async |place, frame| {
        let (endpoints, latest) = api::overview::load_overview(place.acct.clone()).await?;
        if endpoints.is_empty() && latest.is_empty() {
            // First use: the checklist is the better page.
            api::visit::move_on(links::account(&place.acct, "start")).await?;
        }
        let view = Viewpoint::from(&frame);
        let verdict = verdict(&endpoints, view.now);
        Ok(view! {
            <TabTitle title="Overview".to_owned()/>
            <Notices/>
            <h1 class="max-w-column text-verdict font-bold leading-row">{verdict}</h1>
            {quiet(&latest, &view)}
            <section class="grid gap-3" aria-labelledby="endpoints">
                <div class="flex flex-wrap items-baseline justify-between gap-3">
                    <h2 class="text-large font-bold" id="endpoints">"Endpoints"</h2>
                    <a href=links::account(&view.acct, "endpoints")>"All endpoints"</a>
                </div>
                <EndpointRows endpoints=endpoints view=view.clone()/>
            </section>
            <section class="grid gap-3" aria-labelledby="latest">
                <div class="flex flex-wrap items-baseline justify-between gap-3">
                    <h2 class="text-large font-bold" id="latest">"Latest deliveries"</h2>
                    <a href=links::account(&view.acct, "deliveries")>"All deliveries"</a>
                </div>
                <DeliveryRows rows=latest view=view/>
            </section>
        }
        .into_any())
    })
}

/// The one sentence for who has no time.
fn verdict(endpoints: &[EndpointSummary], now: UnixMs) -> String {
    let is = |summary: &EndpointSummary, standings: &[Standing]| standings.contains(&Standing::of(summary, now));
    let bad: Vec<_> = endpoints.iter().filter(|one| is(one, &[Standing::Failing, Standing::Disabled])).collect();
    let delivered: i64 = endpoints.iter().map(|one| i64::from(one.delivered_24h)).sum();
    let delivered =
        format!("{} in 24 h.", if delivered == 1 { "1 delivery".to_owned() } else { format!("{delivered} delivered") });
    let held = endpoints.iter().filter(|one| is(one, &[Standing::Paused])).count();
    let held = if held == 0 { String::new() } else { format!(" {held} paused.") };
    match (bad.as_slice(), endpoints.len()) {
        (_, 0) => "No endpoint yet: events go nowhere.".to_owned(),
        ([], 1) if held.is_empty() => format!("Your endpoint has no problem. {delivered}"),
        ([], all) if held.is_empty() => format!("All {all} endpoints are without a problem. {delivered}"),
        ([], _) => format!("No endpoint has a problem.{held} {delivered}"),
        ([one], _) => format!("{} is not answering. {delivered}{held}", one.endpoint.name),
        (many, all) => {
            format!("{} of {} are not answering. {delivered}{held}", many.len(), counted(all as i64, "endpoint"))
        }
    }
}

/// What to do while nothing happens.
fn quiet(latest: &[DeliveryRow], view: &Viewpoint) -> Option<impl IntoView + use<>> {
    let newest = latest.iter().map(|row| row.created_at).max()?;
    let still = view.now.since_ms(newest) > domain::time::DAY_MS;
    let href = links::account(&view.acct, "endpoints");
    let since = view.zone.short(newest);
    still.then(|| {
        view! {
            <p class="flex flex-wrap items-center gap-3">
                <span>"Quiet since " {since} ". Send a test to be sure."</span>
                <LinkButton href=href>"Choose an endpoint"</LinkButton>
            </p>
        }
    })
}
