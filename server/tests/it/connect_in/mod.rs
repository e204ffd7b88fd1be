//! `/in/{connector}/{secret}`: phone systems that send requests of their own format.

mod limits;
mod presets;
mod privacy;

use domain::{connector::Mappings as _, token::Scope};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::mappings::ConnectMappings;

use crate::{
    receiver::Receiver,
    test_app::{Tenant, TestApp, TestResponse, response},
};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// What a platform token needs for connectors.
const PLATFORM_SCOPES: [Scope; 3] = [Scope::EventsWrite, Scope::ConnectorsRead, Scope::ConnectorsWrite];

/// What sipgate sends of a call.
const NEW_CALL: &str = "event=newCall&from=441632960001&to=441632960100&direction=in&callId=1&user[]=Alice";
const ANSWER: &str = "event=answer&callId=1&user=John+Doe&userId=w0&from=441632960001&to=441632960100&direction=in";
/// Without direction and numbers, which are known from the beginning.
const END_ALONE: &str = "event=end&callId=1";

/// An HTTP connector.
struct Door {
    id: String,
    path: String,
}

impl Door {
    /// One of an account, or of the platform.
    async fn new(app: &TestApp, token: &str, system: &str, mapping: Option<Value>) -> Self {
        let wanted = json!({ "name": "pbx-1", "system": system, "way": "http", "country": "GB",
            "time_zone": "Europe/London", "mapping": mapping });
        let created = app.call(Method::POST, "/api/v1/connectors", token, Some(&wanted.to_string())).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
        let created = created.json();
        let (id, secret) = (created["id"].as_str().unwrap().to_owned(), created["secret"].as_str().unwrap());
        Self { path: format!("/in/{id}/{secret}"), id }
    }

    async fn of_preset(tenant: &Tenant<'_>, name: &str) -> Self {
        Self::new(tenant.app, &tenant.token, name, Some(preset(name))).await
    }

    async fn post(&self, app: &TestApp, kind: &str, body: &str) -> TestResponse {
        post(app, &self.path, kind, body).await
    }

    async fn state(&self, tenant: &Tenant<'_>) -> Value {
        tenant.get(&format!("/api/v1/connectors/{}", self.id)).await.json()["state"].clone()
    }
}

async fn post(app: &TestApp, path: &str, kind: &str, body: &str) -> TestResponse {
    response(app.http.post(app.url(path)).header("content-type", kind).body(body.to_owned())).await
}

/// A preset's mapping. Times without a zone are those of the connector.
fn preset(name: &str) -> Value {
    let preset = ConnectMappings.presets().into_iter().find(|preset| preset.name == name).unwrap();
    serde_json::from_str(&preset.json).unwrap()
}

/// Rules whose end of a call has nothing but its key.
fn ends_alone() -> Value {
    let mut mapping = preset("sipgate");
    let end = json!({ "name": "end", "when": [{ "field": "event", "is": ["end"] }], "event": "processed",
        "fields": { "key": "{callId}", "status": "by_answer" } });
    mapping["rules"].as_array_mut().unwrap().push(end);
    mapping
}

/// An event as it arrived: what it says, without ids.
async fn next_line(receiver: &mut Receiver) -> String {
    let body: Value = serde_json::from_str(&receiver.next().await.body).unwrap();
    let payload = &body["payload"];
    let text = |key: &str| match &payload[key] {
        Value::String(text) => text.clone(),
        Value::Object(party) => {
            format!("{}:{}", party["type"].as_str().unwrap(), party["id"].to_string().trim_matches('"'))
        }
        other => other.to_string(),
    };
    if payload["event"] == "CallProcessed" {
        let (kind, status) = (text("call_type"), text("call_status"));
        return format!("CallProcessed {kind} {status}, {} -> {}", text("source"), text("destination"));
    }
    format!("{} {} -> {}", text("event"), text("caller_number"), text("callee_number"))
}

