//! A connector with its disk, on a clock of the test's own, and a FreeSWITCH for it.

use std::collections::BTreeSet;

use connect::{
    call::{InternalCalls, PhoneSystem, Settings},
    event::CallEvent,
    freeswitch::session::{Failure, Password, Session},
    session::{Batch, Saved, Session as _, TICK_MS},
};
use domain::{UnixMs, connector::Gap};

use super::fake::{Fake, Step};
use crate::disk::Disk;

pub(crate) const NOW_MS: i64 = 1_795_833_600_000;

pub(crate) fn settings() -> Settings {
    Settings {
        phone_system: PhoneSystem::FreeSwitch,
        system: "con_1".to_owned(),
        trunks: BTreeSet::from(["provider", "provider2", "external"].map(str::to_owned)),
        internal: InternalCalls::Ignore,
    }
}

pub(crate) struct Connector {
    pub(crate) session: Session,
    pub(crate) fake: Fake,
    pub(crate) posted: Vec<CallEvent>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) disk: Disk,
}

impl Connector {
    pub(crate) fn new() -> Self {
        Self {
            session: Session::new(Password("ClueCon".to_owned()), settings(), Saved::default()),
            fake: Fake::new(NOW_MS),
            posted: Vec::new(),
            gaps: Vec::new(),
            disk: Disk::default(),
        }
    }

    /// One that is connected.
    pub(crate) fn connected() -> Self {
        let mut connector = Self::new();
        connector.connect().unwrap();
        connector
    }

    pub(crate) fn now(&self) -> UnixMs {
        UnixMs(self.fake.now_ms)
    }

    pub(crate) fn connect(&mut self) -> Result<(), Failure> {
        self.session.connected(self.now());
        let greeting = self.fake.greeting();
        self.exchange(&greeting)
    }

    /// Moves bytes back and forth until neither has more to say.
    pub(crate) fn exchange(&mut self, told: &str) -> Result<(), Failure> {
        let mut told = told.to_owned();
        loop {
            self.session.received(self.now(), told.as_bytes())?;
            self.save();
            let outgoing = self.session.take_outgoing();
            if outgoing.is_empty() {
                return Ok(());
            }
            told = self.fake.receive(&outgoing);
        }
    }

    /// This happens, and FreeSWITCH says so.
    pub(crate) fn play(&mut self, steps: &[Step]) {
        for step in steps {
            let told = self.fake.happen(step);
            self.exchange(&told).unwrap();
        }
    }

    /// This happens while there is no connection.
    pub(crate) fn miss(&mut self, steps: &[Step]) {
        for step in steps {
            self.fake.happen(step);
        }
    }

    pub(crate) fn lose(&mut self) {
        self.session.disconnected(self.now(), connect::session::Interruption::Closed.into());
        self.save();
    }

    pub(crate) fn save(&mut self) {
        if let Some(batch) = self.session.take_batch(self.now()) {
            self.keep(batch);
        }
    }

    fn keep(&mut self, batch: Batch) {
        self.disk.write(&batch);
        self.posted.extend(batch.events);
        self.gaps.extend(batch.gaps);
    }

    /// Is killed, and starts again from its disk.
    pub(crate) fn restart(&mut self) {
        self.session = Session::new(Password("ClueCon".to_owned()), settings(), self.disk.read());
    }

    /// Time passes, in ticks, without a word from FreeSWITCH.
    pub(crate) fn pass(&mut self, ms: i64) -> Result<(), Failure> {
        for _ in 0..ms / TICK_MS {
            self.fake.now_ms += TICK_MS;
            self.session.tick(self.now())?;
        }
        Ok(())
    }
}
