//! How far an import is, and what became of the rows of its file.

use domain::connector::{
    Connector,
    imports::{BAD_ROWS_KEPT, BadRecord, ImportState, RecordImport},
};
use leptos::prelude::*;

use super::{icon, named};
use crate::{
    components::{
        button::{Button, LinkButton, Weight},
        key_value::{Facts, KeyValue},
        status_badge::{StatusIcon, ink},
        time_text::{TimeForm, TimeText},
    },
    html::{Html, IntoHtml},
    pages::connectors::Area,
};

/// Rows that are shown on the page; the table to download has all that are kept.
const SHOWN: usize = 50;

/// The result in a few words.
pub(super) fn verdict(import: &RecordImport) -> String {
    let progress = import.progress;
    let calls = |n: u64| if n == 1 { "1 call".to_owned() } else { format!("{} calls", grouped(n)) };
    match import.state {
        ImportState::Uploading => "The file is arriving".to_owned(),
        ImportState::Ready => "Waiting to be imported".to_owned(),
        ImportState::Running if progress.items == 0 => "Starting".to_owned(),
        ImportState::Running => format!("{} imported so far", calls(progress.imported)),
        ImportState::Done if progress.imported == 0 && progress.known > 0 => {
            "Nothing new: every call was stored already".to_owned()
        }
        ImportState::Done => format!("{} imported", calls(progress.imported)),
        ImportState::Cancelled if import.started_at.is_none() => "The file was discarded".to_owned(),
        ImportState::Cancelled => format!("Cancelled after {}", calls(progress.imported)),
        ImportState::Failed => "The file could not be imported".to_owned(),
    }
}

/// What follows, or what to do.
fn next(import: &RecordImport) -> String {
    let progress = import.progress;
    match import.state {
        ImportState::Uploading => "It can be imported once it is here.".to_owned(),
        ImportState::Ready => "An admin can import it on this page.".to_owned(),
        ImportState::Running => "You can close this page. The import continues, also after a restart of the server.".to_owned(),
        ImportState::Done if progress.unrouted > 0 => {
            "Some calls have no route to an account. Add routes, then import the file again: only these calls are added.".to_owned()
        }
        ImportState::Done if progress.not_understood + progress.rejected > 0 => {
            "Some rows were not imported. Correct them in the file, or choose other columns, and import it again: only what is missing is added.".to_owned()
        }
        ImportState::Done => "The file is deleted from this server.".to_owned(),
        ImportState::Cancelled => "What was imported stays. Importing the file again is safe: nothing is stored twice.".to_owned(),
        ImportState::Failed => import.problem.clone().unwrap_or_default(),
    }
}

#[component]
pub(super) fn Report(
    connector: Connector,
    import: RecordImport,
    bad: Option<Vec<BadRecord>>,
    area: Area,
) -> impl IntoView {
    let running = import.state == ImportState::Running;
    let icon = icon(&import);
    let name = named(&import);
    let bar = running.then(|| {
        let (all, read) = (import.file_bytes.max(1), import.progress.bytes_read.min(import.file_bytes));
        view! { <progress class="job-progress h-4 w-full" aria-label="Part of the file that is imported" max=all value=read></progress> }
    });
    let waits = import.problem.clone().filter(|_| running).map(|why| {
        view! { <p class="border-l-4 border-retrying-fill bg-retrying-soft px-4 py-3">"Waiting: "{why}" The import continues as soon as it can."</p> }
    });
    let stoppable = matches!(import.state, ImportState::Running | ImportState::Uploading) && area.manages;
    let cancel = stoppable.then(|| {
        let (action, hidden) = (area.actions().cancel_import, fields(&area, &connector, &import));
        let verb = if running { "Cancel import" } else { "Discard file" };
        view! { <form method="post" action=action>{hidden}<Button weight=Weight::Danger>{verb}</Button></form> }
    });
    let again = import.state.is_final().then(|| another(&area, &connector)).flatten();
    let rows = bad.map(|bad| bad_rows(bad, &import, &connector, &area));
    let facts = facts(&import, &connector, &area);
    let title = if running { format!("Importing {name}") } else { verdict(&import) };
    view! {
        <div class="grid max-w-column gap-5">
            <header class="grid gap-1">
                <h1 class="flex items-baseline gap-3 text-verdict font-bold leading-row wrap-anywhere">
                    <span class=ink(icon)><StatusIcon status=icon class="size-5"/></span>{title}
                </h1>
                <p class="text-ink-2">{next(&import)}</p>
            </header>
            {bar}
            {waits}
            {facts}
            <div class="flex flex-wrap gap-3">{cancel}{again}</div>
            {rows}
        </div>
    }
}

/// The hidden fields that name an import in a form.
pub(super) fn fields(area: &Area, connector: &Connector, import: &RecordImport) -> impl IntoView + use<> {
    view! {
        {area.fields(connector)}
        <input type="hidden" name="imp" value=import.id.to_string()/>
    }
}

/// The way back to the form that uploads another file.
fn another(area: &Area, connector: &Connector) -> Option<impl IntoView + use<>> {
    let href = area.page(connector, "records");
    area.manages.then(|| view! { <LinkButton href=href>"Import another file"</LinkButton> })
}

