//! `import calls`

use std::{path::Path, process::Output};

use domain::token::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{line, offhook, run};
use crate::{
    receiver::Receiver,
    test_app::{Tenant, TestApp},
};

const RECORDINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/connect/tests/recordings");
const COLUMNS: &str = "caller=Von,callee=An,start=Datum,duration=Dauer,status=Ergebnis,zone=Europe/Berlin,statuses=Beantwortet:answered;Besetzt:busy";

async fn import(app: &TestApp, token: &str, file: &Path, arguments: &[&str]) -> Output {
    let mut command = offhook(app.folder.path());
    // As fast as the server accepts: a test doesn't wait for the usual pace.
    command.args(["import", "calls", file.to_str().unwrap(), "--url", &app.url(""), "--rate", "50000"]).args(arguments);
    if !token.is_empty() {
        command.env("OFFHOOK_TOKEN", token);
    }
    run(command, "").await
}

fn written(app: &TestApp, name: &str, bytes: &[u8]) -> std::path::PathBuf {
    let path = app.folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn report(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("{text}{}", stderr(output)))
}

/// German headings, Latin-1, semicolons.
fn latin(rows: usize) -> Vec<u8> {
    let mut file = b"Datum;Von;An;Dauer;Ergebnis;Ger\xe4t\r\n".to_vec();
    for row in 0..rows {
        let (minute, second) = (row / 60 % 60, row % 60);
        let line = format!(
            "28.11.2026 {:02}:{minute:02}:{second:02};01632960001;01632960100;0:12;Beantwortet;T\r\n",
            row / 3_600
        );
        file.extend_from_slice(line.as_bytes());
    }
    file
}

async fn events(tenant: &Tenant<'_>) -> Vec<Value> {
    tenant.get("/api/v1/events?limit=250").await.json()["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_file_that_is_imported_twice_adds_nothing_the_second_time() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut receiver = Receiver::start().await;
    tenant.endpoint(&receiver.url).await;
    let file = Path::new(RECORDINGS).join("in_answered.csv");
    let arguments = ["--preset", "asterisk", "--trunk", "trunk", "--name", "lab"];
    let first = line(&import(&app, &tenant.token, &file, &arguments).await);
    assert_eq!((&first["events"], &first["accepted"], &first["known"]), (&json!(1), &json!(1), &json!(0)));
    let received: Value = serde_json::from_str(&receiver.next().await.body).unwrap();
    let payload = &received["payload"];
    assert_eq!((&payload["event"], &payload["source"]), (&json!("CallProcessed"), &json!("01632960001")));
    let second = line(&import(&app, &tenant.token, &file, &arguments).await);
    assert_eq!((&second["accepted"], &second["known"]), (&json!(0), &json!(1)));
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn a_file_in_latin_1_is_imported_and_its_bad_rows_are_reported() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut bytes = latin(2);
    bytes.extend_from_slice(
        b"gestern;01632960001;01632960100;0:12;Besetzt;\r\n28.11.2026 10:00:00;7048;7049;0:12;Beantwortet;\r\n",
    );
    let file = written(&app, "calls.csv", &bytes);
    let output = import(&app, &tenant.token, &file, &["--columns", COLUMNS, "--country", "gb"]).await;
    assert_eq!(output.status.code(), Some(1));
    let (report, text) = (report(&output), stderr(&output));
    let counts = ["rows", "accepted", "ignored", "not_understood"].map(|key| report[key].as_u64().unwrap());
    assert_eq!(counts, [4, 2, 1, 1], "{text}");
    assert!(text.contains("calls.csv:4: ") && text.contains("1 row not understood"), "{text}");
    let events = events(&tenant).await;
    assert_eq!((events.len(), &events[0]["caller"]), (2, &json!("+441632960001")));
}

#[tokio::test]
async fn an_import_that_was_interrupted_continues_when_it_is_run_again() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let arguments = ["--columns", COLUMNS];
    let begun = written(&app, "begun.csv", &latin(700));
    assert_eq!(line(&import(&app, &tenant.token, &begun, &arguments).await)["accepted"], 700);
    let whole = written(&app, "whole.csv", &latin(1_300));
    let report = line(&import(&app, &tenant.token, &whole, &arguments).await);
    assert_eq!((&report["known"], &report["accepted"]), (&json!(700), &json!(600)));
}

