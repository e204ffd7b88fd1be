//! What may be asked about rotation, and done.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Credential, SecretRotation, TokenRotation, Unproved};
use crate::{
    actor::Actor,
    endpoint::Endpoint,
    error::Result,
    id::{DeliveryId, EndpointId},
    time::UnixMs,
};

/// The credentials of an endpoint and what is happening to them. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationView {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// The auth token that is sent now, masked.
    pub auth_token_masked: String,
    /// The newest signing secret, masked.
    pub signing_secret_masked: String,
    /// The rotation of the auth token, while one runs.
    pub token: Option<TokenRotation>,
    /// The rotation of the signing secret, while one runs.
    pub secret: Option<SecretRotation>,
}

/// Rotation: the part of the port that renews credentials. All of it needs the right to rotate, except where it says
/// otherwise, and each answers `NotFound` for another account's endpoint.
#[async_trait]
pub trait Rotations {
    /// How the endpoint's credentials stand, for everybody who may read endpoints.
    ///
    /// # Errors
    /// `NotFound` also for another account's.
    async fn rotation(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView>;
    /// Prepares the next auth token: the one that was chosen, or a random one. Returns it in full.
    ///
    /// # Errors
    /// `Invalid` for a token that cannot be or is in use already, `Conflict` while another rotation of it runs.
    async fn prepare_token(&self, actor: &Actor, id: &EndpointId, chosen: Option<String>) -> Result<String>;
    /// Sends a test that carries the next auth token, or that only the new secret signs.
    ///
    /// # Errors
    /// `Conflict` when no rotation runs or the endpoint does not receive.
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
        unproved: Unproved,
    ) -> Result<RotationView>;
    /// Brings the earlier auth token back.
    ///
    /// # Errors
    /// `Conflict` before the switch, and when the earlier token is forgotten.
    async fn undo_token(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView>;
    /// Forgets the earlier auth token before its time.
    ///
    /// # Errors
    /// `Conflict` before the switch.
    async fn retire_token(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView>;
    /// Gives a prepared rotation up; the next token is forgotten.
    ///
    /// # Errors
    /// `Conflict` after the switch.
    async fn drop_token(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView>;
    /// Makes a new signing secret; both sign for so many seconds. Returns the new one in full.
    ///
    /// # Errors
    /// `Conflict` during an overlap, `Invalid` for one that is too long.
    async fn rotate_secret(&self, actor: &Actor, id: &EndpointId, overlap_s: u32) -> Result<String>;
    /// Extends the overlap once.
    ///
    /// # Errors
    /// `Conflict` when none runs or it was extended before.
    async fn extend_secret(&self, actor: &Actor, id: &EndpointId) -> Result<RotationView>;
    /// Ends the overlap now.
    ///
    /// # Errors
    /// `Conflict` when none runs, and as [`SecretRotation::require_proved`].
    async fn retire_secret(&self, actor: &Actor, id: &EndpointId, unproved: Unproved) -> Result<RotationView>;
}
