//! A full disk, simulated by a file size limit of the operating system: intake stops with 503 and resumes
//! when there is space again.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use domain::{account::Role, event::EventKind};
use engine::store::db::Pool;
use reqwest::{Method, StatusCode};

use crate::{
    browser::{Browser, PASSWORD},
    command::{offhook, serve::serve},
    crash::set_up,
    receiver::Receiver,
    test_app::{PATIENCE, TestApp, TestResponse, client, response},
};

/// Bytes by which each file may still grow.
const ROOM_BYTES: u64 = 512 * 1_024;
/// Events that must fit before the limit; fewer would prove nothing.
const EVENTS_MIN: usize = 10;
/// Most events until the disk is full.
const EVENTS_MAX: usize = 4_000;

async fn post(http: &reqwest::Client, address: &str, token: &str, n: usize) -> TestResponse {
    let payload = EventKind::CallProcessed.example().replace("2f533604", &format!("{n:08x}"));
    let body = format!(r#"{{"id":"quota-{n}","payload":{payload}}}"#);
    let request = http.post(format!("http://{address}/api/v1/events")).bearer_auth(token);
    response(request.header("content-type", "application/json").body(body)).await
}

/// The binary, ignoring the signal for writing past the limit, as a full disk sends none.
fn deaf(data: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap '' XFSZ; exec "$0" "$@""#, env!("CARGO_BIN_EXE_offhook")]);
    command.env_clear().env("OFFHOOK_DATA", data).env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[tokio::test]
async fn a_full_disk_stops_intake_with_503_until_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut receiver = Receiver::start().await;
    let (serving, address) = serve(deaf(&data));
    let (_, token) = set_up(|| offhook(&data), &address, &receiver).await;
    let limit = |limit: &str| {
        let pid = serving.id().to_string();
        let done = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={limit}:unlimited")]).status();
        assert!(done.unwrap().success());
    };
    let size = |file: &str| data.join(file).metadata().map_or(0, |file| file.len());
    limit(&(size("offhook.db").max(size("offhook.db-wal")) + ROOM_BYTES).to_string());
    let (http, mut accepted) = (client(), 0);
    let refused = loop {
        let response = post(&http, &address, &token, accepted).await;
        if response.status != StatusCode::ACCEPTED {
            break response;
        }
        accepted += 1;
        assert!(accepted < EVENTS_MAX, "the disk never got full");
    };
    refused.is_problem(503);
    assert!(accepted >= EVENTS_MIN, "{accepted} were accepted before the disk was full");
    assert!(refused.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
    limit("unlimited");
    let again = async {
        while post(&http, &address, &token, EVENTS_MAX).await.status != StatusCode::ACCEPTED {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("intake resumes without a restart");
    let mut missing: std::collections::HashSet<String> = (0..accepted).map(|n| format!("quota-{n}")).collect();
    missing.insert(format!("quota-{EVENTS_MAX}"));
    while !missing.is_empty() {
        missing.remove(receiver.next().await.headers["webhook-id"].to_str().unwrap());
    }
}

/// Sign-ins until the sessions no longer fit into the pages that the file already has.
const SIGN_INS_MAX: usize = 50;

#[tokio::test]
async fn a_sign_in_on_a_full_disk_says_why_it_fails_and_pages_still_open() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut before = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let Pool::Sqlite(writer) = &app.room.engine.context().db.writer else { panic!("this server uses SQLite") };
    // As on a full disk, the file cannot grow.
    sqlx::query("PRAGMA max_page_count = 1").execute(writer).await.unwrap();
    let mut refused = None;
    for _ in 0..SIGN_INS_MAX {
        let response = Browser::new(&app).sign_in(PASSWORD, "/").await;
        if !response.status.is_redirection() {
            refused = Some(response);
            break;
        }
    }
    let refused = refused.expect("the file cannot grow");
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{}", refused.text);
    assert!(
        refused.text.contains("can't sign in") && refused.text.contains("disk of the database is full"),
        "{refused:?}"
    );
    assert!(!refused.header("retry-after").is_empty());
    let page = before.get("/me/security").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    sqlx::query("PRAGMA max_page_count = 1073741823").execute(writer).await.unwrap();
    assert!(Browser::new(&app).sign_in(PASSWORD, "/").await.status.is_redirection());
}

#[tokio::test]
async fn a_deleted_database_file_is_noticed_and_no_event_is_accepted() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    assert_eq!(app.call(Method::GET, "/readyz", "", None).await.status, StatusCode::OK);
    std::fs::remove_file(app.folder.path().join("offhook.db")).unwrap();
    let ready = app.call(Method::GET, "/readyz", "", None).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.text.contains("deleted or replaced"), "{}", ready.text);
    let event = format!(r#"{{"payload":{}}}"#, EventKind::CallProcessed.example());
    app.call(Method::POST, "/api/v1/events", &tenant.token, Some(&event)).await.is_problem(503);
}
