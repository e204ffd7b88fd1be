//! Measures the phases of an attempt. The client reports no times, so its resolver and its connector record theirs in the
//! task that makes the attempt. A connection that the pool opened in another task is not recorded.

use std::{cell::RefCell, future::Future, time::Duration};

use domain::attempt::Timing;

#[derive(Debug, Default)]
struct Recorded {
    timing: Timing,
    is_tcp_connected: bool,
}

tokio::task_local! {
    static RECORDED: RefCell<Recorded>;
}

/// Whole milliseconds, saturating.
pub(super) fn ms(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// Runs an attempt and returns what was recorded during it.
pub(super) async fn recorded<T>(attempt: impl Future<Output = T>) -> (T, Timing) {
    let run = async {
        let result = attempt.await;
        (result, RECORDED.with(|recorded| recorded.borrow().timing))
    };
    RECORDED.scope(RefCell::default(), run).await
}

/// Records how long the lookup took.
pub(super) fn dns(took: Duration) {
    let _ = RECORDED.try_with(|recorded| recorded.borrow_mut().timing.dns_ms = Some(ms(took)));
}

/// TCP has connected; TLS follows.
pub(super) fn tcp_connected() {
    let _ = RECORDED.try_with(|recorded| recorded.borrow_mut().is_tcp_connected = true);
}

/// Whether TCP has connected during this attempt.
pub(super) fn is_tcp_connected() -> bool {
    RECORDED.try_with(|recorded| recorded.borrow().is_tcp_connected).unwrap_or_default()
}

/// Records how long connecting took, including lookup and TLS.
pub(super) fn connect(took: Duration) {
    let _ = RECORDED.try_with(|recorded| {
        let timing = &mut recorded.borrow_mut().timing;
        timing.connect_ms = Some(ms(took).saturating_sub(timing.dns_ms.unwrap_or_default()));
    });
}
