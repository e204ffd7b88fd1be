//! What may be asked of endpoints, and done.

use async_trait::async_trait;

use super::{CreatedEndpoint, Credentials, Endpoint, EndpointForm, EndpointSummary};
use crate::{
    actor::Actor,
    audit::Record,
    error::Result,
    event::EventKind,
    id::{DeliveryId, EndpointId},
    tally::Tally,
    time::UnixMs,
};

/// What to do about a URL that another endpoint already has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicate {
    /// Refuse and name the other one.
    Refuse,
    /// Create it all the same.
    Allow,
}

/// Endpoints: the part of the port that creates, changes and tests them.
#[async_trait]
pub trait Endpoints {
    /// Creates an endpoint with fresh credentials.
    ///
    /// # Errors
    /// `Invalid` per field (also for a private address), `Conflict` with the existing id for a URL used twice.
    async fn create_endpoint(
        &self,
        actor: &Actor,
        form: &EndpointForm,
        duplicate: Duplicate,
    ) -> Result<CreatedEndpoint>;
    /// The account's endpoints: failing first, then by name; deleted ones left out.
    ///
    /// # Errors
    /// `Forbidden` without the right to read.
    async fn endpoints(&self, actor: &Actor) -> Result<Vec<EndpointSummary>>;
    /// One endpoint, also a deleted one.
    ///
    /// # Errors
    /// `NotFound` also for another account's.
    async fn endpoint(&self, actor: &Actor, id: &EndpointId) -> Result<EndpointSummary>;
    /// The form as it would be filled in now; header values are [`super::HEADER_KEPT`].
    ///
    /// # Errors
    /// As [`Self::endpoint`].
    async fn endpoint_form(&self, actor: &Actor, id: &EndpointId) -> Result<(Endpoint, EndpointForm)>;
    /// Changes an endpoint. `version` is the one the edit began with; none to overwrite whatever is there.
    ///
    /// # Errors
    /// `Invalid` per field, `Conflict` when someone else changed it meanwhile.
    async fn update_endpoint(
        &self,
        actor: &Actor,
        id: &EndpointId,
        form: &EndpointForm,
        version: Option<u32>,
    ) -> Result<Endpoint>;
    /// Holds the endpoint's events from now on. Pausing a paused endpoint changes nothing.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` for a deleted endpoint.
    async fn pause_endpoint(&self, actor: &Actor, id: &EndpointId) -> Result<Endpoint>;
    /// Sends again, the held events beside new ones, in the order of each call; held ones at most `drain_per_s` a second.
    ///
    /// # Errors
    /// As [`Self::pause_endpoint`]; `Invalid` for a rate outside of 1 to [`super::RATE_MAX_PER_S`].
    async fn resume_endpoint(&self, actor: &Actor, id: &EndpointId, drain_per_s: Option<u32>) -> Result<Endpoint>;
    /// Deletes an endpoint and cancels what waits for it; answers how many that were.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_endpoint(&self, actor: &Actor, id: &EndpointId) -> Result<u32>;
    /// Sends an example event of this kind, or this payload, to this endpoint alone, marked as a test.
    ///
    /// # Errors
    /// `Invalid` for a payload that breaks the contract, `Conflict` when the endpoint is paused.
    async fn send_test(
        &self,
        actor: &Actor,
        id: &EndpointId,
        kind: EventKind,
        payload: Option<&str>,
    ) -> Result<DeliveryId>;
    /// The credentials in full.
    ///
    /// # Errors
    /// `Forbidden` for those who may not see them.
    async fn reveal_credentials(&self, actor: &Actor, id: &EndpointId) -> Result<Credentials>;
    /// What the endpoint did by the hour, oldest first, from the hour of `since` on; quiet hours are left out.
    ///
    /// # Errors
    /// As [`Self::endpoint`].
    async fn endpoint_hours(&self, actor: &Actor, id: &EndpointId, since: UnixMs) -> Result<Vec<(UnixMs, Tally)>>;
    /// What all endpoints of the account did together, as [`Self::endpoint_hours`].
    ///
    /// # Errors
    /// `Forbidden` for those who may not read endpoints.
    async fn account_hours(&self, actor: &Actor, since: UnixMs) -> Result<Vec<(UnixMs, Tally)>>;
    /// The latest 50 things that happened to the endpoint, newest first.
    ///
    /// # Errors
    /// As [`Self::endpoint`].
    async fn endpoint_log(&self, actor: &Actor, id: &EndpointId) -> Result<Vec<Record>>;
    /// The account's test line as an endpoint that listens for every event; made on first use.
    ///
    /// # Errors
    /// `Forbidden` for those who may not create endpoints.
    async fn use_test_line(&self, actor: &Actor) -> Result<Endpoint>;
}
