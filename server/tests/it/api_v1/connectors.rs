//! `/api/v1/connectors`, and events that their connectors route.

use domain::token::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{CALL, incoming};
use crate::test_app::{TestApp, TestResponse, response};

const SCOPES: [Scope; 3] = [Scope::EventsWrite, Scope::ConnectorsRead, Scope::ConnectorsWrite];

/// A program with a token.
struct Program<'a> {
    app: &'a TestApp,
    token: String,
}

impl Program<'_> {
    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> TestResponse {
        let body = body.map(|body| body.to_string());
        self.app.call(method, &format!("/api/v1{path}"), &self.token, body.as_deref()).await
    }

    async fn post(&self, path: &str, body: Value) -> TestResponse {
        self.send(Method::POST, path, Some(body)).await
    }

    async fn get(&self, path: &str) -> Value {
        self.send(Method::GET, path, None).await.json()
    }

    async fn put_csv(&self, path: &str, body: &'static [u8]) -> TestResponse {
        let request = self.app.http.put(self.app.url(&format!("/api/v1{path}"))).bearer_auth(&self.token);
        response(request.header("content-type", "text/csv; charset=latin1").body(body)).await
    }
}

async fn platform(app: &TestApp) -> Program<'_> {
    Program { app, token: app.token(None, &SCOPES).await }
}

async fn created(program: &Program<'_>) -> String {
    let created = program.post("/connectors", json!({ "name": "pbx-1", "system": "asterisk" })).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    created.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_accounts_connector_lives_from_creation_to_deletion() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mapping = json!({ "version": 1, "rules": [{ "name": "all", "event": "ignore" }] });
    let wanted = json!({ "name": "pbx-1", "system": "yeastar", "country": "gb", "mapping": mapping });
    let first = tenant.post("/api/v1/connectors", &wanted).await;
    assert_eq!((first.status, first.header("cache-control")), (StatusCode::CREATED, "no-store"));
    let first = first.json();
    let path = format!("/api/v1/connectors/{}", first["id"].as_str().unwrap());
    let secret = first["secret"].as_str().unwrap().to_owned();
    assert_eq!((&first["way"], &first["country"], &first["status"]), (&json!("http"), &json!("GB"), &json!("waiting")));
    assert_eq!((&first["account"], &first["mapping"]), (&json!(tenant.account.id), &mapping));
    for path in [path.as_str(), "/api/v1/connectors"] {
        let shown = tenant.get(path).await;
        assert!(shown.status == StatusCode::OK && !shown.text.contains(&secret), "{}", shown.text);
    }
    let changed = tenant.patch(&path, &json!({ "trunks": ["PJSIP/provider"], "version": 1, "mapping": null })).await;
    assert_eq!((&changed.json()["version"], &changed.json()["mapping"]), (&json!(2), &Value::Null));
    assert_eq!(
        (&changed.json()["name"], &changed.json()["country"]),
        (&json!("pbx-1"), &json!("GB")),
        "{}",
        changed.text
    );
    tenant.patch(&path, &json!({ "name": "x", "version": 1 })).await.is_problem(409);
    let rotated = tenant.post(&format!("{path}/rotate"), &json!({})).await.json();
    assert_ne!(rotated["secret"], json!(secret));
    assert_eq!(tenant.post(&format!("{path}/pause"), &json!({})).await.json()["status"], "paused");
    assert_eq!(tenant.post(&format!("{path}/resume"), &json!({})).await.json()["status"], "waiting");
    assert_eq!(tenant.delete(&path).await.status, StatusCode::OK);
    tenant.get(&path).await.is_problem(404);
    let log = tenant.get("/api/v1/audit?area=connector").await.json();
    assert_eq!(log["data"][0]["action"], "connector.deleted");
}

#[tokio::test]
async fn wrong_input_names_its_fields() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    for (wrong, fields) in [
        (json!({ "name": "x", "system": "pbx" }), &["system"][..]),
        (json!({ "name": "x", "system": "asterisk", "country": "UK" }), &["country"]),
        (
            json!({ "name": "x", "system": "asterisk", "way": "ami", "ami_address": "10.0.0.1:5038" }),
            &["ami_address", "way"],
        ),
        (json!({ "name": "", "system": "other", "mapping": [] }), &["mapping", "name"]),
        (json!({ "name": "x", "system": "asterisk", "trunks": vec!["t"; 51] }), &["trunks"]),
        (json!({ "name": "x", "system": "asterisk", "trunks": [" "] }), &["trunks"]),
        (json!({ "name": "x", "system": "sipgate", "ami_address": "127.0.0.1:5038" }), &["ami_address"]),
        (
            json!({ "name": "x", "system": "asterisk", "mapping": { "version": 1, "rules": [{ "name": "x", "event": "ignore" }] } }),
            &["mapping"],
        ),
    ] {
        let refused = tenant.post("/api/v1/connectors", &wrong).await;
        assert_eq!(refused.is_problem(422).fields(), fields, "{wrong}");
    }
}

