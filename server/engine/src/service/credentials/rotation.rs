//! Rotation of credentials, at one endpoint or at all of an account, one after the other.

use async_trait::async_trait;
use domain::{
    Error,
    actor::{Actor, Permission},
    error::Result,
    id::EndpointId,
    rotation::{
        AllowUnverified, OVERLAP_MAX_S, RotationStep, RotationView, Rotations, SecretRotation, StepOutcome, StepResult,
        TokenRotation,
    },
    secret::check_auth_token,
};

use super::rotation_steps::view_at;
use crate::{Engine, store::endpoints};

#[async_trait]
impl Rotations for Engine {
    async fn rotation(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView> {
        // Actors who may rotate credentials may see their rotation.
        let rotates = actor.may(Permission::RotateCredentials);
        let permission = if rotates { Permission::RotateCredentials } else { Permission::ReadEndpoints };
        let stored = self.stored(actor.account_if(permission)?, id).await?;
        Ok(view_at(stored, self.now()))
    }

    async fn rotations(&self, actor: &Actor) -> Result<Vec<RotationView>> {
        let account = actor.account_if(Permission::RotateCredentials)?;
        let stored = endpoints::of_account(self.db(), account).await?;
        Ok(stored.into_iter().map(|stored| view_at(stored, self.now())).collect())
    }

    async fn rotate(&self, actor: &Actor, id: &EndpointId, step: &RotationStep) -> Result<StepOutcome> {
        let account = actor.account_if(Permission::RotateCredentials)?;
        self.take_step(actor, account, id, step).await
    }

    async fn rotate_all(&self, actor: &Actor, step: &RotationStep) -> Result<Vec<StepResult>> {
        let views = self.rotations(actor).await?;
        self.check_step(step)?;
        let mut taken = Vec::new();
        for view in views.into_iter().filter(|view| step.applies_to(view)) {
            let endpoint = view.endpoint;
            let outcome = match self.rotate(actor, &endpoint.id, step).await {
                Ok(outcome) => outcome,
                Err(Error::Conflict { detail, .. }) => StepOutcome::Skipped(detail),
                Err(Error::Invalid(fields)) => {
                    StepOutcome::Skipped(fields.into_iter().map(|field| field.message).collect::<Vec<_>>().join(" "))
                }
                // Deleted since the list was read.
                Err(Error::NotFound(_)) => continue,
                Err(error) => return Err(error),
            };
            taken.push(StepResult { endpoint: endpoint.id, name: endpoint.name, outcome });
        }
        Ok(taken)
    }
}

impl Engine {
    /// Rejects steps that every endpoint would reject, before anything is done.
    fn check_step(&self, step: &RotationStep) -> Result<()> {
        let (masked, now) = (String::new, self.now());
        match step {
            RotationStep::PrepareToken(Some(chosen)) => check_auth_token(chosen),
            RotationStep::SwitchToken(at @ Some(_), _) => {
                let rotation = TokenRotation::prepared(now, masked(), masked());
                rotation.switch(*at, AllowUnverified::Allow, now).map(drop)
            }
            RotationStep::RotateSecret(overlap_s) if *overlap_s > OVERLAP_MAX_S => {
                SecretRotation::begin(now, *overlap_s, masked(), masked()).map(drop)
            }
            _ => Ok(()),
        }
    }
}
