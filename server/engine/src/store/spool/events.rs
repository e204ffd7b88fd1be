//! Events that wait, and events that were refused.

use domain::UnixMs;
use sqlx::SqliteConnection;

use super::{NewEvent, Urgency, limit::Counts};
use crate::store::error::StoreResult;

/// Refused events that are kept.
const REFUSED_MAX: i64 = 1_000;

/// An event that waits.
#[derive(Debug, Clone, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct SpooledEvent {
    /// Its place in the spool.
    pub number: i64,
    /// Its ID.
    pub id: String,
    /// Its call.
    pub call_id: String,
    /// What to post.
    pub body: String,
    /// When it was spooled, in Unix milliseconds.
    #[sqlx(rename = "spooled_at")]
    pub spooled_ms: i64,
}

/// An event that Offhook will never accept.
#[derive(Debug, Clone, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Refused {
    /// Its ID.
    pub id: String,
    /// What Offhook responded.
    pub reason: String,
}

/// Adds events; returns how many were new, and their size.
pub(super) async fn insert(connection: &mut SqliteConnection, events: &[NewEvent], now: UnixMs) -> StoreResult<Counts> {
    let add = "INSERT INTO events (id, call_id, is_end, body, bytes, spooled_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO NOTHING";
    let mut added = Counts::default();
    for event in events {
        let bytes = i64::try_from(event.id.len() + event.call_id.len() + event.body.len()).unwrap_or(i64::MAX);
        let query = sqlx::query(add).bind(&event.id).bind(&event.call_id).bind(event.urgency == Urgency::End);
        let query = query.bind(&event.body).bind(bytes).bind(now.0);
        if query.execute(&mut *connection).await?.rows_affected() > 0 {
            added.add(Counts::of(&[bytes]));
        }
    }
    Ok(added)
}

pub(super) async fn next(connection: &mut SqliteConnection, limit: u32) -> StoreResult<Vec<SpooledEvent>> {
    let select = "SELECT number, id, call_id, body, spooled_at FROM events AS event
        WHERE NOT EXISTS (SELECT 1 FROM events AS earlier
            WHERE earlier.call_id = event.call_id AND earlier.number < event.number)
        ORDER BY number LIMIT $1";
    Ok(sqlx::query_as(select).bind(limit).fetch_all(connection).await?)
}

/// Removes events; returns how many there were, and their size.
pub(super) async fn remove(connection: &mut SqliteConnection, numbers: &[i64]) -> StoreResult<Counts> {
    let mut removed = Counts::default();
    for number in numbers {
        let delete = sqlx::query_scalar("DELETE FROM events WHERE number = $1 RETURNING bytes");
        removed.add(Counts::of(&delete.bind(number).fetch_all(&mut *connection).await?));
    }
    Ok(removed)
}

pub(super) async fn record_refusal(
    connection: &mut SqliteConnection,
    event: &SpooledEvent,
    reason: &str,
    now: UnixMs,
) -> StoreResult<()> {
    let add = "INSERT INTO refused (id, reason, refused_at, body) VALUES ($1, $2, $3, $4)";
    let add = sqlx::query(add).bind(&event.id).bind(reason).bind(now.0).bind(&event.body);
    add.execute(&mut *connection).await?;
    let trim = "DELETE FROM refused WHERE number <= (SELECT MAX(number) FROM refused) - $1";
    sqlx::query(trim).bind(REFUSED_MAX).execute(connection).await?;
    Ok(())
}

pub(super) async fn refusals(connection: &mut SqliteConnection) -> StoreResult<Vec<Refused>> {
    Ok(sqlx::query_as("SELECT id, reason FROM refused ORDER BY number").fetch_all(connection).await?)
}
