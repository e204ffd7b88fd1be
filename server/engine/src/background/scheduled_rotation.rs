//! Stores what rotations have scheduled: a switch, the end of an overlap, the end of the time to undo.
//!
//! Attempts use the scheduled times and do not wait for this; here the changes reach the endpoint's row and its audit log.
//! Every node polls; the locked row decides which one acts.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use domain::{
    UnixMs,
    id::{AccountId, EndpointId},
    time::MINUTE_MS,
};

use crate::{
    delivery::{Sender, rotation},
    parking::Parking,
    store::{credentials::rotations, error::StoreResult},
};

use super::worker::{Pause, Worker};

/// Polls at least this often, for rotations scheduled on other nodes and clocks that jumped.
const POLL_MS: i64 = MINUTE_MS;
/// Shortest rest, so that what cannot be done does not keep a core busy.
const PAUSE_MS: i64 = 20;
/// Rotations of one round.
const ROUND_MAX: u32 = 200;

/// Applies scheduled rotations.
pub struct ScheduledRotation(pub(super) Arc<Sender>);

#[async_trait]
impl Worker for ScheduledRotation {
    fn name(&self) -> &'static str {
        "scheduled_rotation"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        let next = self.round().await?;
        let wait_ms = next.map_or(POLL_MS, |at| at.since_ms(self.0.now()).clamp(PAUSE_MS, POLL_MS));
        Ok(Pause::AtMost(wait_ms.unsigned_abs()))
    }

    async fn woken(&self) {
        self.0.context.rotation_changed.notified().await;
    }
}

impl ScheduledRotation {
    /// Applies everything that is due; returns when more is.
    ///
    /// # Errors
    /// When the database cannot be used; what was committed stays.
    pub async fn round(&self) -> StoreResult<Option<UnixMs>> {
        let db = &self.0.context.db;
        let parking = Parking::of(&self.0.context, self.name()).await?;
        let due = rotations::due(db, self.0.now(), ROUND_MAX).await?;
        let endpoints: HashSet<(String, String)> = due.into_iter().map(|(account, id, _)| (account, id)).collect();
        for (account, id) in endpoints {
            let (Ok(account), Ok(id)) = (AccountId::parse(&account), EndpointId::parse(&id)) else { continue };
            let applied = async {
                let mut tx = db.begin().await?;
                rotation::apply_due(&self.0, &mut tx, &account, &id).await?;
                tx.commit().await
            };
            parking.one(id.as_str(), Some(account.as_str()), applied).await?;
        }
        rotations::next_due(db).await
    }
}
