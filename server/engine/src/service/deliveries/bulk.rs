//! Retries and resends of many deliveries at once, as jobs.

use domain::{
    Error, UnixMs,
    actor::{Actor, Permission},
    audit::{AuditAction, Change},
    endpoint::{Endpoint, EndpointState},
    error::Result,
    filter::DeliveryFilter,
    id::{AccountId, DeliveryId, EndpointId, JobId},
    query::PAGE_MAX_ROWS,
    recover::{
        BulkAction, BulkPlan, BulkSelection, JobAction, JobSelection, JobState, LISTED_MAX, RATE_MAX_PER_S,
        RECOVER_MAX, RecoveryJob, rate_or_default,
    },
};

use crate::{
    Engine,
    store::{
        accounts,
        db::Tx,
        deliveries::{
            bulk_work::{self, Bulk, Selection},
            job_work,
            list::{self, wanted_number},
            recovery_jobs,
        },
        endpoints,
    },
};

use super::held;

/// Most unfinished jobs of an account that work on selected deliveries.
const OPEN_BULK_MAX: i64 = 10;
/// When to try again after that many, in seconds.
const OPEN_BULK_RETRY_S: u32 = 10;

impl Engine {
    /// Retries everything that waits for an endpoint.
    pub(super) async fn retry_all(
        &self,
        actor: &Actor,
        id: &EndpointId,
        rate_per_s: Option<u32>,
    ) -> Result<RecoveryJob> {
        let account = actor.account_if(Permission::WriteDeliveries)?;
        let stored = self.stored(account, id).await?;
        let endpoint = stored.endpoint;
        if endpoint.state == EndpointState::Deleted {
            return Err(Error::Conflict { detail: "This endpoint was deleted.".into(), existing: None });
        }
        if endpoint.state != EndpointState::Active || stored.suspended {
            return Err(held());
        }
        let rate = capped(rate_or_default(rate_per_s)?, &endpoint);
        let job = self.retry_job(actor, account, &endpoint, rate).await?;
        let job = job.ok_or_else(|| Error::invalid("", "Nothing is waiting for this endpoint."))?;
        let mut tx = self.db().begin().await?;
        if !self.add_retry(account, &mut tx, &job).await? {
            drop(tx);
            return Err(already(recovery_jobs::unfinished(self.db(), account, id, JobAction::Retry).await?));
        }
        // What was held is paced by the sender, too: at the new rate from now on.
        endpoints::set_drain(&mut tx, account, id, rate).await?;
        self.record_retry(actor, account, &mut tx, &job).await?;
        let (changed, woken) = (self.endpoint_changed(account, id), self.job_changed(account));
        tx.commit_then(async move {
            woken.await;
            changed.await
        })
        .await??;
        self.stored_job(account, &job.id).await
    }

    /// The job that sends everything now that waits for an endpoint; none if nothing does.
    pub(in crate::service) async fn retry_job(
        &self,
        actor: &Actor,
        account: &AccountId,
        endpoint: &Endpoint,
        rate_per_s: u32,
    ) -> Result<Option<RecoveryJob>> {
        let selection = JobSelection::Waiting;
        let mut job = self.new_job(actor, JobAction::Retry, selection, rate_per_s, 0);
        job.endpoint_id = Some(endpoint.id.clone());
        job.endpoint_name.clone_from(&endpoint.name);
        job.total = bulk_work::count_waiting(self.db(), account, &endpoint.id, job.created_at).await?;
        Ok((job.total > 0).then_some(job))
    }

    /// The job that retries at once what was held while it waited for a retry; none if nothing was. The sender itself sends
    /// held events that were never attempted.
    pub(in crate::service) async fn flush(
        &self,
        actor: &Actor,
        account: &AccountId,
        endpoint: &Endpoint,
        drain_per_s: Option<u32>,
    ) -> Result<Option<RecoveryJob>> {
        if !bulk_work::any_waits_for_later(self.db(), account, &endpoint.id, self.now()).await? {
            return Ok(None);
        }
        let rate = capped(drain_per_s.map_or(RATE_MAX_PER_S, |rate| rate.min(RATE_MAX_PER_S)), endpoint);
        self.retry_job(actor, account, endpoint, rate).await
    }

    /// Adds a job that retries for an endpoint. False if there is one already. Its record comes last: the order of locks.
    pub(in crate::service) async fn add_retry(
        &self,
        account: &AccountId,
        tx: &mut Tx,
        job: &RecoveryJob,
    ) -> Result<bool> {
        Ok(recovery_jobs::add(tx, account, job, &job_work::first_position(job)).await?)
    }

    /// Records that a retry was started.
    pub(in crate::service) async fn record_retry(
        &self,
        actor: &Actor,
        account: &AccountId,
        tx: &mut Tx,
        job: &RecoveryJob,
    ) -> Result<()> {
        let object = job.endpoint_id.as_ref().map_or("", EndpointId::as_str);
        let entry = self.entry(actor, account, AuditAction::RetryStarted).about(object, &job.endpoint_name);
        self.record(tx, entry.with(noted(job))).await
    }

    pub(super) async fn planned_bulk(
        &self,
        actor: &Actor,
        action: BulkAction,
        selection: &BulkSelection,
    ) -> Result<BulkPlan> {
        let account = actor.account_if(Permission::WriteDeliveries)?;
        let selection = self.job_selection(account, selection).await?;
        Ok(BulkPlan { count: self.count_bulk(account, action, &selection, self.now()).await? })
    }

