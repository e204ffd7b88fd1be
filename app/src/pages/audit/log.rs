//! An audit log with its filter: an account's, or that of the ops pages.

use domain::audit::{AuditFilter, AuditPage, area_label};
use leptos::prelude::*;

use super::{SUPPORT, filter_form::FilterForm, records::Records};
use crate::components::{
    button::{LinkButton, Weight},
    empty_state::EmptyState,
    filter_chips::{Chip, FilterChips},
    pager::{Pager, Paging, Trail},
    render_context::RenderContext,
};
use crate::html::IntoHtml;

/// The filter, the records and the pager.
#[component]
pub fn AuditLog(
    /// The records.
    page: AuditPage,
    /// The page's query, without its question mark.
    query: String,
    /// The areas to choose from.
    areas: &'static [(&'static str, &'static str)],
    /// Path of the log.
    base: String,
    /// Account and time zone.
    view: RenderContext,
) -> impl IntoView {
    let filter = AuditFilter::parse(&query);
    let at = filter.cursor.as_deref();
    let paging = Paging::around(&Trail::parse(&query), at, page.next.as_deref(), |cursor| {
        AuditFilter { cursor, ..filter.clone() }.to_query()
    });
    let chips = chips(&filter, &base, &view);
    let content = if page.rows.is_empty() {
        empty(&filter, &base).into_html()
    } else {
        view! { <Records rows=page.rows filter=filter.clone() base=base.clone() view=view/> }.into_html()
    };
    view! {
        <div class="grid gap-2">
            <FilterForm filter=filter areas=areas base=base.clone()/>
            <FilterChips chips=chips clear=base/>
        </div>
        <div>{content} <Pager paging=paging/></div>
    }
}

/// Links that export the same records.
#[component]
pub fn Exports(
    /// The page's query, without its question mark.
    query: String,
    /// Path of the log.
    base: String,
) -> impl IntoView {
    let filter = first_page(&AuditFilter::parse(&query));
    let export = |kind: &str| format!("{base}/export.{kind}{}", filter.to_query());
    let (csv, json) = (export("csv"), export("json"));
    view! {
        <LinkButton href=csv>"Export CSV"</LinkButton>
        <LinkButton href=json>"Export JSON"</LinkButton>
    }
}

/// The filter, back on the first page.
pub(super) fn first_page(filter: &AuditFilter) -> AuditFilter {
    AuditFilter { cursor: None, limit: 0, ..filter.clone() }
}

fn chips(filter: &AuditFilter, base: &str, view: &RenderContext) -> Vec<Chip> {
    let whole = first_page(filter);
    let chip = |label: String, without: AuditFilter| Chip { label, href: format!("{base}{}", without.to_query()) };
    let area =
        whole.area.as_ref().map(|area| chip(area_label(area).to_owned(), AuditFilter { area: None, ..whole.clone() }));
    let who = whole.who.as_ref().map(|who| chip(format!("By {who}"), AuditFilter { who: None, ..whole.clone() }));
    let object =
        whole.object.as_ref().map(|id| chip(format!("Object {id}"), AuditFilter { object: None, ..whole.clone() }));
    let from =
        whole.from.map(|at| chip(format!("From {}", view.zone.full(at)), AuditFilter { from: None, ..whole.clone() }));
    let to =
        whole.to.map(|at| chip(format!("Before {}", view.zone.full(at)), AuditFilter { to: None, ..whole.clone() }));
    [area, who, object, from, to].into_iter().flatten().collect()
}

fn empty(filter: &AuditFilter, base: &str) -> impl IntoView + use<> {
    let base = base.to_owned();
    let whole = first_page(filter);
    let (title, text) = if whole == (AuditFilter { area: Some(SUPPORT.to_owned()), ..AuditFilter::default() }) {
        (
            "No support sessions yet",
            "Support sessions are listed here with the support agent, the reason and every page they opened.",
        )
    } else {
        ("No matching records", "Try a different area, user or period.")
    };
    let (verb, href) = if whole == AuditFilter::default() { ("First page", base) } else { ("Clear filters", base) };
    view! {
        <EmptyState title=title words=text>
            <LinkButton href=href weight=Weight::Primary>{verb}</LinkButton>
        </EmptyState>
    }
}
