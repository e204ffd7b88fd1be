//! Limits of one node.

/// Most deliveries in this node's memory.
pub const LEASED_MAX: usize = 16_384;
/// Most bytes of payload in this node's memory.
pub const LEASED_MAX_BYTES: usize = 64 * 1_024 * 1_024;
/// Most deliveries of one endpoint in this node's memory, while that is less than its share ([`super::memory_budget`]).
pub const LEASED_PER_ENDPOINT_MAX: usize = 1_024;
/// Most attempts at once, counted until their outcomes are recorded: up to this many may be repeated after a crash. One
/// endpoint never has more than [`super::concurrency::UNRECORDED_MAX`] of them.
pub const IN_FLIGHT_MAX: usize = 1_024;
