//! Calls: the events of one call, taken together.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    actor::Actor,
    delivery::DeliveryRow,
    error::Result,
    event::{EventKind, EventRow, Page},
    query::{Writer, pairs},
    status::Status,
    time::{SECOND_MS, UnixMs},
};

/// Who called whom, as seen from the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Someone called the account.
    Incoming,
    /// The account called someone.
    Outgoing,
    /// Two extensions.
    Internal,
}

impl Direction {
    /// All directions.
    pub const ALL: [Self; 3] = [Self::Incoming, Self::Outgoing, Self::Internal];

    /// The name in payloads, REST and URLs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incoming => "incoming",
            Self::Outgoing => "outgoing",
            Self::Internal => "internal",
        }
    }

    /// The direction of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

/// The worst state of a call's deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// At least one failed, or expired.
    Failed,
    /// None failed, and at least one still waits.
    Waiting,
    /// None failed or waits, and at least one was delivered or cancelled.
    Delivered,
    /// No endpoint was subscribed to any of its events.
    NotSent,
}

impl Outcome {
    /// All outcomes, the worst first.
    pub const ALL: [Self; 4] = [Self::Failed, Self::Waiting, Self::Delivered, Self::NotSent];

    /// The name in REST and URLs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::NotSent => "not_sent",
        }
    }

    /// The outcome of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// That of a call with this worst status.
    #[must_use]
    pub const fn of(worst: Option<Status>) -> Self {
        match worst {
            None => Self::NotSent,
            Some(Status::Failed | Status::Expired) => Self::Failed,
            Some(Status::Delivered | Status::Cancelled) => Self::Delivered,
            Some(_) => Self::Waiting,
        }
    }
}

/// The values of `call_status`, in the order of the filter.
pub const CALL_STATUSES: [&str; 6] = ["answered", "not_answered", "busy", "failed", "cancelled", "voicemail"];

/// How a call ended, from its `CallProcessed`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEnd {
    /// `call_status`.
    pub status: Option<String>,
    /// `call_type`.
    pub direction: Option<Direction>,
    /// Whole seconds of talk.
    pub talk_s: Option<u32>,
    /// The cost as it was sent.
    pub cost: Option<String>,
}

impl CallEnd {
    /// Reads the payload of a `CallProcessed`. What is missing stays empty.
    #[must_use]
    pub fn parse(payload: &str) -> Self {
        let Ok(payload) = serde_json::from_str::<serde_json::Value>(payload) else { return Self::default() };
        let text = |key: &str| payload.get(key)?.as_str().map(str::to_owned);
        let number = |key: &str| payload.get(key).filter(|value| value.is_number());
        Self {
            status: text("call_status"),
            direction: text("call_type").and_then(|name| Direction::parse(&name)),
            talk_s: number("call_duration").and_then(|value| u32::try_from(value.as_u64()?).ok()),
            cost: text("call_cost").or_else(|| number("call_cost").map(ToString::to_string)),
        }
    }
}

/// A call as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRow {
    /// Its UUID in lower case.
    pub call_id: String,
    /// The caller as its first event names it: a number, or a party such as `extension 7048`.
    pub caller: String,
    /// The callee, likewise.
    pub callee: String,
    /// Who called whom; `None` if only its end is known, without a type.
    pub direction: Option<Direction>,
    /// When its first event occurred.
    pub began_at: UnixMs,
    /// Whether its end has been reported.
    pub ended: bool,
    /// How it ended, while the payload is kept.
    pub end: CallEnd,
    /// Number of its events.
    pub events: u32,
    /// Number of its deliveries.
    pub deliveries: u32,
    /// How many of them were delivered.
    pub delivered: u32,
    /// The worst status of its deliveries; `None` if it was sent nowhere.
    pub worst: Option<Status>,
    /// Whether it is a test.
    pub test: bool,
}

