//! Finds the events of a recovery and requeues them. Counting and sending share their conditions, so the count shown
//! beforehand is what is sent.

use std::collections::HashMap;

use domain::{
    UnixMs,
    event::EventKind,
    id::{AccountId, DeliveryId, EndpointId, JobId, decode, encode},
    recover::{RECOVER_MAX, RecoveryParts, RecoveryRequest, RecoveryScope},
    time::{HOUR_MS, MINUTE_MS},
};
use serde::Serialize;

use crate::store::{
    db::{Db, Tx, on, within},
    deliveries::{
        ordering_keys::{self, OrderingKey},
        small,
    },
    error::StoreResult,
    events::phone_index::{self, PhoneEntry},
    sql::{BindRows as _, Sql, json_list},
};

/// Failed before the job started and still failed, with a payload to send. Includes events that expired as too late:
/// whether they failed or expired depends on how the server was unavailable.
macro_rules! failed {
    () => {
        "FROM deliveries d WHERE d.account_id = $1 AND d.endpoint_id = $2 AND d.kind IN {list $3} \
         AND d.created_ms >= $4 AND d.created_ms < $5 AND d.finished_ms <= $6 AND d.id > $7 AND d.id < $8 AND d.test = 0 \
         AND d.state <> 'delivered' AND (d.state = 'failed' OR (d.state = 'expired' AND d.end_reason = 'too_late')) \
         AND EXISTS (SELECT 1 FROM events e WHERE e.account_id = d.account_id AND e.id = d.event_id \
         AND e.payload IS NOT NULL)"
    };
}
/// Accepted, without a delivery to this endpoint.
macro_rules! never_sent {
    () => {
        "FROM events e WHERE e.account_id = $1 AND e.kind IN {list $3} AND e.created_ms >= $4 AND e.created_ms < $5 \
         AND $6 = $6 AND e.position > $7 AND e.position < $8 AND e.test = 0 AND e.payload IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.account_id = e.account_id AND d.event_id = e.id \
         AND d.endpoint_id = $2)"
    };
}
static FAILED: Sql = Sql::new(concat!("SELECT d.id, d.call_id ", failed!(), " ORDER BY d.id LIMIT $9"));
static NEVER_SENT: Sql =
    Sql::new(concat!("SELECT e.position, e.id, e.call_id ", never_sent!(), " ORDER BY e.position LIMIT $9"));
/// What the list of failed and expired deliveries shows, and why some of it is not resent.
static COUNT_ENDED: Sql = Sql::new(
    "SELECT kind, what, COUNT(*), MIN(created_ms) FROM (SELECT d.kind, d.created_ms, CASE \
     WHEN d.state = 'expired' AND COALESCE(d.end_reason, '') <> 'too_late' THEN 'superseded' \
     WHEN NOT EXISTS (SELECT 1 FROM events e WHERE e.account_id = d.account_id AND e.id = d.event_id \
     AND e.payload IS NOT NULL) THEN 'no_payload' ELSE d.state END AS what \
     FROM deliveries d WHERE d.account_id = $1 AND d.endpoint_id = $2 AND d.kind IN {list $3} \
     AND d.created_ms >= $4 AND d.created_ms < $5 AND d.finished_ms <= $6 AND d.id > $7 AND d.id < $8 AND d.test = 0 \
     AND d.state <> 'delivered' AND d.state IN ('failed', 'expired') LIMIT $9) AS ended GROUP BY kind, what",
);
static COUNT_NEVER_SENT: Sql = Sql::new(concat!(
    "SELECT kind, 'never_sent', COUNT(*), MIN(created_ms) FROM (SELECT e.kind, e.created_ms ",
    never_sent!(),
    " LIMIT $9) AS found GROUP BY kind"
));
static RESEND: Sql = Sql::new(
    "UPDATE deliveries SET state = 'queued', end_reason = NULL, attempts_before = attempts, fresh_from_ms = $2, \
     finished_ms = NULL, due_ms = NULL, order_until_ms = NULL, order_given_up = NULL, recovered_by = $3 WHERE id IN {list $1} AND finished_ms <= $4 \
     AND (state = 'failed' OR (state = 'expired' AND end_reason = 'too_late')) RETURNING id",
);
static SEND: Sql = Sql::new(
    "INSERT INTO deliveries (id, account_id, endpoint_id, event_id, seq, kind, call_id, caller, callee, test, state, \
     attempts, attempts_before, fresh_from_ms, created_ms, recovered_by) \
     SELECT r.id, e.account_id, r.endpoint_id, e.id, e.seq, e.kind, e.call_id, e.caller, e.callee, e.test, 'queued', 0, 0, $2, \
     e.created_ms, $3 FROM {rows r: id text, endpoint_id text, event_id text} \
     JOIN events e ON e.account_id = $1 AND e.id = r.event_id WHERE e.payload IS NOT NULL \
     ON CONFLICT (id) DO NOTHING RETURNING id AS place, account_id, caller, callee, event_id",
);
static SENT_TO_ONE_MORE: Sql =
    Sql::new("UPDATE events SET deliveries = deliveries + 1 WHERE account_id = $1 AND id IN {list $2}");

