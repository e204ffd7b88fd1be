//! Dates and times. The server writes them in the reader's time zone, with UTC in `datetime` and in the tooltip.
//! One island keeps every `data-ago` and `data-until` text up to date.

use domain::{
    UnixMs,
    time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, ago, iso_utc, span},
};
use leptos::prelude::*;

use super::render_context::RenderContext;

/// How a time is formatted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeForm {
    /// Time of day: `14:03:22`.
    Clock,
    /// Day and minute: `23 Nov 14:03`.
    Short,
    /// Date, time and zone: `Mon 23 Nov 2026, 14:03:22.418 CET`.
    Full,
}

/// A time in the reader's time zone.
#[component]
pub fn TimeText(
    /// The time.
    at: UnixMs,
    /// Its format.
    form: TimeForm,
    /// The reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let iso = iso_utc(at);
    let text = match form {
        TimeForm::Clock => view.zone.clock(at),
        TimeForm::Short => view.zone.short(at),
        TimeForm::Full => view.zone.full(at),
    };
    view! { <time class="whitespace-nowrap" datetime=iso.clone() title=iso>{text}</time> }
}

/// How long ago a time was: `2 min ago`.
#[component]
pub fn AgoText(
    /// The time.
    at: UnixMs,
    /// The reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let iso = iso_utc(at);
    let text = ago(view.now.since_ms(at));
    view! { <time class="whitespace-nowrap" datetime=iso.clone() title=iso data-ago=at.0>{text}</time> }
}

/// How long until a time: `in 26 min`, then `now`.
#[component]
pub fn UntilText(
    /// The time.
    at: UnixMs,
    /// The reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let iso = iso_utc(at);
    let text = until(at.since_ms(view.now));
    view! { <time class="whitespace-nowrap" datetime=iso.clone() title=iso data-until=at.0>{text}</time> }
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
