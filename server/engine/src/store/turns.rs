//! Whose turn it is to write on SQLite, which has one writer at a time.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::store::error::StoreResult;

/// How long a writer waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(30);

/// Turns to write, whichever connection does. SQLite would poll for its lock, and whoever polls seldom gets it beside a
/// busy writer.
#[derive(Clone)]
pub(in crate::store) struct Turns {
    turn: Arc<Semaphore>,
    others: Arc<Semaphore>,
}

impl Turns {
    pub(in crate::store) fn new() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), others: Arc::new(Semaphore::new(1)) }
    }

    /// The next turn, for the hot path: it waits for at most one of all other writers.
    ///
    /// # Errors
    /// When it takes too long.
    pub(in crate::store) async fn next(&self) -> StoreResult<OwnedSemaphorePermit> {
        in_time(Arc::clone(&self.turn).acquire_owned()).await
    }

    /// A turn among all other writers. Only the first of them waits beside the hot path, so that an event never waits for
    /// two hundred sign-ins.
    ///
    /// # Errors
    /// When it takes too long.
    pub(in crate::store) async fn some(&self) -> StoreResult<OwnedSemaphorePermit> {
        let _first = in_time(Arc::clone(&self.others).acquire_owned()).await?;
        self.next().await
    }

    /// Whoever waits gets none anymore.
    pub(in crate::store) fn close(&self) {
        self.others.close();
        self.turn.close();
    }
}

async fn in_time(
    turn: impl Future<Output = Result<OwnedSemaphorePermit, tokio::sync::AcquireError>>,
) -> StoreResult<OwnedSemaphorePermit> {
    let turn = tokio::time::timeout(TURN_TIMEOUT, turn).await;
    turn.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed.into())
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn the_hot_path_waits_for_one_other_writer_at_most() {
        let turns = Turns::new();
        let writing = turns.some().await.unwrap();
        let (wrote, mut order) = mpsc::unbounded_channel();
        let mut others: Vec<_> = (0..5).map(|_| Box::pin(turns.some())).collect();
        for other in &mut others {
            assert!(other.as_mut().now_or_never().is_none(), "someone writes");
        }
        let mut hot = Box::pin(turns.next());
        assert!(hot.as_mut().now_or_never().is_none(), "someone writes");
        drop(writing);
        let others = others.into_iter().map(async |other| {
            let _turn = other.await.unwrap();
            wrote.send("other").unwrap();
        });
        let hot = async {
            let _turn = hot.await.unwrap();
            wrote.send("hot").unwrap();
        };
        tokio::join!(futures::future::join_all(others), hot);
        let mut first = Vec::new();
        while let Ok(who) = order.try_recv() {
            first.push(who);
        }
        assert_eq!(first, ["other", "hot", "other", "other", "other", "other"]);
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_the_turn_to_the_next() {
        let turns = Turns::new();
        let writing = turns.next().await.unwrap();
        let mut gone = Box::pin(turns.some());
        assert!(gone.as_mut().now_or_never().is_none(), "someone writes");
        drop(gone);
        drop(writing);
        assert!(turns.some().await.is_ok());
        assert!(turns.next().await.is_ok());
    }
}
