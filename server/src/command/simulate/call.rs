//! Simulated calls: who calls whom, how long it rings, how it ends.

use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::json;

/// Number ranges that Ofcom reserves for drama: the prefix, and how many digits follow.
const DRAMA_NUMBERS: &[(&str, u32)] = &[
    ("01632960", 3), // no area
    ("02079460", 3), // London: 020 7946 0000 to 0999
    ("01134960", 3), // Leeds: 0113 496 0000 to 0999
    ("07700900", 3), // mobile
];
/// Extensions of the simulated company.
const EXTENSIONS: std::ops::RangeInclusive<u32> = 7_001..=7_060;

/// When the events of a call are posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timing {
    /// In real time.
    Real,
    /// Immediately one after the other.
    Immediate,
}

/// One event of a call.
#[derive(Debug)]
pub(super) struct Event {
    /// Its id, which makes retries safe.
    pub id: String,
    /// Seconds after the start of the call.
    pub after_s: u64,
    /// JSON with its keys in the published order, which a map would lose.
    payload: String,
}

impl Event {
    /// The body to post.
    pub(super) fn body(&self, account: Option<&str>, timestamp: u64) -> String {
        let account = account.map(|reference| format!("\"account\":{},", json!(reference))).unwrap_or_default();
        format!("{{{account}\"id\":\"{}\",\"timestamp\":{timestamp},\"payload\":{}}}", self.id, self.payload)
    }
}

/// A call from its first ring to its call record.
#[derive(Debug)]
pub(super) struct Call {
    /// Its events, in order.
    pub events: Vec<Event>,
}

/// The direction of a call and how it ends.
#[derive(Debug, Clone, Copy)]
enum CallKind {
    Answered,
    Unanswered,
    Busy,
    Outgoing,
}

impl Call {
    /// A random call: half of them are incoming and answered.
    pub(super) fn random(random: &mut StdRng) -> Self {
        let kinds = [
            CallKind::Answered,
            CallKind::Answered,
            CallKind::Answered,
            CallKind::Unanswered,
            CallKind::Busy,
            CallKind::Outgoing,
        ];
        let kind = kinds.choose(random).copied().unwrap_or(CallKind::Answered);
        let call_id = uuid(random.random());
        let (rings_s, talks_s) = match kind {
            CallKind::Answered | CallKind::Outgoing => (random.random_range(2..=15), random.random_range(3..=90)),
            CallKind::Unanswered => (random.random_range(15..=30), 0),
            CallKind::Busy => (1, 0),
        };
        let outside = number(random);
        let (first, record) = kind.payloads(&call_id, &outside, talks_s, random);
        let event = |n: u32, after_s, payload| Event { id: format!("sim-{call_id}-{n}"), after_s, payload };
        Self { events: vec![event(1, 0, first), event(2, rings_s + talks_s, record)] }
    }

    /// Seconds from the first event to the last.
    pub(super) fn length_s(&self) -> u64 {
        self.events.last().map_or(0, |event| event.after_s)
    }
}

impl CallKind {
    fn payloads(self, call_id: &str, outside: &str, talks_s: u64, random: &mut StdRng) -> (String, String) {
        let (company, extension) = (number(random), random.random_range(EXTENSIONS));
        let inside = format!(r#"{{"type":"extension","id":{extension}}}"#);
        let status = match self {
            Self::Answered | Self::Outgoing => "answered",
            Self::Unanswered => "not_answered",
            Self::Busy => "busy",
        };
        let processed = |call_type: &str, cost: &str, source: &str, destination: &str| {
            format!(
                r#"{{"event":"CallProcessed","call_id":"{call_id}","call_cost":{cost},"call_type":"{call_type}","call_duration":{talks_s},"call_status":"{status}","source":{source},"destination":{destination}}}"#
            )
        };
        let started = |event: &str, callee: &str, caller: &str| {
            format!(
                r#"{{"event":"{event}","call_id":"{call_id}","callee_number":"{callee}","caller_number":"{caller}"}}"#
            )
        };
        let quoted = format!("\"{outside}\"");
        if matches!(self, Self::Outgoing) {
            let cost = format!("\"0.{:02}\"", talks_s.div_ceil(60));
            return (started("OutgoingCall", outside, &company), processed("outgoing", &cost, &inside, &quoted));
        }
        (started("IncomingCall", &company, outside), processed("incoming", "0.0", &quoted, &inside))
    }
}

fn number(random: &mut StdRng) -> String {
    let (start, digits) = DRAMA_NUMBERS.choose(random).copied().unwrap_or(DRAMA_NUMBERS[0]);
    format!("{start}{:0width$}", random.random_range(0..10_u32.pow(digits)), width = digits as usize)
}

/// A random UUID (RFC 9562, version 4) from 128 random bits.
fn uuid(bits: u128) -> String {
    let bits = (bits & !(0xf << 76) & !(0b11 << 62)) | (0x4 << 76) | (0b10 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use domain::event::{NewEvent, PostedEvent};
    use rand::SeedableRng as _;

    use super::*;

    #[test]
    fn every_simulated_event_fulfils_the_contract() {
        let mut random = StdRng::seed_from_u64(7);
        for call in (0..500).map(|_| Call::random(&mut random)) {
            for event in &call.events {
                let posted: PostedEvent = serde_json::from_str(&event.body(Some("acme"), 1_507_305_504)).unwrap();
                let checked = NewEvent::parse(&posted).unwrap();
                assert_eq!(checked.payload.text, event.payload, "keys in the published order");
            }
        }
    }

    #[test]
    fn every_number_is_reserved_for_drama() {
        let mut random = StdRng::seed_from_u64(7);
        for number in (0..500).map(|_| number(&mut random)) {
            assert_eq!(number.len(), 11, "{number}");
            assert!(DRAMA_NUMBERS.iter().any(|(start, _)| number.starts_with(start)), "{number}");
        }
    }

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
