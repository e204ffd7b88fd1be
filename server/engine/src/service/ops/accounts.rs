//! Health of the installation, and the operators' view of accounts.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Error,
    account::{Account, Limit, Limits, Role},
    actor::{Actor, Permission},
    audit::{AuditAction, Change},
    error::Result,
    id::AccountId,
    member::{Invitation, Team, TeamRole},
    ops::{
        OpsAccounts,
        accounts::{AccountDetail, AccountFilter, AccountNameForm, AccountsPage, NewAccount, checked_reason},
        health::{FAILING_ENDPOINTS_MAX, Health},
        parked::LISTED_MAX,
    },
    query::{check_search, page_size},
    tally::hour_of,
    time::DAY_MS,
};

use crate::{
    Engine,
    delivery::intake::INTAKE_WAITING_MAX,
    service::accounts::taken_reference,
    store::{
        accounts,
        db::Dialect,
        ops::{overview, parked},
    },
};

#[async_trait]
impl OpsAccounts for Engine {
    async fn health(&self, actor: &Actor) -> Result<Health> {
        actor.require(Permission::Ops)?;
        let (now, waiting) = (self.now(), self.backlog().await?);
        let (in_memory, in_flight) = self.queued();
        let counters = &self.context().counters;
        let several_nodes = self.db().dialect == Dialect::Postgres;
        Ok(Health {
            at: now,
            not_ready: self.ready().await.err(),
            accounts: overview::count(self.db()).await?,
            waiting: waiting.active,
            held: waiting.held,
            oldest_due: waiting.oldest_due_ms.map(domain::UnixMs),
            in_memory,
            in_flight,
            awaiting_commit: self.intake().waiting() as u64,
            awaiting_commit_max: INTAKE_WAITING_MAX as u64,
            ingest: counters.intake.totals(),
            record: counters.record.totals(),
            nodes: overview::nodes(self.db(), &self.context().node).await?,
            several_nodes,
            database: if several_nodes { "PostgreSQL" } else { "SQLite" }.to_owned(),
            database_bytes: overview::size(self.db()).await?,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            tasks: self.tasks(),
            parked: parked::list(self.db(), LISTED_MAX).await?,
            troubled: overview::most_failing(self.db(), self.day_ago(), FAILING_ENDPOINTS_MAX).await?,
        })
    }

    async fn retry_parked(&self, actor: &Actor, worker: &str, item: &str) -> Result<()> {
        actor.require(Permission::Ops)?;
        self.try_again(actor, worker, item).await
    }

