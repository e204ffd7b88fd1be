//! `OFFHOOK_OTLP_ENDPOINT`

use reqwest::Method;

use super::offhook;
use crate::test_app::client;

/// The id of a request, which its span carries.
const REQUEST_ID: &str = "otlp-request-1";

#[cfg(feature = "otlp")]
#[tokio::test]
async fn a_server_exports_the_span_of_each_request() {
    use axum::{Router, body::Bytes, http::HeaderMap, routing::post};

    let (exports, mut received) = tokio::sync::mpsc::unbounded_channel();
    let collect = async move |headers: HeaderMap, body: Bytes| drop(exports.send((headers, body)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, Router::new().route("/v1/traces", post(collect))).await });

    let folder = tempfile::tempdir().unwrap();
    let mut command = offhook(folder.path());
    command.env("OFFHOOK_OTLP_ENDPOINT", endpoint);
    let (serving, address) = tokio::task::spawn_blocking(|| super::serve::serve_with_log(command)).await.unwrap();
    assert!(!serving.log().iter().any(|line| line.contains("OFFHOOK_OTLP_ENDPOINT")), "{:?}", serving.log());
    let url = format!("http://{address}/healthz");
    let response =
        crate::test_app::response(client().request(Method::GET, url).header("x-request-id", REQUEST_ID)).await;
    assert_eq!(response.header("x-request-id"), REQUEST_ID);
    // Stopping sends what is buffered.
    std::process::Command::new("kill").arg(serving.id().to_string()).status().unwrap();
    let has = |body: &[u8], text: &str| body.windows(text.len()).any(|part| part == text.as_bytes());
    let exported = async {
        loop {
            let (headers, body) = received.recv().await.unwrap();
            if has(&body, REQUEST_ID) {
                return (headers, body);
            }
        }
    };
    let Ok((headers, body)) = tokio::time::timeout(crate::test_app::PATIENCE, exported).await else {
        panic!("the span was not exported: {:#?}", serving.end());
    };
    assert_eq!(headers["content-type"], "application/x-protobuf");
    for text in ["offhook", env!("CARGO_PKG_VERSION"), "/healthz", "GET"] {
        assert!(has(&body, text), "{text}");
    }
}

#[cfg(not(feature = "otlp"))]
#[tokio::test]
async fn a_build_without_the_feature_warns_that_it_exports_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = offhook(folder.path());
    command.env("OFFHOOK_OTLP_ENDPOINT", "http://127.0.0.1:4318");
    let (serving, address) = super::serve::serve(command);
    assert!(serving.log().iter().any(|line| line.contains("OFFHOOK_OTLP_ENDPOINT")), "{:?}", serving.log());
    let url = format!("http://{address}/healthz");
    let response =
        crate::test_app::response(client().request(Method::GET, url).header("x-request-id", REQUEST_ID)).await;
    assert_eq!(response.header("x-request-id"), REQUEST_ID);
}
