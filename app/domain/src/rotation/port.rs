//! The rotation part of the port: a step of a rotation, for one endpoint or for all of an account. Each endpoint keeps its
//! own rotation, so endpoints at different steps can be mixed.

use async_trait::async_trait;

use super::{AllowUnverified, Credential, SecretRotation, TokenRotation};
use crate::{
    actor::Actor,
    endpoint::Endpoint,
    error::Result,
    id::{DeliveryId, EndpointId},
    time::UnixMs,
};

/// The credentials of an endpoint, masked, and their rotations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationView {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The auth token in use, masked.
    pub auth_token_masked: String,
    /// The newest signing secret, masked.
    pub signing_secret_masked: String,
    /// The rotation of the auth token, if one is in progress.
    pub token: Option<TokenRotation>,
    /// The rotation of the signing secret, if one is in progress.
    pub secret: Option<SecretRotation>,
}

/// A step of a rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationStep {
    /// Prepare the next auth token: this one, or a random one for each endpoint. `Conflict` while a rotation is in progress.
    PrepareToken(Option<String>),
    /// Send a test with the next auth token, or one signed only with the new secret. `Conflict` if no rotation is in
    /// progress or the endpoint is paused.
    Test(Credential),
    /// Switch to the next auth token, now or at a set time. Errors as [`TokenRotation::switch`].
    SwitchToken(Option<UnixMs>, AllowUnverified),
    /// Switch back to the previous auth token. `Conflict` before the switch, and once the previous token is deleted.
    UndoToken,
    /// Retire the previous auth token early. `Conflict` before the switch.
    RetireToken,
    /// Cancel a prepared rotation and delete the next token. `Conflict` after the switch.
    CancelToken,
    /// Generate a new signing secret; both sign for this many seconds. `Conflict` during an overlap.
    RotateSecret(u32),
    /// Extend the overlap once.
    ExtendSecret,
    /// End the overlap now. Errors as [`SecretRotation::require_proved`].
    RetireSecret(AllowUnverified),
}

impl RotationStep {
    /// Whether the step applies to this endpoint. A step that starts a rotation applies to all endpoints, any other to
    /// those at the step before.
    #[must_use]
    pub fn applies_to(&self, endpoint: &RotationView) -> bool {
        let switched = endpoint.token.as_ref().map(TokenRotation::is_switched);
        match self {
            Self::PrepareToken(_) | Self::RotateSecret(_) => true,
            Self::Test(Credential::AuthToken) | Self::SwitchToken(..) | Self::CancelToken => switched == Some(false),
            Self::UndoToken | Self::RetireToken => switched == Some(true),
            Self::Test(Credential::SigningSecret) | Self::ExtendSecret | Self::RetireSecret(_) => {
                endpoint.secret.is_some()
            }
        }
    }
}

/// The outcome of a step at one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// It was done.
    Done,
    /// It was done and generated this credential, which is shown once.
    Created(String),
    /// A test was sent.
    Sent(DeliveryId),
    /// It was skipped, for this reason.
    Skipped(String),
}

/// The result of a step at one of all endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepResult {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Its name.
    pub name: String,
    /// The outcome.
    pub outcome: StepOutcome,
}

/// Rotating credentials. Requires permission to rotate unless stated otherwise.
#[async_trait]
pub trait Rotations {
    /// The endpoint's credentials and rotations. Requires permission to read endpoints.
    ///
    /// # Errors
    /// `NotFound`, also for another account's endpoint.
    async fn rotation(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView>;
    /// The rotations of all endpoints, ordered by name, without deleted endpoints.
    ///
    /// # Errors
    /// `Forbidden`
    async fn rotations(&self, actor: &Actor) -> Result<Vec<RotationView>>;
    /// Takes a step at one endpoint. It is never skipped.
    ///
    /// # Errors
    /// `NotFound`, also for another account's endpoint; `Invalid` for what the step was given; and as [`RotationStep`].
    async fn rotate(&self, actor: &Actor, id: &EndpointId, step: &RotationStep) -> Result<StepOutcome>;
    /// Takes a step at every endpoint it applies to. An endpoint that refuses is reported and does not stop the others.
    /// If interrupted, repeating the step completes the rest.
    ///
    /// # Errors
    /// `Invalid` for what every endpoint would refuse, `Forbidden`, and if the database is unavailable.
    async fn rotate_all(&self, actor: &Actor, step: &RotationStep) -> Result<Vec<StepResult>>;
}
