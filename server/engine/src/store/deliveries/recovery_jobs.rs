//! Recovery jobs, which resend many events to one endpoint. [`super::recovery_work`] finds and requeues the events.
//!
//! Theory of operation. A job processes its events in order of acceptance and keeps its position in its row. A step
//! advances the position in the transaction that requeues deliveries, and only from the position it read: a crash repeats
//! nothing and skips nothing, and if two nodes run the same step, one finds the position advanced and does nothing.

use domain::{
    UnixMs,
    id::{AccountId, EndpointId, JobId},
    recover::{JobState, RecoveryJob, RecoveryRequest, RecoveryScope},
};

use crate::store::{
    db::{Db, Tx, on, within},
    deliveries::small,
    endpoints::{kinds, stored_kinds},
    error::{StoreError, StoreResult},
    ops::parked::not_parked,
};

const ADD: &str = "INSERT INTO recoveries (id, account_id, endpoint_id, from_ms, to_ms, kinds, which, rate_per_s, state, \
    total, done, position, paced_ms, who, created_ms) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, 0, $10, $11, $12, $11)";

/// The columns of [`JobRow`].
macro_rules! select {
    () => {
        "SELECT r.id, r.account_id, r.endpoint_id, e.name AS endpoint_name, e.state AS endpoint_state, r.from_ms, r.to_ms, \
         r.kinds, r.which, r.rate_per_s, r.state, r.total, r.done, r.position, r.paced_ms, r.who, r.created_ms, \
         r.finished_ms, (SELECT COUNT(*) FROM deliveries d WHERE d.recovered_by = r.id \
         AND d.state IN ('failed', 'expired')) AS failed \
         FROM recoveries r JOIN endpoints e ON e.id = r.endpoint_id "
    };
}
const ONE: &str = concat!(select!(), "WHERE r.account_id = $1 AND r.id = $2");
const OF_ACCOUNT: &str =
    concat!(select!(), "WHERE r.account_id = $1 AND ($2 = '' OR r.endpoint_id = $2) ORDER BY r.id DESC LIMIT $3");
const ACTIVE: &str = concat!(
    select!(),
    "WHERE r.state IN ('queued', 'running') AND ",
    not_parked!("recovery_jobs", "r.id"),
    " ORDER BY r.id"
);
const UNFINISHED: &str = "SELECT id FROM recoveries WHERE account_id = $1 AND endpoint_id = $2 \
    AND state IN ('queued', 'running', 'paused')";
const PAUSE: &str = "UPDATE recoveries SET state = 'paused' WHERE account_id = $1 AND id = $2 \
    AND state IN ('queued', 'running') AND $3 = $3";
const RESUME: &str = "UPDATE recoveries SET state = 'running', paced_ms = $3 WHERE account_id = $1 AND id = $2 \
    AND state = 'paused'";
const CANCEL: &str = "UPDATE recoveries SET state = 'cancelled', finished_ms = $3 WHERE account_id = $1 AND id = $2 \
    AND state IN ('queued', 'running', 'paused')";
const CANCEL_OF_ENDPOINT: &str = "UPDATE recoveries SET state = 'cancelled', finished_ms = $3 WHERE account_id = $1 \
    AND endpoint_id = $2 AND state IN ('queued', 'running', 'paused') RETURNING id";
const ADVANCE: &str = "UPDATE recoveries SET state = $3, position = $4, paced_ms = $5, finished_ms = $6 \
    WHERE id = $1 AND position = $2 AND paced_ms = $7 AND state IN ('queued', 'running')";
const COUNT_DONE: &str = "UPDATE recoveries SET done = done + $2 WHERE id = $1";

#[derive(sqlx_macros::FromRow)]
struct JobRow {
    id: String,
    account_id: String,
    endpoint_id: String,
    endpoint_name: String,
    endpoint_state: String,
    from_ms: i64,
    to_ms: i64,
    kinds: String,
    which: String,
    rate_per_s: i64,
    state: String,
    total: i64,
    done: i64,
    position: String,
    paced_ms: i64,
    who: Option<String>,
    created_ms: i64,
    finished_ms: Option<i64>,
    failed: i64,
}

