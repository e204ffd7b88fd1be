//! The index of phone numbers, which is built behind the deliveries. [`super::phone_search`] queries it.
//!
//! Theory of operation. A normalised database index on phone numbers would cost a random write for each event. Instead, a
//! background task indexes deliveries in batches, and a watermark says up to which delivery they are indexed. A search
//! uses the index up to the watermark and scans the deliveries after it, so results are complete at any time. Events
//! without deliveries are indexed under a watermark of their own.

use domain::{
    UnixMs,
    id::{DeliveryId, decode},
    phone_key::key,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
    sql::Sql,
};

const WATERMARK: &str = "SELECT place FROM numbers_followed WHERE what = $1";
const DELIVERIES: &str = "SELECT id AS place, account_id, caller, callee FROM deliveries WHERE id > $1 AND id < $2 \
                          ORDER BY id LIMIT $3";
const UNSENT: &str = "SELECT position AS place, account_id, caller, callee FROM events WHERE deliveries = 0 \
                      AND position > $1 AND position < $2 ORDER BY position LIMIT $3";
const DELIVERY_PLACE: &str = "SELECT id FROM deliveries WHERE id > $1 AND id < $2 ORDER BY id LIMIT 1";
const UNSENT_PLACE: &str = "SELECT position FROM events WHERE deliveries = 0 AND position > $1 AND position < $2 \
                            ORDER BY position LIMIT 1";
const DELIVERY_AT: &str = "SELECT id AS place, account_id, caller, callee FROM deliveries WHERE id = $1";
const UNSENT_AT: &str = "SELECT position AS place, account_id, caller, callee FROM events WHERE deliveries = 0 \
                         AND position = $1";
const LAST_DELIVERY: &str = "SELECT MAX(id) FROM deliveries";
const LAST_UNSENT: &str = "SELECT MAX(position) FROM events WHERE deliveries = 0";
const ADVANCE: &str = "UPDATE numbers_followed SET place = $3 WHERE what = $1 AND place = $2";
static ADD: Sql = Sql::new(
    "INSERT INTO called_numbers (number, place) SELECT r.number, r.place FROM {rows r: number bigint, place text} \
     WHERE 1 = 1 ON CONFLICT (number, place) DO NOTHING",
);
static REMOVE: Sql = Sql::new(
    "DELETE FROM called_numbers WHERE (number, place) IN ( \
       SELECT r.number, r.place FROM {rows r: number bigint, place text})",
);

/// What is indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Deliveries, by id.
    Deliveries,
    /// Events without deliveries, by position.
    Unsent,
}

impl Stream {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Deliveries, Self::Unsent];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Deliveries => "deliveries",
            Self::Unsent => "unsent",
        }
    }

    /// When the row at this place was accepted.
    #[must_use]
    pub fn written_at(self, place: &str) -> Option<UnixMs> {
        let position = match self {
            Self::Deliveries => place.strip_prefix(DeliveryId::PREFIX)?,
            Self::Unsent => place,
        };
        decode(position).map(|(at, _)| at)
    }
}

/// The two phone numbers of a row.
#[derive(Debug, Clone, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct PhoneEntry {
    /// Id of the delivery, or position of the event.
    pub place: String,
    /// Its account.
    pub account_id: String,
    /// Caller.
    pub caller: String,
    /// Callee.
    pub callee: String,
}

/// An index entry.
#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct HashEntry<'a> {
    number: i64,
    place: &'a str,
}

/// The watermark: up to where a stream is indexed.
pub async fn watermark(db: &Db, stream: Stream) -> StoreResult<String> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(WATERMARK).bind(stream.as_str()).fetch_one(c).await?))
}

/// The last row of a stream; empty if there is none.
pub async fn last(db: &Db, stream: Stream) -> StoreResult<String> {
    let sql = match stream {
        Stream::Deliveries => LAST_DELIVERY,
        Stream::Unsent => LAST_UNSENT,
    };
    let last: Option<String> = on!(&db.readers, c => sqlx::query_scalar(sql).fetch_one(c).await?);
    Ok(last.unwrap_or_default())
}

