//! One bad item stops no batch: it is found, parked where operators see it, and the others continue.
//!
//! Only an error that blames the item parks it ([`StoreError::blames_item`]); while the database is unavailable, everything
//! waits. A parked item is left alone until an operator tries it again.

use std::collections::HashSet;

use crate::{
    context::Context,
    store::{
        error::{StoreError, StoreResult},
        ops::parked,
    },
};

/// The parked items of one worker, as they were when its round began.
pub(crate) struct Parking<'a> {
    context: &'a Context,
    worker: &'static str,
    parked: HashSet<String>,
}

impl<'a> Parking<'a> {
    /// Reads them.
    pub(crate) async fn of(context: &'a Context, worker: &'static str) -> StoreResult<Self> {
        Ok(Self { context, worker, parked: parked::items(&context.db, worker).await? })
    }

    /// Handles one item, unless it is parked or has to be: then `None`.
    ///
    /// # Errors
    /// When the database is unavailable.
    pub(crate) async fn one<T>(
        &self,
        item: &str,
        account: Option<&str>,
        work: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<Option<T>> {
        if self.parked.contains(item) {
            return Ok(None);
        }
        match self.context.supervisor.caught(self.worker, work).await {
            Ok(done) => Ok(Some(done)),
            Err(error) => self.park(item, account, error).await.map(|()| None),
        }
    }

    /// Handles items together, and after an error in halves, until what cannot be handled is alone and parked. Returns the
    /// sum of what `work` returns.
    ///
    /// # Errors
    /// When the database is unavailable. What was handled stays.
    pub(crate) async fn all<'i, T, F: Future<Output = StoreResult<usize>>>(
        &self,
        items: &'i [T],
        id: impl Fn(&T) -> &str,
        account: Option<&str>,
        mut work: impl FnMut(Vec<&'i T>) -> F,
    ) -> StoreResult<usize> {
        let free: Vec<&T> = items.iter().filter(|item| !self.parked.contains(id(item))).collect();
        let (mut done, mut parts) = (0, vec![&free[..]]);
        while let Some(part) = parts.pop().filter(|part| !part.is_empty()) {
            match self.context.supervisor.caught(self.worker, work(part.to_vec())).await {
                Ok(handled) => done += handled,
                Err(error) if part.len() > 1 && error.blames_item() => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                Err(error) => self.park(id(part[0]), account, error).await?,
            }
        }
        Ok(done)
    }

    /// Parks an item that the error blames.
    ///
    /// # Errors
    /// The error itself, if it does not blame the item.
    pub(crate) async fn park(&self, item: &str, account: Option<&str>, error: StoreError) -> StoreResult<()> {
        if !error.blames_item() {
            return Err(error);
        }
        let reason = error.to_string();
        tracing::error!(worker = self.worker, item, reason, "parked; the others continue");
        let mut tx = self.context.db.begin().await?;
        parked::add(&mut tx, self.worker, item, account, &reason, self.context.now()).await?;
        tx.commit().await
    }
}
