//! The hot path: from accepted to delivered.
//!
//! Motive: a dead, slow or dripping endpoint must not affect the others, and nothing accepted may be lost.
//!
//! Theory of operation. [`intake`] writes events and their deliveries in group commits and queues fresh deliveries in
//! memory, already leased to this node; [`claim`] leases everything else when it is due. [`queues`] holds what is
//! leased, a [`queue`] per endpoint, served round-robin, first attempts before retries, each endpoint within its own
//! [`concurrency`] limit. [`dispatch`] starts attempts, [`attempt`] posts; [`record`] gathers outcomes, [`outcome`]
//! decides what follows, and one transaction writes them all and makes the next delivery of each call due.
//!
//! Limits: [`LEASED_MAX`] deliveries and [`LEASED_MAX_BYTES`] of payload in memory, [`IN_FLIGHT_MAX`] attempts at once.
//! What does not fit waits in the database. [`memory_budget`] decides how much of it an endpoint may use, so that no
//! number of full endpoints leaves nothing for the others.
//!
//! Architecture invariant: nothing here knows the services or the background workers.

mod attempt;
mod call_limit;
pub mod claim;
mod claim_schedule;
pub mod cluster;
mod committed_rows;
pub mod concurrency;
mod dispatch;
mod enqueue;
mod evidence;
mod fair_order;
mod health;
mod hosts;
pub mod intake;
mod late_arrivals;
mod leased;
mod leases;
mod limits;
mod memory_budget;
mod order_release;
mod ordering;
mod outcome;
mod plan;
mod queue;
mod queues;
pub(crate) mod record;
mod release;
mod reservation;
pub(crate) mod rotation;
mod sender;
pub(crate) mod sqlite_writer;
mod target;
mod throttle;

pub use leases::LeaseStart;
pub use limits::{IN_FLIGHT_MAX, LEASED_MAX, LEASED_MAX_BYTES, LEASED_PER_ENDPOINT_MAX};
pub(crate) use outcome::Outcome;
pub use sender::Sender;
