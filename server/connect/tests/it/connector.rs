//! A connector as it will run: it feeds the state machine, answers its questions a little later, and restarts.

use std::collections::{HashSet, VecDeque};

use connect::{
    asterisk::Stamped,
    call::{Action, Calls, PbxEvent, Resync, Since, Snapshot},
    event::CallEvent,
};
use domain::time::UnixMs;

use crate::{
    pbx::Pbx,
    scenario::settings,
    streams::{Stream, at},
};

/// A connector, and the phone system that it is connected with.
pub(crate) struct Connector<'a> {
    pub calls: Calls,
    pub posted: Vec<CallEvent>,
    stream: &'a Stream,
    pbx: Pbx,
    now: UnixMs,
    /// The channels that were asked about, and the number of the event before which the response comes.
    questions: VecDeque<(String, usize)>,
    /// How many events come before a response.
    patience: usize,
    events: usize,
}

impl<'a> Connector<'a> {
    pub(crate) fn new(stream: &'a Stream, patience: usize) -> Self {
        Self {
            calls: Calls::new(settings()),
            posted: Vec::new(),
            stream,
            pbx: Pbx::default(),
            now: UnixMs(0),
            questions: VecDeque::new(),
            patience,
            events: 0,
        }
    }

    /// Everything that the stream leads to.
    pub(crate) fn run(stream: &'a Stream) -> Self {
        let mut connector = Self::new(stream, 0);
        connector.feed(&stream.events);
        connector
    }

    pub(crate) fn feed(&mut self, events: &[Stamped]) {
        for stamped in events {
            self.now = at(stamped);
            let ends = matches!(stamped.event, PbxEvent::HungUp(..));
            self.respond(if ends { usize::MAX } else { self.events });
            self.events += 1;
            self.pbx.feed(&stamped.event);
            let actions = self.calls.feed(self.now, &stamped.event);
            self.act(actions);
            self.respond(self.events);
        }
    }

    /// These events are lost on the way.
    pub(crate) fn lose(&mut self, events: &[Stamped]) {
        for stamped in events {
            self.now = at(stamped);
            self.pbx.feed(&stamped.event);
        }
    }

    /// The program ends, and starts again with what was saved, or with nothing.
    pub(crate) fn restart(&mut self, saved: Option<Snapshot>) {
        self.questions.clear();
        self.calls = Calls::restore(settings(), saved.unwrap_or_default());
    }

    /// Writes the state and reads it back, as a restart does.
    pub(crate) fn saved(&self) -> Snapshot {
        let text = serde_json::to_string(&self.calls.snapshot()).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn resync(&mut self, since: Since) {
        let mark = self.calls.listing_begins();
        let now = Resync {
            at: self.now,
            since,
            mark,
            channels: self.pbx.list(),
            unchanged: HashSet::new(),
            records: Vec::new(),
        };
        let done = self.calls.resync(now);
        self.act(done.actions);
    }

    /// The phone system has no channel any more.
    pub(crate) fn hang_up_all(&mut self) {
        self.pbx = Pbx::default();
    }

    pub(crate) fn now(&self) -> UnixMs {
        self.now
    }

    fn act(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Post(event) => self.posted.push(*event),
                Action::AskPresentation { channel_id, .. } => {
                    self.questions.push_back((channel_id, self.events + self.patience))
                }
            }
        }
    }

    fn respond(&mut self, now: usize) {
        while let Some((channel_id, _)) = self.questions.pop_front_if(|(_, due)| *due <= now) {
            let shown = self.stream.presentations.get(&channel_id).copied();
            let actions =
                self.calls.presentation(&channel_id, Some(shown.unwrap_or(connect::call::Presentation::Allowed)));
            self.act(actions);
        }
    }
}
