//! Periodic work beside the hot path: one worker per file, all of them with the same lifecycle.
//!
//! A [`Worker`] does what is due and says when to do it again. [`worker::Workers`] runs each in a task of its own and starts,
//! stops and reports all of them in one way. [`Background`] knows which there are.
//!
//! Architecture invariant: nothing here knows the services.

mod adaptive_batch;
mod alerts;
mod clock_check;
mod cluster_listener;
mod connector_watch;
mod deleted_endpoints;
mod expiry;
mod heartbeat;
mod lease_reconciliation;
mod outbox;
pub mod phone_indexer;
pub mod phone_reindexer;
mod policy_refresh;
pub mod recovery_jobs;
pub mod retention;
mod scheduled_rotation;
mod stored_bytes;
mod stuck_deliveries;
mod support_sessions;
mod takeover;
mod worker;

use std::sync::Arc;

use url::Url;

use crate::{
    delivery::{Sender, intake::Intake},
    mail::Mail,
    store::{db::Dialect, error::StoreResult, postgres},
    vault::Vault,
};

pub use adaptive_batch::Pacing;
pub use worker::{Pause, Worker, WorkerStatus};

use alerts::Alerts;
use clock_check::ClockCheck;
use cluster_listener::ClusterListener;
use connector_watch::ConnectorWatch;
use deleted_endpoints::DeletedEndpoints;
use expiry::Expiry;
use heartbeat::Heartbeat;
use lease_reconciliation::LeaseReconciliation;
use outbox::Outbox;
use phone_indexer::PhoneIndexer;
use phone_reindexer::PhoneReindexer;
use policy_refresh::PolicyRefresh;
use recovery_jobs::RecoveryJobs;
use retention::Retention;
use scheduled_rotation::ScheduledRotation;
use stored_bytes::StoredBytes;
use stuck_deliveries::StuckDeliveries;
use support_sessions::SupportSessions;
use takeover::Takeover;
use worker::Workers;

/// The workers of one node. Those that tests and tools run step by step are public.
pub struct Background {
    /// Emails admins about endpoints.
    pub alerts: Arc<Alerts>,
    /// Reports connectors that are down, and deletes what is left of deleted ones.
    pub connector_watch: Arc<ConnectorWatch>,
    /// Cancels what waits for deleted endpoints.
    pub deleted_endpoints: Arc<DeletedEndpoints>,
    /// Deletes expired sessions and links.
    pub expiry: Arc<Expiry>,
    /// Reports that this node lives.
    pub heartbeat: Arc<Heartbeat>,
    /// Releases leases that this node does not know of.
    pub lease_reconciliation: Arc<LeaseReconciliation>,
    /// Sends emails.
    pub outbox: Arc<Outbox>,
    /// Indexes phone numbers.
    pub phone_indexer: Arc<PhoneIndexer>,
    /// Indexes phone numbers again that an earlier build has indexed differently.
    pub phone_reindexer: Arc<PhoneReindexer>,
    /// Works on recovery jobs.
    pub recovery_jobs: Arc<RecoveryJobs>,
    /// Deletes what is past its retention.
    pub retention: Arc<Retention>,
    /// Applies scheduled rotations.
    pub scheduled_rotation: Arc<ScheduledRotation>,
    /// Measures what accounts store.
    pub stored_bytes: Arc<StoredBytes>,
    /// Moves stuck deliveries.
    pub stuck_deliveries: Arc<StuckDeliveries>,
    /// Records the end of expired support sessions.
    pub support_sessions: Arc<SupportSessions>,
    /// Takes over from dead nodes.
    pub takeover: Arc<Takeover>,
    sender: Arc<Sender>,
    workers: Workers,
}

