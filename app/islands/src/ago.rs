//! Keeps every relative time and countdown of the page up to date.

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
/// Clock differences below this many milliseconds are ignored: they are network latency.
const SKEW_MIN_MS: i64 = 30_000;

/// Updates `data-ago` and `data-until` texts. Renders nothing.
#[island]
pub fn Ago(
    /// The server's time when it rendered the page, in Unix milliseconds.
    now: i64,
) -> impl IntoView {
    Effect::new(move |_| {
        let skew_ms = skew(browser_now(), now);
        set_interval(move || write_all(UnixMs(browser_now() - skew_ms)), EVERY);
    });
}

/// How far the browser's clock is ahead of the server's, in milliseconds.
const fn skew(browser: i64, server: i64) -> i64 {
    let ahead = browser - server;
    if ahead.abs() < SKEW_MIN_MS { 0 } else { ahead }
}

#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit into 64 bits")]
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

/// Only writes changed texts, so that a selection survives.
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

/// `in 26 min` for a time `ms` milliseconds ahead; `now` for one in the past. Rounds up, so that a span of 7 days is
/// not shown as 6 a second later.
#[must_use]
pub fn until(ms: i64) -> String {
    let rounded_up = |unit: i64| ms.saturating_add(unit - 1) / unit * unit;
    let spans = [SECOND_MS, MINUTE_MS, HOUR_MS].map(rounded_up);
    let whole = match spans {
        [seconds, ..] if seconds < MINUTE_MS => seconds,
        [_, minutes, _] if minutes < HOUR_MS => minutes,
        [.., hours] if hours < DAY_MS => hours,
        _ => rounded_up(DAY_MS),
    };
    if ms <= 0 { "now".to_owned() } else { format!("in {}", span(whole)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_the_past_is_now() {
        assert_eq!([until(-5), until(0), until(26 * 60_000)], ["now", "now", "in 26 min"]);
    }

    #[test]
    fn remaining_time_is_rounded_up() {
        let texts = [7 * DAY_MS - 5_000, 23 * HOUR_MS + 1, 59 * MINUTE_MS + 1, 59_001, 1].map(until);
        assert_eq!(texts, ["in 7 days", "in 1 day", "in 1 hour", "in 1 min", "in 1 s"]);
    }
}
