//! The index of phone numbers, which follows the deliveries: what is to be followed, and writing and forgetting it.
//! Searching in it is in `number_search`.
//!
//! Theory of operation. A number in an index of the deliveries themselves would be written at a random place with each
//! event. Here a mark says up to which delivery the numbers have been gathered; a background task moves it on in steps. A
//! search goes by the index up to the mark and walks what is behind it, so it finds the same at every moment.
//! Events that went to no endpoint have no delivery; they are followed under a mark of their own.

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

const MARK: &str = "SELECT place FROM numbers_followed WHERE what = $1";
const DELIVERIES: &str = "SELECT id AS place, account_id, caller, callee FROM deliveries WHERE id > $1 AND id < $2 \
                          ORDER BY id LIMIT $3";
const UNSENT: &str = "SELECT position AS place, account_id, caller, callee FROM events WHERE deliveries = 0 \
                      AND position > $1 AND position < $2 ORDER BY position LIMIT $3";
const LAST_DELIVERY: &str = "SELECT MAX(id) FROM deliveries";
const LAST_UNSENT: &str = "SELECT MAX(position) FROM events WHERE deliveries = 0";
const MOVE: &str = "UPDATE numbers_followed SET place = $3 WHERE what = $1 AND place = $2";
static ADD: Sql = Sql::new(
    "INSERT INTO called_numbers (number, place) SELECT r.number, r.place FROM {rows r: number bigint, place text} \
     WHERE 1 = 1 ON CONFLICT (number, place) DO NOTHING",
);
static FORGET: Sql = Sql::new(
    "DELETE FROM called_numbers WHERE (number, place) IN ( \
       SELECT r.number, r.place FROM {rows r: number bigint, place text})",
);

/// What is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Deliveries, by id.
    Deliveries,
    /// Events that went to no endpoint, by position.
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

/// The two numbers of a row, with the place where it is found again.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Called {
    /// Id of the delivery, or position of the event.
    pub place: String,
    /// Whose it is.
    pub account_id: String,
    /// Caller.
    pub caller: String,
    /// Callee.
    pub callee: String,
}

/// An entry of the index.
#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Entry<'a> {
    number: i64,
    place: &'a str,
}

/// Up to where a stream has been followed.
pub async fn mark(db: &Db, stream: Stream) -> StoreResult<String> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(MARK).bind(stream.as_str()).fetch_one(c).await?))
}

/// The last there is of a stream; empty when there is nothing.
pub async fn last(db: &Db, stream: Stream) -> StoreResult<String> {
    let sql = match stream {
        Stream::Deliveries => LAST_DELIVERY,
        Stream::Unsent => LAST_UNSENT,
    };
    let last: Option<String> = on!(&db.readers, c => sqlx::query_scalar(sql).fetch_one(c).await?);
    Ok(last.unwrap_or_default())
}

