//! The audit log: who did what, when and from where, with values before and after.

mod filter_form;
mod log;
mod records;

pub(super) use log::{AuditLog, Exports};

use domain::{
    actor::Permission,
    audit::{AREAS, AuditFilter},
};
use leptos::prelude::*;

use crate::html::IntoHtml;
use crate::{
    api,
    components::{heading::Heading, render_context::RenderContext, sidebar::Part},
    pages::account_page,
};

/// The area with its own tab.
const SUPPORT: &str = "support";

/// `/a/:acct/audit`
#[component]
pub fn AuditPage() -> impl IntoView {
    account_page(Part::Audit, async |place, frame| {
        frame.need(Permission::ReadAudit)?;
        let page = api::audit::list(place.acct.clone(), place.query.clone()).await?;
        let view = RenderContext::from(&frame);
        let base = view.path("audit");
        let lead = format!("Who did what, and from where. Append-only. {}.", view.clock());
        let tabs = view! { <Tabs filter=AuditFilter::parse(&place.query) base=base.clone()/> };
        let exports = view! { <Exports query=place.query.clone() base=base.clone()/> };
        Ok(view! {
            <Heading title="Audit log" lead=lead>{exports}</Heading>
            {tabs}
            <AuditLog page=page query=place.query areas=&AREAS base=base view=view/>
        }
        .into_html())
    })
}

/// All records, or only support access. Keeps the rest of the filter.
#[component]
fn Tabs(filter: AuditFilter, base: String) -> impl IntoView {
    let here = filter.area.as_deref() == Some(SUPPORT);
    let tab = move |words: &'static str, area: Option<&str>, open: bool| {
        let href =
            format!("{base}{}", AuditFilter { area: area.map(str::to_owned), ..log::first_page(&filter) }.to_query());
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
