//! The rotation part of the port.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{AllowUnverified, Credential, SecretRotation, TokenRotation};
use crate::{
    actor::Actor,
    endpoint::Endpoint,
    error::Result,
    id::{DeliveryId, EndpointId},
    time::UnixMs,
};

/// The credentials of an endpoint, masked, and their rotations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// Rotating an endpoint's credentials. Requires permission to rotate unless stated
/// otherwise. Another account's endpoint is `NotFound`.
#[async_trait]
pub trait Rotations {
    /// The endpoint's credentials and rotations. Requires permission to read endpoints.
    ///
    /// # Errors
    /// `NotFound`, also for another account's endpoint.
    async fn rotation(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView>;
    /// Prepares the next auth token: the chosen one, or a random one. Returns it unmasked.
    ///
    /// # Errors
    /// `Invalid` for an invalid token or the one in use, `Conflict` while another rotation is in progress.
    async fn prepare_token(&self, actor: &Actor, id: &EndpointId, chosen: Option<String>) -> Result<String>;
    /// Sends a test with the next auth token, or one signed only with the new secret.
    ///
    /// # Errors
    /// `Conflict` if no rotation is in progress or the endpoint is paused.
    async fn test_credential(&self, actor: &Actor, id: &EndpointId, what: Credential) -> Result<DeliveryId>;
    /// Switches to the next auth token, now or at a set time.
    ///
    /// # Errors
    /// As [`TokenRotation::switch`].
    async fn switch_token(
        &self,
        actor: &Actor,
        id: &EndpointId,
        at: Option<UnixMs>,
        unproved: AllowUnverified,
    ) -> Result<RotationView>;
    /// Switches back to the previous auth token.
    ///
    /// # Errors
    /// `Conflict` before the switch, and once the previous token has been deleted.
    async fn undo_token(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView>;
    /// Retires the previous auth token early.
    ///
    /// # Errors
    /// `Conflict` before the switch.
    async fn retire_token(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView>;
    /// Cancels a prepared rotation and deletes the next token.
    ///
    /// # Errors
    /// `Conflict` after the switch.
    async fn cancel_token_rotation(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView>;
    /// Generates a new signing secret; both sign for this many seconds. Returns the new one unmasked.
    ///
    /// # Errors
    /// `Conflict` during an overlap, `Invalid` for an overlap that is too long.
    async fn rotate_secret(&self, actor: &Actor, id: &EndpointId, overlap_s: u32) -> Result<String>;
    /// Extends the overlap once.
    ///
    /// # Errors
    /// `Conflict` if none is in progress or it has been extended already.
    async fn extend_secret(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView>;
    /// Ends the overlap now.
    ///
    /// # Errors
    /// `Conflict` if none is in progress, and as [`SecretRotation::require_proved`].
    async fn retire_secret(&self, actor: &Actor, id: &EndpointId, unproved: AllowUnverified) -> Result<RotationView>;
}
