//! Records the end of support sessions whose time is over. Every support view checks the time itself, so none outlasts it.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    UnixMs,
    audit::{AuditAction, Change},
    support::SupportSession,
    time::MINUTE_MS,
};

use crate::{
    context::Context,
    parking::Parking,
    store::{
        audit::{self, Entry},
        error::StoreResult,
        ops::support::{self, Which},
    },
};

use super::worker::{Pause, Worker};

/// Time between two rounds.
const ROUND_MS: u64 = MINUTE_MS.unsigned_abs();

/// Ends support sessions whose time is over.
pub(crate) struct SupportSessions(pub(super) Arc<Context>);

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
        let (db, now) = (&self.0.db, self.0.now());
        let expired = support::sessions(db, Which::Expired(now)).await?;
        if expired.is_empty() {
            return Ok(());
        }
        let parking = Parking::of(&self.0, self.name()).await?;
        for session in expired {
            parking.one(session.id.as_str(), Some(session.account.as_str()), self.end(&session, now)).await?;
        }
        Ok(())
    }

    async fn end(&self, session: &SupportSession, now: UnixMs) -> StoreResult<()> {
        let mut tx = self.0.db.begin().await?;
        if support::end(&mut tx, &session.account, &session.id, session.ends_at).await? {
            let entry = Entry::new(self.0.ids.next(), now, session.account.as_str(), AuditAction::SupportEnded);
            let changes = [
                Change::noted("ticket", &session.ticket),
                Change::noted("ended", "expired"),
                Change::noted("agent", &session.agent),
            ];
            audit::add(&mut tx, [entry.about(session.id.as_str(), "").with(changes)]).await?;
        }
        tx.commit().await
    }
}
