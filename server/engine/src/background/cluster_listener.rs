//! Listens to the other nodes on one Postgres.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::{
    delivery::{Sender, cluster::ClusterMessage},
    store::{
        error::StoreResult,
        postgres::{self, ClusterListener as Connection},
    },
};

use super::worker::{Pause, Worker};

/// Rest before a lost connection is opened again, in milliseconds.
const RECONNECT_MS: u64 = 1_000;

/// Listens to the other nodes.
pub(super) struct ClusterListener {
    sender: Arc<Sender>,
    /// Has listened since before the node began to work, for the first tick.
    first: Mutex<Option<Connection>>,
}

impl ClusterListener {
    pub(super) const fn new(sender: Arc<Sender>, first: Connection) -> Self {
        Self { sender, first: Mutex::new(Some(first)) }
    }

    async fn listen(&self) -> StoreResult<()> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let listener = if first.is_some() { first } else { postgres::listener(&self.sender.context.db).await? };
        let Some(mut listener) = listener else { return Ok(()) };
        // Earlier messages are unknown: claim, now that nothing more can be missed.
        self.sender.wake_at(self.sender.now());
        loop {
            let Some(received) = listener.try_recv().await? else {
                // The connection was lost and is there again; what was sent in between is unknown.
                self.sender.wake_at(self.sender.now());
                self.sender.context.access_changed(String::new());
                continue;
            };
            if let Some(message) = ClusterMessage::parse(received.payload()) {
                self.handle(message).await;
            }
        }
    }

    async fn handle(&self, message: ClusterMessage) {
        let sender = &self.sender;
        let handled = match message {
            ClusterMessage::Due => Ok(()),
            ClusterMessage::Endpoint(id) => sender.release_endpoint(&id).await,
            ClusterMessage::Suspension(id) => sender.release_account(&id).await,
            ClusterMessage::Account(id) => {
                sender.changed_here([id]);
                return;
            }
            ClusterMessage::Access(who) => {
                sender.context.access_changed(who);
                return;
            }
            ClusterMessage::Policies => {
                if let Err(error) = sender.read_policies().await {
                    tracing::warn!(%error, "a policy changed and could not be read; trying again soon");
                }
                return;
            }
        };
        if let Err(error) = handled {
            tracing::warn!(%error, "an endpoint or account changed, and its deliveries could not be released");
        }
        sender.wake_at(sender.now());
    }
}

#[async_trait]
impl Worker for ClusterListener {
    fn name(&self) -> &'static str {
        "cluster_listener"
    }

    /// Lasts until the connection is lost or the node stops.
    async fn tick(&self) -> StoreResult<Pause> {
        tokio::select! {
            result = self.listen() => result?,
            () = self.sender.context.stopped() => {}
        }
        Ok(Pause::Fixed(RECONNECT_MS))
    }

    fn retry_after_ms(&self) -> u64 {
        RECONNECT_MS
    }
}
