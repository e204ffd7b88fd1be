//! Events, and what follows from them.

use domain::UnixMs;

use super::{Phase, Session};
use crate::{
    call::{Action, PbxEvent},
    freeswitch::Event,
};

impl Session {
    pub(super) fn followed(&mut self, now: UnixMs, event: &Event) {
        if self.phase != Phase::Following || event.name() == Some("HEARTBEAT") {
            return;
        }
        self.last_event_at = Some(now);
        for (at, event) in self.translator.translate(event, &self.settings) {
            if let PbxEvent::Began(facts) | PbxEvent::DialBegan { callee: facts, .. } = &event {
                self.endpoints.see(&facts.name, &self.settings);
            }
            let at = self.journal.clock.time_of_event(at, now);
            let actions = self.journal.calls.feed(at, &event);
            self.act(actions);
        }
    }

    pub(super) fn act(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Post(event) => self.journal.post(*event),
                // Every event states whether its channel's number may be shown, so the response is there.
                Action::AskPresentation { channel_id, .. } => {
                    let presentation = self.translator.presentation(&channel_id);
                    let actions = self.journal.calls.presentation(&channel_id, Some(presentation));
                    self.act(actions);
                }
            }
        }
    }
}
