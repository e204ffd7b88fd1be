//! Metrics of this node, and of the database that all nodes share.

use domain::{UnixMs, endpoint::EndpointState, error::Result, ops::health::TaskHealth};

use crate::{
    Engine,
    metrics::{Metric, Value},
    store::{
        db::{Db, PoolUse},
        deliveries::backlog::Backlog,
        emails, endpoints, nodes,
        ops::parked,
    },
};

impl Engine {
    /// All metrics, for `/metrics`. What all nodes share is reported by one of them, so that sums over nodes are right.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be read.
    pub async fn metrics(&self) -> Result<Vec<Metric>> {
        let mut metrics = self.context().counters.metrics();
        let (in_memory, in_flight) = self.queued();
        metrics.extend([
            Metric::gauge("offhook_deliveries_in_memory", "Deliveries in this node's memory.", in_memory),
            Metric::gauge("offhook_attempts_in_flight", "Attempts whose outcome is not recorded yet.", in_flight),
            Metric::gauge("offhook_ingest_waiting", "Events waiting for a commit.", self.intake().waiting() as u64),
        ]);
        metrics.extend(tasks(&self.tasks()));
        let ahead_ms = self.context().clock.ahead_ms();
        let help = "How far this node's clock is ahead of the database's; negative when it is behind.";
        metrics.push(Metric::signed_seconds("offhook_clock_offset_seconds", help, ahead_ms));
        metrics.extend(connections(self.db()));
        if nodes::reports_for_all(self.db(), &self.context().node, self.now()).await? {
            metrics.extend(self.shared_metrics().await?);
        }
        Ok(metrics)
    }

    async fn shared_metrics(&self) -> Result<Vec<Metric>> {
        let mut metrics: Vec<Metric> = backlog(&self.backlog().await?, self.now()).into();
        let help = "Items set aside because they could not be handled; see the health page.";
        metrics.push(Metric::gauge("offhook_parked_items", help, parked::count(self.db()).await?));
        let help = "Age of the oldest delivery that is missing from the phone number index; 0 for none.";
        let behind_ms = self.background().phone_indexer.behind_ms().await?;
        metrics.push(Metric::seconds("offhook_numbers_behind_seconds", help, behind_ms));
        let waiting = self.emails_waiting().await?;
        metrics.push(Metric::gauge("offhook_emails_waiting", "Emails that wait for the mail server.", waiting));
        metrics.push(endpoint_states(&endpoints::by_state(self.db()).await?));
        Ok(metrics)
    }

    /// How many emails wait in the outbox.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be read.
    pub async fn emails_waiting(&self) -> Result<u64> {
        Ok(emails::waiting(self.db()).await?)
    }

    /// Deliveries in this node's memory, and attempts whose outcome is not recorded yet.
    pub(crate) fn queued(&self) -> (u64, u64) {
        let queues = self.sender().queues();
        (queues.len() as u64, queues.in_flight() as u64)
    }
}

fn tasks(tasks: &[TaskHealth]) -> [Metric; 2] {
    let down = tasks.iter().filter(|task| task.down).count();
    let panics = tasks.iter().map(|task| (task.name.clone(), Value::counter(task.panics)));
    [
        Metric::gauge("offhook_tasks_down", "Tasks that panicked and wait to be started again.", down as u64),
        Metric::by("offhook_task_panics_total", "Panics of a task; it is started again after each.", "task", panics),
    ]
}

fn backlog(waiting: &Backlog, now: UnixMs) -> [Metric; 4] {
    let oldest_ms = waiting.oldest_due_ms.unwrap_or(0);
    let lag_ms = waiting.oldest_due_ms.map_or(0, |due| now.0.saturating_sub(due).max(0));
    [
        Metric::gauge(
            "offhook_deliveries_waiting",
            "Deliveries of active endpoints that wait in the database.",
            waiting.active,
        ),
        Metric::gauge("offhook_deliveries_held", "Deliveries held for paused and disabled endpoints.", waiting.held),
        Metric::seconds(
            "offhook_oldest_due_timestamp_seconds",
            "When the longest due delivery was due, Unix time; 0 for none.",
            oldest_ms,
        ),
        Metric::seconds("offhook_lag_seconds", "How long the longest due delivery has been due.", lag_ms),
    ]
}

/// Every state, so that a rule about disabled endpoints has a value before there is one.
fn endpoint_states(counts: &[(String, i64)]) -> Metric {
    let states = [EndpointState::Active, EndpointState::Paused, EndpointState::Disabled].map(|state| {
        let count = counts.iter().find(|(name, _)| name == state.as_str()).map_or(0, |(_, count)| count.unsigned_abs());
        (state.as_str(), Value::gauge(count))
    });
    Metric::by("offhook_endpoints", "Endpoints, by state.", "state", states)
}

fn connections(db: &Db) -> [Metric; 2] {
    let pools = db.pools();
    let labels = |pool: &PoolUse, state: &str| vec![("pool", pool.name.to_owned()), ("state", state.to_owned())];
    let open = pools.iter().flat_map(|pool| {
        let idle = pool.idle.min(pool.open);
        let count = |n: u32| Value::gauge(n.into());
        [(labels(pool, "idle"), count(idle)), (labels(pool, "used"), count(pool.open - idle))]
    });
    let max = pools.iter().map(|pool| (pool.name, Value::gauge(pool.max.into())));
    [
        Metric {
            name: "offhook_database_connections",
            help: "Open database connections of this node.",
            value: Value::Family(open.collect()),
        },
        Metric::by("offhook_database_connections_max", "Most database connections of this node.", "pool", max),
    ]
}
