//! Someone else on the same server: a customer whose events are delivered, and who signs in, while others attack.

use std::{
    collections::HashMap,
    fmt,
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::event::EventKind;
use engine::clock::{sleep_ms, stopwatch};
use reqwest::StatusCode;
use tokio::{runtime::Runtime, task::JoinSet, time::Instant};

use super::capped::Capped;
use crate::{
    browser::{EMAIL, PASSWORD, with_form},
    receiver::Receiver,
    test_app::client,
};

/// Time between two events, in milliseconds.
const EVENT_EVERY_MS: u64 = 20;
/// Time between two sign-ins, in milliseconds: fewer than the limit of sign-ins per address.
const SIGN_IN_EVERY_MS: u64 = 1_000;
/// How long an event may take to arrive once no more are posted, in milliseconds.
const LATE_MAX_MS: u64 = 10_000;

/// What it was like for them.
#[derive(Debug, Default)]
pub(super) struct Experience {
    /// From posting an event to its receipt by the endpoint, ascending.
    latencies: Vec<Duration>,
    /// Events that were not accepted.
    pub refused: usize,
    /// Events that were accepted and not received.
    pub missing: usize,
    /// The longest that signing in took, with everything that was refused meanwhile.
    pub sign_in: Duration,
}

impl Experience {
    /// What it was like at another time, too.
    pub(super) fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.latencies.sort_unstable();
        self.refused += other.refused;
        self.missing += other.missing;
        self.sign_in = self.sign_in.max(other.sign_in);
    }

    fn percentile(&self, percent: usize) -> Duration {
        self.latencies[(self.latencies.len() * percent / 100).min(self.latencies.len() - 1)]
    }

    pub(super) fn p99(&self) -> Duration {
        self.percentile(99)
    }
}

impl fmt::Display for Experience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99) = (self.percentile(50).as_secs_f64() * 1e3, self.p99().as_secs_f64() * 1e3);
        let (refused, missing, sign_in) = (self.refused, self.missing, self.sign_in.as_millis());
        write!(f, "{p50:.1} ms | {p99:.1} ms | {refused} and {missing} | {sign_in} ms")
    }
}

type Received = Arc<Mutex<HashMap<String, Instant>>>;

/// The customer. They have a thread of their own, so that an attacker in this process does not delay what is measured.
pub(super) struct Bystander {
    server: Arc<Capped>,
    token: String,
    received: Received,
    thread: Option<Runtime>,
    posted: usize,
}

impl Bystander {
    pub(super) async fn of(server: &Arc<Capped>) -> Self {
        let thread = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut receiver = thread.spawn(Receiver::start()).await.unwrap();
        let token = server.account_with_user(&receiver, EMAIL, PASSWORD).await;
        let received = Received::default();
        let kept = Arc::clone(&received);
        thread.spawn(async move {
            loop {
                let request = receiver.wait().await;
                kept.lock().unwrap().entry(request.body).or_insert_with(stopwatch);
            }
        });
        Self { server: Arc::clone(server), token, received, thread: Some(thread), posted: 0 }
    }

    /// Goes about their business for this long.
    pub(super) async fn during(&mut self, ms: u64) -> Experience {
        let numbers = self.posted..self.posted + usize::try_from(ms / EVENT_EVERY_MS).unwrap();
        self.posted = numbers.end;
        let (server, token, received) = (Arc::clone(&self.server), self.token.clone(), Arc::clone(&self.received));
        let business = async move {
            let (posted, sign_in) = tokio::join!(post(&server, &token, numbers), sign_ins(&server, ms));
            let refused = posted.iter().filter(|(_, _, is_accepted)| !is_accepted).count();
            let latencies = latencies(posted, &received).await;
            let missing = latencies.iter().filter(|latency| latency.is_none()).count();
            let mut latencies: Vec<_> = latencies.into_iter().flatten().collect();
            latencies.sort_unstable();
            Experience { latencies, refused, missing, sign_in }
        };
        self.thread.as_ref().unwrap().spawn(business).await.unwrap()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        // A runtime cannot wait for another one to end.
        self.thread.take().unwrap().shutdown_background();
    }
}

/// A durable event of a call of its own, so that none waits for another.
fn event(number: usize) -> (String, String) {
    let call = format!("{number:08x}");
    let payload = EventKind::CallProcessed.example().replace("2f533604", &call);
    (call, format!(r#"{{"payload":{payload}}}"#))
}

/// Posts an event of each number at a steady rate: its call, when it was posted, and whether it was accepted.
async fn post(server: &Capped, token: &str, numbers: Range<usize>) -> Vec<(String, Instant, bool)> {
    let (http, begun, mut posts) = (client(), stopwatch(), JoinSet::new());
    for (turn, number) in (0..).zip(numbers) {
        wait_until(begun, turn * EVENT_EVERY_MS).await;
        let (call, body) = event(number);
        let request = http.post(server.url("/api/v1/events")).bearer_auth(token);
        let request = request.header("content-type", "application/json").body(body);
        posts.spawn(async move {
            let posted_at = stopwatch();
            let response = request.send().await;
            (call, posted_at, response.is_ok_and(|response| response.status() == StatusCode::ACCEPTED))
        });
    }
    posts.join_all().await
}

/// How long each accepted event took; none if it did not arrive.
async fn latencies(posted: Vec<(String, Instant, bool)>, received: &Received) -> Vec<Option<Duration>> {
    let (mut waited_ms, accepted) = (0, posted.iter().filter(|(_, _, is_accepted)| *is_accepted));
    let find = |call: &str, posted_at: &Instant| {
        let received = received.lock().unwrap();
        received.iter().find(|(body, _)| body.contains(call)).map(|(_, at)| at.duration_since(*posted_at))
    };
    let mut latencies = Vec::new();
    for (call, posted_at, _) in accepted {
        let mut latency = find(call, posted_at);
        while latency.is_none() && waited_ms < LATE_MAX_MS {
            sleep_ms(10).await;
            waited_ms += 10;
            latency = find(call, posted_at);
        }
        latencies.push(latency);
    }
    received.lock().unwrap().clear();
    latencies
}

/// Signs in again and again; the longest it took. A person who is refused tries again at once.
async fn sign_ins(server: &Capped, ms: u64) -> Duration {
    let (http, begun, mut longest) = (client(), stopwatch(), Duration::ZERO);
    for turn in 0..ms / SIGN_IN_EVERY_MS {
        wait_until(begun, turn * SIGN_IN_EVERY_MS).await;
        let tried = stopwatch();
        while tried.elapsed() < Duration::from_secs(10) {
            let request = http.post(server.url("/api/sign-in")).header("sec-fetch-site", "same-origin");
            let request = request.header("accept", "text/html");
            let response = with_form(request, &[("form[email]", EMAIL), ("form[password]", PASSWORD)]).send().await;
            if response.is_ok_and(|response| response.headers().get("location").is_some_and(|to| to == "/")) {
                break;
            }
        }
        longest = longest.max(tried.elapsed());
    }
    longest
}

/// Waits until this long after a moment, so that a rate is kept whatever the work itself takes.
pub(super) async fn wait_until(begun: Instant, after_ms: u64) {
    sleep_ms(after_ms.saturating_sub(u64::try_from(begun.elapsed().as_millis()).unwrap())).await;
}
