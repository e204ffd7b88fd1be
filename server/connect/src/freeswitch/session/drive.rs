//! What [`crate::link`] drives a session by.

use domain::{UnixMs, connector::StateReport};

use super::{Failure, Session};
use crate::{
    call::CallRecord,
    freeswitch::{Decoder, Frame, translate::Translator},
    session::{Batch, Interruption, Phase, Pulse},
};

impl crate::session::Session for Session {
    type Failure = Failure;

    const SYSTEM: &'static str = "FreeSWITCH";

    fn connected(&mut self, now: UnixMs) {
        self.phase = Phase::Greeting;
        self.decoder = Decoder::default();
        // What happened to them meanwhile is not known.
        self.translator = Translator::default();
        self.outgoing.clear();
        self.asked.clear();
        self.listing = None;
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
                Frame::AuthRequest => self.greeted()?,
                Frame::Reply(text) => self.replied(now, &text)?,
                Frame::Response(text) => self.responded(now, text)?,
                Frame::Event(event) => self.followed(now, &event),
                Frame::Rejected => return Err(Failure::Rejected),
                Frame::Disconnected => return Err(Interruption::Closed.into()),
                Frame::Unreadable => return Err(Failure::NotEventSocket),
            }
        }
        Ok(())
    }

    fn tick(&mut self, now: UnixMs) -> Result<(), Failure> {
        self.watch(now)
    }

    fn take_outgoing(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.outgoing)
    }

    /// Call records of a gap are not read: `mod_json_cdr` posts them, with the same IDs.
    fn wants_records(&self) -> Option<UnixMs> {
        None
    }

    fn records(&mut self, _: UnixMs, _: Vec<CallRecord>) {}

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