/// How bad a status is, for the worst of several.
#[must_use]
pub const fn badness(status: Status) -> u8 {
    match status {
        Status::Failed => 7,
        Status::Expired => 6,
        Status::Held => 5,
        Status::Retrying => 4,
        Status::Sending => 3,
        Status::Queued => 2,
        Status::Delivered => 1,
        Status::Cancelled => 0,
    }
}

impl CallRow {
    /// Takes the events of a call together, oldest first, with the end's payload and the statuses of the deliveries. `None`
    /// without events.
    #[must_use]
    pub fn of(events: &[EventRow], payload: Option<&str>, statuses: &[Status]) -> Option<Self> {
        let first = events.first()?;
        // Its beginning has both numbers; its end may name stored parties.
        let start = events.iter().find(|event| event.kind != EventKind::CallProcessed);
        let end = payload.map(CallEnd::parse).unwrap_or_default();
        let direction = end.direction.or(match start.map_or(EventKind::CallProcessed, |event| event.kind) {
            EventKind::IncomingCall => Some(Direction::Incoming),
            EventKind::OutgoingCall => Some(Direction::Outgoing),
            EventKind::CallProcessed => None,
        });
        Some(Self::with(first, start, direction, end, events, statuses))
    }

    fn with(
        first: &EventRow,
        start: Option<&EventRow>,
        direction: Option<Direction>,
        end: CallEnd,
        events: &[EventRow],
        statuses: &[Status],
    ) -> Self {
        let parties = start.unwrap_or(first);
        let delivered = statuses.iter().filter(|status| **status == Status::Delivered).count();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            call_id: first.call_id.clone(),
            caller: parties.caller.clone(),
            callee: parties.callee.clone(),
            direction,
            began_at: UnixMs(parties.timestamp.saturating_mul(SECOND_MS)),
            ended: events.iter().any(|event| event.kind == EventKind::CallProcessed),
            end,
            events: count(events.len()),
            deliveries: count(statuses.len()),
            delivered: count(delivered),
            worst: statuses.iter().copied().max_by_key(|status| badness(*status)),
            test: events.iter().all(|event| event.test),
        }
    }

    /// The worst state of its deliveries.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        Outcome::of(self.worst)
    }
}

/// A call with its events and deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallDetail {
    /// All of it together.
    pub row: CallRow,
    /// Its events, oldest first.
    pub events: Vec<EventRow>,
    /// Their deliveries, oldest first.
    pub deliveries: Vec<DeliveryRow>,
}

/// A filter for calls. The default matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// A number in any spelling, an extension, or the id of a call, event or delivery.
    pub text: Option<String>,
    /// Only this direction.
    pub direction: Option<Direction>,
    /// Only calls that ended so: a value of [`CALL_STATUSES`].
    pub status: Option<String>,
    /// Only calls whose deliveries came to this.
    pub outcome: Option<Outcome>,
    /// Older than this place, from the previous page.
    pub cursor: Option<String>,
    /// Number of rows; see [`crate::query::page_size`].
    pub limit: u32,
}

impl CallFilter {
    /// Parses a query string. Unknown and invalid parameters are ignored, so that an old link shows rows, not an error.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        pairs(query).fold(Self::default(), |mut filter, (key, value)| {
            match key.as_str() {
                "q" => filter.text = Some(value),
                "direction" => filter.direction = Direction::parse(&value),
                "status" => filter.status = Some(value).filter(|value| CALL_STATUSES.contains(&value.as_str())),
                "deliveries" => filter.outcome = Outcome::parse(&value),
                "cursor" => filter.cursor = Some(value),
                _ => {}
            }
            filter
        })
    }

    /// The query string that parses to this filter; empty for all calls.
    #[must_use]
    pub fn to_query(&self) -> String {
        Writer::default()
            .with("q", self.text.as_deref().unwrap_or_default())
            .with("direction", self.direction.map_or("", Direction::as_str))
            .with("status", self.status.as_deref().unwrap_or_default())
            .with("deliveries", self.outcome.map_or("", Outcome::as_str))
            .with("cursor", self.cursor.as_deref().unwrap_or_default())
            .finish()
    }

    /// Whether it matches everything, apart from paging.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self { cursor: self.cursor.clone(), limit: self.limit, ..Self::default() }
    }

    /// Whether a call is of this direction, ended so and came to this.
    #[must_use]
    pub fn accepts(&self, call: &CallRow) -> bool {
        self.direction.is_none_or(|direction| call.direction == Some(direction))
            && self.status.as_ref().is_none_or(|status| call.end.status.as_ref() == Some(status))
            && self.outcome.is_none_or(|outcome| call.outcome() == outcome)
    }
}

