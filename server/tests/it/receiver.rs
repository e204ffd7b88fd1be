//! A customer's server: records requests and responds as configured.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, Uri},
};
use tokio::{
    net::TcpListener,
    sync::{
        mpsc::{UnboundedReceiver, unbounded_channel},
        watch,
    },
};

use crate::test_app::PATIENCE;

/// A recorded request.
#[derive(Debug)]
pub(crate) struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

/// A running receiver.
pub(crate) struct Receiver {
    pub url: String,
    requests: UnboundedReceiver<Received>,
    status: Arc<Mutex<StatusCode>>,
    held: watch::Sender<bool>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/calls", listener.local_addr().unwrap());
        let (sender, requests) = unbounded_channel();
        let status = Arc::new(Mutex::new(StatusCode::OK));
        let response = Arc::clone(&status);
        let (held, holding) = watch::channel(false);
        let router = Router::new().fallback(async move |uri: Uri, headers: HeaderMap, body: Bytes| {
            let body = String::from_utf8(body.to_vec()).unwrap();
            let _ = sender.send(Received { path: uri.path().to_owned(), headers, body });
            let _ = holding.clone().wait_for(|held| !held).await;
            *response.lock().unwrap()
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, requests, status, held }
    }

    /// Holds back all responses from now on, or releases them.
    pub(crate) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Responds with this status from now on.
    pub(crate) fn respond_with(&self, status: StatusCode) {
        *self.status.lock().unwrap() = status;
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Received {
        let next = tokio::time::timeout(PATIENCE, self.requests.recv()).await;
        next.expect("nothing was received").unwrap()
    }

    /// As [`Self::next`], for as long as it takes.
    pub(crate) async fn wait(&mut self) -> Received {
        self.requests.recv().await.unwrap()
    }

    /// Whether nothing waits to be read.
    pub(crate) fn is_quiet(&self) -> bool {
        self.requests.is_empty()
    }
}
