//! The sender's memory is bounded, and no endpoint uses it up at the expense of others.

use domain::{
    actor::Actor,
    endpoint::{Duplicate, EndpointForm, Endpoints as _},
    event::{EventKind, Events as _},
};
use engine::delivery::{LEASED_MAX_BYTES, claim::claim_once};
use futures::future::join_all;

use crate::harness::{TestHarness, event, on_both};

on_both! { an_endpoint_with_large_events_uses_a_small_share_of_memory resuming_many_endpoints_at_once_stays_within_the_budget }

/// Close to the largest payload.
const LARGE_BYTES: usize = 240_000;

/// Accepts this many large events concurrently.
async fn accept_large(harness: &TestHarness, count: u32) {
    let account = harness.token.account().unwrap();
    let posts = (0..count).map(|call| {
        let mut event = event(EventKind::CallProcessed, call, None);
        event.payload.text = format!("{{\"call_id\":{call},\"note\":\"{}\"}}", "x".repeat(LARGE_BYTES));
        harness.engine.accept_event(&harness.token, account, event)
    });
    assert!(join_all(posts).await.iter().all(Result::is_ok));
}

/// Bytes of payload in memory by endpoint, smallest first.
async fn bytes_in_memory(harness: &TestHarness) -> Vec<usize> {
    let query = "SELECT CAST(SUM(OCTET_LENGTH(e.payload)) AS TEXT) FROM deliveries d \
                 JOIN events e ON e.account_id = d.account_id AND e.id = d.event_id \
                 WHERE d.lease_owner IS NOT NULL GROUP BY d.endpoint_id";
    let mut bytes: Vec<usize> =
        harness.texts(query.to_owned()).await.iter().map(|text| text.parse().unwrap()).collect();
    bytes.sort_unstable();
    bytes
}

async fn listens(harness: &TestHarness, admin: &Actor) {
    let form = EndpointForm {
        url: harness.receiver.url(),
        events: vec!["CallProcessed".into()],
        auth_token: "my-token".into(),
        ..EndpointForm::default()
    };
    harness.engine.create_endpoint(admin, &form.input().unwrap(), Duplicate::Allow).await.unwrap();
}

async fn an_endpoint_with_large_events_uses_a_small_share_of_memory(harness: TestHarness) {
    harness.endpoint().await;
    accept_large(&harness, 60).await;
    let (admin, token) = harness.newcomer("Umbra").await;
    listens(&harness, &admin).await;
    harness
        .engine
        .accept_event(&token, token.account().unwrap(), event(EventKind::CallProcessed, 1, None))
        .await
        .unwrap();
    let bytes = bytes_in_memory(&harness).await;
    assert_eq!(bytes.len(), 2, "the other account's endpoint has its event in memory");
    assert!(bytes[1] > LARGE_BYTES * 20 && bytes[1] <= LEASED_MAX_BYTES / 8, "{} bytes", bytes[1]);
    assert_eq!(harness.run().await, 61, "the rest follows later");
}

async fn resuming_many_endpoints_at_once_stays_within_the_budget(harness: TestHarness) {
    // More than a single claim can load.
    const ENDPOINTS: usize = 40;
    for _ in 0..ENDPOINTS {
        listens(&harness, &harness.admin).await;
    }
    harness.execute("UPDATE endpoints SET state = 'paused'").await.unwrap();
    accept_large(&harness, 30).await;
    harness.execute("UPDATE endpoints SET state = 'active'").await.unwrap();
    let sender = harness.engine.sender();
    for _ in 0..8 {
        claim_once(sender).await.unwrap();
        let in_memory: usize = bytes_in_memory(&harness).await.iter().sum();
        assert!(in_memory <= LEASED_MAX_BYTES, "{in_memory} bytes");
    }
    let bytes = bytes_in_memory(&harness).await;
    assert_eq!(bytes.len(), ENDPOINTS, "each has something in memory");
    assert!(bytes[ENDPOINTS - 1] < LARGE_BYTES * 30, "and none has everything");
    assert_eq!(claim_once(sender).await.unwrap(), None, "nothing more is claimed until something ends");
    assert_eq!(bytes_in_memory(&harness).await, bytes);
}
