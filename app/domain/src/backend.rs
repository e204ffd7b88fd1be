//! The port: everything that pages and REST may ask of the engine. The engine implements it; `app` sees only this.

use crate::{
    account::Accounts,
    audit::Audit,
    delivery::Deliveries,
    endpoint::Endpoints,
    event::Events,
    installation::{Installation, Policies, Staffing},
    member::Members,
    person::People,
    recover::Recovery,
    rotation::{Rotations, RotationsEverywhere},
    second_factor::SecondFactors,
    support::Support,
    test_line::TestLines,
    time::Clock,
    token::Tokens,
};

/// All parts of the port together, object-safe: pages hold an `Arc<dyn Backend>`.
pub trait Backend:
    Accounts
    + Audit
    + Members
    + People
    + Tokens
    + Endpoints
    + Events
    + Installation
    + Policies
    + Staffing
    + Deliveries
    + Recovery
    + Rotations
    + RotationsEverywhere
    + SecondFactors
    + Support
    + TestLines
    + Send
    + Sync
    + 'static
{
    /// The clock that everything goes by, also for what pages say about time.
    fn clock(&self) -> &dyn Clock;
    /// Whether letters reach people. Where no mail server is set, only the operator sees them.
    fn letters_leave(&self) -> bool;
}