/// What a recovery searches for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// The account.
    pub account: &'a AccountId,
    /// The endpoint.
    pub endpoint: &'a EndpointId,
    /// The selected events.
    pub wanted: &'a RecoveryRequest,
    /// When the job started: deliveries that end later are not included.
    pub began: UnixMs,
}

/// An event to requeue. Its key sorts by acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its key.
    pub key: String,
    /// The endpoint and the call.
    pub ordering_key: OrderingKey,
    /// What to requeue.
    pub requeue: Requeue,
}

impl Found {
    /// A delivery with its ordering key.
    pub(super) fn delivery(id: String, ordering_key: OrderingKey) -> Self {
        let key = id.strip_prefix(DeliveryId::PREFIX).unwrap_or_default().to_owned();
        Self { key, ordering_key, requeue: Requeue::Delivery(id) }
    }

    /// Its delivery, if it has one.
    pub(super) fn delivery_id(&self) -> Option<&str> {
        if let Requeue::Delivery(id) = &self.requeue { Some(id) } else { None }
    }
}

/// A delivery to resend, or an event that has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requeue {
    /// A delivery's id.
    Delivery(String),
    /// An event's id.
    Event(String),
}

/// The position before all events of a time range. Ids are created just after their event's time was read.
#[must_use]
pub fn first_position(wanted: &RecoveryRequest) -> String {
    encode(wanted.from.plus_ms(-MINUTE_MS), 0)
}

/// The position after all events of a time range, even if a clock was set back.
fn last_position(wanted: &RecoveryRequest) -> String {
    encode(wanted.to.plus_ms(HOUR_MS), 0)
}

/// Binds the parameters that all four searches share.
macro_rules! searching {
    ($query:expr, $search:expr, $after:expr, $before:expr, $limit:expr) => {
        $query
            .bind($search.account.as_str())
            .bind($search.endpoint.as_str())
            .bind(json_list($search.wanted.kinds.iter().map(|kind| kind.as_str())))
            .bind($search.wanted.from.0)
            .bind($search.wanted.to.0)
            .bind($search.began.0)
            .bind($after)
            .bind($before)
            .bind(i64::from($limit))
    };
}

pub(super) fn delivery_key(key: &str) -> String {
    format!("{}{key}", DeliveryId::PREFIX)
}

