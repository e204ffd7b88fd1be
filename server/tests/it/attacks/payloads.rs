//! A tenant whose events are built to cost memory when somebody looks at them.

use domain::event::EventKind;
use reqwest::StatusCode;

use super::capped::{Capped, RESIDENT_MAX_KIB};
use crate::{
    receiver::Receiver,
    test_app::{client, response},
};

/// An event whose extra key holds this many nested arrays.
fn nested(levels: usize) -> String {
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