/// Showing calls.
#[async_trait]
pub trait Calls {
    /// One page of the account's calls, newest first. A page with fewer rows than its limit may have a next one: a filter reads a
    /// bounded number of calls.
    ///
    /// # Errors
    /// `Forbidden` without the right to read.
    async fn calls(&self, actor: &Actor, filter: &CallFilter) -> Result<Page<CallRow>>;
    /// One call, by its UUID.
    ///
    /// # Errors
    /// `NotFound` also for another account's call.
    async fn call(&self, actor: &Actor, call_id: &str) -> Result<CallDetail>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::EventId;

    fn event(kind: EventKind, caller: &str, timestamp: i64) -> EventRow {
        EventRow {
            id: EventId::new(UnixMs(timestamp), 1),
            kind,
            call_id: "2f533604-aaaf-11e7-b600-7ac8e42434d2".into(),
            caller: caller.into(),
            callee: "7048".into(),
            timestamp,
            accepted_at: UnixMs(timestamp * 1_000),
            test: false,
            deliveries: 1,
        }
    }

    const END: &str = r#"{"call_cost":"0.01","call_type":"internal","call_duration":5,"call_status":"answered"}"#;

    #[test]
    fn a_call_has_the_parties_of_its_beginning_and_the_facts_of_its_end() {
        let events = [
            event(EventKind::IncomingCall, "01632960001", 10),
            event(EventKind::CallProcessed, "address_contact 8", 16),
        ];
        let call = CallRow::of(&events, Some(END), &[Status::Delivered, Status::Retrying]).unwrap();
        assert_eq!((call.caller.as_str(), call.began_at, call.ended), ("01632960001", UnixMs(10_000), true));
        assert_eq!((call.end.talk_s, call.end.cost.as_deref()), (Some(5), Some("0.01")));
        assert_eq!((call.direction, call.outcome(), call.delivered), (Some(Direction::Internal), Outcome::Waiting, 1));
        assert_eq!(CallRow::of(&[], None, &[]), None);
    }

    #[test]
    fn a_call_of_which_only_the_end_is_known_is_a_call() {
        let call = CallRow::of(&[event(EventKind::CallProcessed, "7048", 16)], None, &[]).unwrap();
        assert_eq!((call.direction, call.outcome(), call.end), (None, Outcome::NotSent, CallEnd::default()));
    }

    #[test]
    fn the_worst_delivery_decides() {
        for (worst, outcome) in [
            (Status::Failed, Outcome::Failed),
            (Status::Expired, Outcome::Failed),
            (Status::Held, Outcome::Waiting),
            (Status::Cancelled, Outcome::Delivered),
        ] {
            assert_eq!(Outcome::of(Some(worst)), outcome);
        }
        assert!(badness(Status::Failed) > badness(Status::Held) && badness(Status::Held) > badness(Status::Delivered));
    }

    #[test]
    fn a_cost_stays_as_it_was_sent() {
        assert_eq!(CallEnd::parse(r#"{"call_cost":0.0}"#).cost.as_deref(), Some("0.0"));
        assert_eq!(CallEnd::parse("no json"), CallEnd::default());
    }

    #[test]
    fn a_shared_link_shows_the_same_calls() {
        let query = "?q=%2B44+1632&direction=incoming&status=busy&deliveries=not_sent&cursor=x";
        assert_eq!(CallFilter::parse(query).to_query(), query);
        assert!(CallFilter::parse("status=never&direction=up&cursor=x").is_all());
    }
}
