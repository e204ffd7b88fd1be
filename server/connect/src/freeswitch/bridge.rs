//! Who is together: two channels that are bridged, and the members of a conference.

use super::Event;
use crate::call::{Bridge, BridgeKind, Facts, PbxEvent};

/// The other channel of a bridge, and the bridge.
pub(super) fn pair(event: &Event, id: &str) -> Option<(String, Bridge)> {
    let (a, b) = (event.get("Bridge-A-Unique-ID"), event.get("Bridge-B-Unique-ID"));
    let other =
        a.filter(|a| *a != id).or_else(|| b.filter(|b| *b != id)).or_else(|| event.get("Other-Leg-Unique-ID"))?;
    Some((other.to_owned(), of_two(id, other)))
}

/// The bridge of two channels; its ID has both in a fixed order.
pub(super) fn of_two(one: &str, other: &str) -> Bridge {
    let (first, second) = if one < other { (one, other) } else { (other, one) };
    Bridge { id: format!("{first} {second}"), kind: BridgeKind::Mixing }
}

/// The conference that a channel is in, as `uuid_dump` describes it. Its variables outlive it, the application does not.
pub(super) fn of_described(dump: &Event) -> Option<Bridge> {
    let is_there = dump.get("variable_current_application") == Some("conference");
    let room = dump.get("variable_conference_uuid").or_else(|| dump.get("variable_conference_name"));
    room.filter(|_| is_there).map(conference)
}

/// Who enters a conference hears the others in it.
pub(super) fn of_member(event: &Event, facts: Facts) -> Vec<PbxEvent> {
    let room = event.get("Conference-Unique-ID").or_else(|| event.get("Conference-Name"));
    let Some(bridge) = room.map(conference) else { return Vec::new() };
    match event.get("Action") {
        Some("add-member") => vec![PbxEvent::BridgeEntered(facts, bridge)],
        Some("del-member") => vec![PbxEvent::BridgeLeft(facts, bridge)],
        _ => Vec::new(),
    }
}

fn conference(room: &str) -> Bridge {
    Bridge { id: format!("conference {room}"), kind: BridgeKind::Mixing }
}
