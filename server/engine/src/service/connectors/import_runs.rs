//! What the server needs that runs imports: one run at a time has an import, under a lease. If its node is lost, another run
//! continues where the last one had saved; and if it gets nowhere, as often as [`TRIES_MAX`](domain::connector::imports::TRIES_MAX).

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use domain::{
    Error,
    actor::Actor,
    connector::{
        OpenConnector,
        imports::{BAD_ROWS_KEPT, BadRecord, ImportProgress, ImportState, RecordImport},
    },
    error::Result,
    id::{AccountId, ConnectorId, ImportId},
    time::{MINUTE_MS, SECOND_MS, UnixMs},
};

use super::{super::events::refuse_full, doors::opened, imports::rows_context, not_found};
use crate::{
    Engine,
    store::{
        connectors::{
            self, imports,
            imports::{Lease, Step},
            state,
        },
        db::Dialect,
        events,
    },
};

/// How long a run may be silent before another one takes over, in milliseconds.
const LEASE_MS: i64 = 15 * SECOND_MS;
/// How long a run may save nothing before another one takes over, in milliseconds. It skips what others have done within that.
const STUCK_MS: i64 = 5 * MINUTE_MS;
/// How often a run has to renew its lease, in milliseconds.
pub const RENEW_EVERY_MS: u64 = 5_000;

/// An import, leased to a run.
#[derive(Debug, Clone)]
pub struct ImportRun {
    /// The import, as far as it had come.
    pub import: RecordImport,
    run: String,
    /// When it was leased, or saved something last.
    saved_at: Arc<AtomicI64>,
}

/// Why a run has no rows done.
#[derive(Debug, Clone, Copy)]
pub enum Wait<'a> {
    /// It waits, for this reason, or only for its turn.
    Run(Option<&'a str>),
    /// It ends, until the owner of the import has done something about this.
    Owner(&'a str),
}

impl ImportRun {
    fn is_stuck(&self, now: UnixMs) -> bool {
        now.since_ms(UnixMs(self.saved_at.load(Ordering::Relaxed))) > STUCK_MS
    }

    fn lease(&self) -> Lease<'_> {
        Lease { id: &self.import.id, run: &self.run }
    }
}

impl Engine {
    /// Lets imports continue at once that this node had before it was restarted, and frees the places of files that were
    /// arriving. With PostgreSQL, they may be another node's.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn release_imports(&self) -> Result<()> {
        if self.db().dialect == Dialect::Postgres {
            return Ok(());
        }
        let mut tx = self.db().begin().await?;
        imports::release_all(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Leases an import that no run has. One that can't succeed any more ends instead.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn claim_import(&self) -> Result<Option<ImportRun>> {
        while let Some(run) = self.leased_import().await? {
            let Some(why) = self.why_given_up(&run.import).await else { return Ok(Some(run)) };
            tracing::warn!(import = %run.import.id, "an import is given up: {why}");
            self.end_import(&run, ImportState::Failed, Some(&why)).await?;
        }
        Ok(None)
    }

    /// Why an import is not tried again. What was in its way long ago, and is not any more, is no reason.
    async fn why_given_up(&self, import: &RecordImport) -> Option<String> {
        if let Some(why) = import.hopeless() {
            return Some(why);
        }
        if !import.has_waited_too_long(self.now()) {
            return None;
        }
        match self.importing_connector(&import.connector).await {
            Err(why @ (Error::Conflict { .. } | Error::Suspended(_) | Error::LimitReached { .. })) => {
                Some(RecordImport::waited(&why.to_string()))
            }
            _ => None,
        }
    }

    async fn leased_import(&self) -> Result<Option<ImportRun>> {
        let now = self.now();
        let Some(import) = imports::due(self.db(), now).await? else { return Ok(None) };
        let (at, random) = self.next_id();
        let run = ImportRun { import, run: domain::id::encode(at, random), saved_at: Arc::new(AtomicI64::new(now.0)) };
        let mut tx = self.db().begin().await?;
        let leased = imports::lease(&mut tx, run.lease(), now.plus_ms(LEASE_MS), now).await?;
        tx.commit().await?;
        Ok(leased.then_some(run))
    }

    /// Returns when an import may have been started on this node.
    pub async fn import_started(&self) {
        self.context().import_started.notified().await;
    }