/// Counts the events. More than [`RECOVER_MAX`] to resend means "more".
pub async fn count(db: &Db, search: Search<'_>) -> StoreResult<RecoveryParts> {
    let (after, before) = (first_position(search.wanted), last_position(search.wanted));
    // Of all kinds: what is left out is counted, too.
    let all = RecoveryRequest { kinds: EventKind::ALL.to_vec(), ..search.wanted.clone() };
    let every = Search { wanted: &all, ..search };
    let limit = (RECOVER_MAX + 1) * 2;
    let sql = COUNT_ENDED.on(db.dialect);
    let mut rows: Vec<Counted> = on!(&db.readers, c => searching!(sqlx::query_as(sql), every, delivery_key(&after),
        delivery_key(&before), limit).fetch_all(c).await?);
    if search.wanted.which == RecoveryScope::AlsoNeverSent {
        let sql = COUNT_NEVER_SENT.on(db.dialect);
        let never: Vec<Counted> =
            on!(&db.readers, c => searching!(sqlx::query_as(sql), every, after, before, limit).fetch_all(c).await?);
        rows.extend(never);
    }
    Ok(parts(&rows, &search.wanted.kinds))
}

/// Kind, what became of the events, how many there are, when the oldest was accepted.
type Counted = (String, String, i64, i64);

fn parts(rows: &[Counted], wanted: &[EventKind]) -> RecoveryParts {
    let mut parts = RecoveryParts::default();
    for (kind, what, n, oldest) in rows {
        let (Some(kind), n) = (EventKind::parse(kind), small(*n)) else { continue };
        let resent = matches!(what.as_str(), "failed" | "expired" | "never_sent");
        if resent && kind.is_ring() {
            parts.rings.count = parts.rings.count.saturating_add(n);
            let oldest = UnixMs(*oldest);
            parts.rings.oldest = Some(parts.rings.oldest.map_or(oldest, |known| known.min(oldest)));
        }
        if !wanted.contains(&kind) {
            continue;
        }
        let part = match what.as_str() {
            "failed" => &mut parts.failed,
            "expired" => &mut parts.expired,
            "never_sent" => &mut parts.never_sent,
            "superseded" => &mut parts.superseded,
            _ => &mut parts.no_payload,
        };
        *part = part.saturating_add(n);
    }
    parts
}

/// The next events after a position, oldest first.
pub async fn find(db: &Db, search: Search<'_>, after: &str, limit: u32) -> StoreResult<Vec<Found>> {
    let before = last_position(search.wanted);
    let sql = FAILED.on(db.dialect);
    let failed: Vec<(String, String)> = on!(&db.readers, c => searching!(sqlx::query_as(sql), search,
        delivery_key(after), delivery_key(&before), limit).fetch_all(c).await?);
    let of_call = |call_id| OrderingKey { endpoint_id: search.endpoint.to_string(), call_id };
    let found = failed.into_iter().map(|(id, call_id)| Found::delivery(id, of_call(call_id)));
    let mut found: Vec<Found> = found.collect();
    if search.wanted.which == RecoveryScope::AlsoNeverSent {
        let sql = NEVER_SENT.on(db.dialect);
        let never: Vec<(String, String, String)> = on!(&db.readers, c =>
            searching!(sqlx::query_as(sql), search, after, before, limit).fetch_all(c).await?);
        found.extend(never.into_iter().map(|(key, id, call_id)| Found {
            key,
            ordering_key: of_call(call_id),
            requeue: Requeue::Event(id),
        }));
        found.sort_by(|a, b| a.key.cmp(&b.key));
        found.truncate(limit as usize);
    }
    Ok(found)
}

/// Requeues events, due in the order of their calls. Returns how many still needed it.
pub async fn put_back(
    tx: &mut Tx,
    search: Search<'_>,
    job: &JobId,
    found: &[Found],
    now: UnixMs,
) -> StoreResult<usize> {
    let mut keys = distinct_keys(found);
    let busy = ordering_keys::busy(tx, &keys).await?;
    let resent = resend(tx, search, job, found, now).await?;
    let sent = send(tx, search, job, found, now).await?;
    // In an ordering key that was free, all deliveries are from this job and none is due: promote the first of each.
    keys.retain(|key| !busy.contains(key));
    ordering_keys::promote_next(tx, &keys, None, now).await?;
    Ok(resent + sent)
}

