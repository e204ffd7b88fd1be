//! What happens next with a delivery.

use domain::{
    UnixMs,
    delivery::{DeliveryRow, Status},
};
use leptos::prelude::*;

use crate::components::{
    render_context::RenderContext,
    time_text::{TimeForm, TimeText, UntilText},
};
use crate::html::IntoHtml;

/// When the last attempt of this series is due if all of them fail: the next one plus all further waits.
#[must_use]
pub fn last_attempt(row: &DeliveryRow) -> Option<UnixMs> {
    let next = row.next_attempt_at?;
    let made = usize::try_from(row.attempts.saturating_sub(row.attempts_before)).ok()?;
    let waits = row.policy.waits_ms().get(made..).unwrap_or_default();
    Some(next.plus_ms(waits.iter().sum()))
}

/// What happens next without a scheduled retry.
fn unscheduled(status: Status) -> &'static str {
    match status {
        Status::Delivered => "Nothing: it was delivered.",
        Status::Failed => "It won't be retried. Resend it when your server is ready.",
        Status::Expired => "It won't be retried: this event is out of date. You can still resend it.",
        Status::Cancelled => "It won't be sent. You can still resend it.",
        Status::Held => "It waits until the endpoint is resumed, then is sent in the order of its call.",
        Status::Queued => "It is sent as soon as possible, after earlier events of its call.",
        Status::Sending => "An attempt is in progress.",
        Status::Retrying => "We'll retry.",
    }
}

/// What happens next, with the schedule if there is one.
#[component]
pub fn NextStep(
    /// The delivery.
    row: DeliveryRow,
    /// The reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let order = row.order_given_up.map(|reason| view! { <p>{reason.sentence()}</p> });
    let Some(next) = row.next_attempt_at.filter(|_| row.status == Status::Retrying) else {
        return view! { <p>{unscheduled(row.status)}</p> {order} }.into_html();
    };
    let number = row.attempts + 1;
    let of = row.attempts_at_most();
    let last = last_attempt(&row).filter(|_| number < of).map(|at| {
        view! {
            ", last attempt around " <TimeText at=at form=TimeForm::Short view=view.clone()/>
        }
    });
    view! {
        <p>
            "Next retry " <UntilText at=next view=view.clone()/>
            {format!(" (attempt {number} of {of}")} {last} ")."
        </p>
        {order}
    }
    .into_html()
}

#[cfg(test)]
mod tests {
    use domain::time::HOUR_MS;

    use super::*;
    use crate::components::sample;

    #[test]
    fn the_last_attempt_is_due_after_all_waits() {
        let row = DeliveryRow { attempts: 9, next_attempt_at: Some(UnixMs(0)), ..sample::row(Status::Retrying) };
        assert_eq!(last_attempt(&row), Some(UnixMs(48 * HOUR_MS)));
        let resent = DeliveryRow { attempts: 21, attempts_before: 12, ..row.clone() };
        assert_eq!(last_attempt(&resent), last_attempt(&row));
        let final_one = DeliveryRow { attempts: 11, ..row };
        assert_eq!(last_attempt(&final_one), Some(UnixMs(0)));
    }
}
