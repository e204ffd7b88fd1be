//! The sender's memory: bounded, and never used up by some at the cost of the others.

use domain::{
    actor::Actor,
    endpoint::{Duplicate, EndpointForm, Endpoints as _},
    event::{EventKind, Events as _},
};
use engine::sender::{LEASED_MAX_BYTES, claim::claim_once};
use futures::future::join_all;

use crate::bed::{Bed, event, newcomer, on_both};

on_both! {
    an_endpoint_with_large_events_takes_a_small_part_of_the_memory
    what_is_resumed_at_once_takes_no_more_memory_than_there_is
}

/// Nearly the largest payload.
const LARGE_BYTES: usize = 240_000;

/// Accepts so many large events at the same time.
async fn accept_large(bed: &Bed, count: u32) {
    let account = bed.token.account().unwrap();
    let posts = (0..count).map(|call| {
        let mut event = event(EventKind::CallProcessed, call, None);
        event.payload.text = format!("{{\"call_id\":{call},\"note\":\"{}\"}}", "x".repeat(LARGE_BYTES));
        bed.engine.accept_event(&bed.token, account, event)
    });
    assert!(join_all(posts).await.iter().all(Result::is_ok));
}

/// Bytes of payload in memory, each endpoint's for itself, the smallest first.
async fn bytes_in_memory(bed: &Bed) -> Vec<usize> {
    let query = "SELECT CAST(SUM(OCTET_LENGTH(e.payload)) AS TEXT) FROM deliveries d \
                 JOIN events e ON e.account_id = d.account_id AND e.id = d.event_id \
                 WHERE d.lease_owner IS NOT NULL GROUP BY d.endpoint_id";
    let mut bytes: Vec<usize> = bed.texts(query.to_owned()).await.iter().map(|text| text.parse().unwrap()).collect();
    bytes.sort_unstable();
    bytes
}

async fn listens(bed: &Bed, admin: &Actor) {
    let form = EndpointForm {
        url: bed.receiver.url(),
        events: vec!["CallProcessed".into()],
        auth_token: "my-token".into(),
        ..EndpointForm::default()
    };
    bed.engine.create_endpoint(admin, &form, Duplicate::Allow).await.unwrap();
}

async fn an_endpoint_with_large_events_takes_a_small_part_of_the_memory(bed: Bed) {
    bed.endpoint().await;
    accept_large(&bed, 60).await;
    let (admin, token) = newcomer(&bed.engine, "Umbra").await;
    listens(&bed, &admin).await;
    bed.engine.accept_event(&token, token.account().unwrap(), event(EventKind::CallProcessed, 1, None)).await.unwrap();
    let bytes = bytes_in_memory(&bed).await;
    assert_eq!(bytes.len(), 2, "the endpoint of the other account has its event in hand");
    assert!(bytes[1] > LARGE_BYTES * 20 && bytes[1] <= LEASED_MAX_BYTES / 8, "{} bytes", bytes[1]);
    assert_eq!(bed.run().await, 61, "the rest follows");
}

async fn what_is_resumed_at_once_takes_no_more_memory_than_there_is(bed: Bed) {
    // More than one claim serves.
    const ENDPOINTS: usize = 40;
    for _ in 0..ENDPOINTS {
        listens(&bed, &bed.admin).await;
    }
    bed.execute("UPDATE endpoints SET state = 'paused'").await.unwrap();
    accept_large(&bed, 30).await;
    bed.execute("UPDATE endpoints SET state = 'active'").await.unwrap();
    let sender = bed.engine.sender();
    for _ in 0..8 {
        claim_once(sender).await.unwrap();
        let in_memory: usize = bytes_in_memory(&bed).await.iter().sum();
        assert!(in_memory <= LEASED_MAX_BYTES, "{in_memory} bytes");
    }
    let bytes = bytes_in_memory(&bed).await;
    assert_eq!(bytes.len(), ENDPOINTS, "each has something in hand");
    assert!(bytes[ENDPOINTS - 1] < LARGE_BYTES * 30, "and none has all");
    assert_eq!(claim_once(sender).await.unwrap(), None, "nobody asks again while nothing has ended");
    assert_eq!(bytes_in_memory(&bed).await, bytes);
}
