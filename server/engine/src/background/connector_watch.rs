//! Reports connectors that have lost their phone system: an audit record, and an alert by email. Deletes requests to HTTP
//! connectors after an hour, open calls after a week without a change, call record files that nobody imports, and in steps what is left of deleted connectors.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    audit::AuditAction,
    connector::{ConnectorState, DOWN_MS, OPEN_CALLS_KEPT_MS},
    id::{ConnectorId, encode},
    time::MINUTE_MS,
};

use crate::{
    delivery::Sender,
    parking::Parking,
    store::{
        alerts::{self, Alert},
        audit::{self, Entry},
        connectors::{self, gaps, imports, open_calls, requests, routes, state, unrouted},
        error::StoreResult,
    },
};

use super::worker::{Pause, Worker};

/// Time between two rounds.
const ROUND_MS: u64 = MINUTE_MS.unsigned_abs();
/// Rows read or deleted by one step.
const STEP_ROWS: u32 = 500;

/// Watches connectors.
pub struct ConnectorWatch(pub(super) Arc<Sender>);

#[async_trait]
impl Worker for ConnectorWatch {
    fn name(&self) -> &'static str {
        "connector_watch"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        self.report_down().await?;
        self.purge_requests().await?;
        self.purge_open_calls().await?;
        self.purge_imports().await?;
        self.clear_deleted().await?;
        Ok(Pause::Fixed(ROUND_MS))
    }

    fn first_after_ms(&self) -> u64 {
        ROUND_MS
    }

    fn retry_after_ms(&self) -> u64 {
        ROUND_MS
    }
}

impl ConnectorWatch {
    /// Reports each connector that is down, once. A round reports at most [`STEP_ROWS`].
    async fn report_down(&self) -> StoreResult<()> {
        let context = &self.0.context;
        let silent = state::silent_since(&context.db, self.0.now().plus_ms(-DOWN_MS), STEP_ROWS).await?;
        if silent.is_empty() {
            return Ok(());
        }
        let parking = Parking::of(context, self.name()).await?;
        for id in silent {
            if parking.one(id.as_str(), None, self.report(&id)).await? == Some(true) {
                self.0.alerts.notify_one();
            }
        }
        Ok(())
    }

    /// Decides again, with the row locked: the connector may have reported since, or another node may have been quicker.
    async fn report(&self, id: &ConnectorId) -> StoreResult<bool> {
        let (context, now) = (&self.0.context, self.0.now());
        let mut tx = context.db.begin().await?;
        let Some(stored) = connectors::locked(&mut tx, id).await? else { return Ok(false) };
        let connector = stored.connector;
        if connector.paused_at.is_some() || !connector.state.goes_down(connector.system, connector.way, now) {
            return Ok(false);
        }
        let down = ConnectorState { down_since: Some(now), connected_since: None, ..connector.state };
        state::save(&mut tx, id, &down).await?;
        let chain = connectors::key(&connector.owner);
        let entry = Entry::new(context.ids.next(), now, chain, AuditAction::ConnectorDown);
        audit::add(&mut tx, [entry.about(id.as_str(), &connector.name)]).await?;
        let (at, random) = context.ids.next();
        let alert = Alert {
            id: encode(at, random),
            account_id: chain.to_owned(),
            object_id: id.to_string(),
            action: AuditAction::ConnectorDown.as_str().to_owned(),
        };
        alerts::add(&mut tx, &[alert]).await?;
        tx.commit().await?;
        tracing::info!(connector = %id, "a connector has lost its phone system");
        Ok(true)
    }

    async fn purge_requests(&self) -> StoreResult<()> {
        loop {
            let mut tx = self.0.context.db.begin().await?;
            let purged = requests::purge(&mut tx, self.0.now(), STEP_ROWS).await?;
            tx.commit().await?;
            if purged < u64::from(STEP_ROWS) {
                return Ok(());
            }
        }
    }

    /// Nothing was heard of these calls for long: their numbers are not kept any longer.
    async fn purge_open_calls(&self) -> StoreResult<()> {
        let mut tx = self.0.context.db.begin().await?;
        open_calls::purge(&mut tx, self.0.now().plus_ms(-OPEN_CALLS_KEPT_MS), STEP_ROWS).await?;
        tx.commit().await
    }

    /// Files that nobody imported, and imports that nobody looks at any more.
    async fn purge_imports(&self) -> StoreResult<()> {
        let (db, now) = (&self.0.context.db, self.0.now());
        for id in imports::expired(db, now, STEP_ROWS).await? {
            let mut tx = db.begin().await?;
            imports::remove_expired(&mut tx, &id, now).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn clear_deleted(&self) -> StoreResult<()> {
        let db = &self.0.context.db;
        for id in state::deleted(db, STEP_ROWS).await? {
            loop {
                let mut tx = db.begin().await?;
                let removed = routes::clear(&mut tx, &id, STEP_ROWS).await?;
                tx.commit().await?;
                if removed < u64::from(STEP_ROWS) {
                    break;
                }
            }
            for import in imports::of_connector(db, &id, STEP_ROWS).await? {
                let mut tx = db.begin().await?;
                imports::remove(&mut tx, &import).await?;
                tx.commit().await?;
            }
            let mut tx = db.begin().await?;
            gaps::clear(&mut tx, &id).await?;
            tx.commit().await?;
            let mut tx = db.begin().await?;
            unrouted::clear(&mut tx, &id).await?;
            state::remove(&mut tx, &id).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
