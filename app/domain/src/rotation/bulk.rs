//! Bulk rotation: one step for all endpoints of an account. Each endpoint keeps its own rotation, so endpoints at
//! different steps can be mixed.

use async_trait::async_trait;

use super::{AllowUnverified, Credential, RotationView};
use crate::{
    actor::Actor,
    error::Result,
    id::{DeliveryId, EndpointId},
    time::UnixMs,
};

/// A step of a bulk rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkStep {
    /// Prepare the next auth token: this one for all endpoints, or a random one for each.
    Prepare(Option<String>),
    /// Send a test with the next credential.
    Test(Credential),
    /// Switch to the next auth token, now or at a set time.
    Switch(Option<UnixMs>, AllowUnverified),
    /// Switch back to the previous auth token.
    Undo,
    /// Retire the previous auth token early.
    RetireToken,
    /// Cancel prepared rotations.
    Drop,
    /// Generate a new signing secret; both sign for this many seconds.
    Rotate(u32),
    /// Extend the overlap once.
    Extend,
    /// End the overlap now.
    RetireSecret(AllowUnverified),
}

impl BulkStep {
    /// Whether the step applies to this endpoint. A step that starts a rotation applies to all endpoints, any other to
    /// those at the step before.
    #[must_use]
    pub fn applies_to(&self, endpoint: &RotationView) -> bool {
        let switched = endpoint.token.as_ref().map(super::TokenRotation::is_switched);
        match self {
            Self::Prepare(_) | Self::Rotate(_) => true,
            Self::Test(Credential::AuthToken) | Self::Switch(..) | Self::Drop => switched == Some(false),
            Self::Undo | Self::RetireToken => switched == Some(true),
            Self::Test(Credential::SigningSecret) | Self::Extend | Self::RetireSecret(_) => endpoint.secret.is_some(),
        }
    }
}

/// The outcome of a step at one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// It was done.
    Done,
    /// It was done and generated this credential, which is shown once.
    Made(String),
    /// A test was sent.
    Sent(DeliveryId),
    /// It was skipped, for this reason.
    Skipped(String),
}

/// The result of a step at one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepResult {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Its name.
    pub name: String,
    /// The outcome.
    pub outcome: StepOutcome,
}

/// Rotating the credentials of all endpoints at once. Requires permission to rotate.
#[async_trait]
pub trait BulkRotations {
    /// The rotations of all endpoints, ordered by name, without deleted endpoints.
    ///
    /// # Errors
    /// `Forbidden`.
    async fn rotations(&self, actor: &Actor) -> Result<Vec<RotationView>>;
    /// Applies a step to every endpoint it applies to. An endpoint that refuses is reported and does not stop the
    /// others. If interrupted, repeating the step completes the rest.
    ///
    /// # Errors
    /// `Invalid` for what every endpoint would refuse, `Forbidden`, and if the database is unavailable.
    async fn rotate_all(&self, actor: &Actor, step: &BulkStep) -> Result<Vec<StepResult>>;
}