#[tokio::test]
async fn a_dry_run_shows_the_first_events_and_needs_no_server() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let file = written(&app, "calls.csv", &latin(30));
    let output = import(&app, "", &file, &["--columns", COLUMNS, "--dry-run"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["payload"]["event"]), (11, &json!("CallProcessed")));
    assert_eq!((&lines[10]["events"], &lines[10]["accepted"]), (&json!(30), &json!(0)));
    assert!(events(&tenant).await.is_empty());
}

#[tokio::test]
async fn a_connector_of_the_platform_routes_the_calls_of_a_file() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let token = app.token(None, &[Scope::EventsWrite, Scope::ConnectorsRead, Scope::ConnectorsWrite]).await;
    let wanted =
        json!({ "name": "pbx-1", "system": "asterisk", "country": "GB", "identity": "lab", "trunks": ["trunk"] });
    let created = app.call(Method::POST, "/api/v1/connectors", &token, Some(&wanted.to_string())).await.json();
    let id = created["id"].as_str().unwrap();
    let file = Path::new(RECORDINGS).join("in_answered.csv");
    let arguments = ["--preset", "asterisk", "--connector", id];
    let output = import(&app, &token, &file, &arguments).await;
    assert_eq!((output.status.code(), &report(&output)["unrouted"]), (Some(1), &json!(1)), "{}", stderr(&output));
    assert!(stderr(&output).contains("1 event without a route"), "{}", stderr(&output));
    let table = json!({ "routes": [{ "number": "01632960100", "account": "ref-acme" }] }).to_string();
    let replaced = app.call(Method::PUT, &format!("/api/v1/connectors/{id}/routes"), &token, Some(&table)).await;
    assert_eq!(replaced.status, StatusCode::OK, "{}", replaced.text);
    assert_eq!(line(&import(&app, &token, &file, &arguments).await)["accepted"], 1);
    assert_eq!(events(&tenant).await.len(), 1);
}

#[tokio::test]
async fn wrong_usage_says_what_to_do() {
    let app = TestApp::start().await;
    let file = written(&app, "calls.csv", &latin(1));
    for (token, arguments, code, text) in [
        ("oh_x", &["--preset", "panasonic"][..], 2, "there are asterisk, 3cx, freeswitch, grandstream"),
        ("oh_x", &["--preset", "asterisk"], 2, "--trunk"),
        ("oh_x", &["--columns", "caller=2"], 2, "Choose the column of the callee"),
        (
            "oh_x",
            &["--columns", "caller=2,callee=3,start=1,duration=4,cost=9"],
            2,
            "cost: The file has no column 9, only 6.",
        ),
        (
            "oh_x",
            &["--columns", "caller=Vonn,callee=3,start=Datum,duration=4"],
            2,
            "caller: The file has no column “Vonn”.",
        ),
        ("oh_x", &["--columns", "caller=2,callee=3,start=1,duration=4,statuses=::::"], 2, "“:::” isn't a valid status"),
        ("oh_x", &["--columns", COLUMNS, "--zone", "Mars/Base"], 2, "--zone"),
        ("oh_x", &["--columns", COLUMNS, "--country", "XX"], 2, "--country"),
        ("oh_x", &[], 2, "--preset"),
        ("", &["--columns", COLUMNS], 2, "OFFHOOK_TOKEN"),
        ("oh_x", &["--columns", COLUMNS], 1, "401"),
        ("oh_x", &["--columns", COLUMNS, "--connector", "../events"], 1, "no id of a connector"),
    ] {
        let output = import(&app, token, &file, arguments).await;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(text), "{arguments:?}: {}", stderr(&output));
    }
    let missing = import(&app, "oh_x", Path::new("/nowhere.csv"), &["--columns", COLUMNS]).await;
    assert!(missing.status.code() == Some(1) && stderr(&missing).contains("/nowhere.csv"));
}