/// Up to `limit` rows of a stream between two places, in order. Reads only, so it blocks no writer.
pub async fn next(db: &Db, stream: Stream, (from, before): (&str, &str), limit: u32) -> StoreResult<Vec<PhoneEntry>> {
    let sql = match stream {
        Stream::Deliveries => DELIVERIES,
        Stream::Unsent => UNSENT,
    };
    Ok(on!(&db.readers, c => sqlx::query_as(sql)
        .bind(from).bind(before).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Where the next row is, whatever the rest of it is like.
pub async fn next_place(db: &Db, stream: Stream, (from, before): (&str, &str)) -> StoreResult<Option<String>> {
    let sql = match stream {
        Stream::Deliveries => DELIVERY_PLACE,
        Stream::Unsent => UNSENT_PLACE,
    };
    Ok(on!(&db.readers, c => sqlx::query_scalar(sql).bind(from).bind(before).fetch_optional(c).await?))
}

/// Adds the row at this place, which was passed over, to the index.
pub async fn add_at(tx: &mut Tx, place: &str) -> StoreResult<()> {
    let sql = if place.starts_with(DeliveryId::PREFIX) { DELIVERY_AT } else { UNSENT_AT };
    let row: Option<PhoneEntry> = within!(&mut *tx, c => sqlx::query_as(sql).bind(place).fetch_optional(c).await?);
    add(tx, row.as_slice()).await
}

/// Advances the watermark of a stream. False if another node has advanced it since it was read.
pub async fn advance(tx: &mut Tx, stream: Stream, from: &str, to: &str) -> StoreResult<bool> {
    let moved = within!(tx, c => sqlx::query(ADVANCE)
        .bind(stream.as_str()).bind(from).bind(to).execute(c).await?.rows_affected());
    Ok(moved == 1)
}

/// Adds rows to the index; existing entries are kept.
pub async fn add(tx: &mut Tx, rows: &[PhoneEntry]) -> StoreResult<()> {
    ADD.write(tx, &entries(rows), &[]).await?;
    Ok(())
}

/// Removes rows from the index, also what an earlier build has added for them.
pub async fn remove(tx: &mut Tx, rows: &[PhoneEntry]) -> StoreResult<()> {
    let mut entries = entries(rows);
    entries.extend(entries_of(rows, |number| without_prefix(number).to_owned()));
    entries.sort_unstable();
    entries.dedup();
    REMOVE.write(tx, &entries, &[]).await?;
    Ok(())
}

/// Sorted like the index, so that neighbouring entries are written together.
fn entries(rows: &[PhoneEntry]) -> Vec<HashEntry<'_>> {
    let mut entries: Vec<HashEntry<'_>> = entries_of(rows, key).collect();
    entries.sort_unstable();
    entries.dedup();
    entries
}

fn entries_of(rows: &[PhoneEntry], key: fn(&str) -> String) -> impl Iterator<Item = HashEntry<'_>> {
    rows.iter().flat_map(move |row| {
        [&row.caller, &row.callee]
            .map(|number| HashEntry { number: hash(&row.account_id, &key(number)), place: &row.place })
    })
}

/// Eight bytes for account and key of a number: an entry takes a third of the space of both.
pub(super) fn hash(account: &str, key: &str) -> i64 {
    let mut hasher = Sha256::new();
    hasher.update(account.as_bytes());
    hasher.update([0]);
    hasher.update(key.as_bytes());
    let digest = hasher.finalize();
    i64::from_be_bytes(std::array::from_fn(|at| digest[at]))
}

/// The key that earlier builds gave a number, whose entries stay until their rows are deleted.
pub(super) fn without_prefix(text: &str) -> &str {
    let rest = text.strip_prefix('+').or_else(|| text.strip_prefix("00")).unwrap_or(text);
    if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()) { rest } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Later versions must find stored hashes.
    #[test]
    fn hashes_are_stable() {
        assert_eq!(hash("acct_1", &key("+441202901222")), hash("acct_1", &key("00441202901222")));
        assert_eq!(hash("acct_1", &key("441202901222")), 7_944_552_423_919_553_260);
        assert_eq!(hash("acct_1", without_prefix("00441202901222")), 7_944_552_423_919_553_260);
    }

    #[test]
    fn a_row_has_one_entry_per_number() {
        let row = |caller: &str, callee: &str| PhoneEntry {
            place: "dlv_1".into(),
            account_id: "acct_1".into(),
            caller: caller.into(),
            callee: callee.into(),
        };
        assert_eq!(entries(&[row("1", "2"), row("2", "1")]).len(), 2);
        assert_eq!(entries(&[row("+49301", "0049 301")]).len(), 1);
    }
}
