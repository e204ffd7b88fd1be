//! Keeps every relative time and countdown of the page up to date.

use std::time::Duration;

use domain::{UnixMs, time::ago};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use crate::components::time_text::until;

/// Update interval.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_skew_is_corrected_but_latency_is_not() {
        assert_eq!(skew(1_000_900, 1_000_000), 0);
        assert_eq!(skew(4_600_000, 1_000_000), 3_600_000);
        assert_eq!(skew(0, 1_000_000), -1_000_000);
    }
}