/// A job with what its worker needs.
#[derive(Debug, Clone)]
pub struct StoredRecoveryJob {
    /// The job.
    pub job: RecoveryJob,
    /// Whose it is.
    pub account: AccountId,
    /// Whether its endpoint has been deleted.
    pub orphaned: bool,
    /// Everything up to this position is done.
    pub position: String,
    /// The time from which the rate allowance is unused.
    pub paced_from: UnixMs,
}

impl TryFrom<JobRow> for StoredRecoveryJob {
    type Error = StoreError;
    fn try_from(row: JobRow) -> StoreResult<Self> {
        let corrupt = |column| StoreError::Corrupt { table: "recoveries", column, row: row.id.clone() };
        let wanted = RecoveryRequest {
            from: UnixMs(row.from_ms),
            to: UnixMs(row.to_ms),
            kinds: kinds(&row.kinds),
            which: RecoveryScope::parse(&row.which).ok_or_else(|| corrupt("which"))?,
            rate_per_s: small(row.rate_per_s),
        };
        let job = RecoveryJob {
            id: JobId::parse(&row.id).map_err(|_| corrupt("id"))?,
            endpoint_id: EndpointId::parse(&row.endpoint_id).map_err(|_| corrupt("endpoint_id"))?,
            state: JobState::parse(&row.state).ok_or_else(|| corrupt("state"))?,
            endpoint_name: row.endpoint_name,
            wanted,
            total: small(row.total),
            done: small(row.done),
            failed: small(row.failed),
            who: row.who,
            created_at: UnixMs(row.created_ms),
            finished_at: row.finished_ms.map(UnixMs),
        };
        Ok(Self {
            job,
            account: AccountId::parse(&row.account_id).map_err(|_| StoreError::Corrupt {
                table: "recoveries",
                column: "account_id",
                row: row.id,
            })?,
            orphaned: row.endpoint_state == "deleted",
            position: row.position,
            paced_from: UnixMs(row.paced_ms),
        })
    }
}

/// Inserts a job at its first position.
///
/// # Errors
/// A unique violation if the endpoint has an unfinished job.
pub async fn add(tx: &mut Tx, account: &AccountId, job: &RecoveryJob, position: &str) -> StoreResult<()> {
    let wanted = &job.wanted;
    within!(tx, c => sqlx::query(ADD)
        .bind(job.id.as_str()).bind(account.as_str()).bind(job.endpoint_id.as_str())
        .bind(wanted.from.0).bind(wanted.to.0).bind(stored_kinds(&wanted.kinds)).bind(wanted.which.as_str())
        .bind(i64::from(wanted.rate_per_s)).bind(i64::from(job.total)).bind(position)
        .bind(job.created_at.0).bind(job.who.as_deref())
        .execute(c).await?.rows_affected());
    Ok(())
}

/// One job of the account.
pub async fn one(db: &Db, account: &AccountId, id: &JobId) -> StoreResult<Option<RecoveryJob>> {
    let row: Option<JobRow> =
        on!(&db.readers, c => sqlx::query_as(ONE).bind(account.as_str()).bind(id.as_str()).fetch_optional(c).await?);
    Ok(row.map(StoredRecoveryJob::try_from).transpose()?.map(|stored| stored.job))
}

/// Lists the account's latest jobs, newest first.
pub async fn of_account(
    db: &Db,
    account: &AccountId,
    endpoint: Option<&EndpointId>,
    limit: u32,
) -> StoreResult<Vec<RecoveryJob>> {
    let endpoint = endpoint.map_or("", EndpointId::as_str);
    let rows: Vec<JobRow> = on!(&db.readers, c => sqlx::query_as(OF_ACCOUNT)
        .bind(account.as_str()).bind(endpoint).bind(i64::from(limit)).fetch_all(c).await?);
    rows.into_iter().map(|row| Ok(StoredRecoveryJob::try_from(row)?.job)).collect()
}

