//! Recovery: plan and start. Jobs of all kinds: list, pause, resume, cancel. A background worker runs them.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Error, UnixMs,
    actor::{Actor, Permission},
    audit::{AuditAction, Change},
    endpoint::EndpointState,
    error::Result,
    id::{AccountId, EndpointId, JobId},
    recover::{
        BulkAction, BulkPlan, BulkSelection, JobAction, JobSelection, RECOVER_MAX, RecoverInput, Recovery, RecoveryJob,
        RecoveryPlan,
    },
};

use crate::{
    Engine,
    store::{
        deliveries::{
            job_work, recovery_jobs,
            recovery_work::{self, Search},
        },
        endpoints,
    },
};

use super::bulk::capped;

/// Most jobs that are listed.
const SHOWN: u32 = 50;

/// A change of a job's state.
enum Control {
    Pause,
    Resume,
    Cancel,
}

#[async_trait]
impl Recovery for Engine {
    async fn plan_recovery(&self, actor: &Actor, endpoint: &EndpointId, input: &RecoverInput) -> Result<RecoveryPlan> {
        let account = actor.account_if(Permission::WriteDeliveries)?;
        self.planned(account, endpoint, input, self.now()).await
    }

    async fn start_recovery(&self, actor: &Actor, endpoint: &EndpointId, input: &RecoverInput) -> Result<RecoveryJob> {
        let account = actor.account_if(Permission::WriteDeliveries)?;
        let now = self.now();
        let plan = self.planned(account, endpoint, input, now).await?;
        if plan.running.is_some() {
            return Err(busy(plan.running));
        }
        if plan.count == 0 {
            return Err(Error::invalid("from", "There is nothing to recover in this time range."));
        }
        let rate = plan.wanted.rate_per_s;
        let mut job = self.new_job(actor, JobAction::Recover, JobSelection::Missed(plan.wanted), rate, plan.count);
        job.endpoint_id = Some(endpoint.clone());
        job.created_at = now;
        self.add_job(actor, account, endpoint, &job).await?;
        self.stored_job(account, &job.id).await
    }

    async fn retry_endpoint(
        &self,
        actor: &Actor,
        endpoint: &EndpointId,
        rate_per_s: Option<u32>,
    ) -> Result<RecoveryJob> {
        self.retry_all(actor, endpoint, rate_per_s).await
    }

    async fn plan_bulk(&self, actor: &Actor, action: BulkAction, selection: &BulkSelection) -> Result<BulkPlan> {
        self.planned_bulk(actor, action, selection).await
    }

    async fn start_bulk(
        &self,
        actor: &Actor,
        action: BulkAction,
        selection: &BulkSelection,
        rate_per_s: Option<u32>,
    ) -> Result<RecoveryJob> {
        self.bulk(actor, action, selection, rate_per_s).await
    }

    async fn job(&self, actor: &Actor, id: &JobId) -> Result<RecoveryJob> {
        self.stored_job(actor.account_if(Permission::ReadDeliveries)?, id).await
    }

    async fn jobs(&self, actor: &Actor, endpoint: Option<&EndpointId>) -> Result<Vec<RecoveryJob>> {
        let account = actor.account_if(Permission::ReadDeliveries)?;
        Ok(recovery_jobs::of_account(self.db(), account, endpoint, SHOWN, self.now()).await?)
    }

    async fn pause_job(&self, actor: &Actor, id: &JobId) -> Result<RecoveryJob> {
        self.control(actor, id, Control::Pause).await
    }

    async fn resume_job(&self, actor: &Actor, id: &JobId) -> Result<RecoveryJob> {
        self.control(actor, id, Control::Resume).await
    }

    async fn cancel_job(&self, actor: &Actor, id: &JobId) -> Result<RecoveryJob> {
        self.control(actor, id, Control::Cancel).await
    }
}

