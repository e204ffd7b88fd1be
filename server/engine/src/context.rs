//! What all parts of the engine share: the database, the clock, ids, and whether this node is stopping.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use domain::{UnixMs, id::Ids, time::Clock};
use tokio::sync::{Notify, broadcast};

use crate::{
    clock::SteeredClock, metrics::Counters, policies::ActivePolicies, storage::Storage, store::db::Db,
    supervisor::Supervisor, write_health::WriteHealth,
};

/// Shared by the hot path, the background workers and the services.
pub struct Context {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: Arc<SteeredClock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
    /// This run of this process: the owner of its leases.
    pub node: String,
    /// What is counted.
    pub counters: Counters,
    pub(crate) writes: WriteHealth,
    pub(crate) policies: ActivePolicies,
    /// What accounts store.
    pub(crate) storage: Storage,
    /// Keeps this node's tasks running.
    pub(crate) supervisor: Arc<Supervisor>,
    /// Wakes the worker of recovery jobs.
    pub(crate) recovery_changed: Notify,
    /// Wakes whoever imports call records.
    pub(crate) import_started: Notify,
    /// Wakes the worker of scheduled rotations.
    pub(crate) rotation_changed: Notify,
    /// Users and sessions that may have lost access.
    pub(crate) access_changes: broadcast::Sender<String>,
    stopping: AtomicBool,
    stopped: Notify,
}

/// Changes of access that a slow listener may fall behind before it only learns that it did.
const ACCESS_CHANGES_MAX: usize = 256;

impl Context {
    pub(crate) fn new(db: Db, clock: Arc<SteeredClock>, ids: Arc<dyn Ids>, policies: ActivePolicies) -> Self {
        let (at, entropy) = ids.next();
        Self {
            db,
            clock,
            ids,
            node: format!("node_{}", domain::id::encode(at, entropy)),
            counters: Counters::default(),
            writes: WriteHealth::default(),
            policies,
            storage: Storage::default(),
            supervisor: Arc::default(),
            recovery_changed: Notify::new(),
            import_started: Notify::new(),
            rotation_changed: Notify::new(),
            access_changes: broadcast::channel(ACCESS_CHANGES_MAX).0,
            stopping: AtomicBool::new(false),
            stopped: Notify::new(),
        }
    }

    pub(crate) fn now(&self) -> UnixMs {
        self.clock.now()
    }

    /// Reports on this node that this user or session may have lost access; having no listener is no error.
    pub(crate) fn access_changed(&self, who: String) {
        let _ = self.access_changes.send(who);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Tells everything on this node to stop.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.stopped.notify_waiters();
    }

    /// Returns once this node is stopping.
    pub(crate) async fn stopped(&self) {
        let stopped = self.stopped.notified();
        if !self.is_stopping() {
            stopped.await;
        }
    }
}
