//! The Asterisk REST Interface: JSON events, and the lists of channels and bridges. `channelvars` must contain
//! `CHANNEL(linkedid)`, without which no group is known. A [`session`] follows an Asterisk that has connected to us.

mod rest;
pub mod session;

use std::collections::HashMap;

use domain::time::{SECOND_MS, UnixMs, parse_utc};
use serde::Deserialize;

use super::{Stamped, dial_status};
use crate::call::{self, BridgeKind, Cause, ChannelRow, ChannelState, Facts, PbxEvent, Presentation};

/// The variable that tells the group of a channel.
pub const LINKED_ID: &str = "CHANNEL(linkedid)";
/// The variable that tells whether a caller's number may be shown. The first events of a channel state it wrongly.
pub const PRESENTATION: &str = "CALLERID(num-pres)";

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    timestamp: String,
    channel: Option<Channel>,
    caller: Option<Channel>,
    peer: Option<Channel>,
    bridge: Option<Bridge>,
    #[serde(default)]
    dialstatus: String,
    #[serde(default)]
    dialstring: String,
    cause: Option<i64>,
    #[serde(default)]
    soft: bool,
    #[serde(default)]
    variable: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
struct Channel {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    caller: Number,
    #[serde(default)]
    connected: Number,
    #[serde(default)]
    dialplan: Dialplan,
    #[serde(default)]
    channelvars: HashMap<String, String>,
    #[serde(default)]
    creationtime: String,
}

#[derive(Deserialize, Default)]
struct Number {
    #[serde(default)]
    number: String,
}

#[derive(Deserialize, Default)]
struct Dialplan {
    #[serde(default)]
    context: String,
    #[serde(default)]
    exten: String,
    #[serde(default)]
    app_data: String,
}

#[derive(Deserialize)]
struct Bridge {
    id: String,
    #[serde(default)]
    technology: String,
    #[serde(default)]
    bridge_type: String,
    #[serde(default)]
    channels: Vec<String>,
}

/// What an event reports; `None` if it is of no interest.
///
/// # Errors
/// If it is not an ARI event.
pub fn event(json: &[u8]) -> serde_json::Result<Option<Stamped>> {
    let event: Event = serde_json::from_slice(json)?;
    let at = parse_utc(&event.timestamp);
    Ok(translate(event).map(|event| Stamped { at, event }))
}

/// What the event states about the presentation of its channels' numbers.
///
/// # Errors
/// If it is not an ARI event.
pub fn presentations(json: &[u8]) -> serde_json::Result<Vec<(String, Presentation)>> {
    let Event { channel, caller, peer, .. } = serde_json::from_slice(json)?;
    let stated = |channel: Channel| {
        let presentation = channel.channelvars.get(PRESENTATION).map(|value| Presentation::parse(value))?;
        Some((channel.id, presentation))
    };
    Ok([channel, caller, peer].into_iter().flatten().filter_map(stated).collect())
}

fn translate(event: Event) -> Option<PbxEvent> {
    let own = event.channel;
    let cause = event.cause.and_then(|cause| Cause::try_from(cause).ok());
    Some(match event.kind.as_str() {
        "ChannelCreated" => PbxEvent::Began(own?.into()),
        "Dial" => {
            let (caller, callee) = (event.caller.map(Facts::from), Facts::from(event.peer?));
            match (event.dialstatus.as_str(), dial_status(&event.dialstatus)) {
                ("", _) => PbxEvent::DialBegan { caller, callee, dial_string: event.dialstring },
                (_, Some(status)) => PbxEvent::DialEnded { caller, callee, status },
                (_, None) => PbxEvent::Changed(callee),
            }
        }
        "ChannelEnteredBridge" => PbxEvent::BridgeEntered(own?.into(), event.bridge?.into()),
        "ChannelLeftBridge" => PbxEvent::BridgeLeft(own?.into(), event.bridge?.into()),
        "BridgeDestroyed" => PbxEvent::BridgeDestroyed { bridge_id: event.bridge?.id },
        // A soft request is Asterisk's own, and repeats one that came before it.
        "ChannelHangupRequest" if !event.soft => PbxEvent::HangupRequested(own?.into(), cause),
        "ChannelDestroyed" => PbxEvent::HungUp(own?.into(), cause),
        "ChannelVarset" if event.variable == "VMSTATUS" && event.value == "SUCCESS" => {
            let channel = own?;
            let mailbox = mailbox(&channel.dialplan.app_data);
            PbxEvent::MessageLeft { caller: channel.into(), mailbox, length_s: None }
        }
        _ => PbxEvent::Changed(own?.into()),
    })
}

