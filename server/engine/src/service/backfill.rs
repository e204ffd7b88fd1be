//! Generates history with the store's bulk statements, to measure a full database.

use domain::{
    UnixMs,
    cause::{Cause, CauseFacts, Failure},
    error::Result,
    event::EventKind,
    id::{AccountId, DeliveryId, EndpointId, EventId},
};

use crate::{
    Engine,
    background::Pacing,
    store::{
        deliveries::{
            outcomes::{self, Finish},
            queue::{self, NewDelivery},
        },
        error::StoreError,
        events::{self, NewEventRow},
    },
};

/// Most deliveries of one transaction.
pub const BACKFILL_MAX: u64 = 1_000;
/// The node that leases ended deliveries until they end.
const NODE: &str = "backfill";

/// The state of the deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backfill {
    /// Waiting for their first attempt.
    Waiting,
    /// Ended: of a hundred, one failed, one expired, and the rest were delivered.
    Ended,
}

/// A run of deliveries to generate, each with an event and a call of its own.
#[derive(Debug)]
pub struct Run<'a> {
    /// The account.
    pub account: &'a AccountId,
    /// The endpoints, in turn.
    pub endpoints: &'a [EndpointId],
    /// Number of the first; calls and phone numbers derive from it.
    pub first: u64,
    /// How many, at most [`BACKFILL_MAX`].
    pub count: u64,
    /// When they were accepted.
    pub at: UnixMs,
    /// Their state.
    pub to: Backfill,
}

impl Engine {
    /// Inserts a run in one transaction.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    pub async fn backfill(&self, run: &Run<'_>) -> Result<()> {
        Ok(self.write_run(run).await?)
    }

    /// Indexes the phone numbers of all deliveries, as a server does over time.
    ///
    /// # Errors
    /// `Unavailable` or `Internal`.
    pub async fn gather_numbers(&self) -> Result<()> {
        // The rest is too recent to be indexed yet.
        self.background().phone_indexer.round(Pacing::Immediate).await?;
        Ok(())
    }

    async fn write_run(&self, run: &Run<'_>) -> std::result::Result<(), StoreError> {
        let numbers = run.first..run.first + run.count.min(BACKFILL_MAX);
        let made: Vec<(NewEventRow, NewDelivery)> = numbers.clone().map(|n| self.make(run, n)).collect();
        let (events, deliveries): (Vec<_>, Vec<_>) = made.into_iter().unzip();
        let mut tx = self.db().begin().await?;
        events::add(&mut tx, &events).await?;
        queue::add(&mut tx, &deliveries).await?;
        if run.to == Backfill::Ended {
            let ends: Vec<Finish> = deliveries.iter().zip(numbers).map(|(d, n)| end(d.id.clone(), n, run.at)).collect();
            outcomes::finish(&mut tx, NODE, &ends).await?;
        }
        tx.commit().await
    }

    fn make(&self, run: &Run<'_>, n: u64) -> (NewEventRow, NewDelivery) {
        let (_, entropy) = self.next_id();
        let event = event(run, n, domain::id::encode(run.at, entropy), EventId::new(run.at, entropy));
        let place = usize::try_from(n).unwrap_or_default() % run.endpoints.len().max(1);
        let delivery = NewDelivery {
            id: DeliveryId::new(run.at, entropy).into(),
            account_id: event.account_id.clone(),
            endpoint_id: run.endpoints.get(place).map(ToString::to_string).unwrap_or_default(),
            event_id: event.id.clone(),
            seq: 0,
            kind: event.kind,
            call_id: event.call_id.clone(),
            caller: event.caller.clone(),
            callee: event.callee.clone(),
            test: 0,
            created_ms: run.at.0,
            due_ms: Some(run.at.0),
            lease_owner: (run.to == Backfill::Ended).then(|| NODE.to_owned()),
            proof: None,
        };
        (event, delivery)
    }
}

fn event(run: &Run<'_>, n: u64, position: String, id: EventId) -> NewEventRow {
    // Only the end of a call waits indefinitely; history has all kinds.
    let kinds = EventKind::ALL.iter().filter(|kind| run.to == Backfill::Ended || **kind == EventKind::CallProcessed);
    let kinds: Vec<EventKind> = kinds.copied().collect();
    let kind = kinds.get(usize::try_from(n).unwrap_or_default() % kinds.len().max(1));
    let kind = kind.copied().unwrap_or(EventKind::CallProcessed);
    NewEventRow {
        account_id: run.account.to_string(),
        id: id.into(),
        position,
        kind: kind.as_str(),
        call_id: format!("{n:08x}-aaaf-41e7-b600-{:012x}", n.wrapping_mul(0x9e37_79b9) & 0xffff_ffff_ffff),
        caller: format!("07700900{:03}", n % 1_000),
        callee: format!("02079460{:03}", n / 7 % 1_000),
        timestamp_s: run.at.unix_seconds(),
        payload: kind.example().to_owned(),
        details: None,
        digest: String::new(),
        test: 0,
        deliveries: 1,
        created_ms: run.at.0,
    }
}

fn end(id: String, n: u64, at: UnixMs) -> Finish {
    let (state, end_reason) = match n % 100 {
        0 => ("failed", Some("exhausted")),
        1 => ("expired", Some("too_late")),
        _ => ("delivered", None),
    };
    let failure = end_reason.map(|_| Failure { cause: Cause::ResponseTimeout, facts: CauseFacts::default() });
    Finish {
        id,
        state,
        end_reason,
        cause: failure.as_ref().map(|failure| failure.cause.code()),
        failure: failure.and_then(|failure| serde_json::to_string(&failure).ok()),
        status_code: end_reason.is_none().then_some(200),
        duration_ms: Some(12),
        attempts: 1,
        attempts_before: 0,
        due_ms: None,
        finished_ms: Some(at.0),
    }
}