/// Lists queued and running jobs of all accounts that are not parked, by id. One that cannot be read hides no other.
pub async fn active(db: &Db) -> StoreResult<Vec<(String, StoreResult<StoredRecoveryJob>)>> {
    let rows: Vec<JobRow> = on!(&db.readers, c => sqlx::query_as(ACTIVE).fetch_all(c).await?);
    Ok(rows.into_iter().map(|row| (row.id.clone(), StoredRecoveryJob::try_from(row))).collect())
}

/// The endpoint's unfinished job, if there is one.
pub async fn unfinished(db: &Db, account: &AccountId, endpoint: &EndpointId) -> StoreResult<Option<JobId>> {
    let id: Option<String> = on!(&db.readers, c => sqlx::query_scalar(UNFINISHED)
        .bind(account.as_str()).bind(endpoint.as_str()).fetch_optional(c).await?);
    Ok(id.and_then(|id| JobId::parse(&id).ok()))
}

/// Pauses a job. False if it is not queued or running.
pub async fn pause(tx: &mut Tx, account: &AccountId, id: &JobId, now: UnixMs) -> StoreResult<bool> {
    change(tx, PAUSE, account, id, now).await
}

/// Resumes a paused job; the pause does not count towards its rate. False if it is not paused.
pub async fn resume(tx: &mut Tx, account: &AccountId, id: &JobId, now: UnixMs) -> StoreResult<bool> {
    change(tx, RESUME, account, id, now).await
}

/// Cancels a job. False if it has ended.
pub async fn cancel(tx: &mut Tx, account: &AccountId, id: &JobId, now: UnixMs) -> StoreResult<bool> {
    change(tx, CANCEL, account, id, now).await
}

/// Cancels the endpoint's unfinished job, if there is one.
pub async fn cancel_of_endpoint(
    tx: &mut Tx,
    account: &AccountId,
    endpoint: &EndpointId,
    now: UnixMs,
) -> StoreResult<Option<JobId>> {
    let id: Option<String> = within!(tx, c => sqlx::query_scalar(CANCEL_OF_ENDPOINT)
        .bind(account.as_str()).bind(endpoint.as_str()).bind(now.0).fetch_optional(c).await?);
    Ok(id.and_then(|id| JobId::parse(&id).ok()))
}

async fn change(tx: &mut Tx, sql: &'static str, account: &AccountId, id: &JobId, now: UnixMs) -> StoreResult<bool> {
    let changed = within!(tx, c => sqlx::query(sql)
        .bind(account.as_str()).bind(id.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(changed == 1)
}

/// A job's state after a step.
#[derive(Debug, Clone)]
pub struct Progress {
    /// State after the step.
    pub state: JobState,
    /// Everything up to this position is done.
    pub position: String,
    /// The time from which the rate allowance is unused.
    pub paced_from: UnixMs,
    /// When it ended.
    pub finished_at: Option<UnixMs>,
}

/// Advances a job from the state that was read. False if it has been advanced, paused or ended since.
pub async fn advance(tx: &mut Tx, found: &StoredRecoveryJob, to: &Progress) -> StoreResult<bool> {
    let moved = within!(tx, c => sqlx::query(ADVANCE)
        .bind(found.job.id.as_str()).bind(&found.position).bind(to.state.as_str()).bind(&to.position)
        .bind(to.paced_from.0).bind(to.finished_at.map(|at| at.0)).bind(found.paced_from.0)
        .execute(c).await?.rows_affected());
    Ok(moved == 1)
}

/// Adds the events that a step has requeued.
pub async fn count_done(tx: &mut Tx, id: &JobId, n: usize) -> StoreResult<()> {
    let n = i64::try_from(n).unwrap_or(i64::MAX);
    within!(tx, c => sqlx::query(COUNT_DONE).bind(id.as_str()).bind(n).execute(c).await?.rows_affected());
    Ok(())
}
