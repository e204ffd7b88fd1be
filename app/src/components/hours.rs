//! The last 24 hours as a chart: a bar per hour, delivered above failed, and the same data as a table.

use domain::UnixMs;
use domain::tally::{Tally, hour_of};
use domain::time::HOUR_MS;
use leptos::prelude::*;

use super::count_text::number;
use crate::zone::Zone;

/// Number of bars.
const HOURS: usize = 24;
/// Hours between two axis labels.
const LABEL_HOURS: usize = 6;
/// Height of the tallest bar, in percent of the chart.
const HIGHEST: u64 = 100;
/// Height of the smallest visible bar, in percent.
const LOWEST: u64 = 4;
/// Attempts that fill the chart, unless an hour had more: a single event should not look like a peak.
const FULL_ATTEMPTS: u64 = 4;

/// The last 24 hours, oldest first, including those without attempts.
#[must_use]
pub fn day(hours: &[(UnixMs, Tally)], now: UnixMs) -> Vec<(UnixMs, Tally)> {
    let first = hour_of(now).plus_ms(-(HOURS as i64 - 1) * HOUR_MS);
    let of = |n: usize| {
        let at = first.plus_ms(n as i64 * HOUR_MS);
        let tally = hours.iter().find(|(hour, _)| *hour == at).map(|(_, tally)| *tally).unwrap_or_default();
        (at, tally)
    };
    (0..HOURS).map(of).collect()
}

/// The chart in words.
#[must_use]
pub fn summary(day: &[(UnixMs, Tally)], zone: &Zone) -> String {
    let (delivered, failures) = day.iter().fold((0, 0), |(d, f), (_, t)| (d + t.delivered, f + failed(t)));
    let all = delivered + failures;
    let worst = day.iter().max_by_key(|(_, tally)| failed(tally)).map_or(UnixMs(0), |(at, _)| *at);
    let worst = &zone.clock(worst)[..5];
    match (failures, all) {
        (_, 0) => "No attempts in the last 24 hours.".to_owned(),
        (0, 1) => "1 attempt succeeded.".to_owned(),
        (0, _) => format!("All {} attempts succeeded.", small(all)),
        (1, 1) => format!("1 attempt failed, at {worst}."),
        _ if failures == all => format!("All {} attempts failed, most at {worst}.", small(all)),
        _ => format!("{} of {} attempts failed, most at {worst}.", small(failures), small(all)),
    }
}

fn small(n: u64) -> String {
    number(u32::try_from(n).unwrap_or(u32::MAX))
}

/// Failed attempts in an hour, whether or not the delivery succeeded later.
const fn failed(tally: &Tally) -> u64 {
    tally.retrying + tally.failed
}

/// The chart and its data as a table.
#[component]
pub fn HourlyChart(
    /// The result of [`day`].
    day: Vec<(UnixMs, Tally)>,
    /// The reader's time zone.
    zone: Zone,
) -> impl IntoView {
    let summary = summary(&day, &zone);
    let most = day.iter().map(|(_, tally)| tally.delivered + failed(tally)).max().unwrap_or(0);
    let bars = day.iter().enumerate().map(|(n, (_, tally))| bar(n, tally, most.max(FULL_ATTEMPTS))).collect_view();
    let highest = (most > 0).then(|| format!("Busiest hour: {}", small(most)));
    let labels = labels(&day, &zone);
    view! {
        <p class="mb-3">{summary.clone()}</p>
        // Percentages instead of a view box: bars stretch with the page, hatching does not.
        <svg class="h-24 w-full border-b border-control" role="img" aria-label=summary>
            <defs>
                <pattern id="failed-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                    <rect class="fill-failed-fill" width="6" height="6"/>
                    <rect class="fill-surface" width="2" height="6"/>
                </pattern>
            </defs>
            {bars}
        </svg>
        <div class="grid grid-cols-4 pt-1 text-meta text-ink-3" aria-hidden="true">{labels}</div>
        <p class="mt-2 flex flex-wrap gap-x-5 gap-y-1 text-table text-ink-2">
            <Key fill="fill-delivered-fill" label="Delivered"/>
            <Key fill="fill-[url(#failed-hatch)]" label="Failed attempts"/>
            <span>{highest}</span>
        </p>
        <details class="mt-2">
            <summary class="text-table">"View as table"</summary>
            <Table day=day zone=zone/>
        </details>
    }
}

/// A legend entry.
#[component]
fn Key(fill: &'static str, label: &'static str) -> impl IntoView {
    view! {
        <span class="flex items-center gap-1.5">
            <svg class="size-3" aria-hidden="true"><rect class=fill width="12" height="12"/></svg>
            {label}
        </span>
    }
}