#[tokio::test]
async fn a_mapping_that_means_nothing_is_refused_with_the_place() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let end = |field: &str, template: &str| {
        let mut fields = json!({ "key": "{id}", "status": "answered" });
        fields[field] = json!(template);
        json!({ "version": 1, "rules": [{ "name": "end", "event": "processed", "fields": fields }] })
    };
    let created = tenant.post("/api/v1/connectors", &json!({ "name": "x", "system": "sipgate" })).await.json();
    let path = format!("/api/v1/connectors/{}", created["id"].as_str().unwrap());
    for (mapping, place) in [
        (json!({ "when": [] }), "unknown field `when`"),
        (end("caller", "{from"), "rules.0.fields.caller: A brace is opened but not closed."),
        (end("direction", "inwards"), "rules.0.fields.direction: “inwards” isn't a valid direction"),
        (end("status", "{s | map{ok=picked_up}}"), "rules.0.fields.status: “picked_up” isn't a valid status"),
        (end("colour", "red"), "rules.0.fields.colour"),
    ] {
        let wanted = json!({ "name": "y", "system": "sipgate", "mapping": mapping });
        let refused = [
            tenant.post("/api/v1/connectors", &wanted).await,
            tenant.patch(&path, &json!({ "mapping": mapping })).await,
        ];
        for refused in refused {
            assert_eq!(refused.is_problem(422).fields(), ["mapping"], "{}", refused.text);
            assert!(
                refused.json()["errors"]["mapping"][0].as_str().unwrap().contains(place),
                "{place}: {}",
                refused.text
            );
        }
    }
    let all =
        tenant.post("/api/v1/connectors", &json!({ "name": "", "system": "sipgate", "mapping": end("a", "b") })).await;
    assert_eq!(all.is_problem(422).fields(), ["mapping", "name"], "all at once");
    assert_eq!(tenant.get(&path).await.json()["mapping"], created["mapping"], "nothing has changed");
    assert_eq!(tenant.patch(&path, &json!({ "mapping": end("direction", "incoming") })).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_http_connector_begins_with_the_mapping_of_its_phone_system() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mapping = async |wanted: Value| tenant.post("/api/v1/connectors", &wanted).await.json()["mapping"].clone();
    let preset = mapping(json!({ "name": "twilio", "system": "twilio" })).await;
    assert_eq!(preset["version"], 1, "{preset}");
    assert!(preset["rules"].as_array().is_some_and(|rules| !rules.is_empty()), "{preset}");
    let own = json!({ "version": 1, "rules": [{ "name": "all", "event": "ignore" }] });
    assert_eq!(mapping(json!({ "name": "own", "system": "twilio", "mapping": own })).await, own);
    assert_eq!(mapping(json!({ "name": "other", "system": "other" })).await, Value::Null);
    assert_eq!(mapping(json!({ "name": "pbx", "system": "asterisk" })).await, Value::Null);
}

#[tokio::test]
async fn a_connector_reports_its_state_and_gaps() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let program = Program { app: &app, token: app.token(Some(&tenant.account.id), &SCOPES).await };
    let id = created(&program).await;
    let (state, gaps) = (format!("/connectors/{id}/state"), format!("/connectors/{id}/gaps"));
    let report = json!({ "connected": true, "last_event_at": "2026-01-31T09:30:00Z", "calls_open": 2, "lag_ms": 7,
        "system_version": "Asterisk 22.10.1", "seen": ["PJSIP/provider"] });
    let reported = program.send(Method::PUT, &state, Some(report)).await.json();
    assert_eq!((&reported["status"], &reported["state"]["calls_open"]), (&json!("connected"), &json!(2)));
    let trouble = json!({ "connected": false, "problem": "missing_permission", "detail": "read = call" });
    let reported = program.send(Method::PUT, &state, Some(trouble)).await.json();
    assert_eq!(
        (&reported["status"], &reported["state"]["problem"]),
        (&json!("reconnecting"), &json!("missing_permission"))
    );
    assert!(reported["state"]["problem_text"].as_str().unwrap().contains("permission"));
    assert_eq!(reported["state"]["seen"], json!(["PJSIP/provider"]));
    for (wrong, field) in [
        (json!({ "connected": true, "problem": "tired" }), "problem"),
        (json!({ "connected": true, "last_event_at": "now" }), "last_event_at"),
        (json!({ "connected": true, "detail": "x".repeat(201) }), "detail"),
        (json!({}), "connected"),
    ] {
        assert_eq!(program.send(Method::PUT, &state, Some(wrong)).await.is_problem(422).fields(), [field]);
    }
    let from = "2026-01-31T09:30:00.000Z";
    let open = json!({ "from": from, "reason": "connection_lost" });
    assert_eq!(program.post(&gaps, open).await.status, StatusCode::CREATED);
    let closed = json!({ "from": from, "to": "2026-01-31T09:31:00.000Z", "reason": "connection_lost", "calls_closed": 1,
        "filled": 1, "incomplete": 0 });
    assert_eq!(program.post(&gaps, closed.clone()).await.status, StatusCode::OK);
    assert_eq!(program.get(&gaps).await, json!({ "data": [closed], "next": null }));
    program.post(&gaps, json!({ "from": from, "reason": "rain" })).await.is_problem(422);
}

