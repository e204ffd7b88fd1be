//! Takes events in by group commit: what has gathered while the last commit ran is written by the next, with one
//! statement per table, and everybody hears back after it. No timer: a lone event is written at once.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Error, UnixMs,
    error::Result,
    event::{Accepted, EventKind, NewEvent},
    id::{AccountId, DeliveryId, EndpointId, EventId},
    rotation::Credential,
};
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};

use crate::clock::stopwatch;
use crate::store::{
    db::Tx,
    endpoints::{self, Listener},
    error::StoreResult,
    events::{self, NewEventRow, Seen},
    jobs::{self, NewDelivery},
};

use super::{Sender, count, following, lane::Job, order, reserved::Reserved, room::Source};

/// Most events of one commit.
pub const INTAKE_MAX: usize = 512;
/// Deliveries after which a commit takes no further event: the writer is held for some hundred milliseconds at most. The
/// first event of a commit is taken with all of its own.
pub const DELIVERIES_MAX: usize = 4_096;
/// Events that may wait for a commit; past that the door answers 503.
pub const INTAKE_WAITING_MAX: usize = 4_096;
/// How often the same events are tried again at once because another transaction was quicker.
const AGAIN_MAX: u32 = 3;
/// Bytes of the digest that tells one body from another under the same id.
const DIGEST_BYTES: usize = 16;

/// An event at the door.
#[derive(Debug)]
pub struct Arriving {
    /// Whose it is; known to exist.
    pub account: AccountId,
    /// The event.
    pub event: NewEvent,
    /// A test goes to this endpoint alone, whatever it picked.
    pub test_of: Option<EndpointId>,
    /// Which credential the test proves, by carrying the next one.
    pub proof: Option<Credential>,
}

/// What the door hears: the event's fate and the deliveries it became.
pub type Answer = Result<(Accepted, Vec<String>)>;

/// An event with whoever waits for its fate.
pub type Waiting = (Arriving, oneshot::Sender<Answer>);

/// The door: hands events to the writer.
#[derive(Debug, Clone)]
pub struct Ingest(mpsc::Sender<Waiting>);

impl Ingest {
    /// A door and what comes through it.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Waiting>) {
        let (into, out) = mpsc::channel(INTAKE_WAITING_MAX);
        (Self(into), out)
    }

    /// Accepts an event: returns after it is durable.
    ///
    /// # Errors
    /// `Unavailable` when too many wait already or the database is away; `Conflict` for an id used with another body.
    pub async fn accept(&self, arriving: Arriving) -> Answer {
        let (answer, answered) = oneshot::channel();
        self.0.try_send((arriving, answer)).map_err(|_| busy())?;
        answered.await.unwrap_or(Err(Error::Internal))
    }

    /// How many events wait for a commit.
    #[must_use]
    pub fn waiting(&self) -> usize {
        INTAKE_WAITING_MAX - self.0.capacity()
    }
}

fn busy() -> Error {
    Error::Unavailable {
        detail: "Too many events at once. Nothing was stored; try again shortly.".into(),
        retry_after_s: 1,
    }
}

/// Writes until the door is gone.
pub(crate) async fn run(sender: Arc<Sender>, mut door: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::with_capacity(INTAKE_MAX);
    while door.recv_many(&mut batch, INTAKE_MAX).await > 0 {
        write(&sender, &mut batch).await;
        sender.pump();
    }
}

