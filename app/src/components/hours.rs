//! What an endpoint did in the last 24 hours: a bar per hour, delivered above failed, and the same as a table.

use domain::UnixMs;
use domain::tally::{Tally, hour_of};
use domain::time::HOUR_MS;
use leptos::prelude::*;

use super::count_text::number;
use crate::zone::Zone;

/// Bars of the strip.
const HOURS: usize = 24;
/// Width of a bar and its gap, in the strip's own units.
const STEP: usize = 10;
/// Height of the strip, likewise.
const HEIGHT: u64 = 40;

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
    let small = |n: u64| number(u32::try_from(n).unwrap_or(u32::MAX));
    let (delivered, failures) = day.iter().fold((0, 0), |(d, f), (_, t)| (d + t.delivered, f + failed(t)));
    if delivered + failures == 0 {
        return "Nothing was sent in the last 24 hours.".to_owned();
    }
    let attempts = small(delivered + failures);
    match day.iter().max_by_key(|(_, tally)| failed(tally)) {
        Some((at, worst)) if failed(worst) > 0 => {
            format!("{} of {attempts} attempts failed, most at {}.", small(failures), &zone.clock(*at)[..5])
        }
        _ => format!("All of {attempts} attempts succeeded."),
    }
}

/// Attempts that failed in an hour, whatever came of the delivery.
const fn failed(tally: &Tally) -> u64 {
    tally.retrying + tally.failed
}

/// The strip, and the numbers behind it.
#[component]
pub fn HoursStrip(
    /// What [`day`] gave.
    day: Vec<(UnixMs, Tally)>,
    /// Whose clock.
    zone: Zone,
) -> impl IntoView {
    let said = words(&day, &zone);
    let most = day.iter().map(|(_, tally)| tally.delivered + failed(tally)).max().unwrap_or(0).max(1);
    let bars = day.iter().enumerate().map(|(n, (_, tally))| bar(n, tally, most)).collect_view();
    let view_box = format!("0 0 {} {HEIGHT}", HOURS * STEP);
    view! {
        <p class="mb-2">{said.clone()}</p>
        <svg class="w-full h-16" viewBox=view_box preserveAspectRatio="none" role="img" aria-label=said>{bars}</svg>
        <details class="mt-2">
            <summary class="text-table">"View as table"</summary>
            <Table day=day zone=zone/>
        </details>
    }
}

fn bar(n: usize, tally: &Tally, most: u64) -> impl IntoView + use<> {
    let high = |count: u64| if count == 0 { 0 } else { (count * HEIGHT / most).max(2) };
    let (good, bad) = (high(tally.delivered), high(failed(tally)));
    let x = n * STEP;
    view! {
        <rect class="fill-line" x=x y=HEIGHT - 1 width=STEP - 2 height="1"/>
        <rect class="fill-delivered-fill" x=x y=HEIGHT.saturating_sub(good + bad) width=STEP - 2 height=good/>
        <rect class="fill-failed-fill" x=x y=HEIGHT.saturating_sub(bad) width=STEP - 2 height=bad/>
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
        assert_eq!(words(&day(&hours[1..], NOW), &Zone::default()), "All of 2 attempts succeeded.");
        assert_eq!(words(&day(&[], NOW), &Zone::default()), "Nothing was sent in the last 24 hours.");
    }
}
