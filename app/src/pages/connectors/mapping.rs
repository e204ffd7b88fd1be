//! The mapping of an HTTP connector, beside the latest requests and what it makes of each.

use domain::connector::{Connector, DryRun, DryRunField, MappingPreset, RawRequest, Way};
use leptos::prelude::*;

use super::{Area, new::Crumb};
use crate::{
    api::connectors::{Tried, load_connector, load_presets, load_tried},
    components::{
        button::{Button, LinkButton, Weight},
        code_block::FoldedCode,
        field::{CONTROL, Lines},
        heading::Heading,
        live_region::Refresh,
        sidebar::Part,
        status_badge::StatusIcon,
        time_text::{AgoText, TimeForm, TimeText},
    },
    error::UiError,
    html::{Html, IntoHtml},
    links,
    pages::{RouteParams, account_page, ops_page},
};

/// `/a/:acct/connectors/:con/mapping`
#[component]
pub fn MappingPage() -> impl IntoView {
    account_page(Part::Connectors, async |route, frame| mapping(route, Area::account(&frame)).await)
}

/// `/ops/connectors/:con/mapping`
#[component]
pub fn PlatformMappingPage() -> impl IntoView {
    ops_page(async |route, visit| mapping(route, Area::platform(&visit)).await)
}

async fn mapping(route: RouteParams, area: Area) -> Result<Html, UiError> {
    area.need_manager()?;
    let connector = load_connector(area.pages.clone(), route.param("con")).await?;
    if connector.way != Way::Http {
        return Ok(without(&connector, area).into_html());
    }
    let presets = load_presets()?;
    let preset = presets.iter().find(|preset| preset.name == route.query_param("preset")).cloned();
    // What was typed comes first, then a preset to look at, then what is stored.
    let typed = area.flash.value("mapping").map(str::to_owned);
    let chosen = preset.as_ref().map(|preset| preset.json.clone());
    let text = typed.or(chosen).or_else(|| connector.mapping.clone()).unwrap_or_default();
    let stored = connector.mapping.as_deref() == Some(text.as_str());
    let tried = load_tried(area.pages.clone(), connector.clone(), text.clone()).await?;
    // The presets are called as the systems.
    let chosen_name = preset.as_ref().map_or(connector.system.as_str(), |preset| &preset.name).to_owned();
    let address = area.page(&connector, "mapping");
    let guide = format!("{}/connect-http#mapping", links::HELP);
    Ok(view! {
        <Crumb area=area.clone()/>
        <Heading title=format!("Mapping of {}", connector.name) lead="The first rule whose conditions all hold decides what a request reports.">
            <LinkButton href=guide>"Read the guide"</LinkButton>
        </Heading>
        <div class="grid grid-cols-1 items-start gap-8 xl:grid-cols-2">
            <div class="grid gap-4">
                <Presets presets=presets chosen=chosen_name address=address/>
                {preset.map(note)}
                <Editor connector=connector area=area.clone() text=text/>
            </div>
            <Requests tried=tried stored=stored area=area/>
        </div>
    }
    .into_html())
}

/// For a connector of another kind.
fn without(connector: &Connector, area: Area) -> impl IntoView + use<> {
    let back = area.page(connector, "");
    view! {
        <Crumb area=area/>
        <Heading title=format!("{} has no mapping", connector.name) lead="Only connectors that receive HTTP requests have one.">
            <LinkButton href=back>"Back to the connector"</LinkButton>
        </Heading>
    }
}

#[component]
fn Presets(presets: Vec<MappingPreset>, chosen: String, address: String) -> impl IntoView {
    let options = presets.into_iter().map(|preset| {
        let selected = chosen == preset.name;
        view! { <option value=preset.name selected=selected>{preset.title}</option> }
    });
    view! {
        <form method="get" action=address class="grid gap-1">
            <label class="font-semibold" for="preset">"Start from a preset"</label>
            <div class="flex flex-wrap gap-2">
                <select class=format!("{CONTROL} flex-1 basis-52") id="preset" name="preset">{options.collect_view()}</select>
                <Button>"Load"</Button>
            </div>
        </form>
    }
}

/// What to know about a preset that was loaded.
fn note(preset: MappingPreset) -> impl IntoView {
    let how = if preset.documented {
        "Written from the vendor’s documentation."
    } else {
        "Not checked against the vendor’s documentation."
    };
    let sources = preset.sources.into_iter().map(|source| {
        let href = source.clone();
        view! { <li class="wrap-anywhere"><a href=href rel="noreferrer">{source}</a></li> }
    });
    view! {
        <div class="grid gap-1 border-l-4 border-held-fill bg-held-soft px-4 py-3 text-table">
            <p>{format!("{} is loaded below and not saved yet. {how} {}", preset.title, preset.note)}</p>
            <ul>{sources.collect_view()}</ul>
        </div>
    }
}

