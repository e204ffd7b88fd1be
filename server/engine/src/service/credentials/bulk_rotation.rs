//! Bulk rotation: applies a step to all endpoints, one after the other.

use async_trait::async_trait;
use domain::{
    Error,
    actor::{Actor, Permission},
    error::Result,
    id::EndpointId,
    rotation::{
        OVERLAP_MAX_S, RotationView, Rotations, RotationsEverywhere, SecretRotation, TokenRotation, Unproved,
        everywhere::{Came, Step, Taken},
    },
    secret::check_auth_token,
};

use crate::{Engine, store::endpoints};

#[async_trait]
impl RotationsEverywhere for Engine {
    async fn rotations(&self, actor: &Actor) -> Result<Vec<RotationView>> {
        let account = actor.account_if(Permission::RotateCredentials)?;
        let stored = endpoints::of_account(self.db(), account).await?;
        Ok(stored.into_iter().map(|stored| self.view_of(stored)).collect())
    }

    async fn step_everywhere(&self, actor: &Actor, step: &Step) -> Result<Vec<Taken>> {
        let views = self.rotations(actor).await?;
        self.check_step(step)?;
        let mut taken = Vec::new();
        for view in views.into_iter().filter(|view| step.concerns(view)) {
            let endpoint = view.endpoint;
            let came = match self.step(actor, &endpoint.id, step).await {
                Ok(came) => came,
                Err(Error::Conflict { detail, .. }) => Came::Skipped(detail),
                Err(Error::Invalid(fields)) => {
                    Came::Skipped(fields.into_iter().map(|field| field.message).collect::<Vec<_>>().join(" "))
                }
                // Deleted since the list was read.
                Err(Error::NotFound(_)) => continue,
                Err(error) => return Err(error),
            };
            taken.push(Taken { endpoint: endpoint.id, name: endpoint.name, came });
        }
        Ok(taken)
    }
}

impl Engine {
    /// Rejects steps that every endpoint would reject, before anything is done.
    fn check_step(&self, step: &Step) -> Result<()> {
        let (masked, now) = (String::new, self.now());
        match step {
            Step::Prepare(Some(chosen)) => check_auth_token(chosen),
            Step::Switch(at @ Some(_), _) => {
                let rotation = TokenRotation::prepared(now, masked(), masked());
                rotation.switch(*at, Unproved::Allow, now).map(drop)
            }
            Step::Rotate(overlap_s) if *overlap_s > OVERLAP_MAX_S => {
                SecretRotation::begin(now, *overlap_s, masked(), masked()).map(drop)
            }
            _ => Ok(()),
        }
    }

    async fn step(&self, actor: &Actor, id: &EndpointId, step: &Step) -> Result<Came> {
        match step {
            Step::Prepare(chosen) => return self.prepare_token(actor, id, chosen.clone()).await.map(Came::Made),
            Step::Test(what) => return self.test_credential(actor, id, *what).await.map(Came::Sent),
            Step::Rotate(overlap_s) => return self.rotate_secret(actor, id, *overlap_s).await.map(Came::Made),
            Step::Switch(at, unproved) => self.switch_token(actor, id, *at, *unproved).await?,
            Step::Undo => self.undo_token(actor, id).await?,
            Step::RetireToken => self.retire_token(actor, id).await?,
            Step::Drop => self.drop_token(actor, id).await?,
            Step::Extend => self.extend_secret(actor, id).await?,
            Step::RetireSecret(unproved) => self.retire_secret(actor, id, *unproved).await?,
        };
        Ok(Came::Done)
    }
}
