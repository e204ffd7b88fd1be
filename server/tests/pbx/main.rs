//! Calls on a real Asterisk, through `offhook connect asterisk` and `offhook serve` to a receiver, and on a real Kamailio.
//! `make test-pbx` runs them.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops where it fails")]

mod asterisk;
mod calls;
mod dashboard;
mod dialling;
mod expected;
mod gaps;
mod kamailio;
mod kills;
mod load;
mod observer;
mod office;
mod phone;
mod programs;
mod proxy;
mod receiver;
mod scenario;
mod scenarios;
mod sipp;
mod site;
mod tls;

use std::time::Duration;

/// How long to wait for something that should happen at once.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time between two looks at something that sends no signal.
const POLL_MS: u64 = 20;

/// What the script, or whoever searches for a fault, sets.
#[expect(clippy::disallowed_methods, reason = "these are no settings of the program")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Shows what happens, since some tests take minutes, and figures.
#[expect(clippy::disallowed_macros, clippy::print_stdout, reason = "people read it")]
fn show(line: &str) {
    println!("{line}");
}