#[component]
fn Editor(connector: Connector, area: Area, text: String) -> impl IntoView {
    let back = area.page(&connector, "");
    view! {
        <form class="grid gap-4" method="post" action=area.actions().mapping>
            {area.fields(&connector)}
            <Lines name="mapping" label="Mapping" rows=24 required=true value=text hint="JSON, at most 16 KiB."/>
            <div class="flex flex-wrap gap-3">
                <Button weight=Weight::Primary name="then" value="save">"Save"</Button>
                <Button name="then" value="try">"Try without saving"</Button>
                <LinkButton href=back>"Cancel"</LinkButton>
            </div>
        </form>
    }
}

#[component]
fn Requests(tried: Vec<Tried>, stored: bool, area: Area) -> impl IntoView {
    let lead = if stored { "With the saved mapping." } else { "With the mapping beside them, which is not saved." };
    let content = if tried.is_empty() {
        view! {
            <p class="text-ink-2">"None in the last hour. Make a call, then reload this page."</p>
        }
        .into_html()
    } else {
        let items = tried.into_iter().enumerate().map(|(at, tried)| request(at, tried, &area)).collect_view();
        view! { <ol class="border-b border-line">{items}</ol> }.into_html()
    };
    view! {
        <section class="grid gap-3" aria-labelledby="requests">
            <div class="flex flex-wrap items-center justify-between gap-3">
                <h2 class="text-large font-bold" id="requests">"Latest requests"</h2>
                <Refresh/>
            </div>
            <p class="text-table text-ink-2">{lead}" The last 20 are kept, for an hour, encrypted."</p>
            {content}
        </section>
    }
}

fn request(at: usize, (request, result): Tried, area: &Area) -> impl IntoView + use<> {
    let runs = match result {
        Ok(runs) => runs.into_iter().map(run).collect_view().into_html(),
        Err(message) => sentence(false, message).into_html(),
    };
    let time = view! { <TimeText at=request.received_at form=TimeForm::Clock view=area.view.clone()/> };
    let ago = view! { <AgoText at=request.received_at view=area.view.clone()/> };
    let raw = raw(&request);
    view! {
        <li class="grid gap-2 border-t border-line py-3">
            <p class="flex flex-wrap items-baseline gap-x-3 text-table">{time} <span class="text-ink-3">{ago}</span> <span class="text-ink-2 wrap-anywhere">{request.method} " " {request.content_type}</span></p>
            {runs}
            <FoldedCode id=format!("request-{at}") title="Request" text=raw/>
        </li>
    }
}

/// Query and body as they arrived.
fn raw(request: &RawRequest) -> String {
    let query = if request.query.is_empty() { String::new() } else { format!("?{}\n", request.query) };
    format!("{query}{}", request.body)
}

fn run(run: DryRun) -> impl IntoView {
    let fields = run.fields.into_iter().map(field).collect_view();
    view! {
        {sentence(run.understood, run.summary)}
        <dl class="text-table">{fields}</dl>
    }
}

fn sentence(understood: bool, text: String) -> impl IntoView {
    use domain::delivery::Status;
    let (status, look) =
        if understood { (Status::Delivered, "text-delivered") } else { (Status::Failed, "text-failed") };
    view! {
        <p class="flex items-baseline gap-2 font-semibold wrap-anywhere">
            <span class=look><StatusIcon status=status/></span>
            <span>{text}</span>
        </p>
    }
}

/// A field: its name, what its template looked at, and the result.
fn field(field: DryRunField) -> impl IntoView {
    let inputs = field.inputs.into_iter().map(|(name, value)| {
        let value = value.unwrap_or_else(|| "absent".to_owned());
        format!("{name}: {value}")
    });
    let inputs = inputs.collect::<Vec<_>>().join(", ");
    let (value, look) = match field.value {
        Ok(value) if value.is_empty() => ("empty".to_owned(), "text-ink-3"),
        Ok(value) => (value, "font-semibold"),
        Err(message) => (message, "text-failed"),
    };
    view! {
        <div class="grid gap-x-3 border-t border-line py-1 sm:grid-cols-[8rem_minmax(0,1fr)_minmax(0,1fr)]">
            <dt class="text-ink-3">{field.name}</dt>
            <dd class=format!("wrap-anywhere {look}")>{value}</dd>
            <dd class="wrap-anywhere text-meta text-ink-3">{inputs}</dd>
        </div>
    }
}
