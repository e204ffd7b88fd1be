//! However many endpoints an account has at a host, together they get a limited number of requests at once.

use std::sync::Arc;

use domain::{
    endpoint::{Duplicate, EndpointForm, Endpoints as _},
    event::{EventKind, Events as _},
};
use tokio::sync::Semaphore;

use crate::{
    harness::{TestHarness, event, on_both},
    receiver::{Receiver, Reply},
};

on_both! { a_host_with_many_endpoints_gets_a_limited_number_of_requests_at_once }

/// Requests at once that the endpoints of an account at one host get together.
const AT_ONCE: usize = 128;
/// Together with [`EVENTS`], more deliveries than may be sent at once, none of which has to wait for its endpoint.
const ENDPOINTS: usize = 20;
const EVENTS: usize = 8;

async fn a_host_with_many_endpoints_gets_a_limited_number_of_requests_at_once(harness: TestHarness) {
    for _ in 0..ENDPOINTS {
        harness.endpoint().await;
    }
    let gate = Arc::new(Semaphore::new(0));
    harness.receiver.usually(Reply::Wait(gate.clone()));
    let running = harness.another_running().await;
    for call in 0..EVENTS {
        harness.accept_by(&running, EventKind::CallProcessed, u32::try_from(call).unwrap()).await;
    }
    harness.receiver.has_received(AT_ONCE).await;
    // The host waits for its turn, another account does not.
    let (other, elsewhere) = (harness.newcomer("Other").await, Receiver::start().await);
    let form = EndpointForm { url: elsewhere.url(), events: vec!["CallProcessed".into()], ..EndpointForm::default() };
    running.create_endpoint(&other.0, &form.input().unwrap(), Duplicate::Allow).await.unwrap();
    let account = other.1.account().unwrap();
    running.accept_event(&other.1, account, event(EventKind::CallProcessed, 1, None)).await.unwrap();
    elsewhere.has_received(1).await;
    assert_eq!(harness.receiver.received().len(), AT_ONCE);
    gate.add_permits(1);
    harness.receiver.has_received(AT_ONCE + 1).await;
    gate.add_permits(ENDPOINTS * EVENTS);
    harness.receiver.has_received(ENDPOINTS * EVENTS).await;
    running.stop().await;
}
