//! Connecting a phone system: which one, then its name and where it is.

use domain::connector::{System, Way};
use leptos::prelude::*;

use super::{
    Area,
    fields::{NameField, PlaceFields, WayField, ZoneField},
};
use crate::{
    components::{
        button::{Button, LinkButton, Weight},
        heading::Heading,
        sidebar::Part,
        steps::{Step, Steps},
    },
    error::UiError,
    html::{Html, IntoHtml},
    links,
    pages::{RouteParams, account_page, ops_page},
    visit::Frame,
};

/// `/a/:acct/connectors/new`
#[component]
pub fn NewConnectorPage() -> impl IntoView {
    account_page(Part::Connectors, async |route, frame| new(route, Area::account(&frame)).await)
}

/// `/ops/connectors/new`
#[component]
pub fn NewPlatformConnectorPage() -> impl IntoView {
    ops_page(async |route, visit| new(route, Area::platform(&visit)).await)
}

async fn new(route: RouteParams, area: Area) -> Result<Html, UiError> {
    area.need_manager()?;
    Ok(match System::parse(&route.query_param("system")) {
        Some(system) => details(&area, system).into_html(),
        None => choose(&area).into_html(),
    })
}

/// The steps before there is a connector, by the phone system chosen.
fn first_steps(system: Option<System>, again: &str) -> Vec<Step> {
    let way = system.and_then(|system| system.ways().first().copied());
    let first = if way == Some(Way::Http) { "First request" } else { "First connection" };
    let has_trunks = system.is_none_or(|system| way.is_some_and(|way| way != Way::Http && way.is_connected(system)));
    let later = |label| Step { label, href: None, done: false };
    let mut steps = vec![
        Step { label: "Phone system", href: Some(again.to_owned()), done: system.is_some() },
        later(first),
        later("Test call"),
    ];
    if has_trunks {
        steps.insert(2, later("Trunks"));
    }
    steps
}

/// Groups of phone systems: title, explanation, systems.
const GROUPS: [(&str, &str, &[System]); 3] = [
    (
        "Your own server",
        "A small program on the same machine watches the phone system and reports its calls. Nothing connects to your phone system from outside.",
        &[System::Asterisk, System::FreeSwitch, System::Kamailio],
    ),
    (
        "Hosted phone systems",
        "The phone system sends its own requests about calls, and a mapping turns them into events.",
        &[
            System::ThreeCx,
            System::Grandstream,
            System::Placetel,
            System::Sipgate,
            System::Telnyx,
            System::Twilio,
            System::Yeastar,
        ],
    ),
    (
        "Something else",
        "Any system that can send an HTTP request when a call begins or ends, or writes call records to a file.",
        &[System::Other],
    ),
];

fn choose(area: &Area) -> impl IntoView + use<> {
    let new = format!("{}/new", area.pages.list());
    let groups = GROUPS.map(|(title, words, systems)| {
        let systems = systems.iter().map(|system| choice(*system, &new)).collect_view();
        view! {
            <section class="grid gap-2">
                <h2 class="text-large font-bold">{title}</h2>
                <p class="max-w-column text-table text-ink-2">{words}</p>
                <ul class="grid border-t border-line sm:grid-cols-2 sm:gap-x-6 lg:grid-cols-3">{systems}</ul>
            </section>
        }
    });
    view! {
        <Crumb area=area.clone()/>
        <Heading title="Connect a phone system"><LinkButton href=area.pages.list()>"Cancel"</LinkButton></Heading>
        <Steps steps=first_steps(None, &new) here=0/>
        {groups}
    }
}

fn choice(system: System, new: &str) -> impl IntoView + use<> {
    let href = format!("{new}?system={}", system.as_str());
    view! {
        <li class="relative border-b border-line py-2 hover:bg-sunk">
            <a class="font-semibold no-underline after:absolute after:inset-0 hover:underline" href=href>{system.label()}</a>
            <p class="text-table text-ink-2">{about(system)}</p>
        </li>
    }
}

