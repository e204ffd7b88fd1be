//! Rotating everywhere: the same step for all endpoints of an account. Each endpoint keeps a rotation of its own, so
//! that whoever went on by hand in one place is met where they are.

use async_trait::async_trait;

use super::{Credential, RotationView, Unproved};
use crate::{
    actor::Actor,
    error::Result,
    id::{DeliveryId, EndpointId},
    time::UnixMs,
};

/// A step for all endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Prepare the next auth token: this one for all, or a random one for each.
    Prepare(Option<String>),
    /// Send a test with the next credential.
    Test(Credential),
    /// Switch to the next auth token, now or at a set time.
    Switch(Option<UnixMs>, Unproved),
    /// Bring the earlier auth token back.
    Undo,
    /// Forget the earlier auth token before its time.
    RetireToken,
    /// Give prepared rotations up.
    Drop,
    /// Make a new signing secret; both sign for so many seconds.
    Rotate(u32),
    /// Extend the overlap once.
    Extend,
    /// End the overlap now.
    RetireSecret(Unproved),
}

impl Step {
    /// Whether the step concerns this endpoint. One that begins a rotation concerns all of them; any other those that
    /// have come to where it leads on.
    #[must_use]
    pub fn concerns(&self, endpoint: &RotationView) -> bool {
        let switched = endpoint.token.as_ref().map(super::TokenRotation::is_switched);
        match self {
            Self::Prepare(_) | Self::Rotate(_) => true,
            Self::Test(Credential::AuthToken) | Self::Switch(..) | Self::Drop => switched == Some(false),
            Self::Undo | Self::RetireToken => switched == Some(true),
            Self::Test(Credential::SigningSecret) | Self::Extend | Self::RetireSecret(_) => endpoint.secret.is_some(),
        }
    }
}

/// What the step came to at one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// It was done.
    Done,
    /// It was done and made this credential, which is shown once.
    Made(String),
    /// A test is on its way.
    Sent(DeliveryId),
    /// It was not done, and why.
    Skipped(String),
}

/// One endpoint of a step for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Its name.
    pub name: String,
    /// What came of it.
    pub came: Came,
}

/// Rotating everywhere: the part of the port for all endpoints at once. All of it needs the right to rotate.
#[async_trait]
pub trait RotationsEverywhere {
    /// How the credentials of all endpoints stand, by name, deleted ones left out.
    ///
    /// # Errors
    /// `Forbidden`.
    async fn rotations(&self, actor: &Actor) -> Result<Vec<RotationView>>;
    /// Takes one step at every endpoint that it concerns. What one endpoint refuses is told and does not keep the
    /// others; when it is given up in the middle, the same step again does the rest.
    ///
    /// # Errors
    /// `Invalid` for what would be refused everywhere, `Forbidden`, and when the database cannot be used.
    async fn step_everywhere(&self, actor: &Actor, step: &Step) -> Result<Vec<Taken>>;
}
