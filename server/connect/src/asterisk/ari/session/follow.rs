//! Events, what follows from them, and whether numbers may be shown.

use domain::{UnixMs, time::SECOND_MS};
use serde::Deserialize;

use super::{Phase, Session};
use crate::{
    asterisk::{
        Stamped,
        ari::{self, PRESENTATION, rest},
    },
    call::{Action, PbxEvent, Presentation},
};

/// Begins the ID of a request that asks for a presentation; the channel follows.
pub(super) const QUESTION: &str = "presentation";
/// A question that is not answered by then means that no number may be shown, in milliseconds.
const RESPONSE_MS: i64 = 5 * SECOND_MS;
/// What a channel's events state after this is true, in milliseconds: the presentation is set right after its start. Asterisk
/// can't be asked about a channel that has ended while we were away.
const SETTLED_MS: i64 = SECOND_MS;

/// A question about a channel.
pub(super) struct Question {
    asked_at: UnixMs,
    /// When the channel began, on Asterisk's clock.
    began_at: UnixMs,
}

#[derive(Deserialize)]
struct Variable {
    value: String,
}

impl Session {
    pub(super) fn followed(&mut self, now: UnixMs, message: &[u8]) -> serde_json::Result<()> {
        let Some(Stamped { at: stated, event }) = ari::event(message)? else { return Ok(()) };
        if let Some(stated) =
            stated.filter(|stated| *stated > now || self.phase == Phase::Following && self.is_connected)
        {
            self.clock.observe(stated, now);
        }
        let at = self.clock.time_of_event(stated);
        (self.has_call_events, self.lacks_call_events, self.last_event_at) = (true, false, Some(now));
        if let PbxEvent::Began(facts) = &event {
            self.endpoints.see(&facts.name, &self.settings);
            self.lacks_groups |= facts.linked_id.is_empty();
        }
        if !self.questions.is_empty() {
            self.read_presentations(now, at, message)?;
        }
        let actions = self.calls.feed(at, &event);
        self.act(now, actions);
        Ok(())
    }

    pub(super) fn act(&mut self, now: UnixMs, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Post(mut event) => {
                    event.timestamp_s = self.clock.our_second(event.timestamp_s);
                    self.events.push(*event);
                }
                Action::AskPresentation { channel_id, .. } => self.ask(now, channel_id),
            }
        }
    }

    fn ask(&mut self, now: UnixMs, channel_id: String) {
        // Others would have to be encoded; those of Asterisk don't.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        if self.phase == Phase::Offline || !channel_id.chars().all(is_plain) {
            return self.answer(now, &channel_id, None);
        }
        let uri = format!("channels/{channel_id}/variable?variable={PRESENTATION}");
        self.outgoing.push(rest::get(&format!("{QUESTION} {channel_id}"), &uri));
        let began_at = self.clock.time_of_event(None);
        self.questions.insert(channel_id, Question { asked_at: now, began_at });
    }

    /// Asks again what the previous connection did not answer.
    pub(super) fn ask_again(&mut self, now: UnixMs) {
        for (channel_id, _) in self.calls.awaiting_presentation() {
            if !self.questions.contains_key(&channel_id) {
                self.ask(now, channel_id);
            }
        }
    }

    /// A number that is withheld by any event is withheld; that it may be shown is believed only later.
    fn read_presentations(&mut self, now: UnixMs, at: UnixMs, message: &[u8]) -> serde_json::Result<()> {
        for (channel_id, stated) in ari::presentations(message)? {
            let Some(question) = self.questions.get(&channel_id) else { continue };
            if stated == Presentation::Withheld || at.since_ms(question.began_at) >= SETTLED_MS {
                self.questions.remove(&channel_id);
                self.answer(now, &channel_id, Some(stated));
            }
        }
        Ok(())
    }

    pub(super) fn question_answered(&mut self, now: UnixMs, channel_id: &str, response: &rest::Response) {
        if self.questions.remove(channel_id).is_none() {
            return;
        }
        let value = serde_json::from_str::<Variable>(&response.message_body).ok();
        let value = value.filter(|_| response.status_code == 200);
        self.answer(now, channel_id, value.map(|variable| Presentation::parse(&variable.value)));
    }

    fn answer(&mut self, now: UnixMs, channel_id: &str, response: Option<Presentation>) {
        let actions = self.calls.presentation(channel_id, response);
        self.act(now, actions);
    }

    pub(super) fn expire_questions(&mut self, now: UnixMs) {
        let is_late = |question: &Question| now.since_ms(question.asked_at) >= RESPONSE_MS;
        let late: Vec<String> =
            self.questions.iter().filter(|(_, question)| is_late(question)).map(|(id, _)| id.clone()).collect();
        for channel_id in late {
            self.questions.remove(&channel_id);
            self.answer(now, &channel_id, None);
        }
    }
}