/// What to know before choosing it.
const fn about(system: System) -> &'static str {
    match system {
        System::Asterisk => "Asterisk 16 and newer, FreePBX, Issabel and others built on it",
        System::FreeSwitch => "Event socket, or call records over HTTP. Not yet tested with a running FreeSWITCH",
        System::Kamailio => "A configuration to include, instead of a program",
        System::Yeastar => "P-Series, S-Series and Cloud PBX",
        System::Grandstream => "Call records as JSON",
        System::ThreeCx => "CRM template",
        System::Twilio => "Status callbacks",
        System::Telnyx => "Voice API",
        System::Sipgate => "sipgate.io push API",
        System::Placetel => "Notify API",
        System::Other => "Write a mapping and try it on real requests, or upload call record files",
    }
}

fn details(area: &Area, system: System) -> impl IntoView + use<> {
    let new = format!("{}/new", area.pages.list());
    let country = use_context::<Frame>().and_then(|frame| frame.here.account.settings.country);
    let country = country.map(String::from).unwrap_or_default();
    let ways: Vec<Way> = system.ways().iter().copied().filter(|way| *way != Way::Ami || area.is_platform()).collect();
    let (guide, zone) = (guide(system), area.view.zone.name().to_owned());
    view! {
        <Crumb area=area.clone()/>
        <Heading title=format!("Connect {}", system.label())>
            {guide.map(|path| view! { <LinkButton href=format!("{}{path}", links::HELP)>"Read the guide"</LinkButton> })}
            <LinkButton href=area.pages.list()>"Cancel"</LinkButton>
        </Heading>
        <Steps steps=first_steps(Some(system), &new) here=0/>
        <form class="grid max-w-column gap-6" method="post" action=area.actions().create>
            {area.owner_field()}
            <input type="hidden" name="form[system]" value=system.as_str()/>
            <p class="text-table">"Phone system: "<strong>{system.label()}</strong>" "<a href=new.clone()>"Change"</a></p>
            <NameField value=String::new() first=true/>
            <WayField ways=ways/>
            <PlaceFields country=country internal=None/>
            <ZoneField value=zone/>
            <div class="flex flex-wrap gap-3">
                <Button weight=Weight::Primary>"Create connector"</Button>
                <LinkButton href=area.pages.list()>"Cancel"</LinkButton>
            </div>
        </form>
    }
}

/// The help page of a phone system.
pub(super) const fn guide(system: System) -> Option<&'static str> {
    match system {
        System::Asterisk => Some("/connect-asterisk"),
        System::FreeSwitch => Some("/connect-freeswitch"),
        System::Kamailio => Some("/connect-kamailio"),
        _ => Some("/connect-http"),
    }
}

/// The way back to the list.
#[component]
pub(super) fn Crumb(area: Area) -> impl IntoView {
    view! {
        <p class="-mb-4 text-table"><a class="inline-flex min-h-6 items-center" href=area.pages.list()>"← Connectors"</a></p>
    }
}

#[cfg(test)]
mod tests {
    use domain::connector::ASTERISK_MIN;

    use super::*;

    #[test]
    fn every_phone_system_can_be_chosen_once() {
        for system in System::ALL {
            assert_eq!(GROUPS.iter().filter(|(_, _, systems)| systems.contains(system)).count(), 1, "{system:?}");
        }
    }

    #[test]
    fn the_oldest_asterisk_is_the_one_that_connectors_accept() {
        let (named, help) = (about(System::Asterisk), include_str!("../../../../docs/help/connect-asterisk.md"));
        assert!(named.starts_with(&format!("Asterisk {ASTERISK_MIN} and newer")));
        assert!(help.contains(&format!("Asterisk {ASTERISK_MIN} or newer")));
    }

    #[test]
    fn only_systems_with_trunks_ask_for_them() {
        let labels = |system| first_steps(Some(system), "/new").iter().map(|step| step.label).collect::<Vec<_>>();
        assert_eq!(labels(System::Asterisk), ["Phone system", "First connection", "Trunks", "Test call"]);
        assert_eq!(labels(System::Kamailio), ["Phone system", "First connection", "Test call"]);
        assert_eq!(labels(System::Twilio), ["Phone system", "First request", "Test call"]);
    }
}
