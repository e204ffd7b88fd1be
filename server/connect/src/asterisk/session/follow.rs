//! Events, what follows from them, and whether numbers may be shown.

use std::collections::HashSet;

use domain::UnixMs;

use super::Session;
use crate::{
    asterisk::ami::{self, Message, Request},
    call::{Action, PbxEvent},
};

/// The dialplan function that tells whether a number may be shown.
const PRESENTATION: &str = "CALLERID(num-pres)";

impl Session {
    pub(super) fn followed(&mut self, now: UnixMs, message: &Message) {
        let Some(stamped) = ami::event(message) else { return };
        self.has_call_events = true;
        self.lacks_call_events = false;
        self.last_event_at = Some(now);
        if let PbxEvent::Began(facts) = &stamped.event {
            self.endpoints.see(&facts.name, &self.settings);
        }
        let at = self.journal.clock.time_of_event(stamped.at, now);
        let actions = self.journal.calls.feed(at, &stamped.event);
        self.act(now, actions);
    }

    pub(super) fn act(&mut self, now: UnixMs, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Post(event) => self.journal.post(*event),
                Action::AskPresentation { channel_id, channel } => self.ask(now, channel_id, channel),
            }
        }
    }

    fn ask(&mut self, now: UnixMs, channel_id: String, channel: String) {
        self.asked += 1;
        let request = Request::new("GetVar").with("ActionID", self.asked.to_string()).with("Channel", channel);
        match request.with("Variable", PRESENTATION).encode() {
            Ok(bytes) => {
                self.outgoing.extend_from_slice(&bytes);
                self.questions.insert(self.asked, (channel_id, now));
            }
            // A channel that cannot be asked about shows no number.
            Err(_) => self.answer(now, &channel_id, None),
        }
    }

    /// Asks again what the previous connection did not answer.
    pub(super) fn ask_again(&mut self, now: UnixMs) {
        let asked: HashSet<String> = self.questions.values().map(|(channel_id, _)| channel_id.clone()).collect();
        for (channel_id, channel) in self.journal.calls.awaiting_presentation() {
            if !asked.contains(&channel_id) {
                self.ask(now, channel_id, channel);
            }
        }
    }

    pub(super) fn question_answered(&mut self, id: &str, message: &Message) {
        let question = id.parse().ok().and_then(|id: u64| self.questions.remove(&id));
        if let Some((channel_id, asked_at)) = question {
            self.answer(asked_at, &channel_id, ami::presentation(message));
        }
    }

    pub(super) fn answer(&mut self, now: UnixMs, channel_id: &str, response: Option<crate::call::Presentation>) {
        let actions = self.journal.calls.presentation(channel_id, response);
        self.act(now, actions);
    }
}
