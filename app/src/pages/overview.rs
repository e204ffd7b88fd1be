//! How the account stands: a verdict, its endpoints, its latest deliveries.

use domain::UnixMs;
use domain::actor::Permission;
use domain::delivery::DeliveryRow;
use domain::endpoint::EndpointSummary;
use leptos::prelude::*;

use super::account_page;
use super::endpoints::record::LastDay;
use super::endpoints::rows::{DeliveryRows, EndpointRows};
use super::support::search::SupportSearch;
use crate::api;
use crate::components::button::LinkButton;
use crate::components::count_text::number;
use crate::components::endpoint_lamp::Standing;
use crate::components::heading::TabTitle;
use crate::components::notices::Notices;
use crate::components::rail::Part;
use crate::components::viewpoint::Viewpoint;
use crate::html::IntoHtml;
use crate::links;

/// `/a/:acct`
#[component]
pub fn Overview() -> impl IntoView {
    account_page(Part::Overview, async |place, frame| {
        let api::overview::Standing { endpoints, hours, latest } =
            api::overview::load_overview(place.acct.clone()).await?;
        if endpoints.is_empty() && latest.is_empty() && frame.may(Permission::WriteEndpoints) {
            // First use: the checklist is the better page.
            api::visit::move_on(links::account(&place.acct, "start")).await?;
        }
        let view = Viewpoint::from(&frame);
        let verdict = verdict(&endpoints, view.now);
        Ok(view! {
            <TabTitle title="Overview".to_owned()/>
            <Notices/>
            <h1 class="max-w-column text-verdict font-bold leading-row">{verdict}</h1>
            {frame.support.is_some().then(|| view! { <SupportSearch view=view.clone()/> })}
            {(!endpoints.is_empty()).then(|| quiet(&latest, &view))}
            {(!hours.is_empty()).then(|| view! { <LastDay hours=hours view=view.clone()/> })}
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
        .into_html())
    })
}

/// The one sentence for who has no time.
fn verdict(endpoints: &[EndpointSummary], now: UnixMs) -> String {
    let standings: Vec<Standing> = endpoints.iter().map(|one| Standing::of(one, now)).collect();
    let delivered = endpoints.iter().fold(0, |sum: u32, one| sum.saturating_add(one.delivered_24h));
    let names = endpoints.iter().zip(&standings).filter(|(_, standing)| standing.is_down());
    let down: Vec<&str> = names.map(|(one, _)| one.endpoint.name.as_str()).collect();
    let how = match (down.as_slice(), endpoints.len()) {
        (_, 0) => return "No endpoint yet: events go nowhere.".to_owned(),
        _ if standings.contains(&Standing::Suspended) => "The account is suspended: events are held.".to_owned(),
        ([name], _) => format!("{name} is failing."),
        ([_, ..], all) => format!("{} of {all} endpoints are failing.", down.len()),
        ([], 1) if standings == [Standing::Answering] => "Your endpoint is answering.".to_owned(),
        ([], all) if standings.iter().all(|one| *one == Standing::Answering) => {
            format!("All {all} endpoints are answering.")
        }
        ([], _) => "No endpoint is failing.".to_owned(),
    };
    format!("{how}{} {} delivered in 24 h.", paused(&standings), number(delivered))
}

fn paused(standings: &[Standing]) -> String {
    match standings.iter().filter(|one| **one == Standing::Paused).count() {
        0 => String::new(),
        n => format!(" {n} paused."),
    }
}

/// What to do while nothing happens.
fn quiet(latest: &[DeliveryRow], view: &Viewpoint) -> Option<impl IntoView + use<>> {
    let words = match latest.iter().map(|row| row.created_at).max() {
        None => "Nothing has been sent yet.".to_owned(),
        Some(newest) if view.now.since_ms(newest) > domain::time::DAY_MS => {
            format!("Quiet since {}.", view.zone.short(newest))
        }
        Some(_) => return None,
    };
    let href = links::account(&view.acct, "endpoints");
    Some(view! {
        <p class="flex flex-wrap items-center gap-3">
            <span>{words} " Send a test to be sure."</span>
            <LinkButton href=href>"Choose an endpoint"</LinkButton>
        </p>
    })
}

#[cfg(test)]
mod tests {
    use domain::endpoint::{EndpointState, Health};

    use super::*;
    use crate::components::endpoint_lamp::sample;

    #[test]
    fn the_verdict_names_the_one_that_fails_and_counts_the_many() {
        let answering = EndpointSummary {
            delivered_24h: 1_204,
            ..sample(Health { last_success_at: Some(UnixMs(0)), ..Health::default() })
        };
        let failing = sample(Health { failures_in_row: 12, ..Health::default() });
        let mut held = sample(Health::default());
        held.endpoint.state = EndpointState::Paused;
        let say = |all: &[&EndpointSummary]| verdict(&all.iter().copied().cloned().collect::<Vec<_>>(), UnixMs(0));
        assert_eq!(say(&[&answering]), "Your endpoint is answering. 1,204 delivered in 24 h.");
        assert_eq!(say(&[&answering, &answering]), "All 2 endpoints are answering. 2,408 delivered in 24 h.");
        assert_eq!(say(&[&answering, &failing]), "CRM is failing. 1,204 delivered in 24 h.");
        assert_eq!(say(&[&failing, &failing, &held]), "2 of 3 endpoints are failing. 1 paused. 0 delivered in 24 h.");
        assert_eq!(say(&[]), "No endpoint yet: events go nowhere.");
    }
}
