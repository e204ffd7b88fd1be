//! Records the end of support sessions whose time is over. Every support view checks the time itself, so none outlasts it.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    UnixMs,
    audit::{AuditAction, Change},
    time::MINUTE_MS,
};

use crate::{
    context::Context,
    parking::Parking,
    store::{
        audit::{self, Entry},
        error::StoreResult,
        ops::support::{self, ExpiredSession},
    },
};

use super::worker::{Pause, Worker};

/// Time between two rounds.
const ROUND_MS: u64 = MINUTE_MS.unsigned_abs();
/// Sessions read by one step.
const STEP_ROWS: u32 = 100;

/// Ends support sessions whose time is over.
pub struct SupportSessions(pub(super) Arc<Context>);

#[async_trait]
impl Worker for SupportSessions {
    fn name(&self) -> &'static str {
        "support_sessions"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        self.end_expired().await?;
        Ok(Pause::Fixed(ROUND_MS))
    }

    fn first_after_ms(&self) -> u64 {
        ROUND_MS
    }

    fn retry_after_ms(&self) -> u64 {
        ROUND_MS
    }
}

impl SupportSessions {
    /// Ends each session whose time is over, at the time when it was, and records it.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub(crate) async fn end_expired(&self) -> StoreResult<()> {
        loop {
            let expired = support::expired(&self.0.db, self.0.now(), STEP_ROWS).await?;
            if expired.is_empty() {
                return Ok(());
            }
            let parking = Parking::of(&self.0, self.name()).await?;
            for session in expired {
                parking.one(&session.id, Some(&session.account_id), self.end(&session)).await?;
            }
        }
    }

    async fn end(&self, session: &ExpiredSession) -> StoreResult<()> {
        let mut tx = self.0.db.begin().await?;
        let ExpiredSession { id, account_id, .. } = session;
        if support::end(&mut tx, account_id, id, UnixMs(session.ends_ms)).await? {
            let entry = Entry::new(self.0.ids.next(), self.0.now(), account_id, AuditAction::SupportEnded);
            let changes = [
                Change::noted("ticket", &session.ticket),
                Change::noted("ended", "expired"),
                Change::noted("agent", &session.agent),
            ];
            audit::add(&mut tx, [entry.about(id, "").with(changes)]).await?;
        }
        tx.commit().await
    }
}
