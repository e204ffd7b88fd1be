//! `/healthz`, `/readyz`, `/metrics`

use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::Arc,
};

use domain::event::EventKind;
use reqwest::Method;

use crate::{receiver::Receiver, test_app::TestApp};

#[tokio::test]
async fn a_running_server_is_alive_and_ready() {
    let app = TestApp::start().await;
    assert_eq!(app.call(Method::GET, "/healthz", "", None).await.text, "ok\n");
    let ready = app.call(Method::GET, "/readyz", "", None).await;
    assert_eq!((ready.status.as_u16(), &ready.json()["ready"]), (200, &true.into()), "{}", ready.text);
}

#[tokio::test]
async fn a_stopping_server_is_not_ready() {
    let app = TestApp::start().await;
    let router = server::web::admin_router(&Arc::clone(&app.room));
    app.room.stopping.cancel();
    let request = axum::http::Request::get("/readyz").body(axum::body::Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
    assert_eq!(response.status().as_u16(), 503);
}

#[tokio::test]
async fn metrics_use_the_text_format_and_our_prefix_or_that_of_processes() {
    let app = TestApp::start().await;
    let metrics = app.call(Method::GET, "/metrics", "", None).await;
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    let samples: Vec<_> = metrics.text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(samples.len() > 1, "{}", metrics.text);
    for sample in samples {
        let (name, value) = sample.rsplit_once(' ').unwrap();
        let prefixed = name.starts_with("offhook_") || name.starts_with("process_");
        assert!(prefixed && value.parse::<f64>().is_ok(), "{sample}");
        let bare = name.split('{').next().unwrap();
        let bare = ["_bucket", "_sum", "_count"].iter().find_map(|end| bare.strip_suffix(end)).unwrap_or(bare);
        assert!(metrics.text.contains(&format!("# TYPE {bare} ")) && metrics.text.contains(&format!("# HELP {bare} ")));
    }
}

#[tokio::test]
async fn metrics_report_the_depth_and_lag_of_the_queue() {
    let app = TestApp::start().await;
    let text = app.call(Method::GET, "/metrics", "", None).await.text;
    for name in [
        "deliveries_waiting",
        "deliveries_held",
        "oldest_due_timestamp_seconds",
        "lag_seconds",
        "numbers_behind_seconds",
        "endpoints{state=\"disabled\"}",
    ] {
        assert!(text.contains(&format!("\noffhook_{name} 0\n")), "{name}: {text}");
    }
    assert!(text.contains("offhook_ingest_commit_seconds_count"), "{text}");
}

/// The value of a sample, named with its labels.
fn sample(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is missing: {text}")).parse().unwrap()
}

#[tokio::test]
async fn requests_and_refused_events_are_counted() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let example = EventKind::CallProcessed.example();
    let posts = async |path: &str, token: &str, body: &str| app.call(Method::POST, path, token, Some(body)).await;
    posts("/api/v1/events", &tenant.token, &format!(r#"{{"payload":{example}}}"#)).await;
    posts("/api/v1/events", &tenant.token, r#"{"payload":{}}"#).await.is_problem(422);
    posts("/api/v1/events", "oh_unknown", r#"{"payload":{}}"#).await.is_problem(401);
    let batch = format!(
        r#"{{"events":[{{"payload":{{}}}},{{"payload":{example},"account":"acct_none"}},{{"payload":{example}}}]}}"#
    );
    posts("/api/v1/events/batch", &tenant.token, &batch).await;
    app.call(Method::GET, "/sign-in", "", None).await;
    app.call(Method::GET, "/healthz", "", None).await;
    let text = app.call(Method::GET, "/metrics", "", None).await.text;
    let requests = |method: &str, route: &str, status: &str| {
        let name = format!(r#"offhook_http_requests_total{{method="{method}",route="{route}",status="{status}"}}"#);
        sample(&text, &name)
    };
    assert_eq!(requests("POST", "/api/v1/events", "2xx"), 1.0);
    assert_eq!(requests("POST", "/api/v1/events", "4xx"), 2.0);
    assert_eq!(requests("POST", "/api/v1/events/batch", "2xx"), 1.0);
    assert_eq!(requests("GET", "/sign-in", "2xx"), 1.0);
    assert_eq!(requests("GET", "other", "2xx"), 1.0, "the scrape itself has no response yet");
    let seconds = r#"offhook_http_request_duration_seconds_count{method="POST",route="/api/v1/events"}"#;
    assert_eq!(sample(&text, seconds), 3.0);
    let refused = |reason: &str| sample(&text, &format!("offhook_events_refused_total{{reason=\"{reason}\"}}"));
    assert_eq!((refused("invalid"), refused("unauthenticated")), (2.0, 1.0), "{text}");
    assert_eq!(sample(&text, "offhook_events_accepted_total"), 2.0);
}

#[tokio::test]
async fn metrics_report_attempts_connections_and_the_process() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut receiver = Receiver::start().await;
    let wanted = serde_json::json!({ "url": receiver.url, "events": EventKind::ALL }).to_string();
    app.call(Method::POST, "/api/v1/endpoints", &tenant.token, Some(&wanted)).await;
    let event = format!(r#"{{"payload":{}}}"#, EventKind::CallProcessed.example());
    app.call(Method::POST, "/api/v1/events", &tenant.token, Some(&event)).await;
    receiver.next().await;
    let text = app
        .until(async || {
            let text = app.call(Method::GET, "/metrics", "", None).await.text;
            text.contains("offhook_attempts_delivered_total 1\n").then_some(text)
        })
        .await;
    assert_eq!(sample(&text, "offhook_attempt_duration_seconds_count"), 1.0);
    assert_eq!(sample(&text, "offhook_endpoints{state=\"active\"}"), 1.0);
    assert!(sample(&text, "offhook_database_connections{pool=\"writer\",state=\"used\"}") <= 1.0);
    assert_eq!(sample(&text, "offhook_database_connections_max{pool=\"readers\"}"), 4.0);
    assert!(sample(&text, "process_resident_memory_bytes") > 1e6 && sample(&text, "process_open_fds") > 3.0);
}

#[tokio::test]
async fn metrics_follow_the_conventions_of_prometheus() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    app.call(Method::POST, "/api/v1/events", &tenant.token, Some("{}")).await;
    let text = app.call(Method::GET, "/metrics", "", None).await.text;
    let checked = tokio::task::spawn_blocking(move || {
        let mut promtool = Command::new("promtool");
        promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = promtool.spawn().expect("promtool is missing: run .make/setup test");
        running.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        running.wait_with_output().unwrap()
    });
    let checked = checked.await.unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}
