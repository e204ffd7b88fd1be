//! Headers of every response.

use domain::account::Role;
use reqwest::Method;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    browser::Browser,
    test_app::{TestApp, raw, response},
};

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
    assert_eq!(page.header("cross-origin-resource-policy"), "same-origin");
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
async fn private_pages_and_the_api_are_stored_nowhere() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut browser = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    for path in ["/me", "/me/security", "/nowhere", &format!("/a/{}/endpoints", tenant.account.id)] {
        assert_eq!(browser.get(path).await.header("cache-control"), "no-store", "{path}");
    }
    assert_eq!(tenant.get("/api/v1/endpoints").await.header("cache-control"), "no-store");
    for path in ["/help", "/help/verify", "/sign-in"] {
        assert_eq!(browser.get(path).await.header("cache-control"), "private, no-cache", "{path}");
    }
}

#[tokio::test]
async fn a_request_with_two_lengths_is_refused_and_its_connection_closed() {
    let app = TestApp::start().await;
    for (path, both) in [
        ("/sign-in", "content-length: 3\r\ntransfer-encoding: chunked"),
        ("/api/v1/events", "Transfer-Encoding: chunked\r\nContent-Length: 3"),
    ] {
        // The second request on a connection is read as closely as the first.
        let first = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
        let second = format!("POST {path} HTTP/1.1\r\nhost: x\r\n{both}\r\n\r\n0\r\n\r\n");
        let alone = raw(&app, &second).await;
        assert!(alone.starts_with("HTTP/1.1 400 ") && alone.contains("not both"), "{alone}");
        let received = after_response(&app, first, &second).await;
        assert!(received.starts_with("HTTP/1.1 400 "), "{received}");
    }
}

/// What comes back for the second text, sent once the first has its response.
async fn after_response(app: &TestApp, first: &str, second: &str) -> String {
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    while !response.ends_with(b"ok\n") {
        stream.read_buf(&mut response).await.unwrap();
    }
    stream.write_all(second.as_bytes()).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    String::from_utf8_lossy(&received).into_owned()
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
