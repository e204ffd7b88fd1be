//! The records of the audit log, newest first.

use domain::{
    audit::{AuditFilter, AuditRecord, Change},
    id::SupportId,
    time::{iso_utc, parse_utc},
};
use leptos::prelude::*;

use crate::html::{Html, IntoHtml};
use crate::{
    components::{
        render_context::RenderContext,
        time_text::{TimeForm, TimeText},
    },
    links,
};

/// A list of records: action, user, time and changes.
#[component]
pub fn Records(
    /// The records.
    rows: Vec<AuditRecord>,
    /// The current filter, which a click on a user narrows.
    filter: AuditFilter,
    /// Path of the log.
    base: String,
    /// Account and time zone.
    view: RenderContext,
) -> impl IntoView {
    let items = rows
        .into_iter()
        .map(|record| view! { <Item record=record filter=filter.clone() base=base.clone() view=view.clone()/> });
    view! { <ol class="rounded-m border border-line border-b-0 bg-surface">{items.collect_view()}</ol> }
}

#[component]
fn Item(record: AuditRecord, filter: AuditFilter, base: String, view: RenderContext) -> impl IntoView {
    let at = view! { <TimeText at=record.at form=TimeForm::Full view=view.clone()/> };
    let changes = changes(&record.changes, &view);
    let address =
        record.address.clone().map(|address| view! { <span class="text-ink-3">{format!("from {address}")}</span> });
    let who = who(&record, &filter, &base);
    view! {
        <li id=record.id.to_string() class="grid gap-x-6 gap-y-1 border-b border-line px-3 py-2.5 text-table lg:grid-cols-[minmax(0,1fr)_minmax(0,20rem)]">
            <p class="flex flex-wrap items-baseline gap-x-2 min-w-0 wrap-anywhere">
                <span class="font-semibold">{record.action.summary()}</span>
                {object(&record, &view)}
            </p>
            <p class="text-ink-2 lg:text-right">{at}</p>
            <p class="flex flex-wrap items-baseline gap-x-2 min-w-0 wrap-anywhere text-ink-2 lg:row-start-2">{who} {address}</p>
            {changes}
        </li>
    }
    .into_html()
}

/// Who did it. A click on the name filters the log by it.
fn who(record: &AuditRecord, filter: &AuditFilter, base: &str) -> Html {
    let Some(name) = record.who.clone() else {
        return view! { <span>"by Offhook"</span> }.into_html();
    };
    let by_them = AuditFilter { who: Some(name.clone()), cursor: None, limit: 0, ..filter.clone() };
    let href = format!("{base}{}", by_them.to_query());
    view! { <span>"by " <a href=href>{name}</a></span> }.into_html()
}

/// The object's name at the time, or its ID. A link if it has a page.
fn object(record: &AuditRecord, view: &RenderContext) -> Option<Html> {
    // A support session has no page, and its ID means nothing to users. The changes name the pages that were opened.
    let id = record.object_id.clone().filter(|id| !id.starts_with(SupportId::PREFIX))?;
    let name = record.object.clone().unwrap_or_else(|| id.clone());
    Some(match links::object(&view.acct, &id) {
        Some(href) => view! { <a href=href>{name}</a> }.into_html(),
        None => view! { <span>{name}</span> }.into_html(),
    })
}

/// A value as shown on the page. Times are in the page's time zone.
fn displayed(value: &str, view: &RenderContext) -> String {
    match parse_utc(value).filter(|at| iso_utc(*at) == value) {
        Some(at) => view.zone.full(at),
        None => value.to_owned(),
    }
}

fn changes(changes: &[Change], view: &RenderContext) -> Option<Html> {
    let line = |change: &Change| {
        let what = format!("{}:", change.what.replace('_', " "));
        let after = change.after.as_ref().map_or_else(|| "none".to_owned(), |after| displayed(after, view));
        let before = change
            .before
            .as_ref()
            .map(|before| displayed(before, view))
            .map(|before| view! { <del class="text-ink-3">{before}</del> <span aria-hidden="true">"→"</span> });
        view! { <li class="flex flex-wrap gap-x-1.5"><span class="text-ink-3">{what}</span> {before} <span>{after}</span></li> }
    };
    (!changes.is_empty()).then(|| {
        let lines = changes.iter().map(line).collect_view();
        view! { <ul class="grid gap-0.5 min-w-0 wrap-anywhere lg:col-start-1">{lines}</ul> }.into_html()
    })
}
