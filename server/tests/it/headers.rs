//! Headers of every response.

use reqwest::Method;

use crate::test_app::{TestApp, response};

#[tokio::test]
async fn pages_load_only_our_own_files_and_run_no_inline_script() {
    let app = TestApp::start().await;
    let page = app.call(Method::GET, "/sign-in", "", None).await;
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self';"),
        "{policy}"
    );
    assert!(policy.contains("form-action 'self'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!((page.header("referrer-policy"), page.header("x-content-type-options")), ("same-origin", "nosniff"));
    assert_eq!(page.header("strict-transport-security"), "", "only for browsers that use https");
    let tags = page.text.split('<').filter_map(|tag| tag.strip_prefix("script"));
    for tag in tags {
        assert!(tag.contains("src="), "an inline script: {tag}");
    }
    assert!(!page.text.contains(" style=\""));
}

#[tokio::test]
async fn every_request_has_an_id_and_a_plain_client_id_is_kept() {
    let app = TestApp::start().await;
    let first = app.call(Method::GET, "/healthz", "", None).await;
    let second = app.call(Method::GET, "/api/v1/nowhere", "", None).await;
    assert!(!first.header("x-request-id").is_empty());
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    let with = async |id: &str| response(app.http.get(app.url("/healthz")).header("x-request-id", id)).await;
    assert_eq!(with("proxy-1.2").await.header("x-request-id"), "proxy-1.2");
    assert_ne!(with("a b<script>").await.header("x-request-id"), "a b<script>");
}

#[tokio::test]
async fn pages_are_compressed_only_on_request() {
    let app = TestApp::start().await;
    let with = async |coding: &str| response(app.http.get(app.url("/help")).header("accept-encoding", coding)).await;
    let (brotli, gzip, plain) = (with("gzip, br").await, with("gzip").await, with("identity").await);
    assert_eq!((brotli.header("content-encoding"), gzip.header("content-encoding")), ("br", "gzip"));
    assert_eq!(plain.header("content-encoding"), "");
    assert!(plain.text.contains("</html>"));
    assert!(plain.header("vary").contains("accept-encoding"), "{}", plain.header("vary"));
}
