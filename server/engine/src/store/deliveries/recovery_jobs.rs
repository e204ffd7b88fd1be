//! Jobs, which send many events again, or now. [`super::job_work`] finds the events and does it.
//!
//! Theory of operation. A job processes its events in order of acceptance and keeps its position in its row. A step
//! advances the position in the transaction that requeues deliveries, and only from the position it read: a crash repeats
//! nothing and skips nothing, and if two nodes run the same step, one finds the position advanced and does nothing.

use domain::{
    UnixMs,
    id::{AccountId, DeliveryId, EndpointId, JobId},
    recover::{JobAction, JobResults, JobSelection, JobState, RecoveryJob, RecoveryRequest, RecoveryScope},
};

use crate::store::{
    db::{Db, Tx, on, within},
    deliveries::small,
    endpoints::{kinds, stored_kinds},
    error::{StoreError, StoreResult},
    ops::parked::not_parked,
    sql::{Sql, json_list},
};

// A conflict is one with `recoveries_open`.
const ADD: &str = "INSERT INTO recoveries (id, account_id, endpoint_id, from_ms, to_ms, kinds, which, rate_per_s, state, \
    total, done, position, paced_ms, who, created_ms, action, filter, ids) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, 0, $10, $11, $12, $11, $13, $14, $15) ON CONFLICT DO NOTHING";

/// The columns of [`JobRow`].
macro_rules! select {
    () => {
        "SELECT r.id, r.account_id, r.endpoint_id, e.name AS endpoint_name, e.state AS endpoint_state, \
         (SELECT a.suspended_ms FROM accounts a WHERE a.id = r.account_id) AS suspended_ms, r.from_ms, r.to_ms, r.kinds, \
         r.which, r.rate_per_s, r.state, r.total, r.done, r.position, r.paced_ms, r.who, r.created_ms, r.finished_ms, \
         r.action, r.filter, r.ids FROM recoveries r LEFT JOIN endpoints e ON e.id = r.endpoint_id "
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
const UNFINISHED: &str = "SELECT id FROM recoveries WHERE account_id = $1 AND endpoint_id = $2 AND action = $3 \
    AND state IN ('queued', 'running', 'paused')";
const OPEN_BULK: &str = "SELECT COUNT(*) FROM recoveries WHERE account_id = $1 AND endpoint_id = '' \
    AND state IN ('queued', 'running', 'paused')";
/// A job makes deliveries due at once. One that waits for a later time has failed again.
static RESULTS: Sql = Sql::new(
    "SELECT recovered_by, what, COUNT(*) FROM (SELECT recovered_by, CASE WHEN state IN ('delivered', 'failed', \
     'cancelled') THEN state WHEN state = 'expired' THEN 'failed' WHEN state = 'retrying' AND lease_owner IS NULL \
     AND due_ms > $2 THEN 'retrying' ELSE 'waiting' END AS what \
     FROM deliveries WHERE recovered_by IN {list $1}) AS ends GROUP BY recovered_by, what",
);
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
    endpoint_name: Option<String>,
    endpoint_state: Option<String>,
    suspended_ms: Option<i64>,
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
    action: String,
    filter: Option<String>,
    ids: Option<String>,
}

impl JobRow {
    fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: "recoveries", column, row: self.id.clone() }
    }

    /// Whether nothing can be sent now: its endpoint is paused or disabled, or its account suspended.
    fn is_held(&self) -> bool {
        self.suspended_ms.is_some() || matches!(self.endpoint_state.as_deref(), Some("paused" | "disabled"))
    }

    fn selection(&self, action: JobAction) -> StoreResult<JobSelection> {
        if let Some(ids) = &self.ids {
            let ids: Vec<String> = serde_json::from_str(ids).map_err(|_| self.corrupt("ids"))?;
            let ids: Result<Vec<_>, _> = ids.iter().map(|id| DeliveryId::parse(id)).collect();
            return Ok(JobSelection::Listed(ids.map_err(|_| self.corrupt("ids"))?));
        }
        if let Some(filter) = &self.filter {
            return Ok(JobSelection::Matching(filter.clone()));
        }
        if action == JobAction::Retry {
            return Ok(JobSelection::Waiting);
        }
        Ok(JobSelection::Missed(RecoveryRequest {
            from: UnixMs(self.from_ms),
            to: UnixMs(self.to_ms),
            kinds: kinds(&self.kinds),
            which: RecoveryScope::parse(&self.which).ok_or_else(|| self.corrupt("which"))?,
            rate_per_s: small(self.rate_per_s),
        }))
    }
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
        let action = JobAction::parse(&row.action).ok_or_else(|| row.corrupt("action"))?;
        let endpoint_id = match row.endpoint_id.as_str() {
            "" => None,
            id => Some(EndpointId::parse(id).map_err(|_| row.corrupt("endpoint_id"))?),
        };
        let job = RecoveryJob {
            id: JobId::parse(&row.id).map_err(|_| row.corrupt("id"))?,
            action,
            endpoint_id,
            selection: row.selection(action)?,
            rate_per_s: small(row.rate_per_s),
            state: JobState::parse(&row.state).ok_or_else(|| row.corrupt("state"))?,
            held: row.is_held(),
            endpoint_name: row.endpoint_name.clone().unwrap_or_default(),
            total: small(row.total),
            done: small(row.done),
            results: JobResults::default(),
            who: row.who.clone(),
            created_at: UnixMs(row.created_ms),
            finished_at: row.finished_ms.map(UnixMs),
        };
        Ok(Self {
            job,
            account: AccountId::parse(&row.account_id).map_err(|_| row.corrupt("account_id"))?,
            orphaned: row.endpoint_state.as_deref() == Some("deleted"),
            position: row.position,
            paced_from: UnixMs(row.paced_ms),
        })
    }
}

