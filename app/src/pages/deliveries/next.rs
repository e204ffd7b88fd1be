//! What happens next with a delivery, in words.

use domain::{
    UnixMs,
    delivery::{DeliveryRow, Status},
};
use leptos::prelude::*;

use crate::components::{
    time_text::{TimeForm, TimeText, UntilText},
    viewpoint::Viewpoint,
};
use crate::html::IntoHtml;

/// When the last attempt of this round would be made, if all fail: the next one and every wait behind it.
#[must_use]
pub fn last_try(row: &DeliveryRow) -> Option<UnixMs> {
    let next = row.next_attempt_at?;
    let made = usize::try_from(row.attempts.saturating_sub(row.attempts_before)).ok()?;
    let waits = row.rhythm.waits_ms().get(made..).unwrap_or_default();
    Some(next.plus_ms(waits.iter().sum()))
}

/// What happens next when it is settled or up to somebody else, in a whole sentence.
fn settled(status: Status) -> &'static str {
    match status {
        Status::Delivered => "Nothing more: your server has it.",
        Status::Failed => "Nothing more by itself. Resend it when your server is ready.",
        Status::Expired => "Nothing more by itself. Old news are not sent; resend it if you need it all the same.",
        Status::Cancelled => "Nothing more by itself.",
        Status::Held => "It waits until the endpoint is resumed, and then goes out in the order of its call.",
        Status::Queued => "It is sent as soon as its turn comes.",
        Status::Sending => "An attempt is under way.",
        Status::Retrying => "We try again.",
    }
}

/// What happens next, with the schedule while there is one.
#[component]
pub fn NextWords(
    /// The delivery.
    row: DeliveryRow,
    /// Whose clock.
    view: Viewpoint,
) -> impl IntoView {
    let Some(next) = row.next_attempt_at.filter(|_| row.status == Status::Retrying) else {
        return view! { <p>{settled(row.status)}</p> }.into_html();
    };
    let number = row.attempts + 1;
    let of = row.attempts_at_most();
    let last = last_try(&row).filter(|_| number < of).map(|at| {
        view! {
            ", last one about " <TimeText at=at form=TimeForm::Short view=view.clone()/>
        }
    });
    view! {
        <p>
            "We try again " <UntilText at=next view=view.clone()/>
            {format!(" (attempt {number} of {of}")} {last} ")."
        </p>
    }
    .into_html()
}

#[cfg(test)]
mod tests {
    use domain::time::HOUR_MS;

    use super::*;
    use crate::components::sample;

    #[test]
    fn the_last_try_is_all_waits_away() {
        let row = DeliveryRow { attempts: 9, next_attempt_at: Some(UnixMs(0)), ..sample::row(Status::Retrying) };
        assert_eq!(last_try(&row), Some(UnixMs(48 * HOUR_MS)));
        let again = DeliveryRow { attempts: 21, attempts_before: 12, ..row.clone() };
        assert_eq!(last_try(&again), last_try(&row));
        let final_one = DeliveryRow { attempts: 11, ..row };
        assert_eq!(last_try(&final_one), Some(UnixMs(0)));
    }
}