#[tokio::test]
async fn events_of_a_platform_connector_are_routed_by_number() {
    let app = TestApp::start().await;
    let (tenant, platform) = (app.account("acme").await, platform(&app).await);
    let id = created(&platform).await;
    let routes = format!("/connectors/{id}/routes");
    let event = |route: Value| {
        let mut event = incoming(CALL);
        (event["connector"], event["route"]) = (json!(id), route);
        event
    };
    let nowhere = platform.post("/events", event(json!({ "dialled": "+441632960001" }))).await;
    assert_eq!(nowhere.status, StatusCode::OK);
    assert_eq!(nowhere.json(), json!({ "id": null, "deliveries": 0, "unrouted": true }));
    let unrouted = platform.get(&format!("/connectors/{id}/unrouted")).await;
    assert_eq!((&unrouted["data"][0]["number"], &unrouted["data"][0]["events"]), (&json!("+441632960001"), &json!(1)));
    let assigned = platform.post(&routes, json!({ "number": "+44163296*", "account": "ref-acme" })).await;
    assert_eq!(assigned.status, StatusCode::NO_CONTENT, "{}", assigned.text);
    let accepted = platform.post("/events", event(json!({ "dialled": "+441632960001" }))).await;
    assert_eq!(
        (accepted.status, accepted.json().as_object().unwrap().len()),
        (StatusCode::ACCEPTED, 2),
        "{}",
        accepted.text
    );
    let stored = tenant.get(&format!("/api/v1/events/{}", accepted.json()["id"].as_str().unwrap())).await;
    assert_eq!(stored.status, StatusCode::OK);
    let batch = json!({ "events": [event(json!({ "presented": "+441632960002" })), event(json!({ "dialled": "7" }))] });
    let results = platform.post("/events/batch", batch).await.json();
    assert_eq!((&results["results"][0]["status"], &results["results"][1]["unrouted"]), (&json!(202), &json!(true)));
    platform.post(&format!("/connectors/{id}/pause"), json!({})).await;
    // A pause takes effect after two seconds, as the revocation of a token does.
    let paused = app
        .until(async || {
            let paused = platform.post("/events", event(json!({ "dialled": "+441632960001" }))).await.json();
            (paused["paused"] == json!(true)).then_some(paused)
        })
        .await;
    assert_eq!(paused, json!({ "id": null, "deliveries": 0, "paused": true }));
}

#[tokio::test]
async fn an_event_names_its_account_or_its_connector() {
    let app = TestApp::start().await;
    let (tenant, platform) = (app.account("acme").await, platform(&app).await);
    let id = created(&platform).await;
    let route = json!({ "dialled": "1" });
    for (fields, wrong) in [
        (json!({ "connector": id }), "route"),
        (json!({ "route": route }), "connector"),
        (json!({ "connector": id, "route": route, "account": "ref-acme" }), "account"),
        (json!({ "connector": id, "route": { "number": "1" } }), "route.number"),
        (json!({ "connector": id, "route": { "dialled": "1".repeat(65) } }), "route.dialled"),
    ] {
        let mut event = incoming(CALL);
        event.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        assert_eq!(platform.post("/events", event).await.is_problem(422).fields(), [wrong]);
    }
    let mut event = incoming(CALL);
    (event["connector"], event["route"]) = (json!(id), route);
    let refused = tenant.post("/api/v1/events", &event).await;
    assert_eq!(refused.is_problem(422).fields(), ["route"], "its token names the account");
    event["connector"] = json!("con_00000000000000000000000000");
    platform.post("/events", event).await.is_problem(404);
}