impl Engine {
    async fn planned(
        &self,
        account: &AccountId,
        endpoint: &EndpointId,
        input: &RecoverInput,
        now: UnixMs,
    ) -> Result<RecoveryPlan> {
        let stored = endpoints::one(self.db(), account, endpoint).await?;
        let known = stored.ok_or_else(|| Error::NotFound("Endpoint".into()))?.endpoint;
        if known.state == EndpointState::Deleted {
            let detail = "This endpoint was deleted, so events can't be sent to it.".to_owned();
            return Err(Error::Conflict { detail, existing: None });
        }
        let mut wanted = input.check(&known.events, now)?;
        wanted.rate_per_s = capped(wanted.rate_per_s, &known);
        let running = recovery_jobs::unfinished(self.db(), account, endpoint, JobAction::Recover).await?;
        let search = Search { account, endpoint, wanted: &wanted, began: now };
        let parts = recovery_work::count(self.db(), search).await?;
        let count = parts.resent();
        if count > RECOVER_MAX {
            let detail =
                "This matches more than 1,000,000 events. Choose a shorter time range and recover in several steps.";
            return Err(Error::invalid("from", detail));
        }
        Ok(RecoveryPlan { wanted, count, parts, running })
    }

    async fn add_job(
        &self,
        actor: &Actor,
        account: &AccountId,
        endpoint: &EndpointId,
        job: &RecoveryJob,
    ) -> Result<()> {
        let mut tx = self.db().begin().await?;
        if !recovery_jobs::add(&mut tx, account, job, &job_work::first_position(job)).await? {
            // Another request was faster.
            drop(tx);
            return Err(busy(recovery_jobs::unfinished(self.db(), account, endpoint, JobAction::Recover).await?));
        }
        let name = endpoints::name(&mut tx, account, endpoint).await?.unwrap_or_default();
        let entry = self.entry(actor, account, AuditAction::RecoveryStarted).about(endpoint.as_str(), &name);
        let total = Change::noted("events", job.total.to_string());
        self.record(&mut tx, entry.with([Change::noted("job", job.id.to_string()), total])).await?;
        Ok(tx.commit_then(self.job_changed(account)).await?)
    }

    pub(super) async fn stored_job(&self, account: &AccountId, id: &JobId) -> Result<RecoveryJob> {
        recovery_jobs::one(self.db(), account, id, self.now()).await?.ok_or_else(|| Error::NotFound("Job".into()))
    }

    /// Changes a job's state. Does nothing if it has that state already; an ended job is a conflict.
    async fn control(&self, actor: &Actor, id: &JobId, control: Control) -> Result<RecoveryJob> {
        let account = actor.account_if(Permission::WriteDeliveries)?;
        let RecoveryJob { endpoint_id, endpoint_name, .. } = self.stored_job(account, id).await?;
        let mut tx = self.db().begin().await?;
        let now = self.now();
        let (changed, action) = match control {
            Control::Pause => (recovery_jobs::pause(&mut tx, account, id, now).await?, AuditAction::RecoveryPaused),
            Control::Resume => (recovery_jobs::resume(&mut tx, account, id, now).await?, AuditAction::RecoveryResumed),
            Control::Cancel => {
                (recovery_jobs::cancel(&mut tx, account, id, now).await?, AuditAction::RecoveryCancelled)
            }
        };
        if changed {
            let object = endpoint_id.as_ref().map_or(id.as_str(), EndpointId::as_str);
            let entry = self.entry(actor, account, action).about(object, &endpoint_name);
            self.record(&mut tx, entry.with([Change::noted("job", id.to_string())])).await?;
        }
        tx.commit_then(self.job_changed(account)).await?;
        let job = self.stored_job(account, id).await?;
        if !changed && job.state.is_final() {
            let detail = format!("This job has already ended: {}.", job.state.label().to_lowercase());
            return Err(Error::Conflict { detail, existing: None });
        }
        Ok(job)
    }

    /// After the commit: wakes the worker, and tells this node's pages.
    pub(in crate::service) fn job_changed(&self, account: &AccountId) -> impl Future<Output = ()> + Send + use<> {
        let (sender, account) = (Arc::clone(self.sender()), account.to_string());
        async move {
            sender.context.recovery_changed.notify_one();
            sender.changed_here([account]);
        }
    }
}

fn busy(running: Option<JobId>) -> Error {
    Error::Conflict {
        detail: "A recovery is already running for this endpoint. Wait until it finishes, or cancel it.".to_owned(),
        existing: running.map(String::from),
    }
}
