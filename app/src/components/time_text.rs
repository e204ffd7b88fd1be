//! Moments as people read them. The text is written on the server in the person's zone; the moment itself stands
//! in `datetime`, and in UTC in the title. One island keeps every `data-ago` and `data-until` text up to date.

use domain::{
    UnixMs,
    time::{ago, iso_utc},
};
use islands::ago::until;
use leptos::prelude::*;

use super::viewpoint::Viewpoint;

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
    view: Viewpoint,
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
    view: Viewpoint,
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
    view: Viewpoint,
) -> impl IntoView {
    let iso = iso_utc(at);
    let text = until(at.since_ms(view.now));
    view! { <time class="whitespace-nowrap" datetime=iso.clone() title=iso data-until=at.0>{text}</time> }
}
