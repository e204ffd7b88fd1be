//! The connectors part of the port.

use async_trait::async_trait;

use super::{
    BegunSession, Connector, ConnectorInput, ConnectorWithSecret, Gap, LatestSession, RawRequest, Saving,
    SessionNumber, StateReport,
    route::{CallRoute, Destination, NewRoute, Pattern, Route, RoutesChanged, Unrouted},
};
use crate::{actor::Actor, audit::AuditRecord, error::Result, id::ConnectorId, query::Page, time::UnixMs};

/// Managing connectors. Members, support staff and tokens of an account see its own connectors; operators and platform
/// tokens those of the platform.
#[async_trait]
pub trait Connectors {
    /// All connectors, by name. There are few of them.
    ///
    /// # Errors
    /// `Forbidden` without permission to read connectors.
    async fn connectors(&self, actor: &Actor) -> Result<Vec<Connector>>;
    /// One connector.
    ///
    /// # Errors
    /// `NotFound`, also for another owner's connector.
    async fn connector(&self, actor: &Actor, id: &ConnectorId) -> Result<Connector>;
    /// Creates a connector with a new secret.
    ///
    /// # Errors
    /// `Invalid` per field, `Conflict` when there are too many.
    async fn create_connector(&self, actor: &Actor, input: &ConnectorInput) -> Result<ConnectorWithSecret>;
    /// Changes a connector. Phone system, way and identity stay. `version` is the one the edit started from; `None`
    /// overwrites any version.
    ///
    /// # Errors
    /// `Invalid` per field, `Conflict` if someone else has changed it since.
    async fn update_connector(
        &self,
        actor: &Actor,
        id: &ConnectorId,
        input: &ConnectorInput,
        version: Option<u32>,
    ) -> Result<Connector>;
    /// Pauses a connector: it reports nothing until it is resumed. What happens in between is lost. Pausing a paused one has
    /// no effect.
    ///
    /// # Errors
    /// `NotFound`.
    async fn pause_connector(&self, actor: &Actor, id: &ConnectorId) -> Result<Connector>;
    /// Resumes a connector.
    ///
    /// # Errors
    /// `NotFound`.
    async fn resume_connector(&self, actor: &Actor, id: &ConnectorId) -> Result<Connector>;
    /// Gives a connector a new secret. The old one stops working at once.
    ///
    /// # Errors
    /// `NotFound`.
    async fn rotate_connector_secret(&self, actor: &Actor, id: &ConnectorId) -> Result<ConnectorWithSecret>;
    /// Deletes a connector with its gaps, routes and requests. Its events stay.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_connector(&self, actor: &Actor, id: &ConnectorId) -> Result<()>;
    /// Records what a connector reports about itself.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for texts that are too long.
    async fn report_state(&self, actor: &Actor, id: &ConnectorId, report: &StateReport) -> Result<Connector>;
    /// Records a gap. Another report of a gap that began at the same time replaces the first. True if it is new.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for a gap that ends before it begins.
    async fn report_gap(&self, actor: &Actor, id: &ConnectorId, gap: &Gap) -> Result<bool>;
    /// One page of a connector's gaps, newest first.
    ///
    /// # Errors
    /// `NotFound`.
    async fn gaps(&self, actor: &Actor, id: &ConnectorId, cursor: Option<&str>, limit: u32) -> Result<Page<Gap>>;
    /// One page of a platform connector's routes, by pattern: those that begin with `text`.
    ///
    /// # Errors
    /// `NotFound`, also for an account's connector: it has no routes.
    async fn routes(
        &self,
        actor: &Actor,
        id: &ConnectorId,
        text: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<Route>>;
    /// Replaces all routes of a platform connector.
    ///
    /// # Errors
    /// `Invalid` naming accounts that do not exist, and patterns that occur twice; `TooLarge`; as [`Self::routes`].
    async fn replace_routes(&self, actor: &Actor, id: &ConnectorId, routes: Vec<NewRoute>) -> Result<RoutesChanged>;
    /// Adds or changes a route, and removes its number from the unrouted ones.
    ///
    /// # Errors
    /// `Invalid` for an account that does not exist; `Conflict` when there are too many; as [`Self::routes`].
    async fn set_route(&self, actor: &Actor, id: &ConnectorId, route: NewRoute) -> Result<()>;
    /// Removes a route.
    ///
    /// # Errors
    /// `NotFound` for the connector or the route.
    async fn remove_route(&self, actor: &Actor, id: &ConnectorId, pattern: &Pattern) -> Result<()>;
    /// The numbers without a route, the latest first, at most [`super::route::UNROUTED_MAX`].
    ///
    /// # Errors
    /// As [`Self::routes`].
    async fn unrouted(&self, actor: &Actor, id: &ConnectorId) -> Result<Vec<Unrouted>>;
    /// Forgets the numbers without a route.
    ///
    /// # Errors
    /// As [`Self::routes`].
    async fn clear_unrouted(&self, actor: &Actor, id: &ConnectorId) -> Result<()>;
    /// The latest requests to an HTTP connector, newest first.
    ///
    /// # Errors
    /// `Forbidden` without permission to manage connectors: they have phone numbers and credentials in clear.
    async fn raw_requests(&self, actor: &Actor, id: &ConnectorId) -> Result<Vec<RawRequest>>;
    /// The latest 50 audit records about the connector, newest first.
    ///
    /// # Errors
    /// `NotFound`.
    async fn connector_log(&self, actor: &Actor, id: &ConnectorId) -> Result<Vec<AuditRecord>>;
    /// Which account an event of a connector goes to: its own, or by the route of a platform connector's call. A call that no
    /// route matches is noted under its number.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` for a route that is missing, too long, or of an account's connector.
    async fn route_event(&self, actor: &Actor, id: &ConnectorId, route: Option<&CallRoute>) -> Result<Destination>;
}

/// A connector that a phone system has opened with its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenConnector {
    /// The connector.
    pub connector: Connector,
    /// Whoever posts its events.
    pub actor: Actor,
}

