//! The endpoints part of the port.

use async_trait::async_trait;

use super::{CreatedEndpoint, Credentials, Endpoint, EndpointInput, EndpointSummary};
use crate::{
    actor::Actor,
    audit::AuditRecord,
    error::Result,
    event_kind::EventKind,
    id::{DeliveryId, EndpointId},
    tally::Tally,
    time::UnixMs,
};

/// What to do if another endpoint already has the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duplicate {
    /// Refuse and name the other endpoint.
    Refuse,
    /// Create it anyway.
    Allow,
}

/// Creating, changing and testing endpoints.
#[async_trait]
pub trait Endpoints {
    /// Creates an endpoint with new credentials.
    ///
    /// # Errors
    /// `Invalid` per field (also for a private address), `Conflict` with the existing id for a URL used twice.
    async fn create_endpoint(
        &self,
        actor: &Actor,
        input: &EndpointInput,
        duplicate: Duplicate,
    ) -> Result<CreatedEndpoint>;
    /// The account's endpoints, failing ones first, then by name, without deleted ones.
    ///
    /// # Errors
    /// `Forbidden` without permission to read endpoints.
    async fn endpoints(&self, actor: &Actor) -> Result<Vec<EndpointSummary>>;
    /// One endpoint, which may be deleted.
    ///
    /// # Errors
    /// `NotFound`, also for another account's endpoint.
    async fn endpoint(&self, actor: &Actor, id: &EndpointId) -> Result<EndpointSummary>;
    /// Changes an endpoint. `version` is the one the edit started from; `None` overwrites any version.
    ///
    /// # Errors
    /// `Invalid` per field, `Conflict` if someone else has changed it since.
    async fn update_endpoint(
        &self,
        actor: &Actor,
        id: &EndpointId,
        input: &EndpointInput,
        version: Option<u32>,
    ) -> Result<Endpoint>;
    /// Pauses an endpoint: its events are held. Pausing a paused endpoint has no effect.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` for a deleted endpoint.
    async fn pause_endpoint(&self, actor: &Actor, id: &EndpointId) -> Result<Endpoint>;
    /// Resumes an endpoint. Held events are sent alongside new ones, in order per call, at most `drain_per_s` per second.
    ///
    /// # Errors
    /// As [`Self::pause_endpoint`]; `Invalid` for a rate outside of 1 to [`super::RATE_MAX_PER_S`].
    async fn resume_endpoint(&self, actor: &Actor, id: &EndpointId, drain_per_s: Option<u32>) -> Result<Endpoint>;
    /// Deletes an endpoint and cancels its waiting deliveries; returns how many there were.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_endpoint(&self, actor: &Actor, id: &EndpointId) -> Result<u32>;
    /// Sends an example event of this kind, or this payload, to this endpoint only, marked as a test.
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
    /// Reveals the endpoint's credentials.
    ///
    /// # Errors
    /// `Forbidden` without permission to reveal them.
    async fn reveal_credentials(&self, actor: &Actor, id: &EndpointId) -> Result<Credentials>;
    /// The endpoint's hourly counts since the hour of `since`, oldest first, without empty hours.
    ///
    /// # Errors
    /// As [`Self::endpoint`].
    async fn endpoint_hours(&self, actor: &Actor, id: &EndpointId, since: UnixMs) -> Result<Vec<(UnixMs, Tally)>>;
    /// The same as [`Self::endpoint_hours`] for all endpoints of the account together.
    ///
    /// # Errors
    /// `Forbidden` without permission to read endpoints.
    async fn account_hours(&self, actor: &Actor, since: UnixMs) -> Result<Vec<(UnixMs, Tally)>>;
    /// The latest 50 audit records about the endpoint, newest first.
    ///
    /// # Errors
    /// As [`Self::endpoint`].
    async fn endpoint_log(&self, actor: &Actor, id: &EndpointId) -> Result<Vec<AuditRecord>>;
    /// The account's test line as an endpoint subscribed to every event; created on first use.
    ///
    /// # Errors
    /// `Forbidden` without permission to create endpoints.
    async fn use_test_line(&self, actor: &Actor) -> Result<Endpoint>;
}