/// Accepts all that has gathered in transactions of its own, and answers.
pub(super) async fn write(sender: &Arc<Sender>, batch: &mut Vec<Waiting>) {
    let (mut most, mut again) = (batch.len(), AGAIN_MAX);
    while !batch.is_empty() {
        let tried = most.min(batch.len());
        match commit(sender, &batch[..tried]).await {
            Ok(written) => {
                let answers = batch.drain(..written.answers.len()).map(|(_, answer)| answer).collect();
                settle(sender, written, answers).await;
                again = AGAIN_MAX;
            }
            // Another node has taken an event with the same id meanwhile, say: now it is seen.
            Err(error) if again > 0 && error.is_conflict() => {
                tracing::debug!(%error, tried, "another transaction was quicker; trying again");
                again -= 1;
            }
            // One of them may be what the database does not take: half of them are tried, until it stands alone.
            Err(error) if tried > 1 && !error.is_transient() => {
                tracing::debug!(%error, tried, "events could not be stored together; trying fewer");
                most = tried / 2;
            }
            Err(error) => {
                sender.mark_uncertain();
                let refused = if error.is_transient() { batch.len() } else { tried };
                let error = Error::from(error);
                batch.drain(..refused).for_each(|(_, answer)| drop(answer.send(Err(error.clone()))));
                most = batch.len();
            }
        }
    }
}

async fn commit(sender: &Arc<Sender>, batch: &[Waiting]) -> StoreResult<Written> {
    let mut tx = sender.db.begin().await?;
    let began = stopwatch();
    let accepted = accept(sender, &mut tx, batch).await?;
    tx.commit().await?;
    sender.counters.ingest.add(accepted.events.len(), began.elapsed().as_secs_f64());
    Ok(accepted)
}

/// What a transaction has accepted; true once it is committed.
#[derive(Default)]
pub(super) struct Written {
    /// One for each event that it took, from the first on.
    pub(super) answers: Vec<Answer>,
    pub(super) events: Vec<NewEventRow>,
    deliveries: Vec<NewDelivery>,
    reserved: Option<Reserved>,
    soon: Option<UnixMs>,
}

/// Writes events, from the first on as many as one transaction takes.
pub(super) async fn accept(sender: &Arc<Sender>, tx: &mut Tx, batch: &[Waiting]) -> StoreResult<Written> {
    let now = sender.now();
    let accounts: HashSet<&str> = batch.iter().map(|(arriving, _)| arriving.account.as_str()).collect();
    if accounts.is_empty() {
        return Ok(Written::default());
    }
    let mut seen = seen_before(tx, batch).await?;
    let listeners = endpoints::listening(tx, accounts).await?;
    let mut plan = Plan { sender, now, events: Vec::new(), deliveries: Vec::new() };
    let mut answers: Vec<Answer> = Vec::with_capacity(batch.len());
    for (arriving, _) in batch {
        answers.push(plan.accept(arriving, &listeners, &mut seen));
        if plan.deliveries.len() >= DELIVERIES_MAX {
            break;
        }
    }
    let Plan { events, mut deliveries, .. } = plan;
    let (mut soon, mut reserved) = (None, None);
    if !events.is_empty() {
        events::add(tx, &events).await?;
    }
    if !deliveries.is_empty() {
        soon = order::keep(tx, &mut deliveries, &listeners, now).await?;
        reserved = Some(lease(sender, &mut deliveries, &events, &listeners));
        jobs::add(tx, &deliveries).await?;
    }
    Ok(Written { answers, events, deliveries, reserved, soon })
}

/// The transaction is committed: answers, and takes fresh deliveries in hand.
pub(super) async fn settle(sender: &Arc<Sender>, written: Written, answers: Vec<oneshot::Sender<Answer>>) {
    let Written { answers: results, events, deliveries, reserved, soon } = written;
    if let Some(reserved) = reserved {
        take(sender, reserved, &deliveries, &events);
    }
    answers.into_iter().zip(results).for_each(|(answer, result)| drop(answer.send(result)));
    if let Some(soon) = soon {
        sender.wake_at(soon);
    }
    count(&sender.counters.events, events.len());
    following::written(sender, &events, &deliveries);
    let accounts = sender.changed(events.into_iter().map(|event| event.account_id));
    sender.tell_accounts(accounts).await;
}

