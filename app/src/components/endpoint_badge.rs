//! The status of an endpoint: its badge, its verdict, and what happens next.

use domain::UnixMs;
use domain::delivery::Status;
use domain::endpoint::{DISABLED, EndpointStatus, EndpointSummary, PauseReason};
use domain::time::{ago, counted};
use leptos::prelude::*;

use super::count_text::number;
use super::status_badge::{StatusIcon, ink};
use crate::zone::Zone;

/// The label of the badge.
const fn label(status: EndpointStatus) -> &'static str {
    match status {
        EndpointStatus::Healthy => "Healthy",
        EndpointStatus::Degraded => "Last attempt failed",
        EndpointStatus::Failing => "Failing",
        EndpointStatus::Unproven => "Unproven",
        EndpointStatus::Idle => "No events sent yet",
        EndpointStatus::Paused => "Paused",
        EndpointStatus::Disabled => "Disabled",
        EndpointStatus::Suspended => "Suspended",
        EndpointStatus::Deleted => "Deleted",
    }
}

/// The delivery status with the same icon.
const fn icon(status: EndpointStatus) -> Status {
    match status {
        EndpointStatus::Healthy => Status::Delivered,
        EndpointStatus::Degraded => Status::Retrying,
        EndpointStatus::Failing | EndpointStatus::Disabled => Status::Failed,
        EndpointStatus::Unproven | EndpointStatus::Idle => Status::Queued,
        EndpointStatus::Paused | EndpointStatus::Suspended => Status::Held,
        EndpointStatus::Deleted => Status::Cancelled,
    }
}

/// The icon and label of an endpoint's status.
#[component]
pub fn EndpointBadge(
    /// The endpoint's status.
    status: EndpointStatus,
) -> impl IntoView {
    let icon = icon(status);
    view! {
        <span class=format!("inline-flex items-center gap-1.5 whitespace-nowrap font-semibold {}", ink(icon))>
            <StatusIcon status=icon/>
            {label(status)}
        </span>
    }
}

/// The verdict: the status and since when, in full sentences.
#[must_use]
pub fn verdict(summary: &EndpointSummary, zone: &Zone, now: UnixMs) -> String {
    let endpoint = &summary.endpoint;
    let since = zone.short(endpoint.state_since);
    let waiting = waiting(summary.waiting);
    let cause = summary.failure.as_ref().map(|failure| failure.sentence(now));
    let failing_for = endpoint.health.failing_since.map(|at| format!(" First failure {}.", ago(now.since_ms(at))));
    match EndpointStatus::of(summary, now) {
        EndpointStatus::Healthy => match endpoint.health.last_success_at {
            Some(at) => format!("Your server is responding. Last success {}.{waiting}", ago(now.since_ms(at))),
            None => "Your server is responding.".to_owned(),
        },
        EndpointStatus::Degraded | EndpointStatus::Failing => format!(
            "{}.{}{waiting}",
            cause.unwrap_or_else(|| "The latest attempts failed".to_owned()),
            failing_for.unwrap_or_default()
        ),
        EndpointStatus::Unproven => {
            format!("Nothing has been delivered since the endpoint was resumed or its URL changed.{waiting}")
        }
        EndpointStatus::Idle => format!("No events sent yet.{waiting}"),
        EndpointStatus::Paused if endpoint.pause_reason == Some(PauseReason::Gone) => {
            format!("Your server returned 410 Gone on {since}, so we paused the endpoint.{waiting}")
        }
        EndpointStatus::Paused => format!("Paused since {since}.{waiting}"),
        EndpointStatus::Disabled => {
            let days = domain::time::span(DISABLED.failing_for_ms);
            format!("Disabled on {since}: attempts had failed for at least {days}, without a success.{waiting}")
        }
        EndpointStatus::Suspended => format!("Your provider has suspended this account.{waiting}"),
        EndpointStatus::Deleted => format!("Deleted on {since}."),
    }
}

fn waiting(n: u32) -> String {
    match n {
        0 => String::new(),
        1 => " 1 event is waiting.".to_owned(),
        n => format!(" {} events are waiting.", number(n)),
    }
}

