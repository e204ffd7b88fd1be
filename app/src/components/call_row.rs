//! One row per call: who called whom, how it ended, and the worst of its deliveries.

use domain::{
    call::{CallRow, Direction, Outcome},
    phone,
};
use leptos::prelude::*;

use super::{
    render_context::RenderContext,
    status_badge::{StatusBadge, TestMark},
    time_text::{AgoText, TimeForm, TimeText},
};
use crate::html::IntoHtml;
use crate::links;

/// The grid of a row: on a phone parties and time, then how it ended and its deliveries; one line from 768 px.
const GRID: &str = "relative grid items-center gap-x-4 gap-y-0.5 border-b border-line px-3 py-1.5 text-table leading-row hover:bg-sunk \
    grid-cols-[minmax(0,1fr)_auto] md:grid-cols-[minmax(0,1fr)_9rem_4.5rem_13rem_5rem_5rem]";

/// Calls, in the given order.
#[component]
pub fn CallRows(
    /// The calls.
    rows: Vec<CallRow>,
    /// The account and the reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let items = rows.into_iter().map(|row| view! { <CallItem row=row view=view.clone()/> }).collect_view();
    view! { <ol class="border-t border-line">{items}</ol> }
}

#[component]
fn CallItem(row: CallRow, view: RenderContext) -> impl IntoView {
    let href = links::call(&view.acct, &row.call_id);
    let (parties, arrow, spoken) = (parties(&row), arrow(row.direction), spoken(row.direction));
    view! {
        <li class=GRID data-call=row.call_id.clone()>
            <div class="flex min-w-0 items-center gap-2">
                <span class="w-3 shrink-0 text-ink-3" aria-hidden="true">{arrow}</span>
                <a class="truncate no-underline after:absolute after:inset-0" href=href>
                    <span class="sr-only">{spoken}</span> {parties}
                </a>
                {row.test.then(|| view! { <TestMark/> })}
            </div>
            <div class="text-ink-2 max-md:row-start-2 max-md:pl-5">{ending(&row)} <span class="md:hidden">{talk(&row).map(|text| format!(" · {text}"))}</span></div>
            <div class="hidden text-right text-ink-2 md:block">{talk(&row)}</div>
            <div class="flex items-center gap-2 max-md:row-start-2 max-md:justify-end"><Deliveries row=row.clone()/></div>
            <div class="text-right max-md:row-start-1 max-md:col-start-2"><TimeText at=row.began_at form=TimeForm::Clock view=view.clone()/></div>
            <div class="hidden text-right text-meta text-ink-3 md:block"><AgoText at=row.began_at view=view/></div>
        </li>
    }
    .into_html()
}

/// The worst of a call's deliveries, and how many were delivered.
#[component]
fn Deliveries(row: CallRow) -> impl IntoView {
    let Some(worst) = row.worst else {
        return view! { <span class="text-ink-2">"Not sent"</span> }.into_html();
    };
    let count = match row.outcome() {
        Outcome::Delivered => row.deliveries.to_string(),
        _ => format!("{} of {}", row.delivered, row.deliveries),
    };
    view! {
        <StatusBadge status=worst/>
        <span class="text-meta text-ink-3">{count} <span class="sr-only">" delivered"</span></span>
    }
    .into_html()
}

/// `+44 1632 960 001 → 7048`.
#[must_use]
pub fn parties(row: &CallRow) -> String {
    format!("{} → {}", phone::display(&row.caller), phone::display(&row.callee))
}

const fn arrow(direction: Option<Direction>) -> &'static str {
    match direction {
        Some(Direction::Incoming) => "↙",
        Some(Direction::Outgoing) => "↗",
        Some(Direction::Internal) => "↔",
        None => "",
    }
}

const fn spoken(direction: Option<Direction>) -> &'static str {
    match direction {
        Some(Direction::Incoming) => "Incoming: ",
        Some(Direction::Outgoing) => "Outgoing: ",
        Some(Direction::Internal) => "Internal: ",
        None => "",
    }
}

/// How a call ended, in words.
#[must_use]
pub fn ending(row: &CallRow) -> &'static str {
    match (row.end.status.as_deref(), row.ended) {
        (Some(status), _) => status_label(status),
        (None, true) => "Ended",
        (None, false) => "No end yet",
    }
}

/// A `call_status` in words.
#[must_use]
pub fn status_label(status: &str) -> &'static str {
    match status {
        "answered" => "Answered",
        "not_answered" => "Not answered",
        "busy" => "Busy",
        "failed" => "Call failed",
        "cancelled" => "Cancelled",
        "voicemail" => "Voicemail",
        _ => "Ended",
    }
}

/// How long they talked: `3:11`. None if nobody did.
#[must_use]
pub fn talk(row: &CallRow) -> Option<String> {
    row.end.talk_s.filter(|seconds| *seconds > 0).map(|seconds| clock(seconds.into()))
}

/// A duration in seconds as `0:08`, `3:11` or `1:02:03`.
#[must_use]
pub fn clock(seconds: i64) -> String {
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_clock_times() {
        assert_eq!([8, 191, 3_723].map(clock), ["0:08", "3:11", "1:02:03"]);
    }

    #[test]
    fn every_status_of_a_call_has_words_of_its_own() {
        let words: std::collections::HashSet<_> =
            domain::call::CALL_STATUSES.iter().map(|status| status_label(status)).collect();
        assert_eq!(words.len(), domain::call::CALL_STATUSES.len());
        assert!(!words.contains("Ended"));
    }
}