/// The events among these that were accepted before, by account and id.
async fn seen_before(tx: &mut Tx, batch: &[Waiting]) -> StoreResult<HashMap<(String, String), Seen>> {
    let own_ids = batch.iter().filter_map(|(arriving, _)| {
        let id = arriving.event.id.as_ref()?;
        Some((arriving.account.to_string(), id.to_string()))
    });
    let pairs: Vec<(String, String)> = own_ids.collect::<HashSet<_>>().into_iter().collect();
    if pairs.is_empty() {
        return Ok(HashMap::new());
    }
    let seen = events::seen(tx, &pairs).await?;
    Ok(seen.into_iter().map(|seen| ((seen.account_id.clone(), seen.id.clone()), seen)).collect())
}

struct Plan<'a> {
    sender: &'a Sender,
    now: UnixMs,
    events: Vec<NewEventRow>,
    deliveries: Vec<NewDelivery>,
}

impl Plan<'_> {
    fn accept(
        &mut self,
        arriving: &Arriving,
        listeners: &[Listener],
        seen: &mut HashMap<(String, String), Seen>,
    ) -> Answer {
        let digest = digest(&arriving.event);
        if let Some(id) = &arriving.event.id
            && let Some(before) = seen.get(&(arriving.account.to_string(), id.to_string()))
        {
            return repeated(before, id, &digest);
        }
        let wanted = |listener: &&Listener| match &arriving.test_of {
            Some(endpoint) => listener.id == endpoint.as_str(),
            None => listener.kinds.contains(&arriving.event.payload.kind),
        };
        let account = arriving.account.as_str();
        let to: Vec<&str> =
            listeners.iter().filter(|l| l.account == account).filter(wanted).map(|l| l.id.as_str()).collect();
        let event = self.event(arriving, digest, to.len());
        let deliveries: Vec<String> =
            to.iter().map(|endpoint| self.delivery(&event, endpoint, arriving.proof)).collect();
        let id = EventId::parse(&event.id)?;
        if arriving.event.id.is_some() {
            seen.insert((event.account_id.clone(), event.id.clone()), seen_now(&event));
        }
        self.events.push(event);
        let count = u32::try_from(to.len()).unwrap_or(u32::MAX);
        Ok((Accepted { id, deliveries: count, repeated: false }, deliveries))
    }

    fn event(&self, arriving: &Arriving, digest: String, deliveries: usize) -> NewEventRow {
        let (at, entropy) = self.sender.ids.next();
        let payload = &arriving.event.payload;
        NewEventRow {
            account_id: arriving.account.to_string(),
            id: arriving.event.id.clone().unwrap_or_else(|| EventId::new(at, entropy)).into(),
            position: domain::id::encode(at, entropy),
            kind: payload.kind.as_str(),
            call_id: payload.call_id.clone(),
            caller: payload.caller.clone(),
            callee: payload.callee.clone(),
            timestamp_s: arriving.event.timestamp.unwrap_or_else(|| self.now.unix_seconds()),
            payload: payload.text.clone(),
            digest,
            test: i64::from(arriving.test_of.is_some()),
            deliveries: i64::try_from(deliveries).unwrap_or(i64::MAX),
            created_ms: self.now.0,
        }
    }

    fn delivery(&mut self, event: &NewEventRow, endpoint: &str, proof: Option<Credential>) -> String {
        let (at, entropy) = self.sender.ids.next();
        let id = String::from(DeliveryId::new(at, entropy));
        self.deliveries.push(NewDelivery {
            id: id.clone(),
            account_id: event.account_id.clone(),
            endpoint_id: endpoint.to_owned(),
            event_id: event.id.clone(),
            kind: event.kind,
            call_id: event.call_id.clone(),
            caller: event.caller.clone(),
            callee: event.callee.clone(),
            test: event.test,
            created_ms: self.now.0,
            due_ms: Some(self.now.0),
            lease_owner: None,
            proof: proof.map(Credential::as_str),
        });
        id
    }
}

