//! The audit log: who did what, when, from where, and what it was before and after.

mod filter_form;
mod records;

use domain::{
    actor::Permission,
    audit::{AREAS, AuditFilter},
};
use leptos::prelude::*;

use crate::{
    api,
    components::{
        button::{LinkButton, Weight},
        empty_state::EmptyState,
        filter_chips::{Chip, FilterChips},
        heading::Heading,
        pager::{Pager, Paging, Trail},
        rail::Part,
        viewpoint::Viewpoint,
    },
    pages::account_page,
};
use filter_form::FilterForm;
use records::Records;

/// The area that has a tab of its own.
const SUPPORT: &str = "support";

/// `/a/:acct/audit`
#[component]
pub fn AuditPage() -> impl IntoView {
    account_page(Part::Audit, async |place, frame| {
        frame.need(Permission::ReadAudit)?;
        let page = api::audit::list(place.acct.clone(), place.query.clone()).await?;
        let filter = AuditFilter::parse(&place.query);
        let view = Viewpoint::from(&frame);
        let base = view.path("audit");
        let paging =
            Paging::around(&Trail::parse(&place.query), filter.cursor.as_deref(), page.next.as_deref(), |cursor| {
                AuditFilter { cursor, ..filter.clone() }.to_query()
            });
        let content = if page.rows.is_empty() {
            empty(&filter, &base).into_any()
        } else {
            view! { <Records rows=page.rows filter=filter.clone() view=view.clone()/> }.into_any()
        };
        let export = |kind: &str| format!("{base}/export.{kind}{}", first_page(&filter).to_query());
        let (csv, json) = (export("csv"), export("json"));
        Ok(view! {
            <Heading title="Audit" lead=format!("Who did what, and from where. Records are only ever added. {}.", view.clock())>
                <LinkButton href=csv>"Export CSV"</LinkButton>
                <LinkButton href=json>"Export JSON"</LinkButton>
            </Heading>
            <Tabs filter=filter.clone() base=base.clone()/>
            <div class="grid gap-2">
                <FilterForm filter=filter.clone() base=base.clone()/>
                <FilterChips chips=chips(&filter, &base, &view) clear=base/>
            </div>
            <div>{content} <Pager paging=paging/></div>
        }
        .into_any())
    })
}

fn first_page(filter: &AuditFilter) -> AuditFilter {
    AuditFilter { cursor: None, limit: 0, ..filter.clone() }
}

/// Everything, or only what the provider's support did; the rest of the filter stays.
#[component]
fn Tabs(filter: AuditFilter, base: String) -> impl IntoView {
    let here = filter.area.as_deref() == Some(SUPPORT);
    let tab = move |words: &'static str, area: Option<&str>, open: bool| {
        let href = format!("{base}{}", AuditFilter { area: area.map(str::to_owned), ..first_page(&filter) }.to_query());
        view! {
            <li>
                <a href=href aria-current=open.then_some("true")
                    class="inline-flex min-h-9 items-center border-b-2 border-transparent px-3 no-underline hover:bg-sunk aria-[current]:border-ink aria-[current]:font-bold">
                    {words}
                </a>
            </li>
        }
    };
    view! {
        <nav aria-label="Records">
            <ul class="flex flex-wrap border-b border-line">
                {tab("All records", None, !here)}
                {tab("Support access", Some(SUPPORT), here)}
            </ul>
        </nav>
    }
}

fn chips(filter: &AuditFilter, base: &str, view: &Viewpoint) -> Vec<Chip> {
    let whole = first_page(filter);
    let chip = |label: String, without: AuditFilter| Chip { label, href: format!("{base}{}", without.to_query()) };
    let area = whole.area.as_ref().map(|area| {
        let known = AREAS.iter().find(|(code, _)| code == area).map_or("", |(_, words)| words);
        chip(known.to_owned(), AuditFilter { area: None, ..whole.clone() })
    });
    let who = whole.who.as_ref().map(|who| chip(format!("By {who}"), AuditFilter { who: None, ..whole.clone() }));
    let object =
        whole.object.as_ref().map(|id| chip(format!("About {id}"), AuditFilter { object: None, ..whole.clone() }));
    let from =
        whole.from.map(|at| chip(format!("From {}", view.zone.full(at)), AuditFilter { from: None, ..whole.clone() }));
    let to =
        whole.to.map(|at| chip(format!("Before {}", view.zone.full(at)), AuditFilter { to: None, ..whole.clone() }));
    [area, who, object, from, to].into_iter().flatten().collect()
}

fn empty(filter: &AuditFilter, base: &str) -> impl IntoView + use<> {
    let base = base.to_owned();
    let whole = first_page(filter);
    let (title, words) = if whole == (AuditFilter { area: Some(SUPPORT.to_owned()), ..AuditFilter::default() }) {
        (
            "Support has not looked into this account",
            "Each support session will be listed here, with who, why, and every page that was looked at.",
        )
    } else {
        ("No record matches this filter", "Other areas, people or times may have some.")
    };
    let (verb, href) = if whole == AuditFilter::default() { ("First page", base) } else { ("Clear filters", base) };
    view! {
        <EmptyState title=title words=words>
            <LinkButton href=href weight=Weight::Primary>{verb}</LinkButton>
        </EmptyState>
    }
}
