//! Saves what a session with a phone system produces, and wakes whoever posts it.

use std::sync::Arc;

use connect::{
    call::{OpenCall, Snapshot},
    event::{CallEvent, Payload},
    link::Sink,
    session::{Batch, Observed, Saved},
};
use domain::{UnixMs, connector::StateReport, time::Clock};
use engine::store::spool::{NewEvent, Spool, SpoolChanges, Urgency};
use tokio::sync::{Notify, watch};

use super::offhook::Registered;

/// The name under which it is saved how far the phone system has been observed.
const OBSERVED: &str = "observed";
/// The name under which it is saved how the server knows the connector.
const REGISTERED: &str = "registered";

/// A spool that a session writes to.
pub struct SpoolSink {
    spool: Arc<Spool>,
    clock: Arc<dyn Clock>,
    /// Events or gaps have been saved.
    pub saved: Notify,
    /// The state of the session.
    pub state: watch::Sender<StateReport>,
}

impl SpoolSink {
    /// Writes to this spool.
    #[must_use]
    pub fn new(spool: Arc<Spool>, clock: Arc<dyn Clock>) -> Self {
        Self { spool, clock, saved: Notify::new(), state: watch::Sender::new(StateReport::default()) }
    }
}

impl AsRef<Notify> for SpoolSink {
    fn as_ref(&self) -> &Notify {
        &self.saved
    }
}

impl Sink for SpoolSink {
    const CANNOT_SAVE: &'static str = "Events can't be saved. Check the disk of the connector.";

    async fn save(&self, batch: &Batch) -> Result<(), String> {
        let changes = changes(batch).map_err(|error| error.to_string())?;
        let concerns_others = !(changes.events.is_empty() && changes.gaps.is_empty());
        self.spool.save(changes, self.clock.now()).await.map_err(|error| error.to_string())?;
        if concerns_others {
            self.saved.notify_one();
        }
        Ok(())
    }

    fn report(&self, report: StateReport) {
        self.state.send_if_modified(|state| {
            let is_new = *state != report;
            *state = report;
            is_new
        });
    }
}

fn changes(batch: &Batch) -> serde_json::Result<SpoolChanges> {
    let open = batch.changes.open.iter().map(|call| Ok((call.key().to_owned(), serde_json::to_string(call)?)));
    Ok(SpoolChanges {
        events: batch.events.iter().map(event).collect::<serde_json::Result<_>>()?,
        open: open.collect::<serde_json::Result<_>>()?,
        ended: batch.changes.ended.clone(),
        facts: vec![(OBSERVED, serde_json::to_string(&batch.observed)?)],
        gaps: batch.gaps.clone(),
    })
}

fn event(event: &CallEvent) -> serde_json::Result<NewEvent> {
    let urgency = if matches!(event.payload, Payload::CallProcessed(_)) { Urgency::End } else { Urgency::Start };
    let call_id = event.payload.call_id().to_string();
    Ok(NewEvent { id: event.id.clone(), call_id, urgency, body: serde_json::to_string(event)? })
}

/// Saves how the server knows the connector.
///
/// # Errors
/// When it cannot be saved.
pub async fn remember(spool: &Spool, registered: &Registered) -> anyhow::Result<()> {
    let facts = vec![(REGISTERED, serde_json::to_string(registered)?)];
    spool.save(SpoolChanges { facts, ..SpoolChanges::default() }, UnixMs::default()).await?;
    Ok(())
}

/// How the server last knew the connector.
///
/// # Errors
/// When the spool cannot be read.
pub async fn remembered(spool: &Spool) -> anyhow::Result<Option<Registered>> {
    let text = spool.fact(REGISTERED).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// What an earlier session saved. A call that cannot be read any more is left out, and reported as a part of the gap.
///
/// # Errors
/// When the spool cannot be read.
pub async fn saved(spool: &Spool) -> anyhow::Result<Saved> {
    let mut open = Vec::new();
    for text in spool.open_calls().await? {
        match serde_json::from_str::<OpenCall>(&text) {
            Ok(call) => open.push(call),
            Err(error) => tracing::warn!(%error, "an open call in the spool can't be read"),
        }
    }
    let observed = spool.fact(OBSERVED).await?;
    let observed = observed.and_then(|text| serde_json::from_str::<Observed>(&text).ok());
    Ok(Saved { calls: Snapshot { open, finished: spool.finished().await? }, observed })
}
