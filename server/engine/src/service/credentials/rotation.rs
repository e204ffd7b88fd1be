//! Rotation of one endpoint's credentials. [`domain::rotation`] has the rules.
//!
//! Locks are always acquired in the same order: rotation, endpoint, audit log.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    Error, UnixMs,
    actor::{Actor, Permission},
    audit::{AuditAction, Change},
    error::Result,
    event::EventKind,
    id::{AccountId, DeliveryId, EndpointId},
    payload::Payload,
    rotation::{
        AllowUnverified, Credential, RotationView, Rotations, SecretRotation, TokenPhase, TokenRotation, none_runs,
        one_runs,
    },
    secret::{check_auth_token, masked},
    time::{SECOND_MS, iso_utc, span},
};

use crate::{
    Engine, credentials,
    delivery::rotation as due_rotation,
    service::endpoints::refuse_deleted,
    store::{
        credentials::rotations::{self, Rotates, Running},
        db::Tx,
        endpoints::StoredEndpoint,
    },
};

#[async_trait]
impl Rotations for Engine {
    async fn rotation(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView> {
        // Actors who may rotate credentials may see their rotation.
        let rotates = actor.may(Permission::RotateCredentials);
        let permission = if rotates { Permission::RotateCredentials } else { Permission::ReadEndpoints };
        self.view(actor.account_if(permission)?, id).await
    }

    async fn prepare_token(&self, actor: &Actor, id: &EndpointId, chosen: Option<String>) -> Result<String> {
        let account = actor.account_if(Permission::RotateCredentials)?;
        if let Some(chosen) = &chosen {
            check_auth_token(chosen)?;
        }
        let stored = self.settled(account, id).await?;
        if stored.token_rotation.is_some() {
            return Err(one_runs(Credential::AuthToken));
        }
        let next = chosen.unwrap_or_else(credentials::random_token);
        if next == credentials::open_or_internal(self.vault(), &stored)?.auth_token {
            return Err(Error::invalid("auth_token", "This auth token is already in use. Choose another one."));
        }
        let rotation = TokenRotation::prepared(self.now(), stored.sealed.auth_token_masked.clone(), masked(&next));
        let running = Running {
            rotation,
            earlier_sealed: stored.sealed.auth_token.clone(),
            next_sealed: credentials::seal_one(self.vault(), account, id, Credential::AuthToken, &next),
        };
        let mut tx = self.db().begin().await?;
        self.begin_rotation(&mut tx, &stored, &running).await?;
        let noted = [Change::noted("next", &*running.rotation.next_masked)];
        self.record_step(&mut tx, actor, &stored, AuditAction::TokenPrepared, noted).await?;
        tx.commit_then(self.rotation_changed(account, id)).await??;
        Ok(next)
    }

    async fn test_credential(&self, actor: &Actor, id: &EndpointId, what: Credential) -> Result<DeliveryId> {
        let account = actor.account_if(Permission::RotateCredentials)?;
        let stored = self.settled(account, id).await?;
        match what {
            Credential::AuthToken => running(&stored.token_rotation, what)?.rotation.require_prepared()?,
            Credential::SigningSecret => drop(running(&stored.secret_rotation, what)?),
        }
        let payload = Payload::parse(&self.example(EventKind::CallProcessed))?;
        let test = self.post_test(account, &stored.endpoint, payload, Some(what)).await?;
        let mut tx = self.db().begin().await?;
        let action = match what {
            Credential::AuthToken => {
                self.change(&mut tx, &stored, |rotation: TokenRotation| {
                    Ok(TokenRotation { test: Some(test.clone()), ..rotation })
                })
                .await?;
                AuditAction::TokenTested
            }
            Credential::SigningSecret => {
                self.change(&mut tx, &stored, |rotation: SecretRotation| {
                    Ok(SecretRotation { test: Some(test.clone()), ..rotation })
                })
                .await?;
                AuditAction::SecretTested
            }
        };
        self.record_step(&mut tx, actor, &stored, action, [Change::noted("delivery", test.as_str())]).await?;
        tx.commit().await?;
        Ok(test)
    }

    async fn switch_token(
        &self,
        actor: &Actor,
        id: &EndpointId,
        at: Option<UnixMs>,
        unverified: AllowUnverified,
    ) -> Result<RotationView> {
        let account = actor.account_if(Permission::RotateCredentials)?;
        let (stored, mut tx) = self.open_rotation(account, id).await?;
        let now = self.now();
        let running =
            self.change(&mut tx, &stored, |rotation: TokenRotation| rotation.switch(at, unverified, now)).await?;
        let rotation = &running.rotation;
        let proved = Change::noted("proved by a test", if rotation.proved_at.is_some() { "yes" } else { "no" });
        if let TokenPhase::Prepared { switch_at: Some(at) } = rotation.phase {
            let noted = [Change::noted("switch at", iso_utc(at)), proved];
            self.record_step(&mut tx, actor, &stored, AuditAction::TokenScheduled, noted).await?;
        } else {
            self.set_token(&mut tx, &stored, &running.next_sealed, &rotation.next_masked).await?;
            let change = Change::between("auth token", &*rotation.earlier_masked, &*rotation.next_masked);
            let noted = change.into_iter().chain([proved]);
            self.record_step(&mut tx, actor, &stored, AuditAction::TokenSwitched, noted).await?;
        }
        tx.commit_then(self.rotation_changed(account, id)).await??;
        self.view(account, id).await
    }

    async fn undo_token(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView> {
        let account = actor.account_if(Permission::RotateCredentials)?;
        let (stored, mut tx) = self.open_rotation(account, id).await?;
        let running = self.change(&mut tx, &stored, TokenRotation::undo).await?;
        let rotation = &running.rotation;
        self.set_token(&mut tx, &stored, &running.earlier_sealed, &rotation.earlier_masked).await?;
        let change = Change::between("auth token", &*rotation.next_masked, &*rotation.earlier_masked);
        self.record_step(&mut tx, actor, &stored, AuditAction::TokenUndone, change).await?;
        tx.commit_then(self.rotation_changed(account, id)).await??;
        self.view(account, id).await
    }

    async fn retire_token(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView> {
        self.end(actor, id, AuditAction::TokenRetired, TokenRotation::require_switched).await
    }

    async fn cancel_token_rotation(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView> {
        self.end(actor, id, AuditAction::TokenDropped, TokenRotation::require_prepared).await
    }

    async fn rotate_secret(&self, actor: &Actor, id: &EndpointId, overlap_s: u32) -> Result<String> {
        let account = actor.account_if(Permission::RotateCredentials)?;
        let stored = self.settled(account, id).await?;
        if stored.secret_rotation.is_some() {
            return Err(one_runs(Credential::SigningSecret));
        }
        let next = credentials::random_secret();
        let (earlier, now) = (stored.sealed.secret_masked.clone(), self.now());
        let running = Running {
            rotation: SecretRotation::begin(now, overlap_s, earlier, next.masked())?,
            earlier_sealed: stored.sealed.secret.clone(),
            next_sealed: credentials::seal_one(self.vault(), account, id, Credential::SigningSecret, next.reveal()),
        };
        let mut tx = self.db().begin().await?;
        self.begin_rotation(&mut tx, &stored, &running).await?;
        let rotation = &running.rotation;
        let (sealed, shown) = (&running.next_sealed, &rotation.next_masked);
        rotations::set_credential(&mut tx, account, id, Credential::SigningSecret, sealed, shown).await?;
        if overlap_s == 0 {
            rotations::end(&mut tx, account, id, Credential::SigningSecret).await?;
        }
        let change = Change::between("signing secret", &*rotation.earlier_masked, &**shown);
        let noted = change.into_iter().chain([Change::noted("overlap", span(i64::from(overlap_s) * SECOND_MS))]);
        self.record_step(&mut tx, actor, &stored, AuditAction::SecretRotated, noted).await?;
        tx.commit_then(self.rotation_changed(account, id)).await??;
        Ok(next.reveal().to_owned())
    }

    async fn extend_secret(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView> {
        let account = actor.account_if(Permission::RotateCredentials)?;
        let (stored, mut tx) = self.open_rotation(account, id).await?;
        let now = self.now();
        let running = self.change(&mut tx, &stored, |rotation: SecretRotation| rotation.extend(now)).await?;
        let until = Change::noted("both sign until", iso_utc(running.rotation.overlap_until));
        self.record_step(&mut tx, actor, &stored, AuditAction::SecretExtended, [until]).await?;
        tx.commit_then(self.rotation_changed(account, id)).await??;
        self.view(account, id).await
    }

    async fn retire_secret(&self, actor: &Actor, id: &EndpointId, unverified: AllowUnverified) -> Result<RotationView> {
        self.end(actor, id, AuditAction::SecretRetired, |rotation: &SecretRotation| rotation.require_proved(unverified))
            .await
    }
}

impl Engine {
    /// The endpoint, after applying all due steps of its rotations.
    async fn settled(&self, account: &AccountId, id: &EndpointId) -> Result<StoredEndpoint> {
        refuse_deleted(&self.stored(account, id).await?.endpoint)?;
        let mut tx = self.db().begin().await?;
        due_rotation::apply_due(self.sender(), &mut tx, account, id).await?;
        tx.commit().await?;
        self.stored(account, id).await
    }

    /// [`Self::settled`], and a new transaction.
    async fn open_rotation(&self, account: &AccountId, id: &EndpointId) -> Result<(StoredEndpoint, Tx)> {
        let stored = self.settled(account, id).await?;
        Ok((stored, self.db().begin().await?))
    }

    /// Starts a rotation, if the endpoint's credential is still the one that was read.
    async fn begin_rotation<T: Rotates>(&self, tx: &mut Tx, stored: &StoredEndpoint, of: &Running<T>) -> Result<()> {
        let (account, id) = (&stored.account, &stored.endpoint.id);
        let started = rotations::add(tx, account, id, of).await?;
        let has = rotations::credential(tx, account, id, T::WHAT).await?;
        let same = has.is_some_and(|has| {
            // A value sealed again with another key is still the same credential.
            has == of.earlier_sealed || {
                let open = |sealed: &str| credentials::open_one(self.vault(), account, id, T::WHAT, sealed).ok();
                open(&has).is_some_and(|now| Some(now) == open(&of.earlier_sealed))
            }
        });
        if started && same { Ok(()) } else { Err(one_runs(T::WHAT)) }
    }

    /// Applies a rule to the running rotation.
    async fn change<T: Rotates>(
        &self,
        tx: &mut Tx,
        stored: &StoredEndpoint,
        rule: impl FnOnce(T) -> Result<T> + Send,
    ) -> Result<Running<T>> {
        let (account, id) = (&stored.account, &stored.endpoint.id);
        let running = rotations::lock::<T>(tx, account, id).await?.ok_or_else(|| none_runs(T::WHAT))?;
        let running = Running { rotation: rule(running.rotation)?, ..running };
        rotations::change(tx, account, id, &running).await?;
        Ok(running)
    }

    /// Ends a rotation, if the rule allows it.
    async fn end<T: Rotates>(
        &self,
        actor: &Actor,
        id: &EndpointId,
        action: AuditAction,
        rule: impl FnOnce(&T) -> Result<()> + Send,
    ) -> Result<RotationView> {
        let account = actor.account_if(Permission::RotateCredentials)?;
        let (stored, mut tx) = self.open_rotation(account, id).await?;
        let running = rotations::lock::<T>(&mut tx, account, id).await?.ok_or_else(|| none_runs(T::WHAT))?;
        rule(&running.rotation)?;
        rotations::end(&mut tx, account, id, T::WHAT).await?;
        self.record_step(&mut tx, actor, &stored, action, None).await?;
        tx.commit_then(self.rotation_changed(account, id)).await??;
        self.view(account, id).await
    }

    async fn set_token(&self, tx: &mut Tx, stored: &StoredEndpoint, sealed: &str, shown: &str) -> Result<()> {
        let (account, id) = (&stored.account, &stored.endpoint.id);
        if rotations::set_credential(tx, account, id, Credential::AuthToken, sealed, shown).await? {
            return Ok(());
        }
        Err(Error::Conflict { detail: "This endpoint was deleted.".into(), existing: None })
    }

    async fn record_step(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        stored: &StoredEndpoint,
        action: AuditAction,
        changes: impl IntoIterator<Item = Change> + Send,
    ) -> Result<()> {
        let entry =
            self.entry(actor, &stored.account, action).about(stored.endpoint.id.as_str(), &stored.endpoint.name);
        self.record(tx, entry.with(changes)).await
    }

    /// After the commit: invalidates cached credentials, and reschedules the rotation worker.
    fn rotation_changed(
        &self,
        account: &AccountId,
        id: &EndpointId,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        let (context, changed) = (Arc::clone(self.context()), self.endpoint_changed(account, id));
        async move {
            context.rotation_changed.notify_one();
            changed.await
        }
    }

    async fn view(&self, account: &AccountId, id: &EndpointId) -> Result<RotationView> {
        Ok(self.view_of(self.stored(account, id).await?))
    }

    /// The current state of an endpoint's credentials.
    pub(super) fn view_of(&self, stored: StoredEndpoint) -> RotationView {
        let now = self.now();
        RotationView {
            auth_token_masked: credentials::token_masked(&stored, now),
            signing_secret_masked: stored.sealed.secret_masked,
            token: stored.token_rotation.and_then(|running| running.rotation.at(now)),
            secret: stored.secret_rotation.and_then(|running| running.rotation.at(now)),
            endpoint: stored.endpoint,
        }
    }
}

fn running<T>(rotation: &Option<Running<T>>, what: Credential) -> Result<&Running<T>> {
    rotation.as_ref().ok_or_else(|| none_runs(what))
}
