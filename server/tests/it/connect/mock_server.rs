//! A server that records what a connector sends, and responds as a test wants.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, Method, StatusCode, Uri, header},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

use crate::test_app::PATIENCE;

/// A request of a connector.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub method: Method,
    pub path: String,
    pub body: Value,
    /// The status it got.
    pub status: u16,
}

type Rule = Box<dyn Fn(&str, &Value) -> (u16, Option<u32>) + Send>;

/// A running server.
pub(super) struct MockServer {
    pub url: String,
    sent: mpsc::UnboundedReceiver<Sent>,
    /// What arrived while something else was awaited.
    passed: VecDeque<Sent>,
    rule: Arc<Mutex<Rule>>,
}

impl MockServer {
    /// Starts it; it accepts everything.
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, sent) = mpsc::unbounded_channel();
        let rule: Arc<Mutex<Rule>> = Arc::new(Mutex::new(Box::new(|_, _| (202, None))));
        let current = Arc::clone(&rule);
        let router = Router::new().fallback(async move |method: Method, uri: Uri, body: Bytes| {
            let body: Value = serde_json::from_slice(&body).unwrap();
            let path = uri.path().to_owned();
            let (status, retry_after_s) = current.lock().unwrap()(&path, &body);
            let _ = sender.send(Sent { method, path, body, status });
            let mut headers = HeaderMap::new();
            if let Some(seconds) = retry_after_s {
                headers.insert(header::RETRY_AFTER, seconds.into());
            }
            // A connector of the platform.
            (StatusCode::from_u16(status).unwrap(), headers, json!({ "account": null, "detail": "Why." }).to_string())
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, sent, passed: VecDeque::new(), rule }
    }

    /// Responds with this status, and header `Retry-After` in seconds, from now on.
    pub(super) fn respond(&self, rule: impl Fn(&str, &Value) -> (u16, Option<u32>) + Send + 'static) {
        *self.rule.lock().unwrap() = Box::new(rule);
    }

    /// The next request to this path.
    pub(super) async fn next(&mut self, path: &str) -> Sent {
        if let Some(at) = self.passed.iter().position(|sent| sent.path.ends_with(path)) {
            return self.passed.remove(at).unwrap();
        }
        let next = async {
            loop {
                let sent = self.sent.recv().await.unwrap();
                if sent.path.ends_with(path) {
                    return sent;
                }
                self.passed.push_back(sent);
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("nothing was sent")
    }

    /// The next event that was accepted: its kind and its ID.
    pub(super) async fn accepted(&mut self) -> (String, String) {
        loop {
            let sent = self.next("/events").await;
            if sent.status == 202 {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                return (text(&sent.body["payload"]["event"]), text(&sent.body["id"]));
            }
        }
    }
}
