//! Requests to an HTTP connector whose mapping and bodies are as costly as they may be.

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::capped::{Capped, RESIDENT_MAX_KIB};
use crate::{
    receiver::Receiver,
    test_app::{client, response},
};

/// Requests at once.
const AT_ONCE: usize = 24;
/// Calls in each.
const CALLS: usize = 500;

/// Rules that compare a long value hundreds of times, and then read it as often as templates can.
fn mapping() -> Value {
    let condition = json!({ "field": "b", "is_not": ["x"] });
    let missing = json!({ "field": "b", "is": ["x"] });
    let when = [vec![condition; 9], vec![missing]].concat();
    let mut rules = vec![json!({ "name": "r", "event": "ignore", "when": when }); 20];
    let template = "{b}".repeat(16);
    let fields =
        ["key", "caller", "callee", "status", "direction", "extension", "cost", "dialled", "context", "result"];
    let fields: serde_json::Map<String, Value> =
        fields.iter().map(|name| ((*name).to_owned(), json!(template))).collect();
    rules.push(json!({ "name": "end", "event": "processed", "fields": fields }));
    json!({ "version": 1, "root": "c", "rules": rules })
}

#[tokio::test]
async fn costly_mappings_and_requests_take_little_memory() {
    let (server, receiver) = (Capped::start(), Receiver::start().await);
    let token = server.account(&receiver).await;
    let wanted = json!({ "name": "x", "system": "other", "mapping": mapping() }).to_string();
    let created = client().post(server.url("/api/v1/connectors")).bearer_auth(&token);
    let created = response(created.header("content-type", "application/json").body(wanted)).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    let (id, secret) = (created.json()["id"].clone(), created.json()["secret"].clone());
    let url = server.url(&format!("/in/{}/{}", id.as_str().unwrap(), secret.as_str().unwrap()));
    let calls: Vec<Value> = (0..CALLS).map(|n| json!({ "n": n })).collect();
    let body = json!({ "b": "\u{e9}".repeat(120 * 1_024), "c": calls }).to_string();
    let posts = (0..AT_ONCE)
        .map(|_| response(client().post(&url).header("content-type", "application/json").body(body.clone())));
    let statuses: Vec<_> = join_all(posts).await.into_iter().map(|response| response.status).collect();
    assert!(
        statuses.iter().all(|status| [422, 503].contains(&status.as_u16()))
            && statuses.contains(&StatusCode::UNPROCESSABLE_ENTITY),
        "{statuses:?}"
    );
    assert!(server.peak_kib() <= RESIDENT_MAX_KIB, "{} KiB", server.peak_kib());
}
