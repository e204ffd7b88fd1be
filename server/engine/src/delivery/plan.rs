//! The rows that a transaction writes for arriving events: each event once, and a delivery per endpoint that listens.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Error, UnixMs,
    details::Details,
    error::Result,
    event::{Accepted, NewEvent},
    id::{AccountId, DeliveryId, EndpointId, EventId, Ids},
    rotation::Credential,
};
use sha2::{Digest, Sha256};

use crate::store::{
    deliveries::queue::NewDelivery,
    endpoints::Listener,
    events::{NewEventRow, Seen},
};

/// Bytes of the digest that distinguishes bodies under the same id.
const DIGEST_BYTES: usize = 16;

/// An event to accept.
#[derive(Debug)]
pub struct Arriving {
    /// Its account, which exists.
    pub account: AccountId,
    /// The event.
    pub event: NewEvent,
    /// A test is sent to this endpoint only, whatever it subscribes to.
    pub test_of: Option<EndpointId>,
    /// The credential that the test proves by carrying the next one.
    pub proof: Option<Credential>,
}

/// What the caller gets: the accepted event and the ids of its deliveries.
pub type IntakeResult = Result<(Accepted, Vec<String>)>;

/// The rows of one transaction.
pub(super) struct Plan<'a> {
    ids: &'a dyn Ids,
    now: UnixMs,
    pub(super) events: Vec<NewEventRow>,
    pub(super) deliveries: Vec<NewDelivery>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(ids: &'a dyn Ids, now: UnixMs) -> Self {
        Self { ids, now, events: Vec::new(), deliveries: Vec::new() }
    }

    /// Plans one event; `seen` are the events that were accepted before, in this batch included.
    pub(super) fn accept(
        &mut self,
        arriving: &Arriving,
        listeners: &[Listener],
        seen: &mut HashMap<(String, String), Seen>,
    ) -> IntakeResult {
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
        let (at, entropy) = self.ids.next();
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
            details: arriving.event.details.clone().map(Into::into),
            digest,
            test: i64::from(arriving.test_of.is_some()),
            deliveries: i64::try_from(deliveries).unwrap_or(i64::MAX),
            created_ms: self.now.0,
        }
    }

    fn delivery(&mut self, event: &NewEventRow, endpoint: &str, proof: Option<Credential>) -> String {
        let (at, entropy) = self.ids.next();
        let id = String::from(DeliveryId::new(at, entropy));
        self.deliveries.push(NewDelivery {
            id: id.clone(),
            account_id: event.account_id.clone(),
            endpoint_id: endpoint.to_owned(),
            event_id: event.id.clone(),
            seq: 0,
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

fn repeated(before: &Seen, id: &EventId, digest: &str) -> IntakeResult {
    if before.digest == digest {
        let deliveries = u32::try_from(before.deliveries).unwrap_or_default();
        return Ok((Accepted { id: id.clone(), deliveries, repeated: true }, Vec::new()));
    }
    Err(Error::Conflict {
        detail: "This event id was used before with another body. Use a new id for a new event.".to_owned(),
        existing: Some(id.to_string()),
    })
}

/// A digest over what the caller sent: the payload in contract order, and the timestamp and details, if there are any. The
/// parts cannot run into each other: a payload and details are objects, a timestamp has digits only.
fn digest(event: &NewEvent) -> String {
    let mut hasher = Sha256::new();
    hasher.update(event.payload.text.as_bytes());
    hasher.update(event.timestamp.map(|s| s.to_string()).unwrap_or_default().as_bytes());
    hasher.update(event.details.as_ref().map_or("", Details::as_str).as_bytes());
    URL_SAFE_NO_PAD.encode(&hasher.finalize()[..DIGEST_BYTES])
}
