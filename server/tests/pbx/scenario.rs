//! A scenario: what each party does, and what Offhook must report.

use std::{net::Ipv4Addr, path::Path};

use tokio::task::JoinSet;

use crate::{
    expected::Call,
    observer::Observer,
    office::{Device, Office},
    phone,
    sipp::{Script, Sipp, Step},
};

/// A scenario, played in any office.
#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub name: &'static str,
    pub play: fn(Office) -> Play,
}

/// Who does what, and what must be reported.
pub(crate) struct Play {
    /// Those who wait for a call; they start first.
    callees: Vec<(Device, Script, usize)>,
    /// Those who call.
    callers: Vec<(Device, Script)>,
    /// A phone that talks to the caller, asks a colleague, and connects the two.
    consults: Option<(Device, String)>,
    /// Software starts a call: a phone, and whom it calls once it is answered.
    originates: Option<(String, String)>,
    pub expected: Vec<Call>,
}

impl Play {
    pub(crate) fn new() -> Self {
        Self { callees: Vec::new(), callers: Vec::new(), consults: None, originates: None, expected: Vec::new() }
    }

    /// Adds a party that is called.
    pub(crate) fn callee(self, device: Device, steps: impl AsRef<[Step]>) -> Self {
        self.callee_of(1, device, steps)
    }

    /// Adds a party that is called as often as this.
    pub(crate) fn callee_of(mut self, calls: usize, device: Device, steps: impl AsRef<[Step]>) -> Self {
        self.callees.push((device, Script::callee(steps.as_ref()), calls));
        self
    }

    /// Adds a party that calls.
    pub(crate) fn caller(self, device: Device, dialled: impl AsRef<str>, steps: impl AsRef<[Step]>) -> Self {
        let from = format!("\"{0}\" <sip:{0}@[local_ip]>", device.number);
        self.caller_from(device, &from, "", dialled, steps)
    }

    /// Adds a party that calls, and what it states about itself.
    pub(crate) fn caller_from(
        mut self,
        device: Device,
        from: &str,
        headers: &str,
        dialled: impl AsRef<str>,
        steps: impl AsRef<[Step]>,
    ) -> Self {
        self.callers.push((device, Script::caller(dialled.as_ref(), from, headers, steps.as_ref())));
        self
    }

    /// Adds a phone that accepts a call, asks at this number, and connects the caller with whom it asked.
    pub(crate) fn consults(mut self, device: Device, number: String) -> Self {
        self.consults = Some((device, number));
        self
    }

    /// Has software start a call.
    pub(crate) fn originates(mut self, extension: String, number: String) -> Self {
        self.originates = Some((extension, number));
        self
    }

    /// Adds a call that must be reported.
    pub(crate) fn expect(mut self, call: Call) -> Self {
        self.expected.push(call);
        self
    }

    /// Plays it to the end; says what a party experienced otherwise than in its script.
    pub(crate) async fn run(&self, folder: &Path, asterisk: Ipv4Addr, observer: &Observer) -> Result<(), String> {
        let mut parties = JoinSet::new();
        for (device, script, calls) in &self.callees {
            parties.spawn(Sipp::start(folder, device, asterisk, script, *calls).await.finish());
        }
        if let Some((device, number)) = &self.consults {
            let phone = phone::Phone::bind(device, asterisk).await;
            parties.spawn(phone.consult(number.clone()));
        }
        for (device, script) in &self.callers {
            parties.spawn(Sipp::start(folder, device, asterisk, script, 1).await.finish());
        }
        if let Some((extension, number)) = &self.originates {
            let channel = format!("PJSIP/{extension}");
            let call =
                [("Action", "Originate"), ("Channel", &channel), ("Context", "from-internal"), ("Exten", number)];
            observer
                .request(&[&call[..], &[("Priority", "1"), ("CallerID", extension), ("Async", "true")]].concat())
                .await;
        }
        let results: Vec<_> = parties.join_all().await;
        results.into_iter().collect()
    }
}