fn facts(import: &RecordImport, connector: &Connector, area: &Area) -> Html {
    let progress = import.progress;
    let platform = connector.owner.account().is_none();
    let counts = [
        Some(("Rows read", progress.rows)),
        Some(("Calls imported", progress.imported)),
        Some(("Known already", progress.known)),
        Some(("Left out", progress.ignored)),
        platform.then_some(("Without a route", progress.unrouted)),
        Some(("Not understood", progress.not_understood)),
        (progress.rejected > 0).then_some(("Rejected", progress.rejected)),
    ];
    let counts = counts.into_iter().flatten().filter(|_| import.started_at.is_some()).map(|(name, count)| {
        let note =
            if name == "Left out" && count > 0 { "calls between extensions, and rows that are no calls" } else { "" };
        view! { <KeyValue name=name><span>{grouped(count)}</span><span class="text-ink-3">{note}</span></KeyValue> }
    });
    let time = |name: &'static str, at| {
        let at = view! { <TimeText at=at form=TimeForm::Full view=area.view.clone()/> };
        view! { <KeyValue name=name>{at}</KeyValue> }
    };
    let (file, by) = (format!("{}, {}", named(import), size(import.file_bytes)), import.created_by.clone());
    let counts = counts.collect_view();
    let started = import.started_at.map(|at| time("Started", at));
    let ended = import.ended_at.map(|at| time("Ended", at));
    view! {
        <Facts>
            {counts}
            <KeyValue name="File">{file}</KeyValue>
            <KeyValue name="Uploaded by">{by}</KeyValue>
            {started}
            {ended}
        </Facts>
    }
    .into_html()
}

/// The rows that were not imported, with the reason of each.
fn bad_rows(bad: Vec<BadRecord>, import: &RecordImport, connector: &Connector, area: &Area) -> Option<Html> {
    if bad.is_empty() {
        return None;
    }
    let all = import.progress.not_understood + import.progress.rejected;
    let table = area.page(connector, &format!("records/{}/not-imported.csv", import.id));
    let lead = match all {
        all if all > BAD_ROWS_KEPT => {
            format!("The first {} of {} are in the table.", grouped(BAD_ROWS_KEPT), grouped(all))
        }
        all if all > SHOWN as u64 => format!("The first {SHOWN} of {}. The table has all of them.", grouped(all)),
        _ => String::new(),
    };
    let rows = bad.into_iter().take(SHOWN).map(|row| {
        let line = row.line.map_or_else(|| "Call".to_owned(), |line| format!("Line {line}"));
        view! {
            <li class="grid gap-x-3 border-t border-line py-1.5 sm:grid-cols-[5rem_minmax(0,1fr)]">
                <span class="text-ink-3">{line}</span>
                <span class="wrap-anywhere">{row.reason}</span>
            </li>
        }
    });
    let rows = rows.collect_view();
    Some(
        view! {
            <section class="grid gap-2" aria-labelledby="not-imported">
                <div class="flex flex-wrap items-baseline justify-between gap-3">
                    <h2 class="text-large font-bold" id="not-imported">"Rows that were not imported"</h2>
                    <a class="inline-flex min-h-6 items-center text-table" href=table download="not-imported.csv">"Download as CSV"</a>
                </div>
                <p class="text-table text-ink-2">{lead}</p>
                <ol class="border-b border-line text-table">{rows}</ol>
            </section>
        }
        .into_html(),
    )
}

fn grouped(n: u64) -> String {
    crate::components::count_text::grouped(u32::try_from(n).unwrap_or(u32::MAX))
}

/// `12.4 MB`
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{}.{} kB", bytes / 1_000, bytes % 1_000 / 100),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        UnixMs,
        connector::imports::ImportProgress,
        id::{ConnectorId, ImportId},
    };

    use super::*;

    fn import(state: ImportState, progress: ImportProgress) -> RecordImport {
        RecordImport {
            id: ImportId::new(UnixMs(0), 1),
            connector: ConnectorId::new(UnixMs(0), 1),
            file_name: "Master.csv".into(),
            file_bytes: 12_400_000,
            state,
            reading: None,
            created_by: "ana".into(),
            created_at: UnixMs(0),
            started_at: None,
            progressed_at: UnixMs(0),
            tries: 0,
            ended_at: None,
            progress,
            problem: None,
        }
    }

    #[test]
    fn each_state_has_a_verdict_and_says_what_follows() {
        let some = ImportProgress { items: 3, imported: 1_204, known: 2, ..ImportProgress::default() };
        assert_eq!(verdict(&import(ImportState::Running, some)), "1,204 calls imported so far");
        assert_eq!(verdict(&import(ImportState::Done, some)), "1,204 calls imported");
        let again = ImportProgress { known: 2, ..ImportProgress::default() };
        assert_eq!(verdict(&import(ImportState::Done, again)), "Nothing new: every call was stored already");
        let bad = ImportProgress { not_understood: 1, ..some };
        assert!(next(&import(ImportState::Done, bad)).contains("import it again"));
        for state in ImportState::ALL {
            assert!(!verdict(&import(*state, some)).is_empty());
        }
        assert_eq!([999, 12_400, 12_400_000].map(size), ["999 bytes", "12.4 kB", "12.4 MB"]);
    }
}
