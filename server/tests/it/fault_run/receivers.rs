//! Customers' servers: one that is quick, one that is slow, and one that rejects every fifth first attempt with a 500.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
};
use engine::clock::{sleep_ms, stopwatch};
use tokio::{net::TcpListener, time::Instant};

/// Delay of the slow receiver.
const SLOW_MS: u64 = 300;
/// The third fails one first attempt of this many; a retry succeeds, so that nothing waits for its third.
const FAILS_EVERY: usize = 5;

/// A request that arrived.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub event: String,
    pub at: Instant,
    pub ok: bool,
}

/// A running receiver.
pub(super) struct Receiver {
    pub url: String,
    pub arrivals: Arc<Mutex<Vec<Arrival>>>,
}

/// How a receiver responds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behaviour {
    Quick,
    Slow,
    Failing,
}

impl Receiver {
    pub(super) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/calls", listener.local_addr().unwrap());
        let arrivals = Arc::<Mutex<Vec<Arrival>>>::default();
        let (recorded, count) = (arrivals.clone(), Arc::new(AtomicUsize::new(0)));
        let router = Router::new().fallback(async move |headers: HeaderMap| {
            let event = headers["webhook-id"].to_str().unwrap().to_owned();
            let first = behaviour == Behaviour::Failing && headers["offhook-attempt"] == "1";
            let ok = !first || count.fetch_add(1, Ordering::Relaxed) % FAILS_EVERY != 0;
            recorded.lock().unwrap().push(Arrival { event, at: stopwatch(), ok });
            if behaviour == Behaviour::Slow {
                sleep_ms(SLOW_MS).await;
            }
            if ok { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, arrivals }
    }
}
