//! FreeSWITCH's events in the terms of the state machine.

use domain::UnixMs;

use super::{
    Event, bridge, cause,
    endpoint::{self, Direction},
    legs::Legs,
};
use crate::call::{ChannelRow, ChannelState, DialStatus, Facts, PbxEvent, Presentation, Settings};

/// What a hang-up of the far end is, as a cause.
const NORMAL_CLEARING: u16 = 16;
/// The name of a channel of which nothing is known: no phone.
const UNKNOWN: &str = "Bridge/unknown";

/// An event with FreeSWITCH's time.
pub(super) type Timed = (Option<UnixMs>, PbxEvent);

/// Translates the events of one connection.
#[derive(Debug, Default)]
pub(super) struct Translator {
    legs: Legs,
}

impl Translator {
    /// Whether the number of this channel may be shown. What is not known is withheld.
    pub(super) fn presentation(&self, channel_id: &str) -> Presentation {
        self.legs.get(channel_id).map_or(Presentation::Withheld, |leg| leg.presentation)
    }

    /// Forgets the channels that no longer exist.
    pub(super) fn retain(&mut self, exists: impl Fn(&str) -> bool) {
        self.legs.retain(exists);
    }

    /// How many channels are remembered.
    pub(super) fn len(&self) -> usize {
        self.legs.len()
    }

    /// What an event reports, in order.
    pub(super) fn translate(&mut self, event: &Event, settings: &Settings) -> Vec<Timed> {
        let Some(facts) = self.facts(event, settings) else { return Vec::new() };
        let direction = endpoint::direction(event);
        // The event for the end of a channel waits for the modules that write its call record.
        let ended_at =
            event.micros("Caller-Channel-Hangup-Time").filter(|_| event.name() == Some("CHANNEL_HANGUP_COMPLETE"));
        let at = ended_at.or_else(|| event.at());
        let events = match event.name() {
            Some("CHANNEL_CREATE" | "CHANNEL_ORIGINATE") => return self.created(event, facts, direction),
            Some("CHANNEL_ANSWER") => self.answered(facts, direction),
            Some("CHANNEL_BRIDGE") => self.bridged(event, facts),
            Some("CHANNEL_UNBRIDGE") => self.separated(event, &facts),
            Some("CHANNEL_HANGUP_COMPLETE") => self.hung_up(event, facts, direction),
            Some("CUSTOM") => bridge::of_member(event, facts),
            _ => vec![PbxEvent::Changed(facts)],
        };
        events.into_iter().map(|event| (at, event)).collect()
    }

    /// A channel as `uuid_dump` describes it, which is bridged with `other`.
    pub(super) fn describe(&mut self, dump: &Event, other: Option<&str>, settings: &Settings) -> Option<ChannelRow> {
        let facts = self.facts(dump, settings)?;
        let bridge = other.map(|other| bridge::of_two(&facts.id, other)).or_else(|| bridge::of_described(dump));
        if let Some(bridge) = &bridge {
            self.legs.bridge(&[&facts.id], &bridge.id);
        }
        if let Some(leg) = self.legs.get_mut(&facts.id) {
            leg.is_dialled = true;
            leg.is_answered |= facts.state == ChannelState::Up;
        }
        Some(ChannelRow { facts, bridge, duration_s: None })
    }

    /// A channel was created. The time of a call's beginning is that of its channel, so that it is the same whenever the
    /// event is produced again.
    fn created(&mut self, event: &Event, facts: Facts, direction: Direction) -> Vec<Timed> {
        let at = event.micros("Caller-Channel-Created-Time").or_else(|| event.at());
        if direction == Direction::Inbound {
            return vec![(at, PbxEvent::Began(facts))];
        }
        // A channel that no other channel originated is announced by CHANNEL_ORIGINATE alone.
        let has_origin = facts.linked_id != facts.id || event.get("Other-Leg-Unique-ID").is_some();
        let is_due = has_origin || event.name() == Some("CHANNEL_ORIGINATE");
        let is_known = self.legs.get(&facts.id).is_some_and(|leg| leg.is_dialled);
        if !is_due || is_known {
            return vec![(event.at(), PbxEvent::Changed(facts))];
        }
        if let Some(leg) = self.legs.get_mut(&facts.id) {
            leg.is_dialled = true;
        }
        let dial_string = facts.dialled.clone();
        vec![(at, PbxEvent::DialBegan { caller: self.caller(event, &facts), callee: facts, dial_string })]
    }