/// Inserts a job at its first position. False if the endpoint has an unfinished job that does the same.
pub async fn add(tx: &mut Tx, account: &AccountId, job: &RecoveryJob, position: &str) -> StoreResult<bool> {
    let (from, to, wanted_kinds, which) = match job.missed() {
        Some(wanted) => (wanted.from, wanted.to, stored_kinds(&wanted.kinds), wanted.which),
        // Nothing: a node of the previous version takes every job for a recovery.
        None => (job.created_at, job.created_at, String::new(), RecoveryScope::Failed),
    };
    let (filter, ids) = match &job.selection {
        JobSelection::Missed(_) | JobSelection::Waiting => (None, None),
        JobSelection::Matching(filter) => (Some(filter.as_str()), None),
        JobSelection::Listed(ids) => (None, Some(json_list(ids.iter().map(DeliveryId::as_str)))),
    };
    let added = within!(tx, c => sqlx::query(ADD)
        .bind(job.id.as_str()).bind(account.as_str()).bind(job.endpoint_id.as_ref().map_or("", EndpointId::as_str))
        .bind(from.0).bind(to.0).bind(wanted_kinds).bind(which.as_str())
        .bind(i64::from(job.rate_per_s)).bind(i64::from(job.total)).bind(position)
        .bind(job.created_at.0).bind(job.who.as_deref()).bind(job.action.as_str()).bind(filter).bind(ids)
        .execute(c).await?.rows_affected());
    Ok(added == 1)
}

/// One job of the account, with its results.
pub async fn one(db: &Db, account: &AccountId, id: &JobId, now: UnixMs) -> StoreResult<Option<RecoveryJob>> {
    let row: Option<JobRow> =
        on!(&db.readers, c => sqlx::query_as(ONE).bind(account.as_str()).bind(id.as_str()).fetch_optional(c).await?);
    let Some(row) = row else { return Ok(None) };
    let mut jobs = vec![StoredRecoveryJob::try_from(row)?.job];
    add_results(db, &mut jobs, now).await?;
    Ok(jobs.pop())
}

/// Lists the account's latest jobs, newest first, with their results.
pub async fn of_account(
    db: &Db,
    account: &AccountId,
    endpoint: Option<&EndpointId>,
    limit: u32,
    now: UnixMs,
) -> StoreResult<Vec<RecoveryJob>> {
    let endpoint = endpoint.map_or("", EndpointId::as_str);
    let rows: Vec<JobRow> = on!(&db.readers, c => sqlx::query_as(OF_ACCOUNT)
        .bind(account.as_str()).bind(endpoint).bind(i64::from(limit)).fetch_all(c).await?);
    let jobs: StoreResult<Vec<_>> = rows.into_iter().map(|row| Ok(StoredRecoveryJob::try_from(row)?.job)).collect();
    let mut jobs = jobs?;
    add_results(db, &mut jobs, now).await?;
    Ok(jobs)
}

async fn add_results(db: &Db, jobs: &mut [RecoveryJob], now: UnixMs) -> StoreResult<()> {
    let sql = RESULTS.on(db.dialect);
    let ids = json_list(jobs.iter().filter(|job| job.done > 0).map(|job| job.id.as_str()));
    let rows: Vec<(String, String, i64)> =
        on!(&db.readers, c => sqlx::query_as(sql).bind(ids).bind(now.0).fetch_all(c).await?);
    for (id, what, n) in rows {
        let Some(job) = jobs.iter_mut().find(|job| job.id.as_str() == id) else { continue };
        let count = match what.as_str() {
            "delivered" => &mut job.results.delivered,
            "failed" => &mut job.results.failed,
            "cancelled" => &mut job.results.cancelled,
            "retrying" => &mut job.results.retrying,
            _ => &mut job.results.waiting,
        };
        *count = small(n);
    }
    Ok(())
}

/// Lists queued and running jobs of all accounts that are not parked, by id. One that cannot be read hides no other.
pub async fn active(db: &Db) -> StoreResult<Vec<(String, StoreResult<StoredRecoveryJob>)>> {
    let rows: Vec<JobRow> = on!(&db.readers, c => sqlx::query_as(ACTIVE).fetch_all(c).await?);
    Ok(rows.into_iter().map(|row| (row.id.clone(), StoredRecoveryJob::try_from(row))).collect())
}

/// The endpoint's unfinished job that does this, if there is one.
pub async fn unfinished(
    db: &Db,
    account: &AccountId,
    endpoint: &EndpointId,
    action: JobAction,
) -> StoreResult<Option<JobId>> {
    let id: Option<String> = on!(&db.readers, c => sqlx::query_scalar(UNFINISHED)
        .bind(account.as_str()).bind(endpoint.as_str()).bind(action.as_str()).fetch_optional(c).await?);
    Ok(id.and_then(|id| JobId::parse(&id).ok()))
}

/// How many unfinished jobs of the account work on selected deliveries.
pub async fn open_bulk(tx: &mut Tx, account: &AccountId) -> StoreResult<i64> {
    Ok(within!(tx, c => sqlx::query_scalar(OPEN_BULK).bind(account.as_str()).fetch_one(c).await?))
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

/// Cancels the endpoint's unfinished jobs. Returns them.
pub async fn cancel_of_endpoint(
    tx: &mut Tx,
    account: &AccountId,
    endpoint: &EndpointId,
    now: UnixMs,
) -> StoreResult<Vec<JobId>> {
    let ids: Vec<String> = within!(tx, c => sqlx::query_scalar(CANCEL_OF_ENDPOINT)
        .bind(account.as_str()).bind(endpoint.as_str()).bind(now.0).fetch_all(c).await?);
    Ok(ids.iter().filter_map(|id| JobId::parse(id).ok()).collect())
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
