//! A tenant whose events are built to cost memory when a user looks at them.

use domain::event::EventKind;
use futures::future::join_all;
use reqwest::StatusCode;

use super::capped::{Capped, RESIDENT_MAX_KIB};
use crate::{
    receiver::Receiver,
    test_app::{client, response},
};

/// An event whose extra key holds this many nested arrays.
pub(super) fn nested(levels: usize) -> String {
    let payload = EventKind::CallProcessed.example();
    let body = payload.trim_end().strip_suffix('}').unwrap();
    format!(r#"{{"id":"nested-{levels}","payload":{body},"extra":{}{}}}}}"#, "[".repeat(levels), "]".repeat(levels))
}

#[tokio::test]
async fn a_payload_nested_deeper_than_64_levels_is_refused() {
    let (server, receiver) = (Capped::start(), Receiver::start().await);
    let token = server.account(&receiver).await;
    let post = async |levels: usize| {
        let request = client().post(server.url("/api/v1/events")).bearer_auth(&token);
        response(request.header("content-type", "application/json").body(nested(levels))).await
    };
    // The payload itself is the first level.
    assert_eq!(post(63).await.status, StatusCode::ACCEPTED);
    for levels in [64, 16_000, 100_000] {
        let refused = post(levels).await;
        refused.is_problem(422);
        assert!(refused.text.contains("64 levels"), "{}", refused.text);
    }
    assert!(server.peak_kib() <= RESIDENT_MAX_KIB, "{} KiB", server.peak_kib());
}

/// A batch of 30 events, 7.8 MB together.
pub(super) fn batch(n: usize) -> String {
    let payload = EventKind::CallProcessed.example();
    let body = payload.trim_end().strip_suffix('}').unwrap();
    let padding = "x".repeat(259_000);
    let event = |m: usize| format!(r#"{{"id":"{n}-{m}","payload":{body},"padding":"{padding}"}}}}"#);
    let events = (0..30).map(event).collect::<Vec<_>>().join(",");
    format!(r#"{{"events":[{events}]}}"#)
}

#[tokio::test]
async fn many_large_batches_at_once_are_refused_before_they_use_up_the_memory() {
    let (server, receiver) = (Capped::start(), Receiver::start().await);
    let token = server.account(&receiver).await;
    let posts = (0..60).map(|n| {
        let request = client().post(server.url("/api/v1/events/batch")).bearer_auth(&token);
        response(request.header("content-type", "application/json").body(batch(n)))
    });
    let responses = join_all(posts).await;
    // For what all may hold at once, or because the account has used up its own events.
    let statuses = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS];
    let refused = responses.iter().filter(|response| statuses.contains(&response.status));
    let refused = refused.inspect(|response| assert_ne!(response.header("retry-after"), "")).count();
    let accepted = responses.iter().filter(|response| response.status == StatusCode::ACCEPTED).count();
    assert!(accepted > 0 && refused > 0 && accepted + refused == 60, "{accepted} accepted, {refused} refused");
    assert!(server.peak_kib() <= RESIDENT_MAX_KIB, "{} KiB", server.peak_kib());
    let other = server.account(&receiver).await;
    let single = client().post(server.url("/api/v1/events")).bearer_auth(&other);
    let single = single.header("content-type", "application/json").body(nested(1));
    assert_eq!(response(single).await.status, StatusCode::ACCEPTED, "others are served");
}