#[tokio::test]
async fn a_request_that_is_repeated_gives_nothing_twice() {
    let app = TestApp::start().await;
    let (tenant, mut receiver) = (app.account("acme").await, Receiver::start().await);
    tenant.endpoint(&receiver.url).await;
    let door = Door::of_preset(&tenant, "sipgate").await;
    for _ in 0..3 {
        let first = door.post(&app, FORM, NEW_CALL).await;
        assert_eq!(first.status, StatusCode::OK, "{}", first.text);
    }
    assert_eq!(next_line(&mut receiver).await, "IncomingCall +441632960001 -> +441632960100");
    assert_eq!(tenant.get("/api/v1/events").await.json()["data"].as_array().unwrap().len(), 1);
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn a_restart_between_the_requests_of_a_call_loses_nothing() {
    let app = TestApp::start().await;
    let (tenant, mut receiver) = (app.account("acme").await, Receiver::start().await);
    tenant.endpoint(&receiver.url).await;
    let door = Door::new(&app, &tenant.token, "sipgate", Some(ends_alone())).await;
    assert_eq!(door.post(&app, FORM, NEW_CALL).await.status, StatusCode::OK);
    assert_eq!(next_line(&mut receiver).await, "IncomingCall +441632960001 -> +441632960100");
    let app = app.restarted().await;
    assert_eq!(door.post(&app, FORM, ANSWER).await.status, StatusCode::OK);
    let app = app.restarted().await;
    for _ in 0..2 {
        let end = door.post(&app, FORM, END_ALONE).await;
        assert_eq!(end.status, StatusCode::OK, "{}", end.text);
    }
    assert_eq!(next_line(&mut receiver).await, "CallProcessed incoming answered, +441632960001 -> extension:w0");
}

#[tokio::test]
async fn a_call_of_the_platform_goes_to_the_account_of_its_number() {
    let app = TestApp::start().await;
    let (tenant, mut receiver) = (app.account("acme").await, Receiver::start().await);
    tenant.endpoint(&receiver.url).await;
    let token = app.token(None, &PLATFORM_SCOPES).await;
    let door = Door::new(&app, &token, "sipgate", Some(ends_alone())).await;
    let unrouted = door.post(&app, FORM, NEW_CALL).await;
    assert_eq!((unrouted.status, unrouted.text.contains("No route")), (StatusCode::OK, false), "XML for sipgate");
    let routes = format!("/api/v1/connectors/{}/routes", door.id);
    let table = json!({ "routes": [{ "number": "01632 960100", "account": "ref-acme" }] });
    let replaced = app.call(Method::PUT, &routes, &token, Some(&table.to_string())).await;
    assert_eq!(replaced.status, StatusCode::OK, "{}", replaced.text);
    for body in [NEW_CALL, END_ALONE] {
        assert_eq!(door.post(&app, FORM, body).await.status, StatusCode::OK);
    }
    // The route is written nationally and the call internationally; the end is routed as its beginning was.
    assert_eq!(next_line(&mut receiver).await, "IncomingCall +441632960001 -> +441632960100");
    assert_eq!(next_line(&mut receiver).await, "CallProcessed incoming not_answered, +441632960001 -> +441632960100");
}

#[tokio::test]
async fn sipgate_is_told_where_to_report_answers_and_ends() {
    let app = TestApp::start_at("https://hooks.example.com").await;
    let tenant = app.account("acme").await;
    let door = Door::of_preset(&tenant, "sipgate").await;
    let request = app.http.post(app.url(&door.path)).header("host", "hooks.example.com").body(NEW_CALL);
    let responded = response(request.header("content-type", FORM)).await;
    assert_eq!((responded.status, responded.header("content-type")), (StatusCode::OK, "application/xml"));
    let url = format!("https://hooks.example.com{}", door.path);
    assert!(
        responded.text.contains(&format!(r#"<Response onAnswer="{url}" onHangup="{url}"/>"#)),
        "{}",
        responded.text
    );
}

#[tokio::test]
async fn get_works_as_post_does_and_head_changes_nothing() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let door = Door::of_preset(&tenant, "sipgate").await;
    let path = format!("{}?{NEW_CALL}", door.path);
    assert_eq!(app.call(Method::HEAD, &path, "", None).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(tenant.get("/api/v1/events").await.json()["data"], json!([]));
    assert_eq!(app.call(Method::GET, &path, "", None).await.status, StatusCode::OK);
    assert_eq!(tenant.get("/api/v1/events").await.json()["data"][0]["caller"], "+441632960001");
}
