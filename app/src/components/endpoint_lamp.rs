//! Where an endpoint stands: its lamp, its verdict, and what happens next.

use domain::UnixMs;
use domain::delivery::Status;
use domain::endpoint::{DISABLED_AFTER_MS, EndpointState, EndpointSummary, PauseReason};
use domain::time::{ago, counted};
use leptos::prelude::*;

use super::count_text::number;
use super::status_badge::{StatusIcon, ink};
use crate::zone::Zone;

/// Where an endpoint stands, as people speak of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its latest attempt succeeded.
    Answering,
    /// Its latest attempts failed, not yet for long.
    Stumbling,
    /// It has failed for long.
    Failing,
    /// Nothing has been sent to it.
    Quiet,
    /// Paused.
    Paused,
    /// Disabled after days of failures.
    Disabled,
    /// Its account is suspended.
    Suspended,
    /// Deleted.
    Deleted,
}

impl Standing {
    /// Where this endpoint stands now.
    #[must_use]
    pub fn of(summary: &EndpointSummary, now: UnixMs) -> Self {
        let health = &summary.endpoint.health;
        match summary.endpoint.state {
            EndpointState::Deleted => Self::Deleted,
            _ if summary.suspended => Self::Suspended,
            EndpointState::Paused => Self::Paused,
            EndpointState::Disabled => Self::Disabled,
            EndpointState::Active if health.is_failing(now) => Self::Failing,
            EndpointState::Active if health.failures_in_row > 0 => Self::Stumbling,
            EndpointState::Active if health.last_success_at.is_some() => Self::Answering,
            EndpointState::Active => Self::Quiet,
        }
    }

    /// The word beside the lamp.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Answering => "Answering",
            Self::Stumbling => "Latest failed",
            Self::Failing => "Failing",
            Self::Quiet => "Nothing sent yet",
            Self::Paused => "Paused",
            Self::Disabled => "Disabled",
            Self::Suspended => "Suspended",
            Self::Deleted => "Deleted",
        }
    }

    /// Whether the latest failure is still what to look at.
    #[must_use]
    pub const fn is_trouble(self) -> bool {
        matches!(self, Self::Stumbling | Self::Failing | Self::Disabled)
    }

    /// Whether events have long not arrived.
    #[must_use]
    pub const fn is_down(self) -> bool {
        matches!(self, Self::Failing | Self::Disabled)
    }

    /// The lamp that means the same for a delivery.
    const fn status(self) -> Status {
        match self {
            Self::Answering => Status::Delivered,
            Self::Stumbling => Status::Retrying,
            Self::Failing | Self::Disabled => Status::Failed,
            Self::Quiet => Status::Queued,
            Self::Paused | Self::Suspended => Status::Held,
            Self::Deleted => Status::Cancelled,
        }
    }
}

/// The lamp and its word.
#[component]
pub fn EndpointBadge(
    /// Where the endpoint stands.
    standing: Standing,
) -> impl IntoView {
    let status = standing.status();
    view! {
        <span class=format!("inline-flex items-center gap-1.5 whitespace-nowrap font-semibold {}", ink(status))>
            <StatusIcon status=status/>
            {standing.word()}
        </span>
    }
}

/// The verdict: how it stands and since when, in whole sentences.
#[must_use]
pub fn verdict(summary: &EndpointSummary, zone: &Zone, now: UnixMs) -> String {
    let endpoint = &summary.endpoint;
    let since = zone.short(endpoint.state_since);
    let waiting = waiting(summary.waiting);
    let cause = summary.failure.as_ref().map(|failure| failure.sentence(now));
    let failing_for = endpoint.health.failing_since.map(|at| format!(" First failure {}.", ago(now.since_ms(at))));
    match Standing::of(summary, now) {
        Standing::Answering => match endpoint.health.last_success_at {
            Some(at) => format!("Your server is answering. Last success {}.{waiting}", ago(now.since_ms(at))),
            None => "Your server is answering.".to_owned(),
        },
        Standing::Stumbling | Standing::Failing => format!(
            "{}.{}{waiting}",
            cause.unwrap_or_else(|| "The latest attempts failed".to_owned()),
            failing_for.unwrap_or_default()
        ),
        Standing::Quiet => format!("Nothing has been sent here yet.{waiting}"),
        Standing::Paused if endpoint.pause_reason == Some(PauseReason::Gone) => {
            format!("Your server said Gone (410) on {since}, so we paused the endpoint.{waiting}")
        }
        Standing::Paused => format!("Paused since {since}.{waiting}"),
        Standing::Disabled => {
            format!("Disabled {since} after {} of failures.{waiting}", domain::time::span(DISABLED_AFTER_MS))
        }
        Standing::Suspended => format!("Your provider has suspended the account.{waiting}"),
        Standing::Deleted => format!("Deleted {since}."),
    }
}