fn seen_now(event: &NewEventRow) -> Seen {
    Seen {
        account_id: event.account_id.clone(),
        id: event.id.clone(),
        digest: event.digest.clone(),
        deliveries: event.deliveries,
    }
}

fn repeated(before: &Seen, id: &EventId, digest: &str) -> Answer {
    if before.digest == digest {
        let deliveries = u32::try_from(before.deliveries).unwrap_or_default();
        return Ok((Accepted { id: id.clone(), deliveries, repeated: true }, Vec::new()));
    }
    Err(Error::Conflict {
        detail: "This event id was used before with another body. Use a new id for a new event.".to_owned(),
        existing: Some(id.to_string()),
    })
}

/// A digest over what the caller said: the payload in contract order and the timestamp, if one was given.
fn digest(event: &NewEvent) -> String {
    let mut hasher = Sha256::new();
    hasher.update(event.payload.text.as_bytes());
    hasher.update(event.timestamp.map(|s| s.to_string()).unwrap_or_default().as_bytes());
    URL_SAFE_NO_PAD.encode(&hasher.finalize()[..DIGEST_BYTES])
}

/// The events of a transaction by account and id.
fn by_id(events: &[NewEventRow]) -> HashMap<(&str, &str), &NewEventRow> {
    events.iter().map(|event| ((event.account_id.as_str(), event.id.as_str()), event)).collect()
}

/// Leases what may be tried at once and fits into memory to this node.
fn lease(sender: &Sender, deliveries: &mut [NewDelivery], events: &[NewEventRow], listeners: &[Listener]) -> Reserved {
    let (by_id, mut reserved) = (by_id(events), sender.reserve());
    let wanted: HashSet<&str> = deliveries.iter().map(|delivery| delivery.endpoint_id.as_str()).collect();
    let mut active: HashMap<String, Arc<str>> = HashMap::new();
    for listener in listeners.iter().filter(|listener| listener.active && wanted.contains(listener.id.as_str())) {
        let id: Arc<str> = listener.id.as_str().into();
        // Before the first attempt: a limit holds from the first event on.
        sender.queues().learn(&id, listener.rate_per_s, listener.deliver_late);
        active.insert(listener.id.clone(), id);
    }
    for delivery in deliveries.iter_mut().filter(|delivery| delivery.due_ms.is_some()) {
        let event = by_id.get(&(delivery.account_id.as_str(), delivery.event_id.as_str()));
        let (Some(event), Some(endpoint)) = (event, active.get(&delivery.endpoint_id)) else { continue };
        if reserved.one(endpoint, event.payload.len(), Source::Door) {
            delivery.lease_owner = Some(sender.node.clone());
        }
    }
    reserved
}

/// Puts the leased deliveries into the queues; those of one event share its payload.
fn take(sender: &Sender, reserved: Reserved, deliveries: &[NewDelivery], events: &[NewEventRow]) {
    let (by_id, mut payloads, mut jobs) = (by_id(events), HashMap::<_, Arc<str>>::new(), Vec::new());
    for delivery in deliveries.iter().filter(|d| d.lease_owner.is_some()) {
        let id = (delivery.account_id.as_str(), delivery.event_id.as_str());
        let event = by_id.get(&id).and_then(|event| Some((event, EventKind::parse(delivery.kind)?)));
        let Some((event, kind)) = event else { continue };
        let payload = payloads.entry(id).or_insert_with(|| event.payload.as_str().into());
        jobs.push(Job {
            id: delivery.id.clone(),
            account_id: delivery.account_id.clone(),
            endpoint_id: delivery.endpoint_id.as_str().into(),
            event_id: delivery.event_id.clone(),
            kind,
            call_id: delivery.call_id.clone(),
            attempts: 0,
            attempts_before: 0,
            fresh_from: UnixMs(delivery.created_ms),
            proof: delivery.proof.and_then(Credential::parse),
            timestamp_s: event.timestamp_s,
            payload: Some(payload.clone()),
        });
    }
    sender.take_in_hand(reserved, jobs);
}
