//! `--check`: what is missing on either side.

use std::{sync::Arc, time::Duration};

use anyhow::anyhow;
use connect::{
    asterisk::{
        link::{self, Place, Sink},
        session::{Account, Batch, Saved, Session},
    },
    call::Settings,
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
const ASTERISK_TIMEOUT: Duration = Duration::from_secs(10);

/// A new connector.
const NO_TRUNKS: &str = "It exists. Its trunks can be chosen in Offhook once the connector has seen a call.";

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
    async fn save(&self, _: &Batch) -> Result<(), String> {
        Ok(())
    }

    fn report(&self, report: StateReport) {
        self.0.send_replace(report);
    }
}

pub(super) async fn run(place: Place, account: Account, given: &Given, offhook: &Offhook) -> Result<(), CommandError> {
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
    findings.push(asterisk(place.clone(), account, given.settings(registered.as_ref())).await);
    if let Some(records) = &place.records {
        let opened = std::fs::File::open(records);
        let detail = opened.as_ref().map_or_else(ToString::to_string, |_| "They can be read.".to_owned());
        findings.push(Finding { check: "call records", ok: opened.is_ok(), detail });
    }
    findings.iter().try_for_each(print_json)?;
    match findings.iter().filter(|finding| !finding.ok).count() {
        0 => Ok(()),
        missing => Err(anyhow!("{missing} of {} checks failed", findings.len()).into()),
    }
}

async fn asterisk(place: Place, account: Account, settings: Settings) -> Finding {
    let probe = Arc::new(Probe(watch::Sender::new(StateReport::default())));
    let mut state = probe.0.subscribe();
    let mut latest = state.clone();
    let session = Session::new(account, settings, Saved::default());
    let known = async move {
        let is_known = |state: &StateReport| state.connected || state.problem.is_some();
        let _ = tokio::time::timeout(ASTERISK_TIMEOUT, state.wait_for(is_known)).await;
    };
    link::run(place, session, probe, Arc::new(SystemClock), known).await;
    let state = latest.borrow_and_update().clone();
    let version = state.system_version.unwrap_or_default();
    let fine = format!(
        "Asterisk {version}: the list of channels can be read. Whether `read = call` is set shows with the first call."
    );
    let detail = state.detail.unwrap_or(if state.connected { fine } else { "It did not respond.".to_owned() });
    Finding { check: "asterisk", ok: state.connected && state.problem.is_none(), detail }
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