/// The ordering keys of these events, each once.
pub(super) fn distinct_keys(found: &[Found]) -> Vec<OrderingKey> {
    let mut keys: Vec<OrderingKey> = Vec::new();
    for found in found {
        if !keys.contains(&found.ordering_key) {
            keys.push(found.ordering_key.clone());
        }
    }
    keys
}

async fn resend(tx: &mut Tx, search: Search<'_>, job: &JobId, found: &[Found], now: UnixMs) -> StoreResult<usize> {
    let ids = json_list(found.iter().filter_map(Found::delivery_id));
    let sql = RESEND.on(tx.dialect());
    let resent: Vec<String> = within!(tx, c => sqlx::query_scalar(sql)
        .bind(ids).bind(now.0).bind(job.as_str()).bind(search.began.0).fetch_all(c).await?);
    Ok(resent.len())
}

#[derive(Serialize)]
struct ToSend<'a> {
    id: String,
    endpoint_id: &'a str,
    event_id: &'a str,
}

/// A delivery that has been created.
#[derive(sqlx_macros::FromRow)]
struct Created {
    #[sqlx(flatten)]
    entry: PhoneEntry,
    event_id: String,
}

async fn send<'a>(tx: &mut Tx, search: Search<'a>, job: &JobId, found: &'a [Found], now: UnixMs) -> StoreResult<usize> {
    let row = |found: &'a Found| match &found.requeue {
        Requeue::Event(event_id) => {
            let id = delivery_id(&found.key, search.endpoint)?;
            Some(ToSend { id, endpoint_id: search.endpoint.as_str(), event_id })
        }
        Requeue::Delivery(_) => None,
    };
    let rows: Vec<ToSend<'_>> = found.iter().filter_map(row).collect();
    let mut created: Vec<Created> = Vec::new();
    for part in SEND.parts(tx.dialect(), &rows) {
        let (sql, rows) = part?;
        created.extend(within!(&mut *tx, c: Of => sqlx::query_as::<Of, Created>(sql).rows(rows)
            .bind(search.account.as_str()).bind(now.0).bind(job.as_str()).fetch_all(c).await?));
    }
    if created.is_empty() {
        return Ok(0);
    }
    let (sql, events) =
        (SENT_TO_ONE_MORE.on(tx.dialect()), json_list(created.iter().map(|created| created.event_id.as_str())));
    within!(tx, c => sqlx::query(sql).bind(search.account.as_str()).bind(events).execute(c).await?.rows_affected());
    update_phone_index(tx, found, &created).await?;
    Ok(created.len())
}

/// Adds new deliveries to the phone index: their ids are mostly below its watermark, where the indexer does not look any
/// more. Removes the entries that their events had while they had no delivery.
async fn update_phone_index(tx: &mut Tx, found: &[Found], created: &[Created]) -> StoreResult<()> {
    let keys: HashMap<&str, &str> = found
        .iter()
        .filter_map(|found| {
            if let Requeue::Event(id) = &found.requeue { Some((id.as_str(), found.key.as_str())) } else { None }
        })
        .collect();
    let unsent = created.iter().filter_map(|created| {
        let place = (*keys.get(created.event_id.as_str())?).to_owned();
        Some(PhoneEntry { place, ..created.entry.clone() })
    });
    phone_index::remove(tx, &unsent.collect::<Vec<_>>()).await?;
    phone_index::add(tx, &created.iter().map(|created| created.entry.clone()).collect::<Vec<_>>()).await
}

/// The id of a delivery that should have been created when its event was accepted. It sorts right after the event, since
/// the order within a call is the order of ids, and is always the same for an event and an endpoint, so there is only one.
fn delivery_id(position: &str, endpoint: &EndpointId) -> Option<String> {
    let (at, entropy) = decode(position)?;
    let (_, own) = decode(endpoint.as_str().strip_prefix(EndpointId::PREFIX)?)?;
    // Ids of one millisecond are about 2^47 apart; a step of 32 bits stays before the next event.
    let step = 1 + (own & 0xffff_ffff);
    Some(String::from(DeliveryId::new(at, entropy + step)))
}
