//! The cadence strip: the attempts of a delivery on a time axis. Drawn on the server with attributes and classes only,
//! because the content security policy blocks inline styles.

mod scale;

use domain::{
    UnixMs,
    delivery::{DeliveryRow, MARKS_MAX},
    time::{counted, span},
};
use leptos::prelude::*;

use super::status_badge::{StatusIcon, ink};
use crate::html::IntoHtml;
use scale::{Bar, Strip, Tick};

/// Width of the small strip without the status icon.
const SMALL_WIDTH: f64 = 80.0;
/// Height of the small strip.
const SMALL_HEIGHT: f64 = 16.0;
/// Bar width in the small strip.
const SMALL_BAR: f64 = 2.5;
/// Minimum distance between two bars of the small strip.
const SMALL_APART: f64 = 4.0 / (SMALL_WIDTH - SMALL_BAR);
/// Maximum bar height in the large strip.
const LARGE_HEIGHT: f64 = 44.0;
/// Minimum distance between two bars of the large strip, as a fraction of its width, so that they do not touch on a phone.
const LARGE_APART: f64 = 0.028;
/// Width available for left edges of bars in the large strip, in percent; the rest is for the last bar itself.
const LARGE_USED_PERCENT: f64 = 97.0;

/// The strip in words: `4 attempts in 12 min, next in 26 min`.
#[must_use]
pub fn description(row: &DeliveryRow, now: UnixMs) -> String {
    let Some((first, last)) = row.beats.first().zip(row.beats.last()) else { return "No attempts yet".to_owned() };
    let shown = u32::try_from(row.beats.len()).unwrap_or(u32::MAX);
    let latest = if (MARKS_MAX..row.attempts).contains(&shown) { "The latest " } else { "" };
    let attempts = format!("{latest}{}", counted(i64::from(shown), "attempt"));
    let over = last.started_at.since_ms(first.started_at);
    let over = if row.beats.len() > 1 { format!(" in {}", span(over)) } else { String::new() };
    let next = row.next_attempt_at.filter(|at| !row.status.is_final() && *at > now);
    let next = next.map(|at| format!(", next in {}", span(at.since_ms(now)))).unwrap_or_default();
    format!("{attempts}{over}{next}")
}

/// One decimal is finer than a pixel.
fn number(value: f64) -> String {
    format!("{value:.1}")
}

const fn fill(bar: &Bar) -> &'static str {
    if bar.ok { "fill-delivered-fill" } else { "fill-failed-fill" }
}

/// The strip of a row: 96 by 16, with the status icon at its end.
#[component]
pub fn CadenceStrip(
    /// The delivery.
    row: DeliveryRow,
    /// The current time.
    now: UnixMs,
) -> impl IntoView {
    let strip = Strip::of(&row, SMALL_APART);
    let left = |x: f64| x * (SMALL_WIDTH - SMALL_BAR);
    let bars = strip.bars.iter().map(|bar| {
        let height = bar.height * SMALL_HEIGHT;
        view! {
            <rect class=fill(bar) x=number(left(bar.x)) y=number(SMALL_HEIGHT - height) width="2.5" height=number(height)></rect>
        }
    });
    let next = strip.next.map(|x| {
        view! {
            <rect class="fill-none stroke-retrying-fill" x=number(left(x) + 0.5) y="7.5" width="2" height="8"></rect>
        }
    });
    view! {
        <span class="inline-flex items-end gap-1">
            <svg role="img" width="80" height="16" viewBox="0 0 80 16" class="shrink-0">
                <title>{description(&row, now)}</title>
                <path class="stroke-line" d="M0 15.5H80"></path>
                {bars.collect_view()}
                {next}
            </svg>
            <StatusIcon status=row.status class=small_icon(&row)/>
        </span>
    }
    .into_html()
}

fn small_icon(row: &DeliveryRow) -> &'static str {
    match ink(row.status) {
        "text-delivered" => "size-3 shrink-0 text-delivered",
        "text-retrying" => "size-3 shrink-0 text-retrying",
        "text-failed" => "size-3 shrink-0 text-failed",
        _ => "size-3 shrink-0 text-held",
    }
}

/// The full-width strip of a delivery's page, with a time axis. Positions are percentages, so that bars and labels keep
/// their size on every screen.
#[component]
pub fn CadenceChart(
    /// The delivery.
    row: DeliveryRow,
    /// The current time.
    now: UnixMs,
) -> impl IntoView {
    let strip = Strip::of(&row, LARGE_APART);
    let left = |x: f64| format!("{:.2}%", x * LARGE_USED_PERCENT);
    let bars = strip.bars.iter().map(|bar| {
        let height = bar.height * LARGE_HEIGHT;
        view! { <rect class=fill(bar) x=left(bar.x) y=number(LARGE_HEIGHT - height) width="7" height=number(height)></rect> }
    });
    let next = strip.next.map(|x| {
        view! {
            <rect class="fill-none stroke-retrying-fill stroke-2" x=left(x) y="21" width="7" height="22"></rect>
        }
    });
    let ticks = strip.ticks();
    let last = ticks.len().saturating_sub(1);
    let axis = ticks.into_iter().enumerate().map(|(index, tick)| axis_tick(tick, left(tick.x), index == last));
    view! {
        <svg role="img" width="100%" height="66" class="block overflow-visible">
            <title>{description(&row, now)}</title>
            <desc>"One bar per attempt. Height shows its duration; the logarithmic axis shows the time since the event."</desc>
            <line class="stroke-control" x1="0" x2="100%" y1="44.5" y2="44.5"></line>
            {axis.collect_view()}
            {bars.collect_view()}
            {next}
        </svg>
    }
    .into_html()
}

/// A tick of the axis. The last label is right-aligned to stay inside the drawing.
fn axis_tick(tick: Tick, x: String, last: bool) -> impl IntoView {
    let shown = if tick.narrow { "" } else { "max-sm:hidden" };
    let anchor = if last { "end" } else { "start" };
    view! {
        <line class="stroke-control" x1=x.clone() x2=x.clone() y1="44" y2="49"></line>
        <text class=format!("fill-ink-3 text-meta {shown}") x=x y="63" text-anchor=anchor>{tick.label}</text>
    }
}

#[cfg(test)]
mod tests {
    use domain::delivery::{AttemptMark, Status};

    use super::*;
    use crate::components::sample;

    #[test]
    fn the_strip_in_words_counts_attempts_and_names_the_next_one() {
        let beat = |ms| AttemptMark { started_at: UnixMs(ms), duration_ms: 9, ok: false };
        let row = DeliveryRow {
            beats: vec![beat(0), beat(5_000), beat(120_000)],
            next_attempt_at: Some(UnixMs(180_000)),
            ..sample::row(Status::Retrying)
        };
        assert_eq!(description(&row, UnixMs(150_000)), "3 attempts in 2 min, next in 30 s");
        let row = DeliveryRow { beats: vec![beat(0)], status: Status::Delivered, ..row };
        assert_eq!(description(&row, UnixMs(150_000)), "1 attempt");
        assert_eq!(description(&sample::row(Status::Queued), UnixMs(0)), "No attempts yet");
    }
}
