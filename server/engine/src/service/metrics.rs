//! Metrics of this node.

use domain::{UnixMs, error::Result, ops::health::TaskHealth};

use crate::{
    Engine,
    metrics::{Metric, Value},
    store::{deliveries::backlog::Backlog, ops::parked},
};

impl Engine {
    /// All metrics, for `/metrics`.
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
        let help = "Items set aside because they could not be handled; see the health page.";
        metrics.push(Metric::gauge("offhook_parked_items", help, parked::count(self.db()).await?));
        let ahead_ms = self.context().clock.ahead_ms();
        let help = "How far this node's clock is ahead of the database's; negative when it is behind.";
        metrics.push(Metric::signed_seconds("offhook_clock_offset_seconds", help, ahead_ms));
        metrics.extend(backlog(&self.backlog().await?, self.now()));
        let help = "Age of the oldest delivery that is missing from the phone number index; 0 for none.";
        let behind_ms = self.background().phone_indexer.behind_ms().await?;
        metrics.push(Metric::seconds("offhook_numbers_behind_seconds", help, behind_ms));
        Ok(metrics)
    }

    /// Deliveries in this node's memory, and attempts whose outcome is not recorded yet.
    pub(crate) fn queued(&self) -> (u64, u64) {
        let queues = self.sender().queues();
        (queues.len() as u64, queues.in_flight() as u64)
    }
}

fn tasks(tasks: &[TaskHealth]) -> [Metric; 2] {
    let down = tasks.iter().filter(|task| task.down).count();
    let counts = tasks.iter().map(|task| (task.name.clone(), task.panics)).collect();
    [
        Metric::gauge("offhook_tasks_down", "Tasks that panicked and wait to be started again.", down as u64),
        Metric {
            name: "offhook_task_panics_total",
            help: "Panics of a task; it is started again after each.",
            value: Value::Counters { label: "task", counts },
        },
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
            "offhook_oldest_due_seconds",
            "When the longest due delivery was due, Unix time; 0 for none.",
            oldest_ms,
        ),
        Metric::seconds("offhook_lag_seconds", "How long the longest due delivery has been due.", lag_ms),
    ]
}
