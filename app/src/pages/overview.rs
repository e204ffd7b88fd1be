//! The overview of an account: a verdict, its endpoints, its latest calls.

use domain::UnixMs;
use domain::actor::Permission;
use domain::call::CallRow;
use domain::endpoint::{EndpointStatus, EndpointSummary};
use leptos::prelude::*;

use super::account_page;
use super::endpoints::history::LastDay;
use super::endpoints::rows::EndpointRows;
use super::support::search::SupportSearch;
use crate::api;
use crate::components::button::LinkButton;
use crate::components::call_row::CallRows;
use crate::components::count_text::number;
use crate::components::heading::TabTitle;
use crate::components::notices::Notices;
use crate::components::render_context::RenderContext;
use crate::components::sidebar::Part;
use crate::html::IntoHtml;
use crate::links;

/// `/a/:acct`
#[component]
pub fn Overview() -> impl IntoView {
    account_page(Part::Overview, async |route, frame| {
        let api::overview::Activity { endpoints, hours, latest } =
            api::overview::load_overview(route.acct.clone()).await?;
        if endpoints.is_empty() && latest.is_empty() && frame.may(Permission::WriteEndpoints) {
            // First use: show the setup page instead.
            api::visit::redirect(links::account(&route.acct, "start")).await?;
        }
        let view = RenderContext::from(&frame);
        let verdict = verdict(&endpoints, view.now);
        Ok(view! {
            <TabTitle title="Overview".to_owned()/>
            <Notices/>
            <h1 class="max-w-column text-verdict font-bold leading-row">{verdict}</h1>
            {frame.support.is_some().then(|| view! { <SupportSearch view=view.clone()/> })}
            {(!endpoints.is_empty()).then(|| inactive(&latest, &view))}
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
                    <h2 class="text-large font-bold" id="latest">"Latest calls"</h2>
                    <a href=links::account(&view.acct, "calls")>"All calls"</a>
                </div>
                {latest_calls(latest, view)}
            </section>
        }
        .into_html())
    })
}

/// The state of the account in one sentence.
fn verdict(endpoints: &[EndpointSummary], now: UnixMs) -> String {
    let statuses: Vec<EndpointStatus> = endpoints.iter().map(|one| EndpointStatus::of(one, now)).collect();
    let delivered = endpoints.iter().fold(0, |sum: u32, one| sum.saturating_add(one.delivered_24h));
    let names = endpoints.iter().zip(&statuses).filter(|(_, status)| status.is_down());
    let down: Vec<&str> = names.map(|(one, _)| one.endpoint.name.as_str()).collect();
    let state = match (down.as_slice(), endpoints.len()) {
        (_, 0) => return "No endpoints yet, so events aren't sent anywhere.".to_owned(),
        _ if statuses.contains(&EndpointStatus::Suspended) => "The account is suspended. Events are held.".to_owned(),
        ([name], _) => format!("{name} is failing."),
        ([_, ..], all) => format!("{} of {all} endpoints are failing.", down.len()),
        ([], 1) if statuses == [EndpointStatus::Healthy] => "Your endpoint is healthy.".to_owned(),
        ([], all) if statuses.iter().all(|one| *one == EndpointStatus::Healthy) => {
            format!("All {all} endpoints are healthy.")
        }
        ([], _) => "No endpoints are failing.".to_owned(),
    };
    format!("{state}{} {} delivered in 24 h.", paused(&statuses), number(delivered))
}

fn paused(statuses: &[EndpointStatus]) -> String {
    match statuses.iter().filter(|one| **one == EndpointStatus::Paused).count() {
        0 => String::new(),
        n => format!(" {n} paused."),
    }
}

fn latest_calls(rows: Vec<CallRow>, view: RenderContext) -> impl IntoView {
    if rows.is_empty() {
        return view! { <p class="text-ink-2">"No calls yet."</p> }.into_html();
    }
    view! { <CallRows rows=rows view=view/> }.into_html()
}

/// What to do if nothing has been sent lately.
fn inactive(latest: &[CallRow], view: &RenderContext) -> Option<impl IntoView + use<>> {
    let text = match latest.iter().map(|row| row.began_at).max() {
        None => "No events sent yet.".to_owned(),
        Some(newest) if view.now.since_ms(newest) > domain::time::DAY_MS => {
            format!("No events since {}.", view.zone.short(newest))
        }
        Some(_) => return None,
    };
    let href = links::account(&view.acct, "endpoints");
    Some(view! {
        <p class="flex flex-wrap items-center gap-3">
            <span>{text} " Send a test to check that everything works."</span>
            <LinkButton href=href>"Choose an endpoint"</LinkButton>
        </p>
    })
}

#[cfg(test)]
mod tests {
    use domain::endpoint::{EndpointState, Health};

    use super::*;
    use crate::components::endpoint_badge::sample;

    #[test]
    fn the_verdict_names_one_failing_endpoint_and_counts_several() {
        let healthy = EndpointSummary { delivered_24h: 1_204, ..sample(Health { proven: true, ..Health::default() }) };
        let failing = sample(Health {
            failures_in_row: 12,
            failing_since: Some(UnixMs(0)),
            failing_days: 1,
            ..Health::default()
        });
        let mut held = sample(Health::default());
        held.endpoint.state = EndpointState::Paused;
        let say = |all: &[&EndpointSummary]| verdict(&all.iter().copied().cloned().collect::<Vec<_>>(), UnixMs(0));
        assert_eq!(say(&[&healthy]), "Your endpoint is healthy. 1,204 delivered in 24 h.");
        assert_eq!(say(&[&healthy, &healthy]), "All 2 endpoints are healthy. 2,408 delivered in 24 h.");
        assert_eq!(say(&[&healthy, &failing]), "CRM is failing. 1,204 delivered in 24 h.");
        assert_eq!(say(&[&failing, &failing, &held]), "2 of 3 endpoints are failing. 1 paused. 0 delivered in 24 h.");
        assert_eq!(say(&[]), "No endpoints yet, so events aren't sent anywhere.");
    }
}
