//! The steps of a rotation at one endpoint. [`domain::rotation`] has the rules.
//!
//! Locks are always acquired in the same order: rotation, endpoint, audit log.

use std::sync::Arc;

use domain::{
    Error, UnixMs,
    actor::Actor,
    audit::{AuditAction, Change},
    error::Result,
    event::EventKind,
    id::{AccountId, EndpointId},
    payload::Payload,
    rotation::{
        AllowUnverified, Credential, RotationStep, RotationView, SecretRotation, StepOutcome, TokenPhase,
        TokenRotation, none_runs, one_runs,
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

/// What a step has done, in a transaction that is still open.
struct Taken {
    tx: Tx,
    action: AuditAction,
    changes: Vec<Change>,
    outcome: StepOutcome,
}

impl Taken {
    fn new(tx: Tx, action: AuditAction, changes: impl IntoIterator<Item = Change>) -> Self {
        Self { tx, action, changes: changes.into_iter().collect(), outcome: StepOutcome::Done }
    }
}

impl Engine {
    /// Takes a step at an endpoint, for an actor who may.
    pub(super) async fn take_step(
        &self,
        actor: &Actor,
        account: &AccountId,
        id: &EndpointId,
        step: &RotationStep,
    ) -> Result<StepOutcome> {
        if let RotationStep::PrepareToken(Some(chosen)) = step {
            check_auth_token(chosen)?;
        }
        let stored = &self.settled(account, id).await?;
        let Taken { mut tx, action, changes, outcome } = match step {
            RotationStep::PrepareToken(chosen) => self.prepare_token(stored, chosen.clone()).await?,
            RotationStep::Test(what) => self.test_credential(stored, *what).await?,
            RotationStep::SwitchToken(at, unverified) => self.switch_token(stored, *at, *unverified).await?,
            RotationStep::UndoToken => self.undo_token(stored).await?,
            RotationStep::RetireToken => {
                self.end(stored, AuditAction::TokenRetired, TokenRotation::require_switched).await?
            }
            RotationStep::CancelToken => {
                self.end(stored, AuditAction::TokenDropped, TokenRotation::require_prepared).await?
            }
            RotationStep::RotateSecret(overlap_s) => self.rotate_secret(stored, *overlap_s).await?,
            RotationStep::ExtendSecret => self.extend_secret(stored).await?,
            RotationStep::RetireSecret(unverified) => {
                let rule = |rotation: &SecretRotation| rotation.require_proved(*unverified);
                self.end(stored, AuditAction::SecretRetired, rule).await?
            }
        };
        let entry = self.entry(actor, account, action).about(id.as_str(), &stored.endpoint.name);
        self.record(&mut tx, entry.with(changes)).await?;
        tx.commit_then(self.rotation_changed(account, id)).await??;
        Ok(outcome)
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

    /// The endpoint, after applying all due steps of its rotations.
    async fn settled(&self, account: &AccountId, id: &EndpointId) -> Result<StoredEndpoint> {
        refuse_deleted(&self.stored(account, id).await?.endpoint)?;
        let mut tx = self.db().begin().await?;
        due_rotation::apply_due(self.sender(), &mut tx, account, id).await?;
        tx.commit().await?;
        self.stored(account, id).await
    }

    async fn prepare_token(&self, stored: &StoredEndpoint, chosen: Option<String>) -> Result<Taken> {
        let (account, id) = (&stored.account, &stored.endpoint.id);
        if stored.token_rotation.is_some() {
            return Err(one_runs(Credential::AuthToken));
        }
        let next = chosen.unwrap_or_else(credentials::random_token);
        if next == credentials::open_or_internal(self.vault(), stored)?.auth_token {
            return Err(Error::invalid("auth_token", "This auth token is already in use. Choose another one."));
        }
        let rotation = TokenRotation::prepared(self.now(), stored.sealed.auth_token_masked.clone(), masked(&next));
        let running = Running {
            rotation,
            earlier_sealed: stored.sealed.auth_token.clone(),
            next_sealed: credentials::seal_one(self.vault(), account, id, Credential::AuthToken, &next),
        };
        let mut tx = self.db().begin().await?;
        self.begin_rotation(&mut tx, stored, &running).await?;
        let noted = [Change::noted("next", &*running.rotation.next_masked)];
        Ok(Taken { outcome: StepOutcome::Created(next), ..Taken::new(tx, AuditAction::TokenPrepared, noted) })
    }

    async fn test_credential(&self, stored: &StoredEndpoint, what: Credential) -> Result<Taken> {
        let action = match what {
            Credential::AuthToken => {
                running(&stored.token_rotation, what)?.rotation.require_prepared()?;
                AuditAction::TokenTested
            }
            Credential::SigningSecret => {
                running(&stored.secret_rotation, what)?;
                AuditAction::SecretTested
            }
        };
        let payload = Payload::parse(&self.example(EventKind::CallProcessed))?;
        let test = self.post_test(&stored.account, &stored.endpoint, payload, Some(what)).await?;
        let mut tx = self.db().begin().await?;
        let latest = Some(test.clone());
        match what {
            Credential::AuthToken => {
                change(&mut tx, stored, |rotation| Ok(TokenRotation { test: latest, ..rotation })).await.map(drop)?;
            }
            Credential::SigningSecret => {
                change(&mut tx, stored, |rotation| Ok(SecretRotation { test: latest, ..rotation })).await.map(drop)?;
            }
        }
        let noted = [Change::noted("delivery", test.as_str())];
        Ok(Taken { outcome: StepOutcome::Sent(test), ..Taken::new(tx, action, noted) })
    }

    async fn switch_token(
        &self,
        stored: &StoredEndpoint,
        at: Option<UnixMs>,
        unverified: AllowUnverified,
    ) -> Result<Taken> {
        let (mut tx, now) = (self.db().begin().await?, self.now());
        let running = change(&mut tx, stored, |rotation: TokenRotation| rotation.switch(at, unverified, now)).await?;
        let rotation = &running.rotation;
        let proved = Change::noted("proved by a test", if rotation.proved_at.is_some() { "yes" } else { "no" });
        if let TokenPhase::Prepared { switch_at: Some(at) } = rotation.phase {
            return Ok(Taken::new(tx, AuditAction::TokenScheduled, [Change::noted("switch at", iso_utc(at)), proved]));
        }
        set_token(&mut tx, stored, &running.next_sealed, &rotation.next_masked).await?;
        let change = Change::between("auth token", &*rotation.earlier_masked, &*rotation.next_masked);
        Ok(Taken::new(tx, AuditAction::TokenSwitched, change.into_iter().chain([proved])))
    }

    async fn undo_token(&self, stored: &StoredEndpoint) -> Result<Taken> {
        let mut tx = self.db().begin().await?;
        let running = change(&mut tx, stored, TokenRotation::undo).await?;
        let rotation = &running.rotation;
        set_token(&mut tx, stored, &running.earlier_sealed, &rotation.earlier_masked).await?;
        let change = Change::between("auth token", &*rotation.next_masked, &*rotation.earlier_masked);
        Ok(Taken::new(tx, AuditAction::TokenUndone, change))
    }

    async fn rotate_secret(&self, stored: &StoredEndpoint, overlap_s: u32) -> Result<Taken> {
        let (account, id) = (&stored.account, &stored.endpoint.id);
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
        self.begin_rotation(&mut tx, stored, &running).await?;
        let rotation = &running.rotation;
        let (sealed, shown) = (&running.next_sealed, &rotation.next_masked);
        rotations::set_credential(&mut tx, account, id, Credential::SigningSecret, sealed, shown).await?;
        if overlap_s == 0 {
            rotations::end(&mut tx, account, id, Credential::SigningSecret).await?;
        }
        let change = Change::between("signing secret", &*rotation.earlier_masked, &**shown);
        let noted = change.into_iter().chain([Change::noted("overlap", span(i64::from(overlap_s) * SECOND_MS))]);
        let outcome = StepOutcome::Created(next.reveal().to_owned());
        Ok(Taken { outcome, ..Taken::new(tx, AuditAction::SecretRotated, noted) })
    }

    async fn extend_secret(&self, stored: &StoredEndpoint) -> Result<Taken> {
        let (mut tx, now) = (self.db().begin().await?, self.now());
        let running = change(&mut tx, stored, |rotation: SecretRotation| rotation.extend(now)).await?;
        let until = Change::noted("both sign until", iso_utc(running.rotation.overlap_until));
        Ok(Taken::new(tx, AuditAction::SecretExtended, [until]))
    }

    /// Ends a rotation, if the rule allows it.
    async fn end<T: Rotates>(
        &self,
        stored: &StoredEndpoint,
        action: AuditAction,
        rule: impl FnOnce(&T) -> Result<()> + Send,
    ) -> Result<Taken> {
        let mut tx = self.db().begin().await?;
        rule(&lock::<T>(&mut tx, stored).await?.rotation)?;
        rotations::end(&mut tx, &stored.account, &stored.endpoint.id, T::WHAT).await?;
        Ok(Taken::new(tx, action, None))
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
}

/// The running rotation, locked.
async fn lock<T: Rotates>(tx: &mut Tx, stored: &StoredEndpoint) -> Result<Running<T>> {
    let running = rotations::lock::<T>(tx, &stored.account, &stored.endpoint.id).await?;
    running.ok_or_else(|| none_runs(T::WHAT))
}

/// Applies a rule to the running rotation.
async fn change<T: Rotates>(
    tx: &mut Tx,
    stored: &StoredEndpoint,
    rule: impl FnOnce(T) -> Result<T> + Send,
) -> Result<Running<T>> {
    let running = lock::<T>(tx, stored).await?;
    let running = Running { rotation: rule(running.rotation)?, ..running };
    rotations::change(tx, &stored.account, &stored.endpoint.id, &running).await?;
    Ok(running)
}

async fn set_token(tx: &mut Tx, stored: &StoredEndpoint, sealed: &str, shown: &str) -> Result<()> {
    let (account, id) = (&stored.account, &stored.endpoint.id);
    if rotations::set_credential(tx, account, id, Credential::AuthToken, sealed, shown).await? {
        return Ok(());
    }
    Err(Error::Conflict { detail: "This endpoint was deleted.".into(), existing: None })
}

fn running<T>(rotation: &Option<Running<T>>, what: Credential) -> Result<&Running<T>> {
    rotation.as_ref().ok_or_else(|| none_runs(what))
}

/// The state of an endpoint's credentials at this time.
pub(super) fn view_at(stored: StoredEndpoint, now: UnixMs) -> RotationView {
    RotationView {
        auth_token_masked: credentials::token_masked(&stored, now),
        signing_secret_masked: stored.sealed.secret_masked,
        token: stored.token_rotation.and_then(|running| running.rotation.at(now)),
        secret: stored.secret_rotation.and_then(|running| running.rotation.at(now)),
        endpoint: stored.endpoint,
    }
}
