//! Listens to the other nodes on one Postgres.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Mutex;

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
    /// None while it is lost.
    connection: Mutex<Option<Connection>>,
}

impl ClusterListener {
    /// Continues with a connection that has listened since before the node began to work.
    pub(super) fn new(sender: Arc<Sender>, connection: Connection) -> Self {
        Self { sender, connection: Mutex::new(Some(connection)) }
    }

    /// Waits for one message, or connects again.
    async fn listen(&self) -> StoreResult<()> {
        let mut kept = self.connection.lock().await;
        let Some(mut listener) = kept.take() else {
            *kept = postgres::listener(&self.sender.context.db).await?;
            self.catch_up();
            return Ok(());
        };
        // A connection that cannot be used any more is not kept.
        let received = listener.try_recv().await?;
        *kept = Some(listener);
        drop(kept);
        match received {
            None => self.catch_up(),
            Some(received) => {
                if let Some(message) = ClusterMessage::parse(received.payload()) {
                    self.handle(message).await;
                }
            }
        }
        Ok(())
    }

    /// The connection was lost and is there again; what was sent in between is unknown.
    fn catch_up(&self) {
        self.sender.wake_at(self.sender.now());
        self.sender.context.access_changed(String::new());
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

    /// Short, so that its status says whether it listens now: until the next message.
    async fn tick(&self) -> StoreResult<Pause> {
        tokio::select! {
            result = self.listen() => result?,
            () = self.sender.context.stopped() => {}
        }
        Ok(Pause::Fixed(0))
    }

    fn retry_after_ms(&self) -> u64 {
        RECONNECT_MS
    }
}