    pub(super) async fn bulk(
        &self,
        actor: &Actor,
        action: BulkAction,
        selection: &BulkSelection,
        rate_per_s: Option<u32>,
    ) -> Result<RecoveryJob> {
        let account = actor.account_if(Permission::WriteDeliveries)?;
        let rate = rate_or_default(rate_per_s)?;
        let selection = self.job_selection(account, selection).await?;
        let mut job = self.new_job(actor, action.job(), selection, rate, 0);
        job.total = self.count_bulk(account, action, &job.selection, job.created_at).await?;
        if job.total == 0 {
            return Err(Error::invalid("", nothing(action)));
        }
        let mut tx = self.db().begin().await?;
        accounts::lock(&mut tx, account).await?;
        if recovery_jobs::open_bulk(&mut tx, account).await? >= OPEN_BULK_MAX {
            let detail = format!("{OPEN_BULK_MAX} such jobs are running. Wait until one has finished, or cancel one.");
            return Err(Error::LimitReached { detail, retry_after_s: OPEN_BULK_RETRY_S });
        }
        recovery_jobs::add(&mut tx, account, &job, &job_work::first_position(&job)).await?;
        let action = if action == BulkAction::Retry { AuditAction::RetryStarted } else { AuditAction::ResendStarted };
        let entry = self.entry(actor, account, action).about(job.id.as_str(), "");
        self.record(&mut tx, entry.with(noted(&job))).await?;
        tx.commit_then(self.job_changed(account)).await?;
        self.stored_job(account, &job.id).await
    }

    pub(super) fn new_job(
        &self,
        actor: &Actor,
        action: JobAction,
        selection: JobSelection,
        rate_per_s: u32,
        total: u32,
    ) -> RecoveryJob {
        RecoveryJob {
            id: self.new_id(JobId::new),
            action,
            endpoint_id: None,
            endpoint_name: String::new(),
            selection,
            rate_per_s,
            state: JobState::Queued,
            held: false,
            total,
            done: 0,
            results: domain::recover::JobResults::default(),
            who: Some(actor.name()),
            created_at: self.now(),
            finished_at: None,
        }
    }

    /// The selection with its times fixed. A number is searched for now: its deliveries are few.
    async fn job_selection(&self, account: &AccountId, selection: &BulkSelection) -> Result<JobSelection> {
        let filter = match selection {
            BulkSelection::Listed(ids) if ids.len() > LISTED_MAX => {
                return Err(Error::invalid("ids", format!("Select at most {LISTED_MAX} deliveries.")));
            }
            BulkSelection::Listed(ids) => return Ok(JobSelection::Listed(ids.clone())),
            BulkSelection::Matching(filter) => filter,
        };
        let now = self.now();
        let (from, to) = filter.span(now);
        let filter = DeliveryFilter { from, to, range: None, cursor: None, limit: 0, ..filter.clone() };
        if wanted_number(&filter).is_none() {
            return Ok(JobSelection::Matching(filter.to_query()));
        }
        self.of_number(account, filter, now).await.map(JobSelection::Listed)
    }

    async fn of_number(&self, account: &AccountId, filter: DeliveryFilter, now: UnixMs) -> Result<Vec<DeliveryId>> {
        let filter = DeliveryFilter { limit: PAGE_MAX_ROWS, ..filter };
        let rows = list::page(self.db(), account, &self.wanted(account, &filter).await?, now).await?;
        if rows.len() > LISTED_MAX {
            let detail =
                format!("More than {LISTED_MAX} deliveries match this number. Narrow the filter, for example by time.");
            return Err(Error::invalid("q", detail));
        }
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    async fn count_bulk(
        &self,
        account: &AccountId,
        action: BulkAction,
        selection: &JobSelection,
        began: UnixMs,
    ) -> Result<u32> {
        let selection = match selection {
            JobSelection::Listed(ids) => Selection::Listed(ids),
            JobSelection::Matching(query) => Selection::Matching(DeliveryFilter::parse(query)),
            JobSelection::Missed(_) | JobSelection::Waiting => return Err(Error::Internal),
        };
        let count = bulk_work::count(self.db(), &Bulk { account, action: action.job(), selection, began }).await?;
        if count > RECOVER_MAX {
            let detail = "This matches more than 1,000,000 deliveries. Narrow the filter, for example by time.";
            return Err(Error::invalid("filter", detail));
        }
        Ok(count)
    }
}

/// A rate that is never above the endpoint's own.
pub(in crate::service) fn capped(rate_per_s: u32, endpoint: &Endpoint) -> u32 {
    endpoint.rate_per_s.map_or(rate_per_s, |most| rate_per_s.min(most.max(1)))
}

fn noted(job: &RecoveryJob) -> [Change; 2] {
    [Change::noted("job", job.id.to_string()), Change::noted("events", job.total.to_string())]
}

fn nothing(action: BulkAction) -> &'static str {
    match action {
        BulkAction::Retry => {
            "None of these deliveries is waiting for an active endpoint, so there is nothing to retry."
        }
        BulkAction::Resend => "None of these deliveries has ended and can be resent.",
    }
}

fn already(running: Option<JobId>) -> Error {
    Error::Conflict {
        detail: "A job already sends what is waiting for this endpoint.".to_owned(),
        existing: running.map(String::from),
    }
}
