//! Moments as people read them. The text is written on the server in the person's zone; the moment itself stands
//! in `datetime`, and in UTC in the title. One island keeps every `data-ago` and `data-until` text up to date.

use domain::{
    UnixMs,
    time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, ago, iso_utc, span},
};
use leptos::prelude::*;

use super::render_context::RenderContext;

/// How a moment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeForm {
    /// Time of day: `14:03:22`.
    Clock,
    /// Day and minute: `23 Nov 14:03`.
    Short,
    /// Everything: `Mon 23 Nov 2026, 14:03:22.418 CET`.
    Full,
}

/// A moment in the person's zone.
#[component]
pub fn TimeText(
    /// The moment.
    at: UnixMs,
    /// How it is written.
    form: TimeForm,
    /// Whose clock.
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

/// How long ago a moment was: `2 min ago`.
#[component]
pub fn AgoText(
    /// The moment.
    at: UnixMs,
    /// Whose clock.
    view: RenderContext,
) -> impl IntoView {
    let iso = iso_utc(at);
    let text = ago(view.now.since_ms(at));
    view! { <time class="whitespace-nowrap" datetime=iso.clone() title=iso data-ago=at.0>{text}</time> }
}

/// How long it is until a moment: `in 26 min`, and `now` once it has come.
#[component]
pub fn UntilText(
    /// The moment.
    at: UnixMs,
    /// Whose clock.
    view: RenderContext,
) -> impl IntoView {
    let iso = iso_utc(at);
    let text = until(at.since_ms(view.now));
    view! { <time class="whitespace-nowrap" datetime=iso.clone() title=iso data-until=at.0>{text}</time> }
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
    fn what_is_due_is_due_now() {
        assert_eq!([until(-5), until(0), until(26 * 60_000)], ["now", "now", "in 26 min"]);
    }

    #[test]
    fn what_lasts_seven_days_ends_in_seven_days() {
        let said = [7 * DAY_MS - 5_000, 23 * HOUR_MS + 1, 59 * MINUTE_MS + 1, 59_001, 1].map(until);
        assert_eq!(said, ["in 7 days", "in 1 day", "in 1 hour", "in 1 min", "in 1 s"]);
    }
}
