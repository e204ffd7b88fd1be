//! A customer's server: it records what arrives, and when.

use std::sync::Arc;

use axum::{Router, body::Bytes, http::StatusCode};
use engine::clock::stopwatch;
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, time::Instant};

use crate::{PATIENCE, office::Office};

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub at: Instant,
    pub payload: Value,
    /// What is known beyond the contract.
    pub details: Value,
    pub body: String,
}

/// A running receiver.
pub(crate) struct Receiver {
    pub url: String,
    arrivals: watch::Receiver<Vec<Arrival>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/calls", listener.local_addr().unwrap());
        let (sender, arrivals) = watch::channel(Vec::new());
        let sender = Arc::new(sender);
        let router = Router::new().fallback(async move |body: Bytes| {
            let at = stopwatch();
            let body = String::from_utf8(body.to_vec()).unwrap();
            let mut sent: Value = serde_json::from_str(&body).unwrap();
            let (payload, details) = (sent["payload"].take(), sent["details"].take());
            sender.send_modify(|arrivals| arrivals.push(Arrival { at, payload, details, body }));
            StatusCode::OK
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, arrivals }
    }

    /// Everything that has arrived.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals.borrow().clone()
    }

    /// Waits until as many calls of an office have ended as this; gives up silently, since what is missing is compared later.
    pub(crate) async fn ended(&self, office: Office, calls: usize) {
        let mut arrivals = self.arrivals.clone();
        let is_end =
            |arrival: &&Arrival| arrival.payload["event"] == "CallProcessed" && office.concerns(&arrival.payload);
        let all = arrivals.wait_for(|arrivals| arrivals.iter().filter(is_end).count() >= calls);
        let _ = tokio::time::timeout(PATIENCE, all).await;
    }

    /// Waits until this many events have arrived.
    pub(crate) async fn count(&self, events: usize) {
        self.arrivals.clone().wait_for(|arrivals| arrivals.len() >= events).await.unwrap();
    }

    /// The events of each call of an office, in the order in which they arrived.
    pub(crate) fn calls(&self, office: Office) -> Vec<Vec<Arrival>> {
        let mut calls: Vec<Vec<Arrival>> = Vec::new();
        for arrival in self.arrivals.borrow().iter() {
            match calls.iter_mut().find(|call| call[0].payload["call_id"] == arrival.payload["call_id"]) {
                Some(call) => call.push(arrival.clone()),
                None => calls.push(vec![arrival.clone()]),
            }
        }
        calls.retain(|call| call.iter().any(|event| office.concerns(&event.payload)));
        calls
    }
}