impl Background {
    /// The workers, not started.
    pub(crate) fn new(
        sender: &Arc<Sender>,
        intake: &Intake,
        vault: &Arc<Vault>,
        mail: Arc<dyn Mail>,
        public_url: Url,
    ) -> Self {
        let (context, sender) = (&sender.context, || Arc::clone(sender));
        Self {
            alerts: Arc::new(Alerts::new(sender(), Arc::clone(vault), public_url)),
            connector_watch: Arc::new(ConnectorWatch(sender())),
            deleted_endpoints: Arc::new(DeletedEndpoints(sender())),
            expiry: Arc::new(Expiry(Arc::clone(context))),
            heartbeat: Arc::new(Heartbeat(sender())),
            lease_reconciliation: Arc::new(LeaseReconciliation::new(sender())),
            outbox: Arc::new(Outbox::new(Arc::clone(context), Arc::clone(vault), mail)),
            phone_indexer: Arc::new(PhoneIndexer::new(sender(), intake.clone())),
            phone_reindexer: Arc::new(PhoneReindexer(Arc::clone(context))),
            recovery_jobs: Arc::new(RecoveryJobs(sender())),
            retention: Arc::new(Retention(Arc::clone(context))),
            scheduled_rotation: Arc::new(ScheduledRotation(sender())),
            stored_bytes: Arc::new(StoredBytes(Arc::clone(context))),
            stuck_deliveries: Arc::new(StuckDeliveries(sender())),
            support_sessions: Arc::new(SupportSessions(Arc::clone(context))),
            takeover: Arc::new(Takeover::new(sender())),
            sender: sender(),
            workers: Workers::default(),
        }
    }

    /// This node reports that it lives, and takes over what dead ones have left.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub(crate) async fn arrive(&self) -> StoreResult<()> {
        self.heartbeat.first().await?;
        self.takeover.first().await
    }

    /// Starts all workers that this database needs. A SQLite server is the only node.
    ///
    /// # Errors
    /// When the other nodes cannot be listened to; nothing has started then.
    pub(crate) async fn start(&self) -> StoreResult<()> {
        let db = &self.sender.context.db;
        // First: a node that has started misses no message of the others.
        if let Some(listener) = postgres::listener(db).await? {
            self.run(Arc::new(ClusterListener::new(Arc::clone(&self.sender), listener)));
        }
        if db.dialect == Dialect::Postgres {
            self.run(self.heartbeat.clone());
            self.run(self.takeover.clone());
            self.run(Arc::new(PolicyRefresh(Arc::clone(&self.sender))));
        }
        self.run(self.alerts.clone());
        self.run(Arc::new(ClockCheck::new(Arc::clone(&self.sender))));
        self.run(self.connector_watch.clone());
        self.run(self.deleted_endpoints.clone());
        self.run(self.expiry.clone());
        self.run(self.lease_reconciliation.clone());
        self.run(self.outbox.clone());
        self.run(self.phone_indexer.clone());
        self.run(self.phone_reindexer.clone());
        self.run(self.recovery_jobs.clone());
        self.run(self.retention.clone());
        self.run(self.scheduled_rotation.clone());
        self.run(self.stored_bytes.clone());
        self.run(self.stuck_deliveries.clone());
        self.run(self.support_sessions.clone());
        Ok(())
    }

    fn run(&self, worker: Arc<dyn Worker>) {
        self.workers.start(&self.sender.context, worker);
    }

    /// What each worker reports; none before the start.
    #[must_use]
    pub fn status(&self) -> Vec<WorkerStatus> {
        self.workers.status()
    }

    /// Waits until all workers have ended, at most `wait_ms` milliseconds, once the node is stopping. Alerts that wait are
    /// still queued.
    pub(crate) async fn stop(&self, wait_ms: u64) {
        self.sender.context.supervisor.stop(wait_ms).await;
        self.workers.clear();
        // It logs what fails.
        let _ = self.alerts.tick().await;
        if let Err(error) = self.stored_bytes.flush().await {
            tracing::warn!(%error, "what accounts store is counted without the last seconds");
        }
    }
}