    /// Keeps an import. False once it is cancelled or another run has it, or may have it, since this one is stuck.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn renew_import(&self, run: &ImportRun) -> Result<bool> {
        if run.is_stuck(self.now()) {
            tracing::warn!(import = %run.import.id, "an import does not get further; another run tries it");
            return Ok(false);
        }
        let mut tx = self.db().begin().await?;
        let renewed = imports::renew(&mut tx, run.lease(), self.now().plus_ms(LEASE_MS)).await?;
        tx.commit().await?;
        Ok(renewed)
    }

    /// The connector of an import, with whoever posts its events.
    ///
    /// # Errors
    /// `NotFound` once it is deleted, `Conflict` while it is paused, `Suspended` while its account is, `LimitReached` while that
    /// stores too much.
    pub async fn importing_connector(&self, id: &ConnectorId) -> Result<OpenConnector> {
        let connector = connectors::by_id(self.db(), id).await?.ok_or_else(not_found)?.connector;
        if connector.paused_at.is_some() {
            return Err(Error::Conflict { detail: "The connector is paused.".into(), existing: None });
        }
        refuse_full(self.context(), connector.owner.account())?;
        let events_per_s = self.refuse_suspended(connector.owner.account()).await?;
        let open = opened(connector);
        Ok(OpenConnector { actor: Actor { events_per_s, ..open.actor }, ..open })
    }

    /// Which events of these IDs an account has accepted already, whatever is in them.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn accepted_before(&self, account: &AccountId, ids: Vec<String>) -> Result<HashSet<String>> {
        let pairs: Vec<_> = ids.into_iter().map(|id| (account.to_string(), id)).collect();
        let mut tx = self.db().begin_read().await?;
        let seen = events::seen(&mut tx, &pairs).await?;
        Ok(seen.into_iter().map(|seen| seen.id).collect())
    }

    /// A piece of the file; none after the last one.
    ///
    /// # Errors
    /// `Internal` if it can't be decrypted, `Unavailable`.
    pub async fn import_piece(&self, id: &ImportId, number: u32) -> Result<Option<Vec<u8>>> {
        self.opened_piece(id, number).await
    }

    /// Saves how far a run is, with the rows that were not imported since the last time. False as [`Self::renew_import`].
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn save_import(
        &self,
        run: &ImportRun,
        (progress, bad): (&ImportProgress, &[BadRecord]),
        wait: Option<Wait<'_>>,
    ) -> Result<bool> {
        let stored = connectors::by_id(self.db(), &run.import.connector).await?;
        let now = self.now();
        let (step, problem) = match wait {
            None => (Step::Progress, None),
            Some(Wait::Run(why)) => (Step::Waiting, why),
            Some(Wait::Owner(why)) => (Step::Blocked, Some(why)),
        };
        let mut tx = self.db().begin().await?;
        if !imports::save(&mut tx, run.lease(), (progress, step), (problem, now)).await? {
            return Ok(false);
        }
        run.saved_at.store(now.0, Ordering::Relaxed);
        let before = (progress.not_understood + progress.rejected).saturating_sub(bad.len() as u64);
        let room = usize::try_from(BAD_ROWS_KEPT.saturating_sub(before)).unwrap_or_default();
        let kept = bad.get(..room.min(bad.len())).unwrap_or_default();
        if !kept.is_empty() {
            let json = serde_json::to_string(kept).map_err(|_| Error::Internal)?;
            let sealed = self.vault().seal(&json, &rows_context(&run.import.id, progress.items));
            imports::add_rows(&mut tx, &run.import.id, progress.items, &sealed).await?;
        }
        match stored {
            Some(stored) => tx.commit_then(self.connector_changed(&stored.connector.owner)).await?,
            None => tx.commit().await?,
        }
        Ok(true)
    }

    /// Ends an import, and deletes its file. False as [`Self::renew_import`].
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn end_import(&self, run: &ImportRun, state: ImportState, problem: Option<&str>) -> Result<bool> {
        let connector = &run.import.connector;
        let stored = connectors::by_id(self.db(), connector).await?;
        let mut tx = self.db().begin().await?;
        if !imports::renew(&mut tx, run.lease(), self.now()).await? {
            return Ok(false);
        }
        imports::end(&mut tx, &run.import.id, state, problem, self.now()).await?;
        if state == ImportState::Done {
            state::set_last_event(&mut tx, connector, self.now()).await?;
        }
        match stored {
            Some(stored) => tx.commit_then(self.connector_changed(&stored.connector.owner)).await?,
            None => tx.commit().await?,
        }
        Ok(true)
    }
}
