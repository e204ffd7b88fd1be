//! `/healthz`, `/readyz`, `/metrics`

use std::sync::Arc;

use reqwest::Method;

use crate::test_app::TestApp;

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
    let router = server::web::router(&Arc::clone(&app.room));
    app.room.stopping.cancel();
    let request = axum::http::Request::get("/readyz").body(axum::body::Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
    assert_eq!(response.status().as_u16(), 503);
}

#[tokio::test]
async fn metrics_use_the_text_format_and_our_prefix() {
    let app = TestApp::start().await;
    let figures = app.call(Method::GET, "/metrics", "", None).await;
    assert!(figures.header("content-type").starts_with("text/plain; version=0.0.4"));
    let samples: Vec<_> = figures.text.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(samples.len() > 1, "{}", figures.text);
    for sample in samples {
        let (name, value) = sample.rsplit_once(' ').unwrap();
        assert!(name.starts_with("offhook_") && value.parse::<f64>().is_ok(), "{sample}");
        let bare = name.split('{').next().unwrap();
        let bare = ["_bucket", "_sum", "_count"].iter().find_map(|end| bare.strip_suffix(end)).unwrap_or(bare);
        assert!(figures.text.contains(&format!("# TYPE {bare} ")) && figures.text.contains(&format!("# HELP {bare} ")));
    }
}

#[tokio::test]
async fn metrics_report_the_depth_and_lag_of_the_queue() {
    let app = TestApp::start().await;
    let text = app.call(Method::GET, "/metrics", "", None).await.text;
    for name in ["deliveries_waiting", "deliveries_held", "oldest_due_seconds", "lag_seconds", "numbers_behind_seconds"]
    {
        assert!(text.contains(&format!("\noffhook_{name} 0\n")), "{name}: {text}");
    }
    assert!(text.contains("offhook_ingest_commit_seconds_count"), "{text}");
}
