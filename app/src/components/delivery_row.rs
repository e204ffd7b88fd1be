//! A delivery in a list: two lines on a desktop, three on a phone, with the cause on the last.

use domain::{
    delivery::{DeliveryRow, Status},
    phone,
};
use leptos::{prelude::*, server_fn::ServerFn as _};

use super::{
    cadence::CadenceStrip,
    cause::CauseLine,
    render_context::RenderContext,
    status_badge::{StatusBadge, TestMark},
    time_text::{AgoText, TimeForm, TimeText},
};
use crate::html::IntoHtml;
use crate::{api::deliveries::Retry, links};

/// The grid of a row: status and time, event and endpoint, cause on a phone; two lines from 768 px.
const GRID: &str = "relative grid items-center gap-x-3 gap-y-0.5 px-3 py-2 leading-row border-b border-line hover:bg-sunk \
    grid-cols-[auto_minmax(0,1fr)] \
    md:grid-cols-[8.5rem_11rem_minmax(0,1.4fr)_minmax(0,1fr)_6rem_5rem]";

/// One row of the delivery list; its link covers the whole row.
#[component]
pub fn DeliveryItem(
    /// The delivery.
    row: DeliveryRow,
    /// The account and the reader's clock.
    view: RenderContext,
    /// The list's query string, so that the delivery's page can link back to it.
    #[prop(optional, into)]
    query: String,
    /// Whether it can be selected and retried here.
    #[prop(optional)]
    acts: RowActs,
) -> impl IntoView {
    let may = acts == RowActs::SelectAndRetry;
    let select = may.then(|| view! { <Select row=row.clone()/> });
    let retries = may && row.status == Status::Retrying && row.next_attempt_at.is_some();
    let retry = retries.then(|| view! { <RetryNow row=row.clone() acct=view.acct.clone() list=query.clone()/> });
    let href = links::delivery(&view.acct, row.id.as_str()) + &query;
    view! {
        <li id=row.id.to_string() data-v=version(&row) data-status=row.status.as_str() class=GRID>
            <div class="flex items-center gap-2 max-md:row-start-1">{select}<StatusBadge status=row.status/></div>
            <Event row=row.clone() href=href/>
            <div class="hidden md:block truncate text-table leading-row">{parties(&row)}</div>
            <div class="truncate text-table leading-row text-ink-2 max-md:row-start-2 max-md:text-right">{row.endpoint_name.clone()}</div>
            <div class="hidden md:flex justify-end"><CadenceStrip row=row.clone() now=view.now/></div>
            <div class="text-table leading-row text-right max-md:row-start-1 max-md:col-start-2">
                <TimeText at=row.created_at form=TimeForm::Clock view=view.clone()/>
            </div>
            <div class="max-md:row-start-3 col-span-2 md:col-start-1 md:col-span-5 md:pl-5"><CauseLine row=row.clone() view=view.clone()/>{retry}</div>
            <div class="hidden md:block text-right text-meta leading-row text-ink-3"><AgoText at=row.created_at view=view.clone()/></div>
        </li>
    }
    .into_html()
}

/// What can be done with a row in its list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowActs {
    /// Nothing: it only links to its page.
    #[default]
    Link,
    /// It can be selected for the form with the id [`SELECTION`], and retried now.
    SelectAndRetry,
}

/// Id of the form that acts on the selected rows.
pub const SELECTION: &str = "selection";

#[component]
fn Select(row: DeliveryRow) -> impl IntoView {
    let label = format!("Select {} to {}, {}", row.kind, row.endpoint_name, row.id);
    view! {
        <label class="relative z-[1] -m-1 inline-grid size-6 place-items-center pointer-coarse:size-11">
            <input type="checkbox" class="size-4 accent-ink" name="id" value=row.id.to_string() form=SELECTION aria-label=label/>
        </label>
    }
}

/// Retries the delivery and returns to the list.
#[component]
fn RetryNow(row: DeliveryRow, acct: String, list: String) -> impl IntoView {
    let more = format!(": {} to {}, {}", row.kind, row.endpoint_name, row.id);
    view! {
        <form method="post" action=Retry::PATH class="relative z-[1] ml-2 inline">
            <input type="hidden" name="acct" value=acct/>
            <input type="hidden" name="dlv" value=row.id.to_string()/>
            <input type="hidden" name="list" value=list/>
            <button type="submit" class="inline-flex min-h-6 items-center text-table font-semibold underline underline-offset-4 hover:decoration-2">
                "Retry now"<span class="sr-only">{more}</span>
            </button>
        </form>
    }
}

/// The event, with the link that covers the row. Its accessible name is longer than its text, so that the links of a list differ.
#[component]
fn Event(
    /// The delivery.
    row: DeliveryRow,
    /// Its page.
    href: String,
) -> impl IntoView {
    let more = format!(" to {}, {}, {}", row.endpoint_name, row.status.label().to_lowercase(), row.id);
    view! {
        <div class="flex items-center gap-2 max-md:row-start-2 text-table leading-row">
            <a class="no-underline after:absolute after:inset-0" href=href>
                {row.kind.as_str()}
                <span class="sr-only">{more}</span>
            </a>
            {row.test.then(|| view! { <TestMark/> })}
        </div>
    }
}

/// Caller and callee: `+44 1202 901 222 → extension 7048`.
#[must_use]
pub fn parties(row: &DeliveryRow) -> String {
    format!("{} → {}", phone::display(&row.caller), phone::display(&row.callee))
}

/// Changes whenever the row changes for a reason other than the passing of time.
#[must_use]
pub fn version(row: &DeliveryRow) -> String {
    let next = row.next_attempt_at.map_or(0, |at| at.0);
    format!("{}-{}-{next}", row.status.as_str(), row.attempts)
}

#[cfg(test)]
mod tests {
    use domain::UnixMs;

    use super::*;
    use crate::components::sample;

    #[test]
    fn a_row_version_changes_with_every_attempt_and_schedule() {
        let row = sample::row(Status::Retrying);
        let tried = DeliveryRow { attempts: 1, ..row.clone() };
        let planned = DeliveryRow { next_attempt_at: Some(UnixMs(9)), ..tried.clone() };
        let ended = DeliveryRow { status: Status::Failed, ..tried.clone() };
        let versions = [&row, &tried, &planned, &ended].map(version);
        assert!(versions.iter().enumerate().all(|(at, one)| !versions[..at].contains(one)));
    }

    #[test]
    fn phone_numbers_of_the_parties_are_formatted() {
        let row = DeliveryRow { caller: "+441202901222".into(), ..sample::row(Status::Queued) };
        assert_eq!(parties(&row), "+44 1202 901 222 → extension 7048");
    }
}
