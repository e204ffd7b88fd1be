//! The port: the operations that pages and REST call. The engine implements it; `app` depends on nothing else of it.

use async_trait::async_trait;

use crate::{
    account::Accounts,
    audit::Audit,
    call::Calls,
    connector::{ConnectorDoors, Connectors, imports::RecordImports},
    delivery::Deliveries,
    endpoint::Endpoints,
    event::Events,
    member::Members,
    ops::{OpsAccounts, Policies},
    recover::Recovery,
    rotation::Rotations,
    second_factor::SecondFactors,
    support::Support,
    test_line::TestLines,
    time::Clock,
    token::Tokens,
    user::Users,
};

/// All parts of the port, object-safe: pages hold an `Arc<dyn Backend>`.
#[async_trait]
pub trait Backend:
    Accounts
    + Audit
    + Calls
    + Connectors
    + ConnectorDoors
    + RecordImports
    + Members
    + Users
    + Tokens
    + Endpoints
    + Events
    + OpsAccounts
    + Policies
    + Deliveries
    + Recovery
    + Rotations
    + SecondFactors
    + Support
    + TestLines
    + Send
    + Sync
    + 'static
{
    /// The clock of the engine, which pages use for relative times.
    fn clock(&self) -> &dyn Clock;
    /// Whether the database can be read and written, and events are accepted.
    ///
    /// # Errors
    /// What is wrong, as text.
    async fn ready(&self) -> Result<(), String>;
    /// Whether a mail server is configured. Without one, emails are only written to the log.
    fn mail_configured(&self) -> bool;
}
