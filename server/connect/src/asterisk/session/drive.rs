//! What [`crate::link`] drives a session by.

use domain::{UnixMs, connector::StateReport};

use super::{Failure, Session, UNREADABLE_MAX_BYTES};
use crate::{
    asterisk::ami::{Decoder, Frame},
    call::CallRecord,
    session::{Batch, Phase, Pulse},
};

impl crate::session::Session for Session {
    type Failure = Failure;

    const SYSTEM: &'static str = "Asterisk";

    fn connected(&mut self, now: UnixMs) {
        self.phase = Phase::Greeting;
        self.decoder = Decoder::default();
        self.outgoing.clear();
        self.questions.clear();
        self.listing = None;
        self.waiting = None;
        self.has_call_events = false;
        self.pulse = Pulse::beginning(now);
    }

    fn disconnected(&mut self, now: UnixMs, why: Failure) {
        self.journal.lost(self.pulse.last(now));
        self.phase = Phase::Offline;
        self.failure = Some(why);
    }

    fn received(&mut self, now: UnixMs, bytes: &[u8]) -> Result<(), Failure> {
        self.pulse.heard(now);
        for frame in self.decoder.push(bytes) {
            match frame {
                Frame::Banner(version) if self.phase == Phase::Greeting => self.greeted(&version)?,
                Frame::Banner(_) => {}
                Frame::Message(_) if self.phase == Phase::Greeting => return Err(Failure::NotAmi),
                Frame::Message(message) => match message.get("ActionID") {
                    Some(id) => self.responded(now, id, &message)?,
                    None => self.followed(now, &message),
                },
            }
        }
        match self.decoder.skipped_bytes() {
            skipped if self.phase == Phase::Greeting && (skipped > 0 || self.decoder.malformed() > 0) => {
                Err(Failure::NotAmi)
            }
            skipped if skipped > UNREADABLE_MAX_BYTES => Err(Failure::Endless),
            _ => Ok(()),
        }
    }

    fn tick(&mut self, now: UnixMs) -> Result<(), Failure> {
        self.watch(now)
    }

    fn take_outgoing(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.outgoing)
    }

    fn wants_records(&self) -> Option<UnixMs> {
        self.waiting.as_ref().map(|waiting| self.journal.clock.theirs(waiting.lost_at))
    }

    fn records(&mut self, now: UnixMs, records: Vec<CallRecord>) {
        self.fill(now, records);
    }

    fn take_batch(&mut self, now: UnixMs) -> Option<Batch> {
        self.journal.take_batch(now)
    }

    fn last_batch(&mut self, now: UnixMs) -> Option<Batch> {
        self.journal.last_batch(now)
    }

    fn unsaved(&self) -> usize {
        self.journal.unsaved()
    }

    fn report(&self) -> StateReport {
        self.state()
    }
}
