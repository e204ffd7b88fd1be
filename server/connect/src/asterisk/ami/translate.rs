//! AMI's messages in the terms of the state machine.

use domain::time::{SECOND_MS, UnixMs};

use super::Message;
use crate::{
    asterisk::{Stamped, dial_status},
    call::{Bridge, BridgeKind, Cause, ChannelRow, ChannelState, Facts, PbxEvent, Presentation},
};

/// What a message reports; `None` if it is of no interest.
#[must_use]
pub fn event(message: &Message) -> Option<Stamped> {
    let event = translate(message)?;
    Some(Stamped { at: message.get("Timestamp").and_then(timestamp), event })
}

fn translate(message: &Message) -> Option<PbxEvent> {
    let own = || facts(message, "");
    Some(match message.get("Event")? {
        "Newchannel" => PbxEvent::Began(own()?),
        "Rename" => PbxEvent::Renamed { channel_id: text(message, "Uniqueid"), name: text(message, "Newname") },
        "DialBegin" => {
            let dial_string = text(message, "DialString");
            PbxEvent::DialBegan { caller: own(), callee: facts(message, "Dest")?, dial_string }
        }
        "DialEnd" => {
            let status = dial_status(message.get("DialStatus")?)?;
            PbxEvent::DialEnded { caller: own(), callee: facts(message, "Dest")?, status }
        }
        "BridgeEnter" => PbxEvent::BridgeEntered(own()?, bridge(message)?),
        "BridgeLeave" => PbxEvent::BridgeLeft(own()?, bridge(message)?),
        "BridgeDestroy" => PbxEvent::BridgeDestroyed { bridge_id: text(message, "BridgeUniqueid") },
        "HangupRequest" => PbxEvent::HangupRequested(own()?, cause(message)),
        "Hangup" => PbxEvent::HungUp(own()?, cause(message)),
        "MessageWaiting" => PbxEvent::MessageLeft { caller: own()?, mailbox: text(message, "Mailbox"), length_s: None },
        // A row of a list is older than the events around it.
        "CoreShowChannel" => return None,
        // Names and groups change without an event of their own.
        _ => PbxEvent::Changed(own()?),
    })
}

/// A row of the response to `CoreShowChannels`.
#[must_use]
pub fn channel_row(message: &Message) -> Option<ChannelRow> {
    if message.get("Event") != Some("CoreShowChannel") {
        return None;
    }
    let bridge = message.get("BridgeId").filter(|id| !id.is_empty());
    let bridge = bridge.map(|id| Bridge { id: id.to_owned(), kind: BridgeKind::Mixing });
    Some(ChannelRow { facts: facts(message, "")?, bridge, duration_s: message.get("Duration").and_then(duration_s) })
}

/// The response to `GetVar CALLERID(num-pres)`; `None` if the channel is gone.
#[must_use]
pub fn presentation(response: &Message) -> Option<Presentation> {
    let value = response.get("Value").filter(|_| response.get("Response") == Some("Success"))?;
    Some(Presentation::parse(value))
}

fn text(message: &Message, key: &str) -> String {
    message.get(key).unwrap_or_default().to_owned()
}

/// What the keys with this prefix state about a channel.
fn facts(message: &Message, prefix: &str) -> Option<Facts> {
    let get = |key: &str| text(message, &format!("{prefix}{key}"));
    let id = get("Uniqueid");
    let state = message.get(&format!("{prefix}ChannelState"))?;
    if id.is_empty() {
        return None;
    }
    let state = match state {
        "4" => ChannelState::Ring,
        "5" => ChannelState::Ringing,
        "6" => ChannelState::Up,
        _ => ChannelState::Other,
    };
    Some(Facts {
        id,
        name: get("Channel"),
        linked_id: get("Linkedid"),
        state,
        number: get("CallerIDNum"),
        connected_number: get("ConnectedLineNum"),
        dialled: get("Exten"),
        context: get("Context"),
    })
}

fn bridge(message: &Message) -> Option<Bridge> {
    let id = message.get("BridgeUniqueid")?.to_owned();
    let is_holding = message.get("BridgeTechnology") == Some("holding_bridge")
        || matches!(message.get("BridgeType"), Some("parking" | "holding"));
    Some(Bridge { id, kind: if is_holding { BridgeKind::Holding } else { BridgeKind::Mixing } })
}

fn cause(message: &Message) -> Option<Cause> {
    message.get("Cause").and_then(|cause| cause.parse().ok())
}

/// Reads `1795832696.372579`, in seconds.
#[must_use]
pub fn timestamp(text: &str) -> Option<UnixMs> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let ms: String = fraction.chars().chain("000".chars()).take(3).collect();
    let seconds: i64 = seconds.parse().ok()?;
    Some(UnixMs(seconds.checked_mul(SECOND_MS)?.checked_add(ms.parse().ok()?)?))
}

/// Reads `00:01:02`.
fn duration_s(text: &str) -> Option<u64> {
    text.split(':').try_fold(0_u64, |total, part| total.checked_mul(60)?.checked_add(part.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(timestamp("1795832696.372579"), Some(UnixMs(1_795_832_696_372)));
        assert_eq!(timestamp("1795832696"), Some(UnixMs(1_795_832_696_000)));
        assert_eq!(timestamp("9223372036854775807.1"), None);
        assert_eq!(timestamp("x"), None);
        assert_eq!(duration_s("01:01:02"), Some(3_662));
        assert_eq!(duration_s("x"), None);
    }
}