/// Up to `limit` rows of a stream between two places, in order. Reads only: nobody waits for it.
pub async fn next(db: &Db, stream: Stream, (from, before): (&str, &str), limit: u32) -> StoreResult<Vec<Called>> {
    let sql = match stream {
        Stream::Deliveries => DELIVERIES,
        Stream::Unsent => UNSENT,
    };
    Ok(on!(&db.readers, c => sqlx::query_as(sql)
        .bind(from).bind(before).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Moves the mark of a stream. False when it has been moved since it was read: then another node has done the step.
pub async fn move_on(tx: &mut Tx, stream: Stream, from: &str, to: &str) -> StoreResult<bool> {
    let moved = within!(tx, c => sqlx::query(MOVE)
        .bind(stream.as_str()).bind(from).bind(to).execute(c).await?.rows_affected());
    Ok(moved == 1)
}

/// Puts rows into the index; those that stand in it stay as they are.
pub async fn add(tx: &mut Tx, rows: &[Called]) -> StoreResult<()> {
    write(tx, &ADD, rows).await
}

/// Takes rows out of the index.
pub async fn forget(tx: &mut Tx, rows: &[Called]) -> StoreResult<()> {
    write(tx, &FORGET, rows).await
}

async fn write(tx: &mut Tx, sql: &'static Sql, rows: &[Called]) -> StoreResult<()> {
    sql.write(tx, &entries(rows)).await?;
    Ok(())
}

/// In the order of the index, so that neighbours are written together.
fn entries(rows: &[Called]) -> Vec<Entry<'_>> {
    let of = |row: &'_ Called, number: &str| hash(&row.account_id, number);
    let mut entries: Vec<Entry<'_>> = rows
        .iter()
        .flat_map(|row| [of(row, &row.caller), of(row, &row.callee)].map(|number| Entry { number, place: &row.place }))
        .collect();
    entries.sort_unstable();
    entries.dedup();
    entries
}

/// The texts that a number may stand as in a row, when somebody looks for this one.
pub(crate) fn sought(text: &str) -> Vec<String> {
    let mut all = if text.contains(|c: char| c.is_ascii_digit()) { phone::spellings(text) } else { Vec::new() };
    if !all.iter().any(|one| one == text) {
        all.insert(0, text.to_owned());
    }
    all
}

/// Where rows with one of these texts stand in an account's part of the index. Rows are looked at again: a hash may be that
/// of another number as well.
pub(crate) fn hashes(account: &AccountId, texts: &[String]) -> Vec<i64> {
    let mut all: Vec<i64> = texts.iter().map(|text| hash(account.as_str(), text)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Eight bytes for account and number, so that an entry is a third of what both would take.
fn hash(account: &str, number: &str) -> i64 {
    let mut hasher = Sha256::new();
    hasher.update(account.as_bytes());
    hasher.update([0]);
    hasher.update(plain(number).as_bytes());
    let digest = hasher.finalize();
    i64::from_be_bytes(std::array::from_fn(|at| digest[at]))
}

/// A number without the prefix that says it is international, so that its spellings stand together; any other text as it is.
fn plain(text: &str) -> &str {
    let rest = text.strip_prefix('+').or_else(|| text.strip_prefix("00")).unwrap_or(text);
    if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()) { rest } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_a_number_stand_together() {
        let account = AccountId::new(UnixMs(1), 1);
        assert_eq!(hashes(&account, &sought("+441202901222")).len(), 1);
        assert_eq!(hashes(&account, &sought("anonymous")).len(), 1);
        assert_ne!(hashes(&account, &sought("441202901222")), hashes(&account, &sought("441202901223")));
        let other = AccountId::new(UnixMs(2), 1);
        assert_ne!(hashes(&account, &sought("441202901222")), hashes(&other, &sought("441202901222")));
    }

    #[test]
    fn whatever_a_search_accepts_stands_where_it_looks() {
        let account = AccountId::new(UnixMs(1), 1);
        for typed in ["+44 1202", "0044", "+0012", "000", "00", "+", "7048", "extension 7048", "0120+291", "a"] {
            let looked = hashes(&account, &sought(typed));
            assert!(sought(typed).iter().all(|text| looked.contains(&hash(account.as_str(), text))), "{typed}");
        }
    }

    /// Stored hashes are found again by later versions.
    #[test]
    fn a_hash_stays_what_it_is() {
        assert_eq!(hash("acct_1", "+441202901222"), hash("acct_1", "00441202901222"));
        assert_eq!(hash("acct_1", "441202901222"), 7_944_552_423_919_553_260);
    }

    #[test]
    fn a_row_stands_under_both_of_its_numbers_once() {
        let row = |caller: &str, callee: &str| Called {
            place: "dlv_1".into(),
            account_id: "acct_1".into(),
            caller: caller.into(),
            callee: callee.into(),
        };
        assert_eq!(entries(&[row("1", "2"), row("2", "1")]).len(), 2);
        assert_eq!(entries(&[row("+49301", "0049301")]).len(), 1);
    }
}
