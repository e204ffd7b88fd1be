//! The phone systems that are connected to this node: how many, and what each connector keeps between two connections.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use connect::asterisk::ari::session::Session;
use domain::{
    UnixMs,
    connector::{OpenConnector, Saving, SessionNumber},
    id::ConnectorId,
};
use engine::shares::{Share, Shares};
use futures::future::BoxFuture;
use tokio::sync::{Mutex as AsyncMutex, OwnedSemaphorePermit, Semaphore};
use tokio_util::{
    sync::CancellationToken,
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};

use crate::{
    connector_troubles::Troubles,
    connector_unposted::{Posted, Unposted},
};

/// Most phone systems that are connected to a node.
const CONNECTED_MAX: usize = 1_024;
/// Most that are connected from one address. Each can make us hold a message.
const ADDRESS_MAX: usize = 64;
/// How long connections may take to save what is left when the server stops.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// The phone systems that are connected to this node.
#[derive(Debug)]
pub struct PhoneSystems {
    slots: Mutex<HashMap<ConnectorId, Arc<Slot>>>,
    free: Arc<Semaphore>,
    addresses: Shares<IpAddr>,
    tasks: TaskTracker,
}

/// A place for a connection, until it is dropped.
#[derive(Debug)]
pub struct Place {
    _connection: OwnedSemaphorePermit,
    _address: Share<IpAddr>,
}

/// A connector's place on this node.
#[derive(Debug, Default)]
pub struct Slot {
    /// Held by the connection that follows the phone system.
    pub line: Arc<AsyncMutex<Option<Line>>>,
    /// Cancelled when a newer connection replaces the current one.
    current: Mutex<CancellationToken>,
}

impl Default for PhoneSystems {
    fn default() -> Self {
        Self {
            slots: Mutex::default(),
            free: Arc::new(Semaphore::new(CONNECTED_MAX)),
            addresses: Shares::default(),
            tasks: TaskTracker::new(),
        }
    }
}

impl PhoneSystems {
    /// A place for a connection from this address; none while there are too many.
    pub fn place(&self, address: IpAddr) -> Option<Place> {
        let address = self.addresses.take(address, ADDRESS_MAX)?;
        let connection = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some(Place { _connection: connection, _address: address })
    }

    /// Something that the stop of the server waits for.
    pub fn task(&self) -> TaskTrackerToken {
        self.tasks.token()
    }

    /// The connector's place, and the sign that a newer connection has replaced the one that begins now.
    pub fn enter(&self, id: &ConnectorId) -> (Arc<Slot>, CancellationToken) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = Arc::clone(slots.entry(id.clone()).or_default());
        let replaced = CancellationToken::new();
        let mut current = slot.current.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, replaced.clone()).cancel();
        drop(current);
        (slot, replaced)
    }

    /// Forgets the connector, unless a newer connection has replaced this one.
    pub fn leave(&self, id: &ConnectorId, replaced: &CancellationToken) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if !replaced.is_cancelled() {
            slots.remove(id);
        }
    }

    /// Returns once the connections have saved what is left.
    pub async fn drained(&self) {
        self.tasks.close();
        if tokio::time::timeout(DRAIN_MAX, self.tasks.wait()).await.is_err() {
            tracing::warn!("some phone systems' latest events were not saved when the server stopped");
        }
    }
}

/// A session, and what it has not saved or posted yet.
pub struct Line {
    /// The session.
    pub session: Session,
    /// The connector.
    pub open: OpenConnector,
    /// The session's number.
    pub number: SessionNumber,
    /// The latest time from an event to its acceptance, in milliseconds.
    pub lag_ms: Option<u32>,
    /// What may not have been posted. Without `saving`, all of it is saved.
    pub unposted: Unposted,
    /// The latest batch, while it is being saved.
    pub saving: Option<BoxFuture<'static, Saving>>,
    /// When that began.
    pub saved_at: UnixMs,
    /// What keeps events from being stored.
    pub troubles: Arc<Troubles>,
    /// Whether the latest batch was too large to be saved.
    pub is_too_large: bool,
    /// The first of `unposted`, while they are being posted.
    pub posting: Option<BoxFuture<'static, Posted>>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("session", &self.session).finish_non_exhaustive()
    }
}

impl Line {
    /// Nothing is under way.
    #[must_use]
    pub fn new(session: Session, open: OpenConnector, number: SessionNumber, unposted: Unposted) -> Self {
        Self {
            session,
            open,
            number,
            lag_ms: None,
            unposted,
            saving: None,
            saved_at: UnixMs::default(),
            troubles: Arc::default(),
            is_too_large: false,
            posting: None,
        }
    }

    /// Ends when a batch is saved, or something was posted; never, if neither is under way.
    pub async fn progress(&mut self) -> Saving {
        tokio::select! {
            saving = ended(&mut self.saving) => {
                self.is_too_large = saving == Saving::TooLarge;
                saving
            }
            posted = ended(&mut self.posting) => {
                self.unposted.forget(posted);
                self.lag_ms = posted.lag_ms.or(self.lag_ms);
                Saving::Done
            }
        }
    }
}

/// Ends when what is under way has ended; never, if nothing is.
pub(crate) async fn ended<T>(under_way: &mut Option<BoxFuture<'static, T>>) -> T {
    let done = match under_way {
        Some(work) => work.await,
        None => std::future::pending().await,
    };
    *under_way = None;
    done
}
