//! Ago: one island keeps every relative time and countdown of the page true.

use std::time::Duration;

use domain::{
    UnixMs,
    time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, ago, span},
};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

/// How often the texts are brought up to date.
const EVERY: Duration = Duration::from_secs(1);
/// The browser's clock is believed when it is no further than this from the server's, in milliseconds: what is
/// less is the way from there to here.
const SKEW_MIN_MS: i64 = 30_000;

/// Keeps `data-ago` and `data-until` texts up to date. Shows nothing itself.
#[island]
pub fn Ago(
    /// The server's moment of the page, in Unix milliseconds.
    now: i64,
) -> impl IntoView {
    Effect::new(move |_| {
        let skew_ms = skew(browser_now(), now);
        set_interval(move || write_all(UnixMs(browser_now() - skew_ms)), EVERY);
    });
}

/// How far the browser's clock is ahead of the server's.
const fn skew(browser: i64, server: i64) -> i64 {
    let ahead = browser - server;
    if ahead.abs() < SKEW_MIN_MS { 0 } else { ahead }
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit far into 64 bits")]
fn browser_now() -> i64 {
    js_sys::Date::now() as i64
}

fn write_all(now: UnixMs) {
    let Ok(times) = document().query_selector_all("time[data-ago],time[data-until]") else { return };
    for at in 0..times.length() {
        if let Some(time) = times.get(at).and_then(|node| node.dyn_into().ok()) {
            write(&time, now);
        }
    }
}

/// Writes only what differs, so that nothing that is being selected is torn out every second.
fn write(time: &Element, now: UnixMs) {
    let moment = |name| time.get_attribute(name).and_then(|ms| ms.parse::<i64>().ok());
    let text = match (moment("data-ago"), moment("data-until")) {
        (Some(past), _) => ago(now.0 - past),
        (None, Some(ahead)) => until(ahead - now.0),
        (None, None) => return,
    };
    if time.text_content().as_deref() != Some(text.as_str()) {
        time.set_text_content(Some(&text));
    }
}

/// `in 26 min` for a moment that is `ms` milliseconds ahead; `now` for one that has come. Begun units count, so that what
/// lasts 7 days does not end in 6 as soon as it is looked at.
#[must_use]
pub fn until(ms: i64) -> String {
    let begun = |unit: i64| ms.saturating_add(unit - 1) / unit * unit;
    let up = [SECOND_MS, MINUTE_MS, HOUR_MS].map(begun);
    let whole = match up {
        [seconds, ..] if seconds < MINUTE_MS => seconds,
        [_, minutes, _] if minutes < HOUR_MS => minutes,
        [.., hours] if hours < DAY_MS => hours,
        _ => begun(DAY_MS),
    };
    if ms <= 0 { "now".to_owned() } else { format!("in {}", span(whole)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_corrected_and_the_way_here_is_not() {
        assert_eq!(skew(1_000_900, 1_000_000), 0);
        assert_eq!(skew(4_600_000, 1_000_000), 3_600_000);
        assert_eq!(skew(0, 1_000_000), -1_000_000);
    }

    #[test]
    fn what_is_due_is_due_now() {
        assert_eq!([until(-5), until(0), until(26 * 60_000)], ["now", "now", "in 26 min"]);
    }

    #[test]
    fn what_lasts_seven_days_ends_in_seven_days() {
        let said = [7 * DAY_MS - 5_000, 23 * HOUR_MS + 1, 59 * MINUTE_MS + 1, 59_001, 1].map(until);
        assert_eq!(said, ["in 7 days", "in 1 day", "in 1 hour", "in 1 min", "in 1 s"]);
    }
}
