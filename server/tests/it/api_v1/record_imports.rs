//! `/api/v1/connectors/{id}/imports`

use std::sync::Arc;

use domain::{
    connector::imports::{FILES_MAX, UPLOAD_LEASE_MS},
    time::Clock,
    token::Scope,
};
use futures::{channel::mpsc, stream};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    record_files::continues::StillClock,
    test_app::{Tenant, TestApp, TestResponse, response},
};

const COLUMNS: &str = "start=1&caller=2&callee=3&duration=4&status=5&statuses=OK:answered&zone=Europe/London";

/// A file with as many calls, an internal one, and a row that is not understood.
fn calls(count: usize) -> String {
    let mut file = "Date;From;To;Seconds;Result\r\n".to_owned();
    for n in 0..count {
        file += &format!("2026-11-28 {:02}:{:02}:00;01632960001;01632960100;12;OK\r\n", n / 60, n % 60);
    }
    file + "2026-11-28 09:30:00;7048;7049;12;OK\r\nyesterday;01632960001;01632960100;12;OK\r\n"
}

struct Program<'a> {
    app: &'a TestApp,
    token: String,
    path: String,
}

impl<'a> Program<'a> {
    async fn new(app: &'a TestApp, tenant: &Tenant<'_>) -> Self {
        let wanted = json!({ "name": "Old PBX", "system": "other", "way": "files", "country": "GB" });
        let created = tenant.post("/api/v1/connectors", &wanted).await.json();
        let path = format!("/api/v1/connectors/{}/imports", created["id"].as_str().unwrap());
        Self { app, token: app.token(Some(&tenant.account.id), &[Scope::ConnectorsWrite]).await, path }
    }

    async fn send(&self, query: &str, file: impl Into<reqwest::Body>) -> TestResponse {
        let request = self.app.http.post(self.app.url(&format!("{}?{query}", self.path))).bearer_auth(&self.token);
        response(request.header("content-type", "text/csv").body(file)).await
    }

    /// An import once it has ended.
    async fn ended(&self, tenant: &Tenant<'_>, id: &Value) -> Value {
        let path = format!("{}/{}", self.path, id.as_str().unwrap());
        self.app
            .until(async || {
                let import = tenant.get(&path).await.json();
                (import["state"] != "running").then_some(import)
            })
            .await
    }
}

#[tokio::test]
async fn a_program_imports_a_file_follows_it_and_reads_what_was_not_imported() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let program = Program::new(&app, &tenant).await;
    let accepted = program.send(&format!("name=/tmp/calls.csv&{COLUMNS}"), calls(3)).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.text);
    let accepted = accepted.json();
    assert_eq!((&accepted["name"], &accepted["preset"]), (&json!("calls.csv"), &json!("columns")));
    let import = program.ended(&tenant, &accepted["id"]).await;
    let counts = ["rows", "imported", "known", "ignored", "not_understood"].map(|key| import[key].as_u64().unwrap());
    assert_eq!((&import["state"], counts), (&json!("done"), [5, 3, 0, 1, 1]), "{import}");
    assert_eq!(tenant.get("/api/v1/events").await.json()["data"].as_array().unwrap().len(), 3);
    let path = format!("{}/{}", program.path, accepted["id"].as_str().unwrap());
    let rows = tenant.get(&format!("{path}/not-imported?limit=1")).await.json();
    assert_eq!((&rows["data"][0]["line"], &rows["next"]), (&json!(6), &Value::Null), "{rows}");
    assert!(rows["data"][0]["reason"].as_str().unwrap().contains("yesterday"), "{rows}");
    tenant.post(&format!("{path}/cancel"), &json!({})).await.is_problem(409);
    // The columns are those of the last file.
    let again = program.send("", calls(4)).await.json();
    let again = program.ended(&tenant, &again["id"]).await;
    assert_eq!((&again["imported"], &again["known"], &again["name"]), (&json!(1), &json!(3), &json!("records.csv")));
    let list = tenant.get(&program.path).await.json();
    assert_eq!(
        list["data"].as_array().unwrap().iter().map(|one| &one["id"]).collect::<Vec<_>>(),
        [&again["id"], &accepted["id"]]
    );
}

