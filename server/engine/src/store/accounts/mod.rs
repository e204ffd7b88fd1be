//! Accounts: their names, settings, limits and suspension.

pub mod storage;

use domain::{
    UnixMs,
    account::{Account, AccountSettings, BODIES_DAYS, Limit, Limits, ROWS_DAYS, Suspension},
    country::Country,
    id::AccountId,
};

use crate::store::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
    sql::Sql,
};

/// The columns of [`AccountRow`], shared with other files.
macro_rules! account_columns {
    () => {
        "a.id, a.name, a.reference, a.developers_rotate, a.support_access, a.bodies_days, a.rows_days, a.suspended_ms, \
         a.suspend_reason, a.endpoints_max, a.endpoints_per_host_max, a.events_per_s, a.members_max, a.tokens_max, \
         a.retention_max_days, a.stored_mb_max, a.country"
    };
}
pub(super) use account_columns;

const ADD_ACCOUNT: &str = "INSERT INTO accounts (id, name, reference, created_ms, country) VALUES ($1, $2, $3, $4, $5)";
/// An id takes precedence over a reference that looks like one. Such references are rejected now, but were not always.
const ACCOUNT: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM accounts a WHERE a.id = $1 OR a.reference = $1 ORDER BY CASE WHEN a.id = $1 THEN 0 ELSE 1 END LIMIT 1"
);
static LOCK: Sql = Sql::new("SELECT id FROM accounts WHERE id = $1 {serialise}");
const CHANGE_ACCOUNT: &str = "UPDATE accounts SET name = $2, developers_rotate = $3, support_access = $4, \
                              bodies_days = $5, rows_days = $6, country = $7 WHERE id = $1";
const RENAME: &str = "UPDATE accounts SET name = $2, reference = $3 WHERE id = $1";
const SUSPEND: &str = "UPDATE accounts SET suspended_ms = $2, suspend_reason = $3 WHERE id = $1";
const LIMIT: &str = "UPDATE accounts SET endpoints_max = $2, endpoints_per_host_max = $3, events_per_s = $4, members_max = $5, \
                     tokens_max = $6, retention_max_days = $7, stored_mb_max = $8 WHERE id = $1";

/// An account row.
#[derive(sqlx_macros::FromRow)]
pub(super) struct AccountRow {
    pub(super) id: String,
    name: String,
    reference: Option<String>,
    developers_rotate: i64,
    support_access: i64,
    bodies_days: i64,
    rows_days: i64,
    suspended_ms: Option<i64>,
    suspend_reason: Option<String>,
    endpoints_max: Option<i64>,
    endpoints_per_host_max: Option<i64>,
    events_per_s: Option<i64>,
    members_max: Option<i64>,
    tokens_max: Option<i64>,
    retention_max_days: Option<i64>,
    stored_mb_max: Option<i64>,
    country: Option<String>,
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;
    fn try_from(row: AccountRow) -> StoreResult<Self> {
        let id = AccountId::parse(&row.id);
        let id = id.map_err(|_| StoreError::Corrupt { table: "accounts", column: "id", row: row.id })?;
        let settings = AccountSettings {
            developers_rotate: row.developers_rotate != 0,
            support_access: row.support_access != 0,
            bodies_days: u32::try_from(row.bodies_days).unwrap_or(BODIES_DAYS),
            rows_days: u32::try_from(row.rows_days).unwrap_or(ROWS_DAYS),
            country: row.country.as_deref().and_then(Country::parse),
        };
        let stored = |limit| match limit {
            Limit::Endpoints => row.endpoints_max,
            Limit::EndpointsPerHost => row.endpoints_per_host_max,
            Limit::EventsPerS => row.events_per_s,
            Limit::Members => row.members_max,
            Limit::Tokens => row.tokens_max,
            Limit::RetentionDays => row.retention_max_days,
            Limit::StoredMb => row.stored_mb_max,
        };
        let read = |limits: Limits, limit| limits.with(limit, stored(limit).and_then(|n| u32::try_from(n).ok()));
        let limits = Limit::ALL.into_iter().fold(Limits::default(), read);
        let reason = row.suspend_reason.unwrap_or_default();
        let suspended = row.suspended_ms.map(|since| Suspension { since: UnixMs(since), reason });
        Ok(Self { id, name: row.name, reference: row.reference, settings, suspended, limits })
    }
}

/// Adds an account.
pub async fn add(tx: &mut Tx, account: &Account, now: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD_ACCOUNT)
        .bind(account.id.as_str()).bind(&account.name).bind(&account.reference).bind(now.0)
        .bind(account.settings.country.map(String::from)).execute(c).await?.rows_affected());
    Ok(())
}

/// Returns the account with this id or reference.
pub async fn account(db: &Db, named: &str) -> StoreResult<Option<Account>> {
    let row: Option<AccountRow> = on!(&db.readers, c => sqlx::query_as(ACCOUNT).bind(named).fetch_optional(c).await?);
    row.map(Account::try_from).transpose()
}

/// Saves an account's name and settings.
pub async fn update(tx: &mut Tx, account: &Account) -> StoreResult<()> {
    let AccountSettings { developers_rotate, support_access, bodies_days, rows_days, country } = account.settings;
    within!(tx, c => sqlx::query(CHANGE_ACCOUNT)
        .bind(account.id.as_str()).bind(&account.name).bind(i64::from(developers_rotate)).bind(i64::from(support_access))
        .bind(i64::from(bodies_days)).bind(i64::from(rows_days)).bind(country.map(String::from)).execute(c).await?.rows_affected());
    Ok(())
}

/// Locks the account until the transaction ends.
pub async fn lock(tx: &mut Tx, account: &AccountId) -> StoreResult<()> {
    let sql = LOCK.on(tx.dialect());
    let _: Option<String> = within!(tx, c => sqlx::query_scalar(sql).bind(account.as_str()).fetch_optional(c).await?);
    Ok(())
}

/// Changes an account's name and reference.
pub async fn rename(tx: &mut Tx, id: &AccountId, name: &str, reference: Option<&str>) -> StoreResult<()> {
    within!(tx, c => sqlx::query(RENAME).bind(id.as_str()).bind(name).bind(reference).execute(c).await?.rows_affected());
    Ok(())
}

/// Suspends an account, or lifts its suspension (`None`).
pub async fn suspend(tx: &mut Tx, id: &AccountId, suspension: Option<&Suspension>) -> StoreResult<()> {
    let (since, reason) = suspension.map(|one| (one.since.0, one.reason.as_str())).unzip();
    within!(tx, c => sqlx::query(SUSPEND).bind(id.as_str()).bind(since).bind(reason).execute(c).await?.rows_affected());
    Ok(())
}

/// Sets an account's limits.
pub async fn limit(tx: &mut Tx, id: &AccountId, limits: Limits) -> StoreResult<()> {
    // The columns are in the order of the limits.
    within!(tx, c => Limit::ALL.into_iter().fold(sqlx::query(LIMIT).bind(id.as_str()), |query, limit| {
        query.bind(limits.changed(limit).map(i64::from))
    }).execute(c).await?.rows_affected());
    Ok(())
}