    /// The channel that originated this one.
    fn caller(&self, event: &Event, callee: &Facts) -> Option<Facts> {
        let originator = event.get("variable_originator").or_else(|| event.get("Other-Leg-Unique-ID"));
        let id = originator.unwrap_or(&callee.linked_id);
        if id == callee.id {
            return None;
        }
        let leg = self.legs.get(id);
        // What the callee sees, not the number at the far end of the caller's channel. It may be that of an earlier caller, as
        // when a queue calls an agent's mobile; so who originated the call must let it be seen, too.
        let channels = [id, callee.id.as_str()];
        let is_shown = channels.into_iter().all(|id| self.presentation(id) == Presentation::Allowed);
        Some(Facts {
            id: id.to_owned(),
            name: leg.map_or(UNKNOWN, |leg| leg.name.as_str()).to_owned(),
            linked_id: leg.map_or_else(|| callee.linked_id.clone(), |leg| leg.group.clone()),
            state: ChannelState::Other,
            number: if is_shown { callee.number.clone() } else { String::new() },
            connected_number: String::new(),
            dialled: event.get("Other-Leg-Destination-Number").unwrap_or_default().to_owned(),
            context: callee.context.clone(),
        })
    }

    fn answered(&mut self, facts: Facts, direction: Direction) -> Vec<PbxEvent> {
        if let Some(leg) = self.legs.get_mut(&facts.id) {
            leg.is_answered = true;
        }
        let end = PbxEvent::DialEnded { caller: None, callee: facts.clone(), status: DialStatus::Answered };
        let is_called = direction == Direction::Outbound;
        is_called.then_some(end).into_iter().chain([PbxEvent::Changed(facts)]).collect()
    }

    fn bridged(&mut self, event: &Event, facts: Facts) -> Vec<PbxEvent> {
        let Some((other, bridge)) = bridge::pair(event, &facts.id) else { return Vec::new() };
        self.legs.bridge(&[&facts.id, &other], &bridge.id);
        let leg = self.legs.get(&other);
        let other = Facts {
            name: leg.map(|leg| leg.name.clone()).unwrap_or_default(),
            linked_id: leg.map(|leg| leg.group.clone()).unwrap_or_default(),
            id: other,
            ..Facts::default()
        };
        vec![PbxEvent::BridgeEntered(facts, bridge.clone()), PbxEvent::BridgeEntered(other, bridge)]
    }

    /// Two channels no longer hear each other. Usually the event names the other one only as the one that was called last, or not
    /// at all: then the bridge is that in which the channel is.
    fn separated(&mut self, event: &Event, facts: &Facts) -> Vec<PbxEvent> {
        let current = self.legs.get(&facts.id).and_then(|leg| leg.bridge.clone());
        let stated = bridge::pair(event, &facts.id).map(|(_, bridge)| bridge.id);
        let ended = match (stated, current) {
            (Some(stated), Some(current)) if stated != current => None,
            (stated, current) => current.or(stated),
        };
        ended.map(|bridge_id| PbxEvent::BridgeDestroyed { bridge_id }).into_iter().collect()
    }

    fn hung_up(&mut self, event: &Event, facts: Facts, direction: Direction) -> Vec<PbxEvent> {
        let was_answered = self.legs.get(&facts.id).is_some_and(|leg| leg.is_answered);
        self.legs.remove(&facts.id);
        let mut events = Vec::new();
        match direction {
            Direction::Outbound if !was_answered => {
                let status = cause::unanswered(event);
                events.push(PbxEvent::DialEnded { caller: None, callee: facts.clone(), status });
            }
            Direction::Outbound => {}
            Direction::Inbound => {
                events.extend(message(event, &facts));
                if cause::far_end_hung_up(event) {
                    events.push(PbxEvent::HangupRequested(facts.clone(), Some(NORMAL_CLEARING)));
                }
            }
        }
        events.push(PbxEvent::HungUp(facts, cause::cause(event)));
        events
    }

