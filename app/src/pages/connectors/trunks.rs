//! Choosing the trunks among the endpoints seen, and the country.

use domain::connector::{Connector, SeenEndpoint, seen_endpoints};
use leptos::prelude::*;

use super::{Area, SetUp, fields::PlaceFields, new::Crumb, steps};
use crate::{
    api::connectors::load_connector,
    components::{
        button::{Button, LinkButton, Weight},
        checkbox_group::{CheckboxGroup, Choice},
        field::Lines,
        heading::Heading,
        live_region::Refresh,
        sidebar::Part,
        steps::Steps,
    },
    error::UiError,
    html::{Html, IntoHtml},
    pages::{RouteParams, account_page, ops_page},
};

/// `/a/:acct/connectors/:con/trunks`
#[component]
pub fn TrunksPage() -> impl IntoView {
    account_page(Part::Connectors, async |route, frame| trunks(route, Area::account(&frame)).await)
}

/// `/ops/connectors/:con/trunks`
#[component]
pub fn PlatformTrunksPage() -> impl IntoView {
    ops_page(async |route, visit| trunks(route, Area::platform(&visit)).await)
}

async fn trunks(route: RouteParams, area: Area) -> Result<Html, UiError> {
    area.need_manager()?;
    let connector = load_connector(area.pages.clone(), route.param("con")).await?;
    let (steps, here) = steps(&area, &connector, SetUp::Trunks);
    let lead = "A trunk leads outside: calls through it are incoming or outgoing. All other endpoints are extensions.";
    let skip = area.page(&connector, "");
    Ok(view! {
        <Crumb area=area.clone()/>
        <Heading title=format!("Trunks of {}", connector.name) lead=lead>
            <LinkButton href=skip>"Finish later"</LinkButton>
        </Heading>
        <Steps steps=steps here=here/>
        <TrunksForm connector=connector area=area/>
    }
    .into_html())
}

/// The endpoints to choose from: those seen, and the trunks chosen before.
fn choices(connector: &Connector, picked: Option<&[String]>) -> Vec<(SeenEndpoint, bool)> {
    let mut endpoints = seen_endpoints(&connector.state.seen);
    let unseen = connector.trunks.iter().filter(|trunk| !endpoints.iter().any(|one| &one.name == *trunk));
    let unseen: Vec<_> = unseen.map(|name| SeenEndpoint { name: name.clone(), suggested: false }).collect();
    endpoints.splice(0..0, unseen);
    let chosen = |endpoint: &SeenEndpoint| match picked {
        Some(picked) => picked.contains(&endpoint.name),
        None if connector.trunks.is_empty() => endpoint.suggested,
        None => connector.trunks.contains(&endpoint.name),
    };
    endpoints.into_iter().map(|endpoint| (chosen(&endpoint), endpoint)).map(|(checked, one)| (one, checked)).collect()
}

#[component]
fn TrunksForm(connector: Connector, area: Area) -> impl IntoView {
    let picked = area.flash.refused().then(|| area.flash.values("picked"));
    let seen = choices(&connector, picked.as_deref());
    let nothing_seen = seen.is_empty();
    let choices = seen.into_iter().map(|(endpoint, checked)| Choice {
        meaning: if endpoint.suggested {
            "Looks like a trunk"
        } else if connector.trunks.contains(&endpoint.name) {
            "Chosen before"
        } else {
            "Looks like a phone"
        },
        value: endpoint.name.clone().into(),
        label: endpoint.name.into(),
        checked,
    });
    let choices: Vec<_> = choices.collect();
    let country = connector.country.map(String::from).unwrap_or_default();
    let internal = connector.include_internal;
    let others_label = if nothing_seen { "Trunks, one per line" } else { "Further trunks, one per line" };
    view! {
        <form class="grid max-w-column gap-6" method="post" action=area.actions().trunks>
            {area.fields(&connector)}
            {if nothing_seen {
                view! {
                    <div class="flex flex-wrap items-center gap-3 border-l-4 border-held-fill bg-held-soft px-4 py-3" id="picked" tabindex="-1">
                        <p class="min-w-60 flex-1">"No calls seen yet. Make one, then reload this page, or enter the names from your configuration."</p>
                        <LinkButton href=area.page(&connector, "trunks")>"Reload"</LinkButton>
                    </div>
                }.into_html()
            } else {
                view! { <CheckboxGroup name="picked" label="Endpoints that had calls" hint="Likely trunks are selected. Check them before you save." choices=choices/> }.into_html()
            }}
            <Lines name="others" label=others_label rows=3
                hint="The name of the endpoint in the phone system’s configuration, without PJSIP/ or SIP/ in front."/>
            <PlaceFields country=country internal=Some(internal)/>
            <div class="flex flex-wrap gap-3">
                <Button weight=Weight::Primary>"Save and continue"</Button>
                <Refresh/>
            </div>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use domain::connector::System;

    use super::*;
    use crate::components::connector_badge::sample;

    #[test]
    fn suggestions_are_selected_until_trunks_were_chosen() {
        let mut connector = sample(System::Asterisk);
        connector.state.seen = ["PJSIP/7048", "PJSIP/provider"].map(str::to_owned).to_vec();
        let checked = |connector: &Connector, picked: Option<&[String]>| {
            let all = choices(connector, picked);
            all.into_iter().filter(|(_, checked)| *checked).map(|(one, _)| one.name).collect::<Vec<_>>()
        };
        assert_eq!(checked(&connector, None), ["provider"]);
        assert!(checked(&connector, Some(&[])).is_empty(), "a refused choice is kept");
        connector.trunks = vec!["old-sbc".into()];
        assert_eq!(checked(&connector, None), ["old-sbc"], "also where it had no calls");
    }
}