/// What happens next if nobody intervenes.
#[must_use]
pub fn next(summary: &EndpointSummary, zone: &Zone, now: UnixMs) -> String {
    match EndpointStatus::of(summary, now) {
        EndpointStatus::Healthy => match summary.endpoint.drain_per_s.filter(|_| summary.waiting > 0) {
            Some(rate) => {
                let waiting = counted(i64::from(summary.waiting), "event");
                format!("{waiting} still waiting. Held events are sent at {rate} per second.")
            }
            None if summary.waiting > 0 => {
                "Waiting events are sent at their next scheduled retry, oldest first within a call. New events are sent immediately."
                    .to_owned()
            }
            None => "New events are sent immediately.".to_owned(),
        },
        EndpointStatus::Degraded => "We'll keep retrying. New events are sent immediately.".to_owned(),
        EndpointStatus::Failing => match summary.endpoint.health.disabled_from(now) {
            Some(at) => format!(
                "We'll keep retrying. If attempts keep failing, the endpoint is disabled on {} or later.",
                zone.short(at)
            ),
            None => "We'll keep retrying.".to_owned(),
        },
        EndpointStatus::Unproven | EndpointStatus::Idle => {
            "The next event is sent immediately. Send a test to check that it arrives.".to_owned()
        }
        EndpointStatus::Paused | EndpointStatus::Disabled => {
            "New events wait until you resume the endpoint, then the oldest are sent first.".to_owned()
        }
        EndpointStatus::Suspended => {
            "New events wait until your provider resumes the account, then the oldest are sent first.".to_owned()
        }
        EndpointStatus::Deleted => "No more events are sent here. Past deliveries stay available.".to_owned(),
    }
}

/// An endpoint created at the epoch, for this crate's tests.
#[cfg(test)]
pub(crate) fn sample(health: domain::endpoint::Health) -> EndpointSummary {
    let endpoint = domain::endpoint::Endpoint {
        id: domain::id::EndpointId::new(UnixMs(0), 1),
        name: "CRM".into(),
        url: domain::target::TargetUrl::stored("https://crm.acme.example/calls".into()),
        events: Vec::new(),
        state: domain::endpoint::EndpointState::Active,
        pause_reason: None,
        state_since: UnixMs(0),
        health,
        timeout_ms: 15_000,
        rate_per_s: None,
        drain_per_s: None,
        deliver_late: false,
        send_details: false,
        header_names: Vec::new(),
        test_line: false,
        version: 1,
        created_at: UnixMs(0),
    };
    EndpointSummary {
        suspended: false,
        throttled_until: None,
        endpoint,
        waiting: 0,
        delivered_24h: 0,
        failed_24h: 0,
        p95_ms: None,
        failure: None,
        auth_token_masked: String::new(),
        signing_secret_masked: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use domain::endpoint::{EndpointState, Health};

    use super::*;

    #[test]
    fn each_status_has_a_verdict_and_a_next_step() {
        let now = UnixMs(DISABLED.failing_for_ms);
        let mut summary = sample(Health::default());
        let say =
            |summary: &EndpointSummary| (verdict(summary, &Zone::default(), now), next(summary, &Zone::default(), now));
        assert_eq!(EndpointStatus::of(&summary, now), EndpointStatus::Idle);
        summary.endpoint.health = Health {
            last_success_at: Some(now.plus_ms(-120_000)),
            last_attempt_at: Some(now.plus_ms(-120_000)),
            ..Health::default()
        };
        assert_eq!(EndpointStatus::of(&summary, now), EndpointStatus::Unproven);
        assert!(say(&summary).0.starts_with("Nothing has been delivered since"), "{}", say(&summary).0);
        summary.endpoint.health.proven = true;
        assert_eq!(say(&summary).0, "Your server is responding. Last success 2 min ago.");
        summary.waiting = 25;
        assert_eq!(say(&summary).0, "Your server is responding. Last success 2 min ago. 25 events are waiting.");
        assert!(
            say(&summary).1.starts_with("Waiting events are sent at their next scheduled retry"),
            "{}",
            say(&summary).1
        );
        summary.endpoint.health = Health {
            failures_in_row: 12,
            failing_since: Some(UnixMs(0)),
            failing_days: 3,
            last_warning_at: Some(UnixMs(0)),
            ..Health::default()
        };
        assert!(say(&summary).1.ends_with("disabled on 6 Jan 00:00 or later."), "{}", say(&summary).1);
        (summary.endpoint.state, summary.waiting) = (EndpointState::Paused, 61);
        assert_eq!(say(&summary).0, "Paused since 1 Jan 00:00. 61 events are waiting.");
        summary.suspended = true;
        assert_eq!(say(&summary).0, "Your provider has suspended this account. 61 events are waiting.");
    }
}
