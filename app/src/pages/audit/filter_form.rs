//! The filter of the audit log: a GET form, so that every filter has a URL and works without JavaScript.

use domain::audit::AuditFilter;
use leptos::prelude::*;

use crate::components::{
    button::{Button, Weight},
    field::CONTROL,
    filter_field::{Choice, LEGEND, Moment, ZoneName},
};
use crate::html::IntoHtml;

/// Filters by area, user and time.
#[component]
pub fn FilterForm(
    /// The current filter.
    filter: AuditFilter,
    /// The areas with their names.
    areas: &'static [(&'static str, &'static str)],
    /// The page's path.
    base: String,
) -> impl IntoView {
    let areas = areas.iter().map(|(area, words)| ((*area).to_owned(), (*words).to_owned())).collect();
    view! {
        <form method="get" action=base role="search" aria-label="Audit log" class="grid items-end gap-3 sm:grid-cols-2 lg:grid-cols-4">
            <Choice name="area" label="Area" any="All areas" options=areas chosen=filter.area/>
            <div class="grid min-w-0 grid-cols-1 gap-1">
                <label class=LEGEND for="who">"User or token"</label>
                <input class=CONTROL type="search" id="who" name="who" value=filter.who autocomplete="off" spellcheck="false"
                    placeholder="ana@acme.example"/>
            </div>
            <Moment name="from" label="From" at=filter.from/>
            <Moment name="to" label="To" at=filter.to/>
            <ZoneName/>
            {filter.object.map(|object| view! { <input type="hidden" name="object" value=object/> })}
            <div class="sm:col-span-full"><Button weight=Weight::Secondary>"Filter"</Button></div>
        </form>
    }
    .into_html()
}