/// The first mailbox in the arguments of `VoiceMail`, e.g. `7048@default&7049,u`.
fn mailbox(arguments: &str) -> String {
    arguments.split([',', '&']).next().unwrap_or_default().to_owned()
}

/// The channels that exist, from the responses to `GET /channels` and `GET /bridges`.
///
/// # Errors
/// If one of them is not such a list.
pub fn channel_rows(channels: &[u8], bridges: &[u8], now: UnixMs) -> serde_json::Result<Vec<ChannelRow>> {
    let channels: Vec<Channel> = serde_json::from_slice(channels)?;
    let bridges: Vec<Bridge> = serde_json::from_slice(bridges)?;
    let mut bridge_of: HashMap<String, call::Bridge> = HashMap::new();
    for mut bridge in bridges {
        let members = std::mem::take(&mut bridge.channels);
        let bridge = call::Bridge::from(bridge);
        bridge_of.extend(members.into_iter().map(|id| (id, bridge.clone())));
    }
    let row = |channel: Channel| {
        let age_ms = parse_utc(&channel.creationtime).map(|began| now.since_ms(began).max(0) / SECOND_MS);
        let duration_s = age_ms.and_then(|seconds| u64::try_from(seconds).ok());
        ChannelRow { bridge: bridge_of.remove(&channel.id), duration_s, facts: channel.into() }
    };
    Ok(channels.into_iter().map(row).collect())
}

impl From<Channel> for Facts {
    fn from(channel: Channel) -> Self {
        let state = match channel.state.as_str() {
            "Ring" => ChannelState::Ring,
            "Ringing" => ChannelState::Ringing,
            "Up" => ChannelState::Up,
            _ => ChannelState::Other,
        };
        Self {
            linked_id: channel.channelvars.get(LINKED_ID).cloned().unwrap_or_default(),
            id: channel.id,
            name: channel.name,
            state,
            number: channel.caller.number,
            connected_number: channel.connected.number,
            dialled: channel.dialplan.exten,
            context: channel.dialplan.context,
        }
    }
}

impl From<Bridge> for call::Bridge {
    fn from(bridge: Bridge) -> Self {
        let is_holding = bridge.technology == "holding_bridge" || bridge.bridge_type == "holding";
        Self { id: bridge.id, kind: if is_holding { BridgeKind::Holding } else { BridgeKind::Mixing } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNEL: &str = r#"{"id":"lab-1795832865.0","name":"PJSIP/provider-00000000","state":"Up","caller":{"number":"01632960001"},
        "dialplan":{"exten":"01632960100"},"creationtime":"2026-11-28T02:27:45.390+0000"}"#;

    #[test]
    fn an_event_is_read_whatever_its_cause_is() {
        for (cause, read) in [("16", Some(16)), ("-1", None), ("70000", None), ("null", None)] {
            let json = format!(
                r#"{{"type":"ChannelDestroyed","timestamp":"2026-11-28T02:27:49.405+0000","cause":{cause},"channel":{CHANNEL}}}"#
            );
            let stamped = event(json.as_bytes()).unwrap().unwrap();
            assert_eq!(stamped.at, Some(UnixMs(1_795_832_869_405)));
            assert!(matches!(stamped.event, PbxEvent::HungUp(_, cause) if cause == read), "{cause}");
        }
    }

    #[test]
    fn channels_and_bridges_are_listed() {
        let bridges =
            r#"[{"id":"b1","technology":"holding_bridge","bridge_type":"holding","channels":["lab-1795832865.0"]}]"#;
        let now = UnixMs(1_795_832_875_000);
        let rows = channel_rows(format!("[{CHANNEL}]").as_bytes(), bridges.as_bytes(), now).unwrap();
        assert_eq!((rows.len(), rows[0].duration_s), (1, Some(9)));
        assert_eq!(rows[0].bridge, Some(call::Bridge { id: "b1".to_owned(), kind: BridgeKind::Holding }));
        assert_eq!(rows[0].facts.dialled, "01632960100");
    }
}
