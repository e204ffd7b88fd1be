//! Real time: a benchmark measures nothing else.

use std::time::Duration;

use tokio::time::Instant;

/// The start of a measurement.
#[expect(clippy::disallowed_methods, reason = "measuring real durations is the purpose of this program")]
pub(crate) fn stopwatch() -> Instant {
    Instant::now()
}

/// Sleeps, in milliseconds.
#[expect(clippy::disallowed_methods, reason = "measuring real durations is the purpose of this program")]
pub(crate) async fn sleep_ms(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