    /// What an event states about its channel, and remembers it.
    fn facts(&mut self, event: &Event, settings: &Settings) -> Option<Facts> {
        let id = event.get("Unique-ID")?.to_owned();
        let get = |name: &str| event.get(name).unwrap_or_default().to_owned();
        let name = endpoint::name(event, &id, settings);
        let group = self.group(event, &id);
        self.legs.state(&id, &name, &group, presentation(event));
        let state = match (event.get("Answer-State"), endpoint::direction(event)) {
            (Some("answered"), _) => ChannelState::Up,
            (Some("hangup"), _) => ChannelState::Other,
            (_, Direction::Inbound) => ChannelState::Ring,
            (Some("early"), Direction::Outbound) => ChannelState::Ringing,
            (_, Direction::Outbound) => ChannelState::Other,
        };
        Some(Facts {
            id,
            name,
            linked_id: group,
            state,
            number: get("Caller-Caller-ID-Number"),
            connected_number: String::new(),
            dialled: get("Caller-Destination-Number"),
            context: get("Caller-Context"),
        })
    }

    /// The group: that of the channel that originated this one. A queue originates its agents' channels without one, and names
    /// the waiting caller in a variable; the second half of a loopback channel belongs to the first.
    fn group(&self, event: &Event, id: &str) -> String {
        let member =
            event.get("variable_cc_member_session_uuid").filter(|_| event.get("variable_cc_side") == Some("agent"));
        let is_second_half =
            event.get("Channel-Name").is_some_and(|name| name.starts_with("loopback/") && name.ends_with("-b"));
        let half = event.get("variable_other_loopback_leg_uuid").filter(|_| is_second_half);
        let stated = event.get("Channel-Call-UUID").filter(|call| *call != id);
        let is_called =
            endpoint::direction(event) == Direction::Outbound && event.get("Other-Type") != Some("originatee");
        let originator = event.get("Other-Leg-Unique-ID").filter(|_| is_called);
        match member.or(half).or(stated).or(originator).filter(|other| *other != id) {
            Some(other) => self.legs.get(other).map_or_else(|| other.to_owned(), |leg| leg.group.clone()),
            None => id.to_owned(),
        }
    }
}

/// Whether the caller lets the callee see the number. All of these have to allow it, and the first has to be stated: it is
/// what FreeSWITCH made of the headers `Privacy`, `Remote-Party-ID` and `P-Asserted-Identity`, and of ISDN's presentation.
fn presentation(event: &Event) -> Presentation {
    let is = |name: &str, shown: &[&str]| {
        event.get(name).is_none_or(|value| shown.contains(&value.to_ascii_lowercase().as_str()))
    };
    let party = event.get("variable_sip_Remote-Party-ID").map(str::to_ascii_lowercase).unwrap_or_default();
    let is_hidden =
        party.split(';').filter_map(|part| part.trim().strip_prefix("privacy=")).any(|value| value.trim() != "off");
    let allowed = event.get("Caller-Privacy-Hide-Number") == Some("false")
        && is("variable_privacy_hide_number", &["false"])
        && ["variable_sip_Privacy", "variable_sip_h_Privacy", "variable_sip_h_privacy", "variable_privacy"]
            .iter()
            .all(|name| is(name, &["none", "no", "off"]))
        && !event.get("variable_origination_privacy").is_some_and(|value| value.contains("hide_number"))
        && !is_hidden;
    if allowed { Presentation::Allowed } else { Presentation::Withheld }
}

/// A message that the caller left (`mod_voicemail` sets these variables).
fn message(event: &Event, facts: &Facts) -> Option<PbxEvent> {
    let length_s = seconds(event.get("variable_voicemail_message_len")?).filter(|seconds| *seconds > 0)?;
    let mailbox = event.get("variable_voicemail_account").or_else(|| event.get("variable_dialed_user"));
    let mailbox = mailbox.unwrap_or(&facts.dialled).to_owned();
    Some(PbxEvent::MessageLeft { caller: facts.clone(), mailbox, length_s: Some(length_s) })
}

/// A duration such as `00:01:23`.
fn seconds(text: &str) -> Option<u64> {
    text.split(':').try_fold(0_u64, |sum, part| sum.checked_mul(60)?.checked_add(part.parse().ok()?))
}