    async fn accounts(&self, actor: &Actor, filter: &AccountFilter) -> Result<AccountsPage> {
        actor.require(Permission::Ops)?;
        check_search(filter.text.as_deref().unwrap_or_default())?;
        let mut rows = overview::accounts(self.db(), filter, self.day_ago()).await?;
        let size = page_size(filter.limit) as usize;
        let more = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| more).map(|row| row.account.id.to_string());
        Ok(AccountsPage { rows, next })
    }

    async fn account_detail(&self, actor: &Actor, id: &AccountId) -> Result<AccountDetail> {
        actor.require(Permission::Ops)?;
        let row = overview::account(self.db(), id, self.day_ago()).await?;
        let row = row.ok_or_else(|| Error::NotFound("Account".into()))?;
        let retention_max_days = self.context().policies.now().retention_max_days;
        Ok(AccountDetail { usage: self.usage_of(&row.account).await?, row, retention_max_days })
    }

    async fn create_customer_account(&self, actor: &Actor, form: &NewAccount) -> Result<(Account, Option<Invitation>)> {
        actor.require(Permission::Ops)?;
        let (naming, country, admin) = form.check()?;
        let (mut tx, account) = self.new_account(actor, naming, country).await.map_err(about_reference)?;
        self.record_opened(&mut tx, actor, &account).await?;
        let Some(email) = admin else {
            tx.commit().await?;
            return Ok((account, None));
        };
        let team = Team::Account(account.clone());
        let invitation = self.send_invitation(tx, &team, actor, email, TeamRole::Account(Role::Admin)).await?;
        Ok((account, Some(invitation)))
    }

    async fn rename_account(&self, actor: &Actor, id: &AccountId, form: &AccountNameForm) -> Result<Account> {
        let (name, reference) = form.check()?;
        let before = self.account_for_ops(actor, id).await?;
        let after = Account { name, reference, ..before.clone() };
        let text = |reference: &Option<String>| reference.clone().unwrap_or_default();
        let changes = [
            Change::between("name", &*before.name, &*after.name),
            Change::between("reference", text(&before.reference), text(&after.reference)),
        ];
        let changes: Vec<_> = changes.into_iter().flatten().collect();
        if changes.is_empty() {
            return Ok(before);
        }
        let mut tx = self.db().begin().await?;
        accounts::lock(&mut tx, id).await?;
        let renamed = accounts::rename(&mut tx, id, &after.name, after.reference.as_deref()).await;
        renamed.map_err(|error| about_reference(taken_reference(error, after.reference.clone())))?;
        self.record_both(&mut tx, actor, &after, AuditAction::AccountRenamed, changes).await?;
        let auth_cache = Arc::clone(self.auth_cache());
        let forgotten = async move {
            before.reference.into_iter().for_each(|reference| auth_cache.accounts.remove(&reference));
        };
        tx.commit_then(forgotten).await?;
        Ok(after)
    }

    async fn suspend_account(&self, actor: &Actor, id: &AccountId, reason: &str) -> Result<Account> {
        actor.require(Permission::Ops)?;
        let reason = checked_reason(reason)?;
        self.suspend(actor, id, Some(reason)).await
    }

    async fn restore_account(&self, actor: &Actor, id: &AccountId) -> Result<Account> {
        self.suspend(actor, id, None).await
    }

    async fn limit_account(&self, actor: &Actor, id: &AccountId, limits: Limits) -> Result<Account> {
        let before = self.account_for_ops(actor, id).await?;
        let limits = limits.check(self.context().policies.now().retention_max_days)?;
        let changes = limits_changed(before.limits, limits);
        if changes.is_empty() {
            return Ok(before);
        }
        let after = Account { limits, ..before };
        let mut tx = self.db().begin().await?;
        accounts::lock(&mut tx, id).await?;
        accounts::limit(&mut tx, id, limits).await?;
        self.record_both(&mut tx, actor, &after, AuditAction::AccountLimited, changes).await?;
        let auth_cache = Arc::clone(self.auth_cache());
        tx.commit_then(async move { auth_cache.actors.clear() }).await?;
        Ok(after)
    }
}

/// In forms, a taken reference is an error of its field.
fn about_reference(error: Error) -> Error {
    match error {
        Error::Conflict { detail, existing: Some(_) } => Error::invalid("reference", detail),
        other => other,
    }
}

fn limits_changed(before: Limits, after: Limits) -> Vec<Change> {
    let text = |limit: Option<u32>| limit.map_or_else(|| "default".to_owned(), |limit| limit.to_string());
    let change = |limit: Limit| {
        let what = format!("limit: {}", limit.label().to_lowercase());
        Change::between(&what, text(before.changed(limit)), text(after.changed(limit)))
    };
    Limit::ALL.into_iter().filter_map(change).collect()
}

impl Engine {
    fn day_ago(&self) -> domain::UnixMs {
        hour_of(self.now().plus_ms(-DAY_MS))
    }

    /// An account that an operator may change.
    pub(super) async fn account_for_ops(&self, actor: &Actor, id: &AccountId) -> Result<Account> {
        actor.require(Permission::Ops)?;
        let account = accounts::account(self.db(), id.as_str()).await?;
        account.ok_or_else(|| Error::NotFound("Account".into()))
    }
}
