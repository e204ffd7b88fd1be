//! A connector with its disk, on a clock of the test's own, and an Asterisk for it.

use connect::{
    asterisk::session::{Account, Failure, Session},
    call::CallRecord,
    event::CallEvent,
    session::{Batch, Saved, Session as _, TICK_MS},
};
use domain::{
    UnixMs,
    connector::{ConnectorProblem, Gap},
};

use crate::{
    disk::Disk,
    fake_asterisk::{FakeAsterisk, messages},
    scenario::{Scenario, scenarios, settings},
};

pub(crate) const NOW: UnixMs = UnixMs(1_795_833_600_000);

/// A connector with its disk.
pub(crate) struct Connector {
    pub(crate) session: Session,
    pub(crate) now: UnixMs,
    pub(crate) posted: Vec<CallEvent>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) disk: Disk,
    pub(crate) records: Vec<CallRecord>,
}

impl Connector {
    pub(crate) fn new() -> Self {
        Self {
            session: Session::new(account(), settings(), Saved::default()),
            now: NOW,
            posted: Vec::new(),
            gaps: Vec::new(),
            disk: Disk::default(),
            records: Vec::new(),
        }
    }

    /// Moves bytes back and forth until neither has more to say.
    pub(crate) fn exchange(&mut self, asterisk: &mut FakeAsterisk, first: &str) -> Result<(), Failure> {
        let (mut bytes, mut unread) = (first.to_owned(), String::new());
        loop {
            self.session.received(self.now, bytes.as_bytes())?;
            if self.session.wants_records().is_some() {
                let records = self.records.clone();
                self.session.records(self.now, records);
            }
            self.save();
            bytes = asterisk.receive(&mut unread, &self.session.take_outgoing());
            if bytes.is_empty() {
                return Ok(());
            }
        }
    }

    pub(crate) fn connect(&mut self, asterisk: &mut FakeAsterisk) -> Result<(), Failure> {
        self.session.connected(self.now);
        let greeting = asterisk.greeting();
        self.exchange(asterisk, &greeting)
    }

    pub(crate) fn save(&mut self) {
        if let Some(batch) = self.session.take_batch(self.now) {
            self.keep(batch);
        }
    }

    pub(crate) fn keep(&mut self, batch: Batch) {
        self.disk.write(&batch);
        self.posted.extend(batch.events);
        self.gaps.extend(batch.gaps);
    }

    /// Is killed, and starts again from its disk.
    pub(crate) fn restart(&mut self) {
        self.session = Session::new(account(), settings(), self.disk.read());
    }

    /// Asterisk does this, and says so.
    pub(crate) fn hear(&mut self, asterisk: &mut FakeAsterisk, message: &str) {
        asterisk.happen(message);
        self.exchange(asterisk, message).unwrap();
    }

    /// Time passes, in ticks, without a word from Asterisk.
    pub(crate) fn pass(&mut self, ms: i64) -> Result<(), Failure> {
        for _ in 0..ms / TICK_MS {
            self.now = self.now.plus_ms(TICK_MS);
            self.session.tick(self.now)?;
        }
        Ok(())
    }

    pub(crate) fn problem(&self) -> Option<ConnectorProblem> {
        self.session.report().problem
    }
}

pub(crate) fn account() -> Account {
    Account { user: "offhook".to_owned(), secret: "s3cret".to_owned() }
}

pub(crate) fn playing(scenario: &Scenario) -> (FakeAsterisk, Vec<String>) {
    let recording = String::from_utf8(scenario.bytes("ami")).unwrap();
    let mut asterisk = FakeAsterisk::new();
    asterisk.read_presentations(&recording);
    (asterisk, messages(&recording))
}

/// A call that is answered, from its first event to shortly before its end, and the end.
pub(crate) fn answered() -> (FakeAsterisk, Vec<String>, Vec<String>) {
    let (asterisk, messages) = playing(&scenario("in_answered"));
    let begin = messages.iter().position(|message| message.starts_with("Event: Newchannel")).unwrap();
    let end = messages.iter().position(|message| message.starts_with("Event: HangupRequest")).unwrap();
    (asterisk, messages[begin..end].to_vec(), messages[end..].to_vec())
}

pub(crate) fn scenario(name: &str) -> Scenario {
    scenarios().into_iter().find(|scenario| scenario.name == name).unwrap()
}
