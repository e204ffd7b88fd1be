//! Streams of several independent calls, shuffled into each other.

use std::collections::HashMap;

use connect::{
    asterisk::Stamped,
    call::{Bridge, Facts, PbxEvent, Presentation},
    replay::Recording,
};
use domain::time::UnixMs;

use crate::scenario::{Scenario, scenarios};

/// When the first event takes place.
const START: UnixMs = UnixMs(1_795_900_000_000);

/// A stream of events, and what is known about its callers' numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stream {
    pub events: Vec<Stamped>,
    pub presentations: HashMap<String, Presentation>,
}

/// A scenario as if it were the `n`th on its phone system: no ID or name occurs in another.
pub(crate) fn nth(scenario: &Scenario, n: usize) -> Stream {
    copy(&scenario.recording("ami"), n)
}

/// The same, of a recording.
pub(crate) fn copy(recording: &Recording, n: usize) -> Stream {
    let events = recording.events.iter();
    let events = events.map(|stamped| Stamped { at: stamped.at, event: relabel(&stamped.event, n) }).collect();
    let presentations = recording.presentations.iter().map(|(id, shown)| (channel_id(id, n), *shown)).collect();
    Stream { events, presentations }
}

/// The streams of these scenarios.
pub(crate) fn streams(numbers: &[usize]) -> Vec<Stream> {
    let all = scenarios();
    numbers.iter().enumerate().map(|(n, number)| nth(&all[number % all.len()], n)).collect()
}

/// Shuffles streams into each other: `choices` tell which one is next. An event takes place every 200 ms, in the streams, too.
pub(crate) fn shuffle(streams: &mut [Stream], choices: &[usize]) -> Stream {
    let mut merged = Stream::default();
    let mut waiting: Vec<_> = streams
        .iter_mut()
        .map(|stream| {
            merged.presentations.extend(stream.presentations.clone());
            stream.events.iter_mut().peekable()
        })
        .collect();
    for choice in choices.iter().cycle() {
        waiting.retain_mut(|stream| stream.peek().is_some());
        if waiting.is_empty() {
            break;
        }
        let next = choice % waiting.len();
        let at = START.plus_ms(200 * i64::try_from(merged.events.len()).unwrap());
        if let Some(stamped) = waiting[next].next() {
            stamped.at = Some(at);
            merged.events.push(stamped.clone());
        }
    }
    merged
}

/// The time of an event.
pub(crate) fn at(stamped: &Stamped) -> UnixMs {
    stamped.at.unwrap()
}

fn channel_id(id: &str, n: usize) -> String {
    if id.is_empty() { String::new() } else { format!("lab{n}-{}", id.trim_start_matches("lab-")) }
}

fn name(name: &str, n: usize) -> String {
    // `-00000067` becomes `-00030067`.
    name.rsplit_once("-0000").map_or_else(|| name.to_owned(), |(before, after)| format!("{before}-{n:04x}{after}"))
}

fn facts(facts: &Facts, n: usize) -> Facts {
    let (id, linked_id) = (channel_id(&facts.id, n), channel_id(&facts.linked_id, n));
    Facts { id, name: name(&facts.name, n), linked_id, ..facts.clone() }
}

fn bridge(bridge: &Bridge, n: usize) -> Bridge {
    Bridge { id: format!("{}-{n}", bridge.id), kind: bridge.kind }
}

fn relabel(event: &PbxEvent, n: usize) -> PbxEvent {
    let of = |one: &Facts| facts(one, n);
    match event {
        PbxEvent::Began(one) => PbxEvent::Began(of(one)),
        PbxEvent::Changed(one) => PbxEvent::Changed(of(one)),
        PbxEvent::Renamed { channel_id: id, name: new } => {
            PbxEvent::Renamed { channel_id: channel_id(id, n), name: name(new, n) }
        }
        PbxEvent::DialBegan { caller, callee, dial_string } => PbxEvent::DialBegan {
            caller: caller.as_ref().map(of),
            callee: of(callee),
            dial_string: dial_string.clone(),
        },
        PbxEvent::DialEnded { caller, callee, status } => {
            PbxEvent::DialEnded { caller: caller.as_ref().map(of), callee: of(callee), status: *status }
        }
        PbxEvent::BridgeEntered(one, there) => PbxEvent::BridgeEntered(of(one), bridge(there, n)),
        PbxEvent::BridgeLeft(one, there) => PbxEvent::BridgeLeft(of(one), bridge(there, n)),
        PbxEvent::BridgeDestroyed { bridge_id } => PbxEvent::BridgeDestroyed { bridge_id: format!("{bridge_id}-{n}") },
        PbxEvent::HangupRequested(one, cause) => PbxEvent::HangupRequested(of(one), *cause),
        PbxEvent::HungUp(one, cause) => PbxEvent::HungUp(of(one), *cause),
        PbxEvent::MessageLeft { caller, mailbox, length_s } => {
            PbxEvent::MessageLeft { caller: of(caller), mailbox: mailbox.clone(), length_s: *length_s }
        }
    }
}