#[tokio::test]
async fn an_event_that_names_its_accounts_connector_is_the_connectors_sign_of_life() {
    let app = TestApp::start().await;
    let (acme, beta) = (app.account("acme").await, app.account("beta").await);
    let connector = acme.post("/api/v1/connectors", &json!({ "name": "sbc", "system": "kamailio" })).await.json();
    assert_eq!((&connector["way"], &connector["status"]), (&json!("beside"), &json!("waiting")));
    let mut event = incoming(CALL);
    event["connector"] = connector["id"].clone();
    beta.post("/api/v1/events", &event).await.is_problem(404);
    let path = format!("/api/v1/connectors/{}", connector["id"].as_str().unwrap());
    assert_eq!(acme.get(&path).await.json()["status"], "waiting", "another account's event is none of its own");
    assert_eq!(acme.post("/api/v1/events", &event).await.status, StatusCode::ACCEPTED);
    let shown = acme.get(&path).await.json();
    assert_eq!(shown["status"], "connected");
    assert_ne!(shown["state"]["last_event_at"], Value::Null);
    // The other account's attempt again, now that the connector is known.
    beta.post("/api/v1/events", &event).await.is_problem(404);
    acme.post(&format!("{path}/pause"), &json!({})).await;
    let paused = acme.post("/api/v1/events", &event).await;
    assert_eq!((paused.status, &paused.json()["paused"]), (StatusCode::OK, &json!(true)));
}

#[tokio::test]
async fn a_table_of_routes_is_replaced_as_json_or_csv() {
    let app = TestApp::start().await;
    let (_acme, _beta, platform) = (app.account("acme").await, app.account("m\u{fc}ller").await, platform(&app).await);
    let routes = format!("/connectors/{}/routes", created(&platform).await);
    let csv = platform.put_csv(&routes, b"Number;Account\r\n0044 1632 960001;ref-acme\r\n*;ref-m\xfcller\r\n").await;
    assert_eq!(csv.json(), json!({ "added": 2, "changed": 0, "removed": 0 }), "{}", csv.text);
    let table = json!({ "routes": [{ "number": "*", "account": "ref-acme" }, { "number": "extension:7048", "account": "ref-acme" }] });
    let replaced = platform.send(Method::PUT, &routes, Some(table)).await;
    assert_eq!(replaced.json(), json!({ "added": 1, "changed": 1, "removed": 1 }), "{}", replaced.text);
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = platform.get(&format!("{routes}?limit=1{next}")).await;
        seen.push(page["data"][0]["number"].as_str().unwrap().to_owned());
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    seen.sort();
    assert_eq!(seen, ["*", "extension:7048"]);
    let wrong = platform.put_csv(&routes, b"+441632960001,nobody\nhello,ref-acme\n").await;
    assert!(wrong.is_problem(422).text.contains("Line 2"), "{}", wrong.text);
    assert_eq!(
        platform.send(Method::DELETE, &format!("{routes}/extension:7048"), None).await.status,
        StatusCode::NO_CONTENT
    );
    platform.send(Method::DELETE, &format!("{routes}/extension:7048"), None).await.is_problem(404);
    let plain = app.http.put(app.url(&format!("/api/v1{routes}"))).bearer_auth(&platform.token);
    response(plain.header("content-type", "text/plain").body("*,ref-acme")).await.is_problem(415);
}

#[tokio::test]
async fn a_connector_has_a_time_zone() {
    let app = TestApp::start().await;
    let program = platform(&app).await;
    let wanted = json!({ "name": "pbx", "system": "yeastar", "time_zone": "Europe/London" });
    let created = program.post("/connectors", wanted).await.json();
    assert_eq!(created["time_zone"], "Europe/London");
    let path = format!("/connectors/{}", created["id"].as_str().unwrap());
    let changed = program.send(Method::PATCH, &path, Some(json!({ "name": "pbx-2" }))).await.json();
    assert_eq!(changed["time_zone"], "Europe/London", "it is kept");
    let refused = program.send(Method::PATCH, &path, Some(json!({ "time_zone": "Mars/Base" }))).await;
    assert_eq!((refused.status.as_u16(), refused.fields()), (422, vec!["time_zone".to_owned()]));
    let removed = program.send(Method::PATCH, &path, Some(json!({ "time_zone": "" }))).await.json();
    assert_eq!(removed["time_zone"], Value::Null);
}
