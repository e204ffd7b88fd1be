//! The audit log: one hash chain of records per account.
//!
//! A record's hash is SHA-256 over the previous hash and every field of the record. Appending locks the head of the
//! chain first, so a chain cannot branch.

use std::collections::BTreeMap;

use domain::{
    UnixMs,
    account::User,
    actor::Actor,
    audit::{AuditAction, AuditFilter, AuditRecord, Change},
    id::{AccountId, AuditId, Entropy},
    query::page_size,
    support::SupportRecord,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::store::{
    conditions::{Bind, Conditions, bound},
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
    sql::Sql,
};

/// The chain for actions that concern no single account.
pub const OPS_CHAIN: &str = "";
/// Records verified per query.
const VERIFY_BATCH: i64 = 1_000;

static CREATE_HEAD: Sql = Sql::new(
    "INSERT INTO audit_heads (account_id, position, hash) VALUES ($1, 0, '') ON CONFLICT (account_id) DO NOTHING",
);
static HEAD: Sql = Sql::new("SELECT position, hash FROM audit_heads WHERE account_id = $1 {serialise}");
static UPDATE_HEAD: Sql = Sql::new("UPDATE audit_heads SET position = $2, hash = $3 WHERE account_id = $1");
static ADD: Sql = Sql::new(
    "INSERT INTO audit_log (account_id, position, id, at_ms, who_id, who, address, action, object_id, object, changes, \
     hash) SELECT r.account_id, r.position, r.id, r.at_ms, r.who_id, r.who, r.address, r.action, r.object_id, r.object, \
     r.changes, r.hash FROM {rows r: account_id text, position bigint, id text, at_ms bigint, who_id text, who text, \
     address text, action text, object_id text, object text, changes text, hash text}",
);
const COLUMNS: &str = "account_id, position, id, at_ms, who_id, who, address, action, object_id, object, changes, hash";
const STEP: &str = "SELECT account_id, position, id, at_ms, who_id, who, address, action, object_id, object, changes, \
                    hash FROM audit_log WHERE account_id = $1 AND position > $2 AND position <= $3 ORDER BY position";
const OF_SUPPORT: &str = "SELECT a.name AS account_name, l.account_id, l.position, l.id, l.at_ms, l.who_id, l.who, \
                          l.address, l.action, l.object_id, l.object, l.changes, l.hash FROM audit_log l \
                          JOIN accounts a ON a.id = l.account_id \
                          WHERE l.who_id = $1 AND l.id < $2 AND l.action LIKE 'support.%' ORDER BY l.id DESC LIMIT $3";
const NTH_LATEST: &str = "SELECT at_ms FROM audit_log WHERE account_id = $1 AND object_id = $2 AND id >= $3 \
                          AND action = $4 ORDER BY id DESC LIMIT 1 OFFSET $5";
const ALL_HEADS: &str = "SELECT account_id, position, hash FROM audit_heads ORDER BY account_id";

/// When this was done to an object for the `n`th time, counted back from the latest to `since`; none if not so often.
pub async fn nth_latest(
    tx: &mut Tx,
    (account, object): (&AccountId, &str),
    action: AuditAction,
    since: UnixMs,
    n: u32,
) -> StoreResult<Option<UnixMs>> {
    let from = AuditId::new(since, 0);
    let before = i64::from(n.saturating_sub(1));
    let at: Option<i64> = within!(tx, c => sqlx::query_scalar(NTH_LATEST)
        .bind(account.as_str()).bind(object).bind(from.as_str()).bind(action.as_str()).bind(before)
        .fetch_optional(c).await?);
    Ok(at.map(UnixMs))
}

/// A record to append.
#[derive(Debug, Clone)]
pub struct Entry {
    account: String,
    id: AuditId,
    at: UnixMs,
    who_id: Option<String>,
    who: Option<String>,
    address: Option<String>,
    action: AuditAction,
    object_id: Option<String>,
    object: Option<String>,
    changes: Vec<Change>,
}

impl Entry {
    /// An action by Offhook itself, in this account's chain.
    #[must_use]
    pub fn new(id: (UnixMs, Entropy), at: UnixMs, account: &str, action: AuditAction) -> Self {
        Self {
            account: account.to_owned(),
            id: AuditId::new(id.0, id.1),
            at,
            who_id: None,
            who: None,
            address: None,
            action,
            object_id: None,
            object: None,
            changes: Vec::new(),
        }
    }

    /// Sets who did it.
    #[must_use]
    pub fn by(mut self, actor: &Actor) -> Self {
        self.who_id = actor.id().map(str::to_owned);
        self.who = Some(actor.name());
        self.address.clone_from(&actor.address);
        self
    }

    /// Sets the user who did it, for actions outside any account.
    #[must_use]
    pub fn by_user(mut self, user: &User, address: &str) -> Self {
        self.who_id = Some(user.id.to_string());
        self.who = Some(user.email.clone());
        self.address = Some(address.to_owned()).filter(|address| !address.is_empty());
        self
    }

    /// Sets the object: its id, and its name if it has one.
    #[must_use]
    pub fn about(mut self, id: &str, name: &str) -> Self {
        self.object_id = Some(id.to_owned());
        self.object = Some(name.to_owned()).filter(|name| !name.is_empty());
        self
    }

    /// Adds changes.
    #[must_use]
    pub fn with(mut self, changes: impl IntoIterator<Item = Change>) -> Self {
        self.changes.extend(changes);
        self
    }
}

#[derive(Serialize, sqlx_macros::FromRow)]
struct Row {
    account_id: String,
    position: i64,
    id: String,
    at_ms: i64,
    who_id: Option<String>,
    who: Option<String>,
    address: Option<String>,
    action: String,
    object_id: Option<String>,
    object: Option<String>,
    changes: String,
    hash: String,
}

impl Row {
    /// The hash of this record after `previous`. JSON keeps the fields apart, whatever they contain.
    fn hash_after(&self, previous: &str) -> String {
        let fields = serde_json::json!([
            previous,
            self.account_id,
            self.position,
            self.id,
            self.at_ms,
            self.who_id,
            self.who,
            self.address,
            self.action,
            self.object_id,
            self.object,
            self.changes,
        ]);
        Sha256::digest(fields.to_string()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<Row> for AuditRecord {
    type Error = StoreError;
    fn try_from(row: Row) -> StoreResult<Self> {
        let corrupt = |column| StoreError::Corrupt { table: "audit_log", column, row: row.id.clone() };
        Ok(Self {
            id: AuditId::parse(&row.id).map_err(|_| corrupt("id"))?,
            position: row.position,
            action: AuditAction::parse(&row.action).ok_or_else(|| corrupt("action"))?,
            changes: serde_json::from_str(&row.changes).map_err(|_| corrupt("changes"))?,
            at: UnixMs(row.at_ms),
            who_id: row.who_id,
            who: row.who,
            address: row.address,
            object_id: row.object_id,
            object: row.object,
            hash: row.hash,
        })
    }
}

/// Appends records in order. Chains are locked in the order of their account ids, so transactions that append to several
/// chains cannot deadlock.
pub async fn add(tx: &mut Tx, entries: impl IntoIterator<Item = Entry>) -> StoreResult<()> {
    let mut chains: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        chains.entry(entry.account.clone()).or_default().push(entry);
    }
    for (account, entries) in chains {
        let (mut position, mut hash) = lock_head(tx, &account).await?;
        for entry in entries {
            position += 1;
            hash = append_one(tx, entry, position, &hash).await?;
        }
        UPDATE_HEAD.execute(tx, &[account.as_str().into(), position.into(), hash.as_str().into()]).await?;
    }
    Ok(())
}

async fn lock_head(tx: &mut Tx, account: &str) -> StoreResult<(i64, String)> {
    CREATE_HEAD.execute(tx, &[account.into()]).await?;
    HEAD.fetch(tx, &[account.into()]).await?.pop().ok_or_else(|| sqlx::Error::RowNotFound.into())
}

async fn append_one(tx: &mut Tx, entry: Entry, position: i64, previous: &str) -> StoreResult<String> {
    let mut row = Row {
        account_id: entry.account,
        position,
        id: entry.id.to_string(),
        at_ms: entry.at.0,
        who_id: entry.who_id,
        who: entry.who,
        address: entry.address,
        action: entry.action.as_str().to_owned(),
        object_id: entry.object_id,
        object: entry.object,
        // Strings always serialise.
        changes: serde_json::to_string(&entry.changes).unwrap_or_else(|_| "[]".to_owned()),
        hash: String::new(),
    };
    row.hash = row.hash_after(previous);
    ADD.write(tx, std::slice::from_ref(&row), &[]).await?;
    Ok(row.hash)
}

/// One page of a chain, newest first. Returns one extra row if there is a next page.
pub async fn list(db: &Db, account: &str, filter: &AuditFilter) -> StoreResult<Vec<AuditRecord>> {
    let mut conditions = Conditions::of(account, "account_id");
    if let Some(area) = &filter.area {
        conditions.text("action LIKE ?", &format!("{area}.%"));
    }
    if let Some(who) = &filter.who {
        conditions.text("(who_id = ?", who);
        conditions.or_text("who = ?)", who);
    }
    if let Some(object) = &filter.object {
        conditions.text("object_id = ?", object);
    }
    if let Some(from) = filter.from {
        conditions.number("at_ms >= ?", from.0);
    }
    if let Some(to) = filter.to {
        conditions.number("at_ms < ?", to.0);
    }
    if let Some(position) = filter.cursor.as_deref().and_then(|cursor| cursor.parse().ok()) {
        conditions.number("position < ?", position);
    }
    let limit = page_size(filter.limit) + 1;
    let sql = format!("SELECT {COLUMNS} FROM audit_log WHERE {} ORDER BY position DESC LIMIT {limit}", conditions.sql);
    let rows: Vec<Row> = on!(&db.readers, c =>
        bound!(sqlx::query_as(sqlx::AssertSqlSafe(sql)), conditions.binds).fetch_all(c).await?);
    rows.into_iter().map(AuditRecord::try_from).collect()
}

/// What one support agent did in all accounts, newest first, before the record `before`.
pub async fn of_support(db: &Db, who: &str, before: Option<&str>, limit: u32) -> StoreResult<Vec<SupportRecord>> {
    #[derive(sqlx_macros::FromRow)]
    struct Named {
        account_name: String,
        #[sqlx(flatten)]
        row: Row,
    }
    let rows: Vec<Named> = on!(&db.readers, c => sqlx::query_as(OF_SUPPORT)
        .bind(who).bind(before.unwrap_or("aud_~")).bind(i64::from(limit)).fetch_all(c).await?);
    let record = |named: Named| {
        Ok(SupportRecord { account_name: named.account_name, record: AuditRecord::try_from(named.row)? })
    };
    rows.into_iter().map(record).collect()
}

/// A chain that fails verification.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BrokenChain {
    /// The account; empty for the ops chain.
    pub account: String,
    /// The first record that is missing or was changed. If the chain was truncated, the one after the last.
    pub position: i64,
}

/// Result of verifying all chains.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct AuditVerification {
    /// Chains verified.
    pub chains: usize,
    /// Records verified.
    pub records: i64,
    /// Chains that failed.
    pub broken: Vec<BrokenChain>,
}

/// Verifies every record of every chain.
pub async fn verify(db: &Db) -> StoreResult<AuditVerification> {
    let heads: Vec<(String, i64, String)> = on!(&db.readers, c => sqlx::query_as(ALL_HEADS).fetch_all(c).await?);
    let mut verdict = AuditVerification { chains: heads.len(), ..AuditVerification::default() };
    for (account, end, hash) in heads {
        let (valid, last) = verify_chain(db, &account, end).await?;
        verdict.records += valid;
        if valid != end || last != hash {
            verdict.broken.push(BrokenChain { account, position: valid.min(end) + i64::from(valid < end) });
        }
    }
    Ok(verdict)
}

/// How many records of a chain are valid up to `end`, and the hash of the last valid one.
async fn verify_chain(db: &Db, account: &str, end: i64) -> StoreResult<(i64, String)> {
    let (mut position, mut hash) = (0, String::new());
    while position < end {
        let rows: Vec<Row> = on!(&db.readers, c => sqlx::query_as(STEP)
            .bind(account).bind(position).bind(end.min(position + VERIFY_BATCH)).fetch_all(c).await?);
        if rows.is_empty() {
            break;
        }
        for row in rows {
            if row.position != position + 1 || row.hash != row.hash_after(&hash) {
                return Ok((position, hash));
            }
            (position, hash) = (row.position, row.hash);
        }
    }
    Ok((position, hash))
}
