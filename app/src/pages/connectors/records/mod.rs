//! Call record files: uploading one, and the latest imports.

mod preview;
mod reading;
mod report;
pub mod show;

use domain::{
    connector::{
        Connector,
        imports::{FILE_MAX_BYTES, IMPORTS_KEPT_MS, ImportState, RecordImport},
    },
    delivery::Status,
    time::DAY_MS,
};
use leptos::prelude::*;

use super::Area;
use crate::{
    api::connectors::{load_connector, load_imports},
    components::{
        button::{Button, LinkButton, Weight},
        field::{CONTROL, FieldErrorText, FieldState},
        heading::Heading,
        live_region::Refresh,
        sidebar::Part,
        status_badge::{StatusIcon, ink},
        time_text::AgoText,
    },
    error::UiError,
    html::{Html, IntoHtml},
    links,
    pages::{RouteParams, account_page, ops_page},
};

/// `/a/:acct/connectors/:con/records`
#[component]
pub fn RecordsPage() -> impl IntoView {
    account_page(Part::Connectors, async |route, frame| records(route, Area::account(&frame)).await)
}

/// `/ops/connectors/:con/records`
#[component]
pub fn PlatformRecordsPage() -> impl IntoView {
    ops_page(async |route, visit| records(route, Area::platform(&visit)).await)
}

async fn records(route: RouteParams, area: Area) -> Result<Html, UiError> {
    let connector = load_connector(area.pages.clone(), route.param("con")).await?;
    let imports = load_imports(area.pages.clone(), route.param("con")).await?;
    let guide = format!("{}/connect-records", links::HELP);
    let back = area.page(&connector, "");
    let upload = area.manages.then(|| view! { <Upload connector=connector.clone() area=area.clone()/> });
    Ok(view! {
        <p class="-mb-4 text-table"><a class="inline-flex min-h-6 items-center wrap-anywhere" href=back>"← "{connector.name.clone()}</a></p>
        <Heading title="Call record files" tab=format!("Call record files of {}", connector.name)
            lead="Each call of a file becomes a CallProcessed event. Nothing is imported twice.">
            <Refresh/>
            <LinkButton href=guide>"Read the guide"</LinkButton>
        </Heading>
        {upload}
        <Latest connector=connector imports=imports area=area/>
    }
    .into_html())
}

/// The form that sends a file.
#[component]
fn Upload(connector: Connector, area: Area) -> impl IntoView {
    if connector.paused_at.is_some() {
        let words = "This connector is paused. Resume it on its page, then import files.";
        return view! { <p class="max-w-column border-l-4 border-held-fill bg-held-soft px-4 py-3">{words}</p> }
            .into_html();
    }
    let action = area.page(&connector, "records");
    let state = FieldState::of("file", true);
    let hint = format!(
        "A table with columns (CSV), at most {} MiB. The next page shows what becomes of its first rows; nothing is imported before.",
        FILE_MAX_BYTES / 1_024 / 1_024
    );
    view! {
        <form class="grid max-w-column gap-4" method="post" action=action enctype="multipart/form-data">
            <div class="grid gap-1">
                <label class="font-semibold" for="file">"File"</label>
                <p class="text-table text-ink-2" id="file-hint">{hint}</p>
                <FieldErrorText name="file" error=state.error.clone()/>
                <input class=format!("{CONTROL} min-h-11 file:mr-3 file:rounded-s file:border file:border-control file:bg-sunk file:px-3 file:py-1 file:font-semibold file:text-ink") type="file" id="file" name="file" required=true
                    aria-invalid=state.invalid() aria-describedby=state.described_by/>
            </div>
            <div><Button weight=Weight::Primary>"Upload"</Button></div>
        </form>
    }
    .into_html()
}

#[component]
fn Latest(connector: Connector, imports: Vec<RecordImport>, area: Area) -> impl IntoView {
    let days = IMPORTS_KEPT_MS / DAY_MS;
    let content = if imports.is_empty() {
        view! { <p class="text-ink-2">"None yet. Files that were imported are listed here."</p> }.into_html()
    } else {
        let rows = imports.into_iter().map(|import| row(&import, &connector, &area)).collect_view();
        view! { <ul class="border-b border-line">{rows}</ul> }.into_html()
    };
    view! {
        <section class="grid gap-3" aria-labelledby="imports">
            <h2 class="text-large font-bold" id="imports">"Latest imports"</h2>
            {content}
            <p class="text-table text-ink-2">{format!("A file is kept encrypted until it is imported, and deleted then. Its report is kept for {days} days.")}</p>
        </section>
    }
}

fn row(import: &RecordImport, connector: &Connector, area: &Area) -> impl IntoView + use<> {
    let href = area.page(connector, &format!("records/{}", import.id));
    let icon = icon(import);
    let (name, by) = (named(import), import.created_by.clone());
    let (what, at) = (report::verdict(import), import.created_at);
    view! {
        <li class="relative grid gap-x-4 border-t border-line px-3 py-2 hover:bg-sunk md:grid-cols-[minmax(0,1fr)_auto]">
            <p><a class="font-semibold wrap-anywhere after:absolute after:inset-0" href=href>{name}</a></p>
            <p class=format!("inline-flex items-center gap-1.5 text-table font-semibold md:justify-end {}", ink(icon))>
                <StatusIcon status=icon class="size-3.5 shrink-0"/>{import.state.label()}
            </p>
            <p class="text-table text-ink-2">{what}</p>
            <p class="text-table text-ink-2 md:text-right"><AgoText at=at view=area.view.clone()/>" by "{by}</p>
        </li>
    }
}

/// Its name; a file that is arriving has none yet.
pub(super) fn named(import: &RecordImport) -> String {
    if import.file_name.is_empty() { "New file".to_owned() } else { import.file_name.clone() }
}

/// The shape and colour of its state.
pub(super) fn icon(import: &RecordImport) -> Status {
    match import.state {
        ImportState::Uploading | ImportState::Ready => Status::Queued,
        ImportState::Running => Status::Retrying,
        ImportState::Done
            if import.progress.not_understood + import.progress.rejected + import.progress.unrouted > 0 =>
        {
            Status::Retrying
        }
        ImportState::Done => Status::Delivered,
        ImportState::Cancelled => Status::Held,
        ImportState::Failed => Status::Failed,
    }
}