/// The axis labels, each at the start of its bar, and "now" at the end.
fn labels(day: &[(UnixMs, Tally)], zone: &Zone) -> impl IntoView + use<> {
    let label = |(n, (at, _)): (usize, &(UnixMs, Tally))| {
        let now = (n + LABEL_HOURS == HOURS).then(|| view! { <span>"now"</span> });
        view! { <span class="flex justify-between">{zone.clock(*at)[..5].to_owned()} {now}</span> }
    };
    day.iter().enumerate().step_by(LABEL_HOURS).map(label).collect_view()
}

/// Heights of the delivered and the failed part in percent; their sum is at most [`HIGHEST`].
fn heights(tally: &Tally, most: u64) -> (u64, u64) {
    let high = |count: u64| if count == 0 { 0 } else { (count * HIGHEST / most).max(LOWEST) };
    let bad = high(failed(tally));
    let good = high(tally.delivered).min(HIGHEST - bad.min(HIGHEST - LOWEST));
    (good, bad.min(HIGHEST - good))
}

fn bar(n: usize, tally: &Tally, most: u64) -> impl IntoView + use<> {
    let (good, bad) = heights(tally, most);
    let part = |class: &'static str, from_top: u64, high: u64| {
        let thousandths = n * 1_000 / HOURS;
        let x = format!("{}.{}%", thousandths / 10, thousandths % 10);
        (high > 0).then(|| {
            view! { <rect class=class x=x y=format!("{from_top}%") width="3.4%" height=format!("{high}%")/> }
        })
    };
    view! {
        {part("fill-delivered-fill", HIGHEST - good - bad, good)}
        {part("fill-[url(#failed-hatch)]", HIGHEST - bad, bad)}
    }
}

#[component]
fn Table(day: Vec<(UnixMs, Tally)>, zone: Zone) -> impl IntoView {
    let row = |(at, tally): (UnixMs, Tally)| {
        let p95 = tally.durations.percentile_ms(95).map_or_else(String::new, |ms| format!("≤ {ms} ms"));
        view! {
            <tr class="border-t border-line">
                <th scope="row" class="py-1 text-left font-normal">{zone.short(at)}</th>
                <td class="text-right">{tally.delivered}</td>
                <td class="text-right">{failed(&tally)}</td>
                <td class="text-right">{p95}</td>
            </tr>
        }
    };
    let busy = day.into_iter().filter(|(_, tally)| tally.delivered + failed(tally) > 0);
    view! {
        <table class="mt-2 w-full text-table">
            <thead>
                <tr>
                    <th scope="col" class="text-left">"Hour"</th>
                    <th scope="col" class="text-right">"Delivered"</th>
                    <th scope="col" class="text-right">"Failed attempts"</th>
                    <th scope="col" class="text-right">"p95 latency"</th>
                </tr>
            </thead>
            <tbody>{busy.map(row).collect_view()}</tbody>
        </table>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(100 * HOUR_MS + 5);

    #[test]
    fn the_day_has_every_hour_and_ends_with_the_current_one() {
        let tally = Tally { delivered: 3, ..Tally::default() };
        let day = day(&[(hour_of(NOW), tally)], NOW);
        assert_eq!((day.len(), day[23].1.delivered, day[0].0), (24, 3, UnixMs(77 * HOUR_MS)));
    }

    #[test]
    fn the_summary_names_the_worst_hour() {
        let bad = Tally { delivered: 3, retrying: 1, failed: 1, ..Tally::default() };
        let hours = [(UnixMs(90 * HOUR_MS), bad), (UnixMs(95 * HOUR_MS), Tally { delivered: 2, ..Tally::default() })];
        assert_eq!(summary(&day(&hours, NOW), &Zone::default()), "2 of 7 attempts failed, most at 18:00.");
        assert_eq!(summary(&day(&hours[1..], NOW), &Zone::default()), "All 2 attempts succeeded.");
        assert_eq!(summary(&day(&[], NOW), &Zone::default()), "No attempts in the last 24 hours.");
    }

    #[test]
    fn the_summary_counts_one_and_all() {
        let say = |delivered: u64, failed: u64| {
            let tally = Tally { delivered, failed, ..Tally::default() };
            summary(&day(&[(UnixMs(90 * HOUR_MS), tally)], NOW), &Zone::default())
        };
        assert_eq!(say(1, 0), "1 attempt succeeded.");
        assert_eq!(say(0, 1), "1 attempt failed, at 18:00.");
        assert_eq!(say(0, 1_204), "All 1,204 attempts failed, most at 18:00.");
    }

    #[test]
    fn bars_stay_within_the_chart_and_small_ones_remain_visible() {
        let high =
            |delivered: u64, failed: u64, most: u64| heights(&Tally { delivered, failed, ..Tally::default() }, most);
        assert_eq!(high(0, 0, 10), (0, 0));
        assert_eq!(high(5, 5, 10), (50, 50));
        assert_eq!(high(0, 10, 10), (0, 100));
        assert_eq!(high(9_999, 1, 10_000), (96, 4));
        assert_eq!(high(1, 9_999, 10_000), (4, 96));
    }
}
