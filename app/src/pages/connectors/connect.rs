//! The first connection: the text to paste, and beside it what has arrived, as it happens.

use domain::connector::{Connector, ConnectorStatus, System, Way};
use islands::live::Live;
use leptos::prelude::*;

use super::{
    Area, SetUp,
    gaps::{in_gaps, reads_records},
    new::{Crumb, guide},
    paste::{Given, Paste, blocks},
    steps,
};
use crate::{
    api::connectors::{load_connector, public_url},
    components::{
        button::{Button, LinkButton, Weight},
        code_block::CodeBlock,
        connector_badge::{problem, short},
        heading::Heading,
        live_region::{LiveRegion, Refresh},
        sidebar::Part,
        steps::Steps,
        time_text::{TimeForm, TimeText},
    },
    error::UiError,
    html::{Html, IntoHtml},
    links,
    pages::{RouteParams, account_page, ops_page},
};

/// `/a/:acct/connectors/:con/connect`
#[component]
pub fn ConnectPage() -> impl IntoView {
    account_page(Part::Connectors, async |route, frame| connect(route, Area::account(&frame)).await)
}

/// `/ops/connectors/:con/connect`
#[component]
pub fn PlatformConnectPage() -> impl IntoView {
    ops_page(async |route, visit| connect(route, Area::platform(&visit)).await)
}

async fn connect(route: RouteParams, area: Area) -> Result<Html, UiError> {
    area.need_manager()?;
    let connector = load_connector(area.pages.clone(), route.param("con")).await?;
    if connector.way == Way::Files {
        return Ok(files(&connector, &area).into_html());
    }
    let (steps, here) = steps(&area, &connector, SetUp::Connect);
    let back = area.page(&connector, "");
    let feed = area.feed.clone();
    let what = connector.system.label();
    let refresh = refresh(&connector, &area);
    Ok(view! {
        <Crumb area=area.clone()/>
        <Heading title=format!("Connect {}", connector.name) lead=what>
            {refresh}
            {feed.map(|feed| view! { <Live feed=feed/> })}
            <LinkButton href=back>"Finish later"</LinkButton>
        </Heading>
        <Steps steps=steps here=here/>
        <div class="grid grid-cols-1 items-start gap-8 lg:grid-cols-[minmax(0,1fr)_20rem]">
            // First, so that it is above the long text on narrow screens.
            <div class="border-b border-line pb-6 lg:col-start-2 lg:row-start-1 lg:border-b-0 lg:border-l lg:pb-0 lg:pl-6">
                <Arrivals connector=connector.clone() area=area.clone()/>
            </div>
            <div class="grid gap-6 lg:col-start-1 lg:row-start-1">
                <Instructions connector=connector area=area/>
            </div>
        </div>
    }
    .into_html())
}

/// Nothing is connected: a file is all it takes.
fn files(connector: &Connector, area: &Area) -> impl IntoView + use<> {
    let records = area.page(connector, "records");
    view! {
        <Crumb area=area.clone()/>
        <Heading title=format!("{} needs no setup", connector.name) lead="Its call record files are imported.">
            <LinkButton weight=Weight::Primary href=records>"Import a file"</LinkButton>
        </Heading>
    }
}

/// Stands for a credential that can't be shown again.
const MASK: &str = "••••••••";

/// A credential that this page shows because it is new.
fn shown<'a>(area: &'a Area, name: &str) -> Option<&'a str> {
    area.flash.value(name).filter(|value| !value.is_empty() && !area.flash.refused())
}

/// Reloads the page in browsers without script. New credentials stay on it.
fn refresh(connector: &Connector, area: &Area) -> Html {
    let new = ["secret", "token"].map(|name| (name, shown(area, name).map(str::to_owned)));
    if new.iter().all(|(_, value)| value.is_none()) {
        return view! { <Refresh/> }.into_html();
    }
    let kept = new.map(|(name, value)| view! { <input type="hidden" name=name value=value/> });
    view! {
        <noscript>
            <form method="post" action=area.actions().refresh>
                {area.fields(connector)}
                {kept.to_vec()}
                <Button>"Refresh"</Button>
            </form>
        </noscript>
    }
    .into_html()
}

