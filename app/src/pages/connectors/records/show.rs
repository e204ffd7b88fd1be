//! One import: how its file is read, then its progress, then its report. It continues when the page is closed.

use domain::connector::{
    Connector,
    imports::{FileColumn, FilePreview, ImportState, Reading, RecordImport},
};
use islands::live::Live;
use leptos::prelude::*;

use super::{
    named,
    preview::Preview,
    reading::ReadingFields,
    report::{Report, fields, size},
};
use crate::{
    api::connectors::{load_bad_records, load_connector, load_file, load_import},
    components::{
        button::{Button, Weight},
        heading::Heading,
        live_region::{LiveRegion, Refresh},
        sidebar::Part,
        time_text::AgoText,
    },
    error::UiError,
    flash::Flash,
    html::{Html, IntoHtml},
    pages::{RouteParams, account_page, connectors::Area, ops_page},
};

/// `/a/:acct/connectors/:con/records/:imp`
#[component]
pub fn ImportPage() -> impl IntoView {
    account_page(Part::Connectors, async |route, frame| show(route, Area::account(&frame)).await)
}

/// `/ops/connectors/:con/records/:imp`
#[component]
pub fn PlatformImportPage() -> impl IntoView {
    ops_page(async |route, visit| show(route, Area::platform(&visit)).await)
}

async fn show(route: RouteParams, area: Area) -> Result<Html, UiError> {
    let (con, imp) = (route.param("con"), route.param("imp"));
    let connector = load_connector(area.pages.clone(), con.clone()).await?;
    let import = load_import(area.pages.clone(), con.clone(), imp.clone()).await?;
    if import.state == ImportState::Ready && area.manages {
        let typed = typed(&area.flash);
        let reading = typed.clone().unwrap_or_else(|| Reading::suggested(&connector, area.view.zone.name()));
        let (columns, preview) = load_file(area.pages.clone(), connector.clone(), imp, reading.clone()).await?;
        return Ok(view! { <Ready connector=connector import=import area=area reading=reading columns=columns preview=preview/> }.into_html());
    }
    let bad = if import.state.is_final() { load_bad_records(area.pages.clone(), con, imp).await? } else { None };
    let back = area.page(&connector, "records");
    let live = area.feed.clone().filter(|_| !import.state.is_final());
    let title = format!("{} · Import {}", import.state.label(), named(&import));
    let progress = import.progress;
    let version = format!("{}-{}-{:?}", import.state.as_str(), progress.items, import.problem);
    let ended = import.state == ImportState::Done;
    Ok(view! {
        <crate::components::heading::TabTitle title=title/>
        <div class="flex flex-wrap items-center justify-between gap-2">
            <a class="inline-flex min-h-6 items-center text-table" href=back>"← Call record files"</a>
            <Refresh/>
            {live.map(|feed| view! { <Live feed=feed/> })}
        </div>
        <crate::components::notices::Notices/>
        <LiveRegion view=area.view.clone() version=version ended=ended>
            <Report connector=connector import=import bad=bad area=area/>
        </LiveRegion>
    }
    .into_html())
}

/// What was typed, after a preview or a refusal.
fn typed(flash: &Flash) -> Option<Reading> {
    let value = |name: &str| flash.value(name).unwrap_or_default().to_owned();
    flash.value("preset").map(|preset| Reading {
        preset: preset.to_owned(),
        zone: value("zone"),
        caller: value("caller"),
        callee: value("callee"),
        start: value("start"),
        duration: value("duration"),
        answer: value("answer"),
        end: value("end"),
        status: value("status"),
        statuses: value("statuses"),
        direction: value("direction"),
        directions: value("directions"),
        extension: value("extension"),
        call: value("call"),
        cost: value("cost"),
    })
}

/// The file is here: how it is read, beside what becomes of its first rows.
#[component]
fn Ready(
    connector: Connector,
    import: RecordImport,
    area: Area,
    reading: Reading,
    columns: Vec<FileColumn>,
    preview: Result<FilePreview, String>,
) -> impl IntoView {
    let back = area.page(&connector, "records");
    let uploaded = view! { <AgoText at=import.created_at view=area.view.clone()/> };
    let useful = preview.as_ref().is_ok_and(|preview| preview.rows.iter().any(|row| row.result.is_ok()));
    let weight = if useful { Weight::Primary } else { Weight::Secondary };
    let (hidden, again) = (fields(&area, &connector, &import), fields(&area, &connector, &import));
    let edit = area.page(&connector, "edit");
    view! {
        <p class="-mb-4 text-table"><a class="inline-flex min-h-6 items-center" href=back>"← Call record files"</a></p>
        <Heading title=format!("Import {}", named(&import))/>
        <p class="-mt-3 text-ink-2">{size(import.file_bytes)}", uploaded "{uploaded}" by "{import.created_by.clone()}". Nothing is imported yet."</p>
        <div class="grid grid-cols-1 items-start gap-8 lg:grid-cols-[22rem_minmax(0,1fr)]">
            // First on a phone: what becomes of the rows decides what there is to choose.
            <div class="grid gap-3 lg:col-start-2 lg:row-start-1"><Preview preview=preview/></div>
            <div class="grid gap-6 lg:col-start-1 lg:row-start-1">
                <form class="grid gap-5" method="post" action=area.actions().start_import>
                    {hidden}
                    <ReadingFields reading=reading columns=columns edit=edit/>
                    <div class="flex flex-wrap gap-3">
                        <Button weight=weight name="then" value="import">"Import"</Button>
                        <Button name="then" value="preview">"Update preview"</Button>
                    </div>
                </form>
                <form method="post" action=area.actions().cancel_import>
                    {again}
                    <Button>"Discard file"</Button>
                </form>
            </div>
        </div>
    }
}
