//! What an endpoint did in the last 24 hours: a bar per hour, delivered above failed, and the same as a table.

use domain::UnixMs;
use domain::tally::{Tally, hour_of};
use domain::time::HOUR_MS;
use leptos::prelude::*;

use super::count_text::number;
use crate::zone::Zone;

/// Bars of the strip.
const HOURS: usize = 24;
/// Hours from one label of the axis to the next.
const LABEL_HOURS: usize = 6;
/// The highest bar, in hundredths of the strip's height.
const HIGHEST: u64 = 100;
/// The lowest bar that still shows, likewise.
const LOWEST: u64 = 4;
/// A bar of so many attempts fills the strip, unless an hour had more: one event is no peak.
const FULL_ATTEMPTS: u64 = 4;

/// The last 24 hours, oldest first, also those in which nothing happened.
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

/// What the strip says in words.
#[must_use]
pub fn words(day: &[(UnixMs, Tally)], zone: &Zone) -> String {
    let (delivered, failures) = day.iter().fold((0, 0), |(d, f), (_, t)| (d + t.delivered, f + failed(t)));
    let all = delivered + failures;
    let worst = day.iter().max_by_key(|(_, tally)| failed(tally)).map_or(UnixMs(0), |(at, _)| *at);
    let worst = &zone.clock(worst)[..5];
    match (failures, all) {
        (_, 0) => "Nothing was sent in the last 24 hours.".to_owned(),
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

/// Attempts that failed in an hour, whatever came of the delivery.
const fn failed(tally: &Tally) -> u64 {
    tally.retrying + tally.failed
}

/// The strip, and the numbers behind it.
#[component]
pub fn HourlyChart(
    /// What [`day`] gave.
    day: Vec<(UnixMs, Tally)>,
    /// Whose clock.
    zone: Zone,
) -> impl IntoView {
    let said = words(&day, &zone);
    let most = day.iter().map(|(_, tally)| tally.delivered + failed(tally)).max().unwrap_or(0);
    let bars = day.iter().enumerate().map(|(n, (_, tally))| bar(n, tally, most.max(FULL_ATTEMPTS))).collect_view();
    let highest = (most > 0).then(|| format!("Most in an hour: {}", small(most)));
    let labels = labels(&day, &zone);
    view! {
        <p class="mb-3">{said.clone()}</p>
        // Lengths in hundredths instead of a view box: bars stretch with the page, hatching does not.
        <svg class="h-24 w-full border-b border-control" role="img" aria-label=said>
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
            <Key fill="fill-delivered-fill" words="Delivered"/>
            <Key fill="fill-[url(#failed-hatch)]" words="Failed attempts"/>
            <span>{highest}</span>
        </p>
        <details class="mt-2">
            <summary class="text-table">"View as table"</summary>
            <Table day=day zone=zone/>
        </details>
    }
}

/// What a colour of the strip means.
#[component]
fn Key(fill: &'static str, words: &'static str) -> impl IntoView {
    view! {
        <span class="flex items-center gap-1.5">
            <svg class="size-3" aria-hidden="true"><rect class=fill width="12" height="12"/></svg>
            {words}
        </span>
    }
}

/// The hours under the strip, each where its bar begins; the present one at the end.
fn labels(day: &[(UnixMs, Tally)], zone: &Zone) -> impl IntoView + use<> {
    let label = |(n, (at, _)): (usize, &(UnixMs, Tally))| {
        let now = (n + LABEL_HOURS == HOURS).then(|| view! { <span>"now"</span> });
        view! { <span class="flex justify-between">{zone.clock(*at)[..5].to_owned()} {now}</span> }
    };
    day.iter().enumerate().step_by(LABEL_HOURS).map(label).collect_view()
}

/// Heights of what was delivered and of what failed, which together are at most [`HIGHEST`].
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
                    <th scope="col" class="text-right">"95 of 100 within"</th>
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
    fn the_day_has_every_hour_and_ends_with_the_present_one() {
        let tally = Tally { delivered: 3, ..Tally::default() };
        let day = day(&[(hour_of(NOW), tally)], NOW);
        assert_eq!((day.len(), day[23].1.delivered, day[0].0), (24, 3, UnixMs(77 * HOUR_MS)));
    }

    #[test]
    fn the_words_name_the_worst_hour() {
        let bad = Tally { delivered: 3, retrying: 1, failed: 1, ..Tally::default() };
        let hours = [(UnixMs(90 * HOUR_MS), bad), (UnixMs(95 * HOUR_MS), Tally { delivered: 2, ..Tally::default() })];
        assert_eq!(words(&day(&hours, NOW), &Zone::default()), "2 of 7 attempts failed, most at 18:00.");
        assert_eq!(words(&day(&hours[1..], NOW), &Zone::default()), "All 2 attempts succeeded.");
        assert_eq!(words(&day(&[], NOW), &Zone::default()), "Nothing was sent in the last 24 hours.");
    }

    #[test]
    fn one_attempt_is_one_and_all_are_all() {
        let say = |delivered: u64, failed: u64| {
            let tally = Tally { delivered, failed, ..Tally::default() };
            words(&day(&[(UnixMs(90 * HOUR_MS), tally)], NOW), &Zone::default())
        };
        assert_eq!(say(1, 0), "1 attempt succeeded.");
        assert_eq!(say(0, 1), "1 attempt failed, at 18:00.");
        assert_eq!(say(0, 1_204), "All 1,204 attempts failed, most at 18:00.");
    }

    #[test]
    fn a_bar_stays_in_the_strip_and_little_still_shows() {
        let high =
            |delivered: u64, failed: u64, most: u64| heights(&Tally { delivered, failed, ..Tally::default() }, most);
        assert_eq!(high(0, 0, 10), (0, 0));
        assert_eq!(high(5, 5, 10), (50, 50));
        assert_eq!(high(0, 10, 10), (0, 100));
        assert_eq!(high(9_999, 1, 10_000), (96, 4));
        assert_eq!(high(1, 9_999, 10_000), (4, 96));
    }
}
