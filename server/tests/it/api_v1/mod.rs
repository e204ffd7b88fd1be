mod auth;
mod batch;
mod calls;
mod connectors;
mod deliveries;
mod endpoints;
mod events;
mod openapi;
mod record_imports;
mod recover;
mod retry;
mod rotation;
mod rotations;
mod tokens;

use serde_json::{Value, json};

/// The first event of a call.
fn incoming(call_id: &str) -> Value {
    json!({ "payload": { "event": "IncomingCall", "call_id": call_id,
        "callee_number": "01202912204", "caller_number": "01202901222" } })
}

const CALL: &str = "2f533604-aaaf-11e7-b600-7ac8e42434d2";