/// A connector that this server has to run, with what it needs.
#[derive(Clone, PartialEq, Eq)]
pub struct InsideConnector {
    /// The connector and its actor.
    pub open: OpenConnector,
    /// Its secret.
    pub secret: String,
}

impl std::fmt::Debug for InsideConnector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InsideConnector").field("id", &self.open.connector.id).finish_non_exhaustive()
    }
}

/// What the parts of the server need that phone systems talk to.
#[async_trait]
pub trait ConnectorDoors {
    /// Opens a connector with its secret, for [`super::Way::Ari`] and [`super::Way::Http`].
    ///
    /// # Errors
    /// `NotFound` for an unknown connector and for a wrong secret alike, `Conflict` while it is paused, `Suspended` while its
    /// account is.
    async fn open_connector(&self, id: &str, secret: &str) -> Result<OpenConnector>;
    /// The platform's connectors that the server dials ([`super::Way::Ami`]) and that are not paused.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn inside_connectors(&self) -> Result<Vec<InsideConnector>>;
    /// Keeps a request to an HTTP connector for a while, sealed.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn keep_request(&self, open: &OpenConnector, request: &RawRequest) -> Result<()>;
    /// Changes the open calls of a connector without a session, so that another request continues with them: `change` gets what
    /// was last saved, on whichever node, and returns what to save, if anything.
    ///
    /// # Errors
    /// `NotFound` for a deleted connector, `TooLarge` above [`super::OPEN_CALLS_MAX_BYTES`], `Unavailable`.
    async fn change_open_calls(
        &self,
        open: &OpenConnector,
        change: &mut (dyn for<'a> FnMut(Option<&'a [u8]>) -> Option<Vec<u8>> + Send),
    ) -> Result<()>;
    /// The open calls that were last saved.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn open_calls(&self, open: &OpenConnector) -> Result<Option<Vec<u8>>>;
    /// Begins a session that holds the connector until then; none while another one holds it.
    ///
    /// # Errors
    /// `NotFound` for a deleted connector, `Unavailable`.
    async fn begin_session(&self, open: &OpenConnector, held_until: UnixMs) -> Result<Option<BegunSession>>;
    /// The session of a connector that began last, if one ever did.
    ///
    /// # Errors
    /// `Unavailable`.
    async fn latest_session(&self, open: &OpenConnector) -> Result<Option<LatestSession>>;
    /// Holds a connector until then, without touching its open calls.
    ///
    /// # Errors
    /// `NotFound` for a deleted connector, `Unavailable`.
    async fn hold_session(&self, open: &OpenConnector, session: SessionNumber, until: UnixMs) -> Result<Saving>;
    /// Saves the open calls of a session, unless another one has begun, or they are too large.
    ///
    /// # Errors
    /// `NotFound` for a deleted connector, `Unavailable`.
    async fn save_open_calls(&self, open: &OpenConnector, session: SessionNumber, snapshot: &[u8]) -> Result<Saving>;
}
