//! The status of an endpoint: its badge, its verdict, and what happens next.

use domain::UnixMs;
use domain::delivery::Status;
use domain::endpoint::{DISABLED_AFTER_MS, EndpointState, EndpointSummary, PauseReason};
use domain::time::{ago, counted};
use leptos::prelude::*;

use super::count_text::number;
use super::status_badge::{StatusIcon, ink};
use crate::zone::Zone;

/// The status of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointStatus {
    /// Its latest attempt succeeded.
    Healthy,
    /// Its latest attempts failed, but only recently.
    Degraded,
    /// It has been failing for a while.
    Failing,
    /// Nothing has been sent to it.
    Idle,
    /// Paused.
    Paused,
    /// Disabled after days of failures.
    Disabled,
    /// Its account is suspended.
    Suspended,
    /// Deleted.
    Deleted,
}

impl EndpointStatus {
    /// The endpoint's current status.
    #[must_use]
    pub fn of(summary: &EndpointSummary, now: UnixMs) -> Self {
        let health = &summary.endpoint.health;
        match summary.endpoint.state {
            EndpointState::Deleted => Self::Deleted,
            _ if summary.suspended => Self::Suspended,
            EndpointState::Paused => Self::Paused,
            EndpointState::Disabled => Self::Disabled,
            EndpointState::Active if health.is_failing(now) => Self::Failing,
            EndpointState::Active if health.failures_in_row > 0 => Self::Degraded,
            EndpointState::Active if health.last_success_at.is_some() => Self::Healthy,
            EndpointState::Active => Self::Idle,
        }
    }

    /// The label of the badge.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy",
            Self::Degraded => "Last attempt failed",
            Self::Failing => "Failing",
            Self::Idle => "No events sent yet",
            Self::Paused => "Paused",
            Self::Disabled => "Disabled",
            Self::Suspended => "Suspended",
            Self::Deleted => "Deleted",
        }
    }

    /// Whether the latest failure still needs attention.
    #[must_use]
    pub const fn needs_attention(self) -> bool {
        matches!(self, Self::Degraded | Self::Failing | Self::Disabled)
    }

    /// Whether events have not been arriving for a while.
    #[must_use]
    pub const fn is_down(self) -> bool {
        matches!(self, Self::Failing | Self::Disabled)
    }

    /// The delivery status with the same icon.
    const fn icon(self) -> Status {
        match self {
            Self::Healthy => Status::Delivered,
            Self::Degraded => Status::Retrying,
            Self::Failing | Self::Disabled => Status::Failed,
            Self::Idle => Status::Queued,
            Self::Paused | Self::Suspended => Status::Held,
            Self::Deleted => Status::Cancelled,
        }
    }
}

/// The icon and label of an endpoint's status.
#[component]
pub fn EndpointBadge(
    /// The endpoint's status.
    status: EndpointStatus,
) -> impl IntoView {
    let icon = status.icon();
    view! {
        <span class=format!("inline-flex items-center gap-1.5 whitespace-nowrap font-semibold {}", ink(icon))>
            <StatusIcon status=icon/>
            {status.label()}
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
        EndpointStatus::Idle => format!("No events sent yet.{waiting}"),
        EndpointStatus::Paused if endpoint.pause_reason == Some(PauseReason::Gone) => {
            format!("Your server returned 410 Gone on {since}, so we paused the endpoint.{waiting}")
        }
        EndpointStatus::Paused => format!("Paused since {since}.{waiting}"),
        EndpointStatus::Disabled => {
            format!("Disabled on {since} after {} of failures.{waiting}", domain::time::span(DISABLED_AFTER_MS))
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
        EndpointStatus::Failing => match summary.endpoint.health.failing_since {
            Some(since) => format!(
                "We'll keep retrying. If nothing succeeds, the endpoint is disabled on {}.",
                zone.short(since.plus_ms(DISABLED_AFTER_MS))
            ),
            None => "We'll keep retrying.".to_owned(),
        },
        EndpointStatus::Idle => "The next event is sent immediately. Send a test to check that it arrives.".to_owned(),
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
        state: EndpointState::Active,
        pause_reason: None,
        state_since: UnixMs(0),
        health,
        timeout_ms: 15_000,
        rate_per_s: None,
        drain_per_s: None,
        deliver_late: false,
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
    use domain::endpoint::Health;

    use super::*;

    #[test]
    fn each_status_has_a_verdict_and_a_next_step() {
        let now = UnixMs(DISABLED_AFTER_MS);
        let mut summary = sample(Health::default());
        let say =
            |summary: &EndpointSummary| (verdict(summary, &Zone::default(), now), next(summary, &Zone::default(), now));
        assert_eq!(EndpointStatus::of(&summary, now), EndpointStatus::Idle);
        summary.endpoint.health = Health { last_success_at: Some(now.plus_ms(-120_000)), ..Health::default() };
        assert_eq!(say(&summary).0, "Your server is responding. Last success 2 min ago.");
        summary.waiting = 25;
        assert_eq!(say(&summary).0, "Your server is responding. Last success 2 min ago. 25 events are waiting.");
        assert!(
            say(&summary).1.starts_with("Waiting events are sent at their next scheduled retry"),
            "{}",
            say(&summary).1
        );
        summary.endpoint.health = Health { failures_in_row: 12, failing_since: Some(UnixMs(0)), ..Health::default() };
        assert!(say(&summary).1.ends_with("the endpoint is disabled on 6 Jan 00:00."), "{}", say(&summary).1);
        (summary.endpoint.state, summary.waiting) = (EndpointState::Paused, 61);
        assert_eq!(say(&summary).0, "Paused since 1 Jan 00:00. 61 events are waiting.");
        summary.suspended = true;
        assert_eq!(say(&summary).0, "Your provider has suspended this account. 61 events are waiting.");
    }
}