#[tokio::test]
async fn what_can_not_be_imported_is_refused_with_its_place_and_leaves_nothing() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let program = Program::new(&app, &tenant).await;
    for (query, file, fields) in [
        ("", calls(1), &["callee", "caller", "duration", "start"][..]),
        ("preset=panasonic", calls(1), &["preset"]),
        ("preset=asterisk", calls(1), &["preset"]),
        ("preset=3cx&caller=2", calls(1), &["preset"]),
        ("columns=1", calls(1), &["columns"]),
        (&format!("{COLUMNS}&cost=9"), calls(1), &["cost"]),
        (&format!("{COLUMNS}&direction=inwards"), calls(1), &["direction"]),
        (&COLUMNS.replace("OK:answered", "::::"), calls(1), &["statuses"]),
        (&COLUMNS.replace("London", "Londn"), calls(1), &["zone"]),
        (COLUMNS, "Date;From;To;Seconds;Result\nyesterday;01632960001;01632960100;12;OK\n".into(), &["preset"]),
        (COLUMNS, String::new(), &["file"]),
    ] {
        let refused = program.send(query, file).await;
        assert_eq!(refused.is_problem(422).fields(), fields, "{query}: {}", refused.text);
    }
    let form = app.http.post(app.url(&format!("{}?{COLUMNS}", program.path))).bearer_auth(&program.token);
    response(form.header("content-type", "multipart/form-data; boundary=b").body("--b--")).await.is_problem(415);
    // A file that ends early.
    for _ in 0..2 * FILES_MAX {
        let broken = stream::iter([Ok(calls(9).into_bytes()), Err(std::io::Error::other("the line is cut"))]);
        let request = app.http.post(app.url(&format!("{}?{COLUMNS}", program.path))).bearer_auth(&program.token);
        assert!(request.body(reqwest::Body::wrap_stream(broken)).send().await.is_err());
    }
    app.until(async || {
        let left = tenant.get(&program.path).await.json();
        (left["data"] == json!([])).then_some(())
    })
    .await;
    let next = program.send(COLUMNS, calls(1)).await;
    assert_eq!(next.status, StatusCode::ACCEPTED, "their places are free: {}", next.text);
}

#[tokio::test]
async fn a_file_that_stalls_is_refused_with_what_to_do() {
    let clock = StillClock::now_on();
    let app = TestApp::start_with("", Arc::clone(&clock) as Arc<dyn Clock>).await;
    let tenant = app.account("acme").await;
    let program = Program::new(&app, &tenant).await;
    let (sender, file) = mpsc::unbounded::<Result<String, std::io::Error>>();
    sender.unbounded_send(Ok(calls(1))).unwrap();
    let stalls = async {
        let uploading = async || tenant.get(&program.path).await.json()["data"][0]["state"] == "uploading";
        // Nothing announces an upload that begins.
        while !uploading().await {}
        clock.step_ms(UPLOAD_LEASE_MS);
        sender.unbounded_send(Ok("and the rest".to_owned())).unwrap();
        sender.close_channel();
    };
    let (refused, ()) = tokio::join!(program.send(COLUMNS, reqwest::Body::wrap_stream(file)), stalls);
    assert!(refused.is_problem(409).text.contains("Nothing arrived for a minute"), "{}", refused.text);
    assert_eq!(tenant.get(&program.path).await.json()["data"], json!([]), "nothing of it is kept");
}

#[tokio::test]
async fn only_those_who_manage_connectors_import_and_only_of_their_own() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.account("acme").await, app.account("beta").await);
    let program = Program::new(&app, &tenant).await;
    let accepted = program.send(COLUMNS, calls(1)).await.json();
    let path = format!("{}/{}", program.path, accepted["id"].as_str().unwrap());
    let reader = app.token(Some(&tenant.account.id), &[Scope::ConnectorsRead]).await;
    let writer = app.token(Some(&tenant.account.id), &[Scope::ConnectorsWrite]).await;
    for (token, reads, writes) in [(&reader, 200, 403), (&writer, 403, 409), (&other.token, 404, 404)] {
        program.ended(&tenant, &accepted["id"]).await;
        for path in [&path, &format!("{path}/not-imported")] {
            assert_eq!(app.call(Method::GET, path, token, None).await.status.as_u16(), reads, "{path}");
        }
        let cancelled = app.call(Method::POST, &format!("{path}/cancel"), token, Some("{}")).await;
        assert_eq!(cancelled.status.as_u16(), writes, "{}", cancelled.text);
    }
    for (token, status) in [(&reader, 403), (&other.token, 404)] {
        // A body that never comes: only a request that is refused before it is read is responded to.
        let never = stream::pending::<Result<Vec<u8>, std::io::Error>>();
        let request = app.http.post(app.url(&format!("{}?{COLUMNS}", program.path))).bearer_auth(token);
        let request = request.header("expect", "100-continue").body(reqwest::Body::wrap_stream(never));
        response(request).await.is_problem(status);
    }
    tenant.post(&program.path.replace("/imports", "/pause"), &json!({})).await;
    program.send(COLUMNS, calls(1)).await.is_problem(409);
}