/// The text to paste, with the secrets if they are new.
#[component]
fn Instructions(connector: Connector, area: Area) -> impl IntoView {
    let (secret, token) = (shown(&area, "secret"), shown(&area, "token"));
    let masked = format!("{MASK}{}", connector.secret_hint);
    let (url, masked_token) = (public_url(), format!("oh_{MASK}"));
    let given = Given {
        connector: &connector,
        secret: secret.unwrap_or(&masked),
        token: token.unwrap_or(&masked_token),
        url: &url,
    };
    let hidden = hidden(&connector, &area, secret.is_none(), token.is_none());
    let blocks = blocks(given).into_iter().map(block).collect_view();
    let guide = guide(connector.system);
    let in_gaps = (!reads_records(&connector)).then(|| in_gaps(&connector)).flatten();
    view! {
        {hidden}
        {blocks}
        {in_gaps.map(|text| view! { <p class="max-w-column text-table text-ink-2">{text}</p> })}
        {guide.map(|path| view! {
            <p class="text-table text-ink-2"><a href=format!("{}{path}", links::HELP)>"The guide"</a>" explains each step."</p>
        })}
    }
}

fn block(Paste { title, note, text }: Paste) -> impl IntoView {
    let (what, masked) = (title.to_lowercase(), text.contains(MASK));
    view! {
        <section class="grid gap-1.5">
            <h2 class="flex flex-wrap items-baseline gap-x-3 font-semibold">
                {title} <span class="text-table font-normal text-ink-3">{note}</span>
            </h2>
            <CodeBlock text=text what=what masked=masked/>
        </section>
    }
}

/// Says that the secrets can't be shown again, with what to do instead.
fn hidden(connector: &Connector, area: &Area, secret: bool, token: bool) -> Option<impl IntoView + use<>> {
    let needs_secret = secret && connector.system != System::Kamailio;
    let needs_token = token && connector.way == Way::Beside;
    let rotate = area.page(connector, "rotate");
    let (turn, fields) = (area.actions().turn, area.fields(connector));
    let words = match (needs_secret, needs_token) {
        (true, true) => {
            "The secret and the token were shown once, when they were created. If you don’t have them anymore, create new ones."
        }
        (true, false) => {
            "The secret was shown once, when it was created. If you don’t have it anymore, create a new one."
        }
        (false, true) => "The token was shown once, when it was created. If you don’t have it anymore, create another.",
        (false, false) => return None,
    };
    Some(view! {
        <section class="grid gap-3 border-l-4 border-held-fill bg-held-soft px-4 py-3">
            <p>{words}</p>
            <div class="flex flex-wrap gap-3">
                {needs_secret.then(|| view! { <LinkButton href=rotate>"Rotate secret"</LinkButton> })}
                {needs_token.then(|| view! {
                    <form method="post" action=turn>
                        {fields}
                        <Button name="turn" value="token">"Create token"</Button>
                    </form>
                })}
            </div>
        </section>
    })
}

/// What has arrived so far.
#[component]
fn Arrivals(connector: Connector, area: Area) -> impl IntoView {
    let state = &connector.state;
    let status = connector.status(area.view.now);
    let connected = matches!(status, ConnectorStatus::Connected);
    let (name, is_http) = (connector.name.clone(), connector.way == Way::Http);
    let title = match (connected, is_http) {
        (true, true) => format!("{name} receives requests"),
        (true, false) => format!("{name} is connected"),
        (false, true) => format!("Waiting for the first request to {name}"),
        (false, false) => format!("Waiting for {name} to connect"),
    };
    let next = connected.then(|| next_step(&connector, &area));
    let needs_call = connected && super::has_trunks(&connector) && state.seen.is_empty();
    let call_hint = needs_call.then(|| {
        view! { <p class="text-table text-ink-2">"Now make a call, in or out. The endpoints that it uses are then suggested as trunks."</p> }
    });
    let weight = if needs_call { Weight::Secondary } else { Weight::Primary };
    let version = format!(
        "{connected}-{}-{}-{}-{}-{:?}",
        state.reported_at.is_some(),
        state.connected_at.is_some(),
        state.last_event_at.is_some(),
        state.seen.len(),
        state.problem
    );
    let problem = problem(&connector).map(|text| {
        view! { <p class="border-l-4 border-failed-fill bg-failed-soft px-3 py-2 text-table text-failed">{text}</p> }
    });
    let checks = checks(&connector).into_iter().map(|check| view! { <Check check=check area=area.clone()/> });
    // Only a page without new credentials looks the same when it is opened again.
    let has_new = shown(&area, "secret").or_else(|| shown(&area, "token")).is_some();
    let wait = if has_new {
        "You’ll see it here. Copy the text before you leave this page."
    } else {
        "You’ll see it here. You can leave this page and come back."
    };
    let check_hint = (connector.way == Way::Beside && connector.system != System::Kamailio && !connected).then(|| {
        view! { <p class="text-table text-ink-2">"Not connecting? Add "<code class="text-meta">"--check"</code>" to the command: it names what is missing."</p> }
    });
    view! {
        <LiveRegion view=area.view.clone() version=version>
            <div role="status" class="grid gap-1">
                {(!connected).then(|| view! { <Waiting/> })}
                <h2 class="text-large font-bold wrap-anywhere">{title}</h2>
                {(!connected).then(|| view! { <p class="text-table text-ink-2">{wait}</p> })}
            </div>
            {problem}
            <ul class="border-b border-line text-table">{checks.collect_view()}</ul>
            {call_hint}
            {next.map(|(href, verb)| view! { <div><LinkButton weight=weight href=href>{verb}</LinkButton></div> })}
            {check_hint}
        </LiveRegion>
    }
}

