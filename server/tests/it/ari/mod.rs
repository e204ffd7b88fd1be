//! `/connect/asterisk`: an Asterisk connects, and its calls arrive at the receiver.

mod asterisk;
mod calls;
mod refusals;
mod restarts;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use self::asterisk::{Connection, TRUNKS, dial};
use crate::{
    receiver::{Received, Receiver},
    test_app::{Tenant, TestApp},
};

/// A connector that Asterisk connects to.
struct Ari {
    id: String,
    secret: String,
}

impl Ari {
    /// An account's, with the trunks of the recordings.
    async fn of(tenant: &Tenant<'_>) -> Self {
        Self::create(tenant.app, &tenant.token).await
    }

    async fn create(app: &TestApp, token: &str) -> Self {
        let wanted = json!({ "name": "pbx-1", "system": "asterisk", "way": "ari", "trunks": TRUNKS });
        let created = app.call(Method::POST, "/api/v1/connectors", token, Some(&wanted.to_string())).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
        let text = |key: &str| created.json()[key].as_str().unwrap().to_owned();
        Self { id: text("id"), secret: text("secret") }
    }

    async fn dial(&self, address: &str) -> Connection {
        dial(address, &self.id, &self.secret, "ari").await.expect("it is refused")
    }

    /// What the connector has reported.
    async fn state(&self, tenant: &Tenant<'_>) -> Value {
        tenant.get(&format!("/api/v1/connectors/{}", self.id)).await.json()
    }

    async fn gaps(&self, tenant: &Tenant<'_>) -> Vec<Value> {
        let gaps = tenant.get(&format!("/api/v1/connectors/{}/gaps", self.id)).await.json();
        gaps["data"].as_array().unwrap().clone()
    }
}

/// An event as `outcomes.txt` has it.
fn line(received: &Received) -> String {
    let body: Value = serde_json::from_str(&received.body).unwrap();
    let payload = &body["payload"];
    let text = |key: &str| payload[key].as_str().unwrap_or_default().to_owned();
    let party = |key: &str| match &payload[key] {
        Value::String(number) => number.clone(),
        party => format!("{} {}", party["type"].as_str().unwrap(), party["id"]),
    };
    match text("event").as_str() {
        "CallProcessed" => format!(
            "CallProcessed {} {} {} s, {} -> {}",
            text("call_type"),
            text("call_status"),
            payload["call_duration"],
            party("source"),
            party("destination")
        ),
        event => format!("{event} {} -> {}", text("caller_number"), text("callee_number")),
    }
}

/// What is received next, a line for each.
async fn lines(receiver: &mut Receiver, count: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for _ in 0..count {
        lines.push(line(&receiver.next().await));
    }
    lines
}
