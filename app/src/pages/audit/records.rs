//! The records of the audit log, newest first.

use domain::{
    audit::{AuditFilter, Change, Record},
    id::SupportId,
    time::{iso_utc, parse_utc},
};
use leptos::prelude::*;

use crate::html::{Html, IntoHtml};
use crate::{
    components::{
        time_text::{TimeForm, TimeText},
        viewpoint::Viewpoint,
    },
    links,
};

/// One record under the other: what was done, by whom and when, what changed.
#[component]
pub fn Records(
    /// The records.
    rows: Vec<Record>,
    /// What is filtered now: a person's name narrows it further.
    filter: AuditFilter,
    /// Path of the log.
    base: String,
    /// Whose account and clock.
    view: Viewpoint,
) -> impl IntoView {
    let items = rows
        .into_iter()
        .map(|record| view! { <Item record=record filter=filter.clone() base=base.clone() view=view.clone()/> });
    view! { <ol class="rounded-m border border-line border-b-0 bg-surface">{items.collect_view()}</ol> }
}

#[component]
fn Item(record: Record, filter: AuditFilter, base: String, view: Viewpoint) -> impl IntoView {
    let at = view! { <TimeText at=record.at form=TimeForm::Full view=view.clone()/> };
    let changes = changes(&record.changes, &view);
    let address =
        record.address.clone().map(|address| view! { <span class="text-ink-3">{format!("from {address}")}</span> });
    let who = who(&record, &filter, &base);
    view! {
        <li id=record.id.to_string() class="grid gap-x-6 gap-y-1 border-b border-line px-3 py-2.5 text-table lg:grid-cols-[minmax(0,1fr)_minmax(0,20rem)]">
            <p class="flex flex-wrap items-baseline gap-x-2 min-w-0 wrap-anywhere">
                <span class="font-semibold">{record.deed.words()}</span>
                {object(&record, &view)}
            </p>
            <p class="text-ink-2 lg:text-right">{at}</p>
            <p class="flex flex-wrap items-baseline gap-x-2 min-w-0 wrap-anywhere text-ink-2 lg:row-start-2">{who} {address}</p>
            {changes}
        </li>
    }
    .into_html()
}

/// Who it was; the name narrows the log to them.
fn who(record: &Record, filter: &AuditFilter, base: &str) -> Html {
    let Some(name) = record.who.clone() else {
        return view! { <span>"by itself"</span> }.into_html();
    };
    let theirs = AuditFilter { who: Some(name.clone()), cursor: None, limit: 0, ..filter.clone() };
    let href = format!("{base}{}", theirs.to_query());
    view! { <span>"by " <a href=href>{name}</a></span> }.into_html()
}

/// What it was done to, by its name at that time, else its id; a link where it has a page.
fn object(record: &Record, view: &Viewpoint) -> Option<Html> {
    // A support session has no page, and its id says nothing: what was looked at is named below.
    let id = record.object_id.clone().filter(|id| !id.starts_with(SupportId::PREFIX))?;
    let shown = record.object.clone().unwrap_or_else(|| id.clone());
    Some(match links::object(&view.acct, &id) {
        Some(href) => view! { <a href=href>{shown}</a> }.into_html(),
        None => view! { <span>{shown}</span> }.into_html(),
    })
}

/// A value as the page writes it: moments by its clock, like all its times.
fn said(value: &str, view: &Viewpoint) -> String {
    match parse_utc(value).filter(|at| iso_utc(*at) == value) {
        Some(at) => view.zone.full(at),
        None => value.to_owned(),
    }
}

fn changes(changes: &[Change], view: &Viewpoint) -> Option<Html> {
    let line = |change: &Change| {
        let what = format!("{}:", change.what.replace('_', " "));
        let after = change.after.as_ref().map_or_else(|| "none".to_owned(), |after| said(after, view));
        let before = change
            .before
            .as_ref()
            .map(|before| said(before, view))
            .map(|before| view! { <del class="text-ink-3">{before}</del> <span aria-hidden="true">"→"</span> });
        view! { <li class="flex flex-wrap gap-x-1.5"><span class="text-ink-3">{what}</span> {before} <span>{after}</span></li> }
    };
    (!changes.is_empty()).then(|| {
        let lines = changes.iter().map(line).collect_view();
        view! { <ul class="grid gap-0.5 min-w-0 wrap-anywhere lg:col-start-1">{lines}</ul> }.into_html()
    })
}