fn waiting(n: u32) -> String {
    match n {
        0 => String::new(),
        1 => " 1 event is waiting.".to_owned(),
        n => format!(" {} events are waiting.", number(n)),
    }
}

/// What happens next without anybody doing anything.
#[must_use]
pub fn next(summary: &EndpointSummary, zone: &Zone, now: UnixMs) -> String {
    match Standing::of(summary, now) {
        Standing::Answering => match summary.endpoint.drain_per_s.filter(|_| summary.waiting > 0) {
            Some(rate) => {
                let waiting = counted(i64::from(summary.waiting), "event");
                format!("{waiting} still waiting; held ones go out at {rate} per second.")
            }
            None if summary.waiting > 0 => {
                "Each that waits goes out at its next try, oldest first within a call. New events are sent at once."
                    .to_owned()
            }
            None => "New events are sent at once.".to_owned(),
        },
        Standing::Stumbling => "We go on trying each event. New events are sent at once.".to_owned(),
        Standing::Failing => match summary.endpoint.health.failing_since {
            Some(since) => format!(
                "We go on trying each event. Without a success, the endpoint is disabled on {}.",
                zone.short(since.plus_ms(DISABLED_AFTER_MS))
            ),
            None => "We go on trying each event.".to_owned(),
        },
        Standing::Quiet => "The next event is sent at once. Send a test to be sure that it arrives.".to_owned(),
        Standing::Paused | Standing::Disabled => {
            "New events wait until you resume it; then the oldest go out first.".to_owned()
        }
        Standing::Suspended => {
            "New events wait until your provider resumes the account; then the oldest go out first.".to_owned()
        }
        Standing::Deleted => "Nothing is sent here any more. Its deliveries stay readable.".to_owned(),
    }
}

/// An endpoint for the tests of this crate, created at the epoch.
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
    fn each_standing_says_how_it_is_and_what_comes_next() {
        let now = UnixMs(DISABLED_AFTER_MS);
        let mut summary = sample(Health::default());
        let say =
            |summary: &EndpointSummary| (verdict(summary, &Zone::default(), now), next(summary, &Zone::default(), now));
        assert_eq!(Standing::of(&summary, now), Standing::Quiet);
        summary.endpoint.health = Health { last_success_at: Some(now.plus_ms(-120_000)), ..Health::default() };
        assert_eq!(say(&summary).0, "Your server is answering. Last success 2 min ago.");
        summary.waiting = 25;
        assert_eq!(say(&summary).0, "Your server is answering. Last success 2 min ago. 25 events are waiting.");
        assert!(say(&summary).1.starts_with("Each that waits goes out at its next try"), "{}", say(&summary).1);
        summary.endpoint.health = Health { failures_in_row: 12, failing_since: Some(UnixMs(0)), ..Health::default() };
        assert!(say(&summary).1.ends_with("the endpoint is disabled on 6 Jan 00:00."), "{}", say(&summary).1);
        (summary.endpoint.state, summary.waiting) = (EndpointState::Paused, 61);
        assert_eq!(say(&summary).0, "Paused since 1 Jan 00:00. 61 events are waiting.");
        summary.suspended = true;
        assert_eq!(say(&summary).0, "Your provider has suspended the account. 61 events are waiting.");
    }
}