/// Where to go once it is connected: address and label.
fn next_step(connector: &Connector, area: &Area) -> (String, &'static str) {
    let (page, label) =
        if super::has_trunks(connector) { ("trunks", "Choose trunks") } else { ("test-call", "Make a test call") };
    (area.page(connector, page), label)
}

/// Two pulses of a ringing tone, then the pause.
#[component]
pub(super) fn Waiting() -> impl IntoView {
    view! {
        <svg class="mb-2 h-6 w-full" aria-hidden="true">
            <rect class="fill-highlight stroke-ink dark:stroke-page" x="1" y="1" width="10" height="21"></rect>
            <rect class="fill-highlight stroke-ink dark:stroke-page" x="17" y="1" width="10" height="21"></rect>
            <line class="stroke-control" x1="34" x2="100%" y1="22" y2="22"></line>
        </svg>
    }
}

/// Something that has to happen: its name, when it did (if that is known), and whether it did.
pub(super) struct CheckItem {
    label: String,
    at: Option<domain::UnixMs>,
    done: bool,
}

/// What has to happen until calls arrive.
fn checks(connector: &Connector) -> Vec<CheckItem> {
    let state = &connector.state;
    let item = |label: &str, at, done| CheckItem { label: label.to_owned(), at, done };
    let mut checks = vec![item("Credentials created", Some(connector.created_at), true)];
    if connector.way == Way::Http {
        checks.push(item("First request received", state.last_event_at, state.last_event_at.is_some()));
        return checks;
    }
    if connector.way == Way::Beside && connector.way.is_connected(connector.system) {
        checks.push(item("The program reaches Offhook", None, state.reported_at.is_some()));
    }
    if connector.way.is_connected(connector.system) {
        let label = match connector.way {
            Way::Ari => "Asterisk connects".to_owned(),
            _ => format!("{} accepts the login", short(connector.system)),
        };
        checks.push(CheckItem { label, at: state.connected_since, done: state.connected_at.is_some() });
    }
    checks.push(item("First call seen", state.last_event_at, state.last_event_at.is_some()));
    checks
}

#[component]
fn Check(check: CheckItem, area: Area) -> impl IntoView {
    use crate::components::status_badge::StatusIcon;
    use domain::delivery::Status;
    let (status, look) = if check.done {
        (Status::Delivered, "size-3.5 text-delivered")
    } else {
        (Status::Queued, "size-3.5 text-held")
    };
    let when = match check.at.filter(|_| check.done) {
        Some(at) => view! { <TimeText at=at form=TimeForm::Clock view=area.view/> }.into_html(),
        None => view! { <span>{if check.done { "done" } else { "waiting" }}</span> }.into_html(),
    };
    view! {
        <li class="flex min-h-9 items-center gap-3 border-t border-line">
            <StatusIcon status=status class=look/>
            <span class="flex-1">{check.label}</span>
            <span class="text-ink-3">{when}</span>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::connector_badge::sample;

    #[test]
    fn each_way_lists_what_has_to_happen() {
        let labels = |system: System, way| {
            let connector = Connector { way, ..sample(system) };
            checks(&connector).into_iter().map(|check| check.label).collect::<Vec<_>>()
        };
        assert_eq!(
            labels(System::Asterisk, Way::Beside)[1..],
            ["The program reaches Offhook", "Asterisk accepts the login", "First call seen"]
        );
        assert_eq!(labels(System::Asterisk, Way::Ari)[1..], ["Asterisk connects", "First call seen"]);
        assert_eq!(labels(System::Twilio, Way::Http)[1..], ["First request received"]);
        assert_eq!(labels(System::Kamailio, Way::Beside)[1..], ["First call seen"]);
    }
}
