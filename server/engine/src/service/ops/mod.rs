//! What the provider's staff does across accounts.

mod accounts;
mod parked;
mod policies;
mod support;
mod suspension;
