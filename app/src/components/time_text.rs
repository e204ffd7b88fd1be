//! Dates and times. The server writes them in the reader's time zone, with UTC in `datetime` and in the tooltip.
//! One island keeps every `data-ago` and `data-until` text up to date.

use domain::{
    UnixMs,
    time::{ago, iso_utc},
};
use islands::ago::until;
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
