//! A phone system on paper: reports in a line each, for rules that no recording shows.

use std::collections::{HashMap, HashSet};

use connect::{
    call::{
        Action, Bridge, BridgeKind, CallRecord, Calls, Cause, ChannelRow, ChannelState, DialStatus, Facts,
        InternalCalls, PbxEvent, Presentation, Resync, Resynced, Settings, Since,
    },
    event::CallEvent,
};
use domain::time::UnixMs;

use crate::scenario::settings;

/// The second in which everything begins.
pub(crate) const START_S: i64 = 1_795_900_000;

pub(crate) struct PhoneSystem {
    pub calls: Calls,
    pub posted: Vec<CallEvent>,
    /// Channels that were asked about, if questions are not answered at once.
    pub asked: Vec<String>,
    /// How questions are answered; not at all if none.
    pub response: Option<Presentation>,
    pub ms: i64,
    channels: HashMap<&'static str, Facts>,
}

impl PhoneSystem {
    pub(crate) fn new() -> Self {
        Self::with(settings())
    }

    pub(crate) fn with_internal_calls() -> Self {
        Self::with(Settings { internal: InternalCalls::Report, ..settings() })
    }

    fn with(settings: Settings) -> Self {
        let response = Some(Presentation::Allowed);
        let (calls, posted, asked, channels) = (Calls::new(settings), Vec::new(), Vec::new(), HashMap::new());
        Self { calls, posted, asked, response, ms: 0, channels }
    }

    pub(crate) fn at(&self) -> UnixMs {
        UnixMs(START_S * 1_000 + self.ms)
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.ms += seconds * 1_000;
    }

    /// The channel of this short name, such as `trunk.1`: endpoint and number.
    pub(crate) fn facts(&mut self, channel: &'static str) -> &mut Facts {
        let (endpoint, number) = channel.split_once('.').unwrap();
        self.channels.entry(channel).or_insert_with(|| {
            let id = format!("lab-{START_S}.{number}");
            Facts {
                name: format!("PJSIP/{endpoint}-{:08x}", number.parse::<u32>().unwrap()),
                linked_id: id.clone(),
                id,
                number: if endpoint.starts_with("trunk") { "01632960001" } else { endpoint }.to_owned(),
                dialled: "01632960100".to_owned(),
                context: "from-trunk".to_owned(),
                ..Facts::default()
            }
        })
    }

    pub(crate) fn feed(&mut self, event: &PbxEvent) {
        let actions = self.calls.feed(self.at(), event);
        self.act(actions);
    }

    fn act(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Post(event) => self.posted.push(*event),
                Action::AskPresentation { channel_id, .. } if self.response.is_some() => {
                    let actions = self.calls.presentation(&channel_id, self.response);
                    self.act(actions);
                }
                Action::AskPresentation { channel_id, .. } => self.asked.push(channel_id),
            }
        }
    }

    pub(crate) fn answer(&mut self, channel_id: &str, response: Option<Presentation>) {
        let actions = self.calls.presentation(channel_id, response);
        self.act(actions);
    }

    pub(crate) fn rings_us(&mut self, channel: &'static str) {
        self.facts(channel).state = ChannelState::Ring;
        let facts = self.facts(channel).clone();
        self.feed(&PbxEvent::Began(facts));
    }

    /// `caller` calls `callee`, which joins its group.
    pub(crate) fn dials(&mut self, caller: &'static str, callee: &'static str, dial_string: &str) {
        let caller = self.facts(caller).clone();
        self.facts(callee).linked_id.clone_from(&caller.linked_id);
        let callee = self.facts(callee).clone();
        self.feed(&PbxEvent::Began(callee.clone()));
        self.feed(&PbxEvent::DialBegan { caller: Some(caller), callee, dial_string: dial_string.to_owned() });
    }

    pub(crate) fn dial_ends(&mut self, caller: &'static str, callee: &'static str, status: DialStatus) {
        let (caller, callee) = (self.facts(caller).clone(), self.facts(callee).clone());
        self.feed(&PbxEvent::DialEnded { caller: Some(caller), callee, status });
    }

    pub(crate) fn is_up(&mut self, channel: &'static str) {
        self.facts(channel).state = ChannelState::Up;
        let facts = self.facts(channel).clone();
        self.feed(&PbxEvent::Changed(facts));
    }

    pub(crate) fn enters(&mut self, channel: &'static str, bridge: &str, kind: BridgeKind) {
        self.facts(channel).state = ChannelState::Up;
        let facts = self.facts(channel).clone();
        self.feed(&PbxEvent::BridgeEntered(facts, Bridge { id: bridge.to_owned(), kind }));
    }

    pub(crate) fn leaves(&mut self, channel: &'static str, bridge: &str) {
        let facts = self.facts(channel).clone();
        self.feed(&PbxEvent::BridgeLeft(facts, Bridge { id: bridge.to_owned(), kind: BridgeKind::Mixing }));
    }

    pub(crate) fn talk(&mut self, one: &'static str, other: &'static str, bridge: &str) {
        self.enters(other, bridge, BridgeKind::Mixing);
        self.enters(one, bridge, BridgeKind::Mixing);
    }

    pub(crate) fn wants_to_hang_up(&mut self, channel: &'static str, cause: Option<Cause>) {
        let facts = self.facts(channel).clone();
        self.feed(&PbxEvent::HangupRequested(facts, cause));
    }

    pub(crate) fn hangs_up(&mut self, channel: &'static str, cause: Cause) {
        let facts = self.facts(channel).clone();
        self.feed(&PbxEvent::HungUp(facts, Some(cause)));
    }

    pub(crate) fn row(&mut self, channel: &'static str, bridge: Option<&str>) -> ChannelRow {
        let bridge = bridge.map(|id| Bridge { id: id.to_owned(), kind: BridgeKind::Mixing });
        ChannelRow { facts: self.facts(channel).clone(), bridge, duration_s: Some(0) }
    }

    pub(crate) fn resync(&mut self, since: Since, channels: Vec<ChannelRow>, records: Vec<CallRecord>) -> Resynced {
        let mark = self.calls.listing_begins();
        let mut done =
            self.calls.resync(Resync { at: self.at(), since, mark, channels, unchanged: HashSet::new(), records });
        self.act(std::mem::take(&mut done.actions));
        done
    }

    /// Everything that was posted, a line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        crate::outcome::lines(&self.posted)
    }

    /// The finer result of the latest call.
    pub(crate) fn result(&self) -> String {
        let details = self.posted.last().unwrap().details.as_ref().unwrap();
        details.call_result.clone().unwrap()
    }
}
