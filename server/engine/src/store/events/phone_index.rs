//! The index of phone numbers, which is built behind the deliveries. [`super::phone_search`] queries it.
//!
//! Theory of operation. A normalised database index on phone numbers would cost a random write for each event. Instead, a
//! background task indexes deliveries in batches, and a watermark says up to which delivery they are indexed. A search
//! uses the index up to the watermark and scans the deliveries after it, so results are complete at any time. Events
//! without deliveries are indexed under a watermark of their own.

use domain::{
    UnixMs,
    id::{AccountId, DeliveryId, decode},
    phone,
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

    const fn as_str(self) -> &'static str {
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
    write(tx, &ADD, rows).await
}

/// Removes rows from the index.
pub async fn remove(tx: &mut Tx, rows: &[PhoneEntry]) -> StoreResult<()> {
    write(tx, &REMOVE, rows).await
}

async fn write(tx: &mut Tx, sql: &'static Sql, rows: &[PhoneEntry]) -> StoreResult<()> {
    sql.write(tx, &entries(rows), &[]).await?;
    Ok(())
}

/// Sorted like the index, so that neighbouring entries are written together.
fn entries(rows: &[PhoneEntry]) -> Vec<HashEntry<'_>> {
    let of = |row: &'_ PhoneEntry, number: &str| hash(&row.account_id, number);
    let mut entries: Vec<HashEntry<'_>> = rows
        .iter()
        .flat_map(|row| {
            [of(row, &row.caller), of(row, &row.callee)].map(|number| HashEntry { number, place: &row.place })
        })
        .collect();
    entries.sort_unstable();
    entries.dedup();
    entries
}

/// The spellings under which a searched number may be stored.
pub(crate) fn spellings(text: &str) -> Vec<String> {
    let mut all = if text.contains(|c: char| c.is_ascii_digit()) { phone::spellings(text) } else { Vec::new() };
    if !all.iter().any(|one| one == text) {
        all.insert(0, text.to_owned());
    }
    all
}

/// Hashes of these spellings in an account. Matching rows must be compared again, since hashes can collide.
pub(crate) fn hashes(account: &AccountId, texts: &[String]) -> Vec<i64> {
    let mut all: Vec<i64> = texts.iter().map(|text| hash(account.as_str(), text)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Eight bytes for account and number: an entry takes a third of the space of both.
fn hash(account: &str, number: &str) -> i64 {
    let mut hasher = Sha256::new();
    hasher.update(account.as_bytes());
    hasher.update([0]);
    hasher.update(normalised(number).as_bytes());
    let digest = hasher.finalize();
    i64::from_be_bytes(std::array::from_fn(|at| digest[at]))
}

/// A number without its international prefix, so that its spellings share a hash. Other text is unchanged.
fn normalised(text: &str) -> &str {
    let rest = text.strip_prefix('+').or_else(|| text.strip_prefix("00")).unwrap_or(text);
    if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()) { rest } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_number_share_a_hash() {
        let account = AccountId::new(UnixMs(1), 1);
        assert_eq!(hashes(&account, &spellings("+441202901222")).len(), 1);
        assert_eq!(hashes(&account, &spellings("anonymous")).len(), 1);
        assert_ne!(hashes(&account, &spellings("441202901222")), hashes(&account, &spellings("441202901223")));
        let other = AccountId::new(UnixMs(2), 1);
        assert_ne!(hashes(&account, &spellings("441202901222")), hashes(&other, &spellings("441202901222")));
    }

    #[test]
    fn every_searched_spelling_is_covered_by_its_hashes() {
        let account = AccountId::new(UnixMs(1), 1);
        for term in ["+44 1202", "0044", "+0012", "000", "00", "+", "7048", "extension 7048", "0120+291", "a"] {
            let searched = hashes(&account, &spellings(term));
            assert!(spellings(term).iter().all(|text| searched.contains(&hash(account.as_str(), text))), "{term}");
        }
    }

    /// Later versions must find stored hashes.
    #[test]
    fn hashes_are_stable() {
        assert_eq!(hash("acct_1", "+441202901222"), hash("acct_1", "00441202901222"));
        assert_eq!(hash("acct_1", "441202901222"), 7_944_552_423_919_553_260);
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
        assert_eq!(entries(&[row("+49301", "0049301")]).len(), 1);
    }
}
