//! `--check`: what is missing on either side.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::anyhow;
use connect::{
    asterisk::cdr::{self, LatestRow},
    call::{PhoneSystem, Settings},
    link::{self, Place, Sink},
    session::{Batch, Saved, Session},
};
use domain::connector::StateReport;
use engine::SystemClock;
use serde::Serialize;
use tokio::sync::watch;

use super::given::Given;
use crate::{
    command::{CommandError, print_json},
    connector::offhook::{Offhook, Reply},
};

/// Time limit of the connection to the phone system: one that does not greet is given up after 6 s.
const PHONE_SYSTEM_TIMEOUT: Duration = Duration::from_secs(10);

/// A new connector.
const NO_TRUNKS: &str = "It exists. Its trunks can be chosen in Offhook once the connector has seen a call.";

/// Rows from which no gap can be filled.
const NO_UNIQUE_ID: &str = "The latest row has no unique ID, so it belongs to no call. Set `loguniqueid = yes` in the \
    section [csv] of cdr.conf, then run: asterisk -rx 'module reload cdr_csv.so'";

/// One thing that was checked.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    detail: String,
}

/// Keeps nothing but the state.
struct Probe(watch::Sender<StateReport>);

impl Sink for Probe {
    const CANNOT_SAVE: &'static str = "There are more events than can be checked.";

    async fn save(&self, _: &Batch) -> Result<(), String> {
        Ok(())
    }

    fn report(&self, report: StateReport) {
        self.0.send_replace(report);
    }
}

pub(super) async fn run<P: Session>(
    place: Place,
    session: impl Fn(Settings, Saved) -> P,
    given: &Given,
    offhook: &Offhook,
) -> Result<(), CommandError> {
    let mut findings = vec![server(offhook).await];
    let mut registered = None;
    if let Some(connector) = offhook.connector() {
        let reported = offhook.report(connector, &StateReport::default()).await;
        let detail = match &reported {
            Ok(known) if known.trunks.is_empty() && given.needs_registered() => NO_TRUNKS.to_owned(),
            Ok(_) => "It exists, and the token may report its state.".to_owned(),
            Err(reply) => text(reply),
        };
        findings.push(Finding { check: "connector", ok: reported.is_ok(), detail });
        registered = reported.ok();
    }
    let session = session(given.settings(registered.as_ref()), Saved::default());
    findings.push(phone_system(place.clone(), session, given.phone_system).await);
    if let Some(records) = &place.records {
        findings.push(call_records(records));
    }
    findings.iter().try_for_each(print_json)?;
    match findings.iter().filter(|finding| !finding.ok).count() {
        0 => Ok(()),
        missing => Err(anyhow!("{missing} of {} checks failed", findings.len()).into()),
    }
}

fn call_records(file: &Path) -> Finding {
    let (ok, detail) = match cdr::latest_row(file) {
        Ok(LatestRow::Complete) => (true, "They can be read.".to_owned()),
        Ok(LatestRow::Missing) => (true, "There are none yet. Check again after a call.".to_owned()),
        Ok(LatestRow::WithoutUniqueId) => (false, NO_UNIQUE_ID.to_owned()),
        Ok(LatestRow::Other) => {
            (false, format!("The latest row of {} is not one that Asterisk writes. Check --cdr-csv.", file.display()))
        }
        Err(error) => (false, format!("{} can't be read: {error}", file.display())),
    };
    Finding { check: "call records", ok, detail }
}

async fn phone_system<P: Session>(place: Place, session: P, system: PhoneSystem) -> Finding {
    let probe = Arc::new(Probe(watch::Sender::new(StateReport::default())));
    let mut state = probe.0.subscribe();
    let mut latest = state.clone();
    let known = async move {
        let is_known = |state: &StateReport| state.connected || state.problem.is_some();
        let _ = tokio::time::timeout(PHONE_SYSTEM_TIMEOUT, state.wait_for(is_known)).await;
    };
    link::run(place, session, probe, Arc::new(SystemClock), known).await;
    let state = latest.borrow_and_update().clone();
    let version = state.system_version.unwrap_or_default();
    let (check, shows_later) = match system {
        PhoneSystem::Asterisk => ("asterisk", " Whether `read = call` is set shows with the first call."),
        PhoneSystem::FreeSwitch => ("freeswitch", ""),
    };
    // Without the system's own version, it is that of the protocol, in words.
    let named = if version.starts_with(P::SYSTEM) { version } else { format!("{} {version}", P::SYSTEM) };
    let fine = format!("{named}: the list of channels can be read.{shows_later}");
    let detail = state.detail.unwrap_or(if state.connected { fine } else { "It did not respond.".to_owned() });
    Finding { check, ok: state.connected && state.problem.is_none(), detail }
}

async fn server(offhook: &Offhook) -> Finding {
    let reply = offhook.try_token().await;
    // An event without content is refused, but only after the token was accepted.
    let ok = matches!(reply, Reply::Refused(_));
    Finding { check: "offhook", ok, detail: if ok { "The token may post events.".to_owned() } else { text(&reply) } }
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Accepted(status) => format!("It is not Offhook: it responds with {status} to an empty event."),
        Reply::Refused(reason) | Reply::Later { reason, .. } => reason.clone(),
    }
}
