//! REST over the WebSocket of the events (Asterisk 20.14, 21.9 and 22.4): requests, and their responses.

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Serialize)]
struct Request<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    transaction_id: &'a str,
    request_id: &'a str,
    method: &'static str,
    uri: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_body: Option<String>,
}

/// A response. Its debug output has no body, which has numbers.
#[derive(Deserialize)]
pub(super) struct Response {
    /// The ID of the request.
    #[serde(default)]
    pub request_id: String,
    /// The HTTP status.
    pub status_code: u16,
    /// When Asterisk sent it, on its clock.
    #[serde(default)]
    pub timestamp: String,
    /// The body; empty if there is none.
    #[serde(default)]
    pub message_body: String,
}

/// What a message is.
#[derive(Deserialize)]
pub(super) struct Head {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub application: String,
}

/// The type of a message that is a response.
pub(super) const RESPONSE: &str = "RESTResponse";

/// Reads something. `id` comes back with the response.
pub(super) fn get(id: &str, uri: &str) -> String {
    message(id, "GET", uri, None)
}

/// Sets something.
pub(super) fn put(id: &str, uri: &str, body: &Value) -> String {
    message(id, "PUT", uri, Some(body.to_string()))
}

fn message(id: &str, method: &'static str, uri: &str, body: Option<String>) -> String {
    let content_type = body.as_ref().map(|_| "application/json");
    let (transaction_id, request_id) = (id, id);
    let request =
        Request { kind: "RESTRequest", transaction_id, request_id, method, uri, content_type, message_body: body };
    serde_json::to_string(&request).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requests_are_as_asterisk_expects_them() {
        let read: Value = serde_json::from_str(&get("info", "asterisk/info")).unwrap();
        let expected = json!({ "type": "RESTRequest", "transaction_id": "info", "request_id": "info", "method": "GET",
            "uri": "asterisk/info" });
        assert_eq!(read, expected);
        let set: Value = serde_json::from_str(&put("f", "applications/offhook/eventFilter", &json!({}))).unwrap();
        assert_eq!((&set["content_type"], &set["message_body"]), (&json!("application/json"), &json!("{}")));
    }

    #[test]
    fn a_response_without_a_body_is_read() {
        let response: Response =
            serde_json::from_str(r#"{"type":"RESTResponse","request_id":"f","status_code":204,"uri":"x"}"#).unwrap();
        assert_eq!(
            (response.request_id.as_str(), response.status_code, response.message_body.as_str()),
            ("f", 204, "")
        );
    }
}
