//! Bulk rotation: applies a step to all endpoints, one after the other.

use async_trait::async_trait;
use domain::{
    Error,
    actor::{Actor, Permission},
    error::Result,
    id::EndpointId,
    rotation::{
        AllowUnverified, BulkRotations, OVERLAP_MAX_S, RotationView, Rotations, SecretRotation, TokenRotation,
        bulk::{BulkStep, StepOutcome, StepResult},
    },
    secret::check_auth_token,
};

use crate::{Engine, store::endpoints};

#[async_trait]
impl BulkRotations for Engine {
    async fn rotations(&self, actor: &Actor) -> Result<Vec<RotationView>> {
        let account = actor.account_if(Permission::RotateCredentials)?;
        let stored = endpoints::of_account(self.db(), account).await?;
        Ok(stored.into_iter().map(|stored| self.view_of(stored)).collect())
    }

    async fn rotate_all(&self, actor: &Actor, step: &BulkStep) -> Result<Vec<StepResult>> {
        let views = self.rotations(actor).await?;
        self.check_step(step)?;
        let mut taken = Vec::new();
        for view in views.into_iter().filter(|view| step.applies_to(view)) {
            let endpoint = view.endpoint;
            let outcome = match self.step(actor, &endpoint.id, step).await {
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
    fn check_step(&self, step: &BulkStep) -> Result<()> {
        let (masked, now) = (String::new, self.now());
        match step {
            BulkStep::Prepare(Some(chosen)) => check_auth_token(chosen),
            BulkStep::Switch(at @ Some(_), _) => {
                let rotation = TokenRotation::prepared(now, masked(), masked());
                rotation.switch(*at, AllowUnverified::Allow, now).map(drop)
            }
            BulkStep::Rotate(overlap_s) if *overlap_s > OVERLAP_MAX_S => {
                SecretRotation::begin(now, *overlap_s, masked(), masked()).map(drop)
            }
            _ => Ok(()),
        }
    }

    async fn step(&self, actor: &Actor, id: &EndpointId, step: &BulkStep) -> Result<StepOutcome> {
        match step {
            BulkStep::Prepare(chosen) => {
                return self.prepare_token(actor, id, chosen.clone()).await.map(StepOutcome::Made);
            }
            BulkStep::Test(what) => return self.test_credential(actor, id, *what).await.map(StepOutcome::Sent),
            BulkStep::Rotate(overlap_s) => {
                return self.rotate_secret(actor, id, *overlap_s).await.map(StepOutcome::Made);
            }
            BulkStep::Switch(at, unproved) => self.switch_token(actor, id, *at, *unproved).await?,
            BulkStep::Undo => self.undo_token(actor, id).await?,
            BulkStep::RetireToken => self.retire_token(actor, id).await?,
            BulkStep::Drop => self.cancel_token_rotation(actor, id).await?,
            BulkStep::Extend => self.extend_secret(actor, id).await?,
            BulkStep::RetireSecret(unproved) => self.retire_secret(actor, id, *unproved).await?,
        };
        Ok(StepOutcome::Done)
    }
}
