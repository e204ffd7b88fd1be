//! How others fare during each attack: memory, the latency of a healthy endpoint, and how long signing in takes.

use std::{io::Write as _, pin::Pin, sync::Arc, thread::JoinHandle, time::Duration};

use domain::event::EventKind;
use engine::clock::{sleep_ms, stopwatch};
use futures::future::join_all;
use reqwest::Client;
use serde_json::json;
use tokio::{net::TcpStream, runtime::Runtime};
use tokio_util::sync::CancellationToken;

use super::{
    bystander::{Bystander, Experience, wait_until},
    capped::{Capped, RESIDENT_MAX_KIB},
    connections::{connected, endless, status_line},
    passwords::{clients, post_wrong_password},
    payloads::{batch, nested},
};
use crate::{
    command::other_program,
    receiver::Receiver,
    test_app::{client_at, response},
};

/// How long each attack lasts, in milliseconds, and how long it is quiet before.
const ATTACK_MS: u64 = 6_000;
/// Attacks of each kind. Their events count together, as do those of the quiet times between: the 99th percentile of six
/// seconds is the third-latest event, whatever made it late.
const TIMES: u64 = 3;
/// More rounds than any of them has.
const ROUNDS_MAX: u64 = 100_000;
/// Longest that others may need to sign in meanwhile.
const SIGN_IN_MAX: Duration = Duration::from_secs(2);
/// The 99th percentile of a healthy endpoint may double, or be this much: attacker and server share the cores here.
const P99_ALWAYS_ALLOWED: Duration = Duration::from_millis(100);
/// The same for a debug build, which reads an attacker's JSON twenty times as slowly.
const DEBUG_P99_ALWAYS_ALLOWED: Duration = Duration::from_millis(1_500);

/// Of threads (nice).
const LOWEST_PRIORITY: i32 = 19;
/// The address of the only proxy: what comes from it is attributed to the clients that it names.
const PROXY: &str = "127.0.0.9";
/// Endpoints of the attacker at one host, with the one that they begin with.
const ENDPOINTS: usize = 50;

/// Who attacks: a tenant with a token of their own, and anyone who can connect.
struct Attacker {
    server: Arc<Capped>,
    token: String,
    http: Client,
}

type Round<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;
/// Does it once; repeated as long as the attack lasts. The number is that of the round.
type Attack = for<'a> fn(&'a Attacker, u64) -> Round<'a>;

const ATTACKS: [(&str, Attack); 10] = [
    ("events nested 100,000 levels deep, 8 at once", |attacker, _| Box::pin(deep_events(attacker))),
    ("30 batches of 7.8 MB at once, again and again", |attacker, n| Box::pin(large_batches(attacker, n))),
    ("3,000 connections of 9 addresses with part of a body", |attacker, _| Box::pin(partial_bodies(attacker))),
    ("1,024 connections of one address with half a head", |attacker, _| Box::pin(half_heads(attacker))),
    ("sign-ins whose clients hang up", |attacker, n| Box::pin(dropped_sign_ins(attacker, n))),
    ("200 wrong passwords at once, of as many addresses", |attacker, _| Box::pin(wrong_passwords(attacker))),
    ("40 forms with an email address of 1 MiB at once", |attacker, _| Box::pin(large_forms(attacker))),
    ("1,000 events a second to 50 endpoints at one host", |attacker, n| Box::pin(amplified_events(attacker, n))),
    ("resends of one delivery, 50 at once", |attacker, _| Box::pin(resends(attacker))),
    ("requests of pages that don't exist, 50 at once", |attacker, _| Box::pin(unknown_pages(attacker))),
];

impl Attacker {
    fn of(server: &Arc<Capped>, token: String) -> Self {
        Self { server: Arc::clone(server), token, http: client_at("127.0.0.4".parse().ok()) }
    }

    async fn post(&self, path: &str, body: String) -> String {
        let request = self.http.post(self.server.url(path)).bearer_auth(&self.token);
        let response = request.header("content-type", "application/json").body(body).send().await;
        // Being refused, or cut off, is what an attacker expects.
        match response {
            Ok(response) => response.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        }
    }

    /// As many endpoints at one host as an account may have, and a delivery.
    async fn prepare(&self, receiver: &Receiver) {
        for _ in 1..ENDPOINTS {
            let wanted = json!({ "url": receiver.url, "events": EventKind::ALL }).to_string();
            self.post("/api/v1/endpoints", wanted).await;
        }
        self.post("/api/v1/events", format!(r#"{{"payload":{}}}"#, EventKind::CallProcessed.example())).await;
    }
}

async fn deep_events(attacker: &Attacker) {
    join_all((0..8).map(|_| attacker.post("/api/v1/events", nested(100_000)))).await;
}

async fn large_batches(attacker: &Attacker, round: u64) {
    let first = usize::try_from(round).unwrap() * 30;
    join_all((first..first + 30).map(|n| attacker.post("/api/v1/events/batch", batch(n)))).await;
}

/// Holds them until the attack ends.
async fn partial_bodies(attacker: &Attacker) {
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: 260000\r\n\r\n{}",
        attacker.token,
        "x".repeat(100_000)
    );
    let mut held = Vec::new();
    for n in 0..3_000 {
        held.push(begin(&format!("127.0.1.{}", 1 + n % 9), &attacker.server.address, &head).await);
    }
    sleep_ms(ATTACK_MS).await;
}

/// Connects and writes what the server takes at once.
async fn begin(from: &str, to: &str, text: &str) -> Option<TcpStream> {
    tokio::time::timeout(Duration::from_millis(100), connected(from, to, text)).await.ok()
}

async fn half_heads(attacker: &Attacker) {
    let head = format!("GET /sign-in HTTP/1.1\r\nx-long: {}", "x".repeat(30_000));
    let held = (0..1_024).map(|_| begin("127.0.0.3", &attacker.server.address, &head));
    let held = join_all(held).await;
    sleep_ms(ATTACK_MS).await;
    drop(held);
}

async fn dropped_sign_ins(attacker: &Attacker, round: u64) {
    let address = clients(250).nth(usize::try_from(round).unwrap() % 250).unwrap();
    drop(post_wrong_password(PROXY, &attacker.server.address, &address).await);
}

async fn wrong_passwords(attacker: &Attacker) {
    let tries = clients(200).map(async |address| {
        let mut stream = post_wrong_password(PROXY, &attacker.server.address, &address).await;
        status_line(&mut stream).await
    });
    join_all(tries).await;
}

async fn large_forms(attacker: &Attacker) {
    let body = format!("form[email]={}", "x".repeat(1 << 20));
    let head = endless("/api/sign-in", "").replace("8000", &body.len().to_string());
    let text = format!("{}{body}", head.trim_end_matches('.'));
    let posts = (0..40).map(async |_| {
        if let Some(mut stream) = begin("127.0.0.3", &attacker.server.address, &text).await {
            status_line(&mut stream).await;
        }
    });
    join_all(posts).await;
}

/// A tenth of a second's events.
async fn amplified_events(attacker: &Attacker, round: u64) {
    let payload = EventKind::CallProcessed.example();
    let event = |n: u64| payload.replace("2f533604", &format!("{:08x}", u64::from(u32::MAX) - round * 100 - n));
    let events: Vec<_> = (0..100).map(|n| format!(r#"{{"payload":{}}}"#, event(n))).collect();
    let begun = stopwatch();
    attacker.post("/api/v1/events/batch", format!(r#"{{"events":[{}]}}"#, events.join(","))).await;
    wait_until(begun, 100).await;
}

async fn resends(attacker: &Attacker) {
    let list = attacker.http.get(attacker.server.url("/api/v1/deliveries?limit=1")).bearer_auth(&attacker.token);
    let list = response(list).await.json();
    let Some(id) = list["data"][0]["id"].as_str() else { return };
    let path = format!("/api/v1/deliveries/{id}/resend");
    join_all((0..50).map(|_| attacker.post(&path, String::new()))).await;
}

async fn unknown_pages(attacker: &Attacker) {
    let requests = (0..50).map(async |n| {
        let head = format!("GET /a/{n}/endpoints HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        if let Some(mut stream) = begin("127.0.0.3", &attacker.server.address, &head).await {
            status_line(&mut stream).await;
        }
    });
    join_all(requests).await;
}

/// What an attack did.
struct Outcome {
    attack: &'static str,
    resident_kib: u64,
    quiet: Experience,
    meanwhile: Experience,
}

/// A server of its own, in turn quiet and under this attack.
async fn outcome((name, attack): (&'static str, Attack)) -> Outcome {
    let server = Arc::new(Capped::start_with(&[("OFFHOOK_TRUSTED_PROXIES", PROXY)]));
    let elsewhere = elsewhere();
    let receiver = elsewhere.spawn(Receiver::start()).await.unwrap();
    let attacker = Attacker::of(&server, server.account(&receiver).await);
    attacker.prepare(&receiver).await;
    let mut bystander = Bystander::of(&server).await;
    let (mut quiet, mut meanwhile) = (Experience::default(), Experience::default());
    for time in 0..TIMES {
        quiet.add(bystander.during(ATTACK_MS).await);
        let attacking = attack_from_elsewhere(attack, time, Attacker::of(&server, attacker.token.clone()));
        meanwhile.add(bystander.during(ATTACK_MS).await);
        attacking.stop();
    }
    elsewhere.shutdown_background();
    Outcome { attack: name, resident_kib: server.peak_kib(), quiet, meanwhile }
}

/// Attackers have computers of their own, and so have their receivers: here they get the processor time that server and
/// bystander leave.
fn elsewhere() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().on_thread_start(last).build().unwrap()
}

/// Lets all others go first.
fn last() {
    // On Linux, of this thread only.
    rustix::process::setpriority_process(None, LOWEST_PRIORITY).unwrap();
}

/// An attack in a thread of its own.
struct Attacking {
    stop: CancellationToken,
    thread: JoinHandle<()>,
}

impl Attacking {
    /// Drops all requests and connections.
    fn stop(self) {
        self.stop.cancel();
        self.thread.join().unwrap();
    }
}

/// Attacks until it is stopped. No round is one of an earlier time, whose events are known.
fn attack_from_elsewhere(attack: Attack, time: u64, attacker: Attacker) -> Attacking {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let thread = std::thread::spawn(move || {
        last();
        let again_and_again = async {
            for round in time * ROUNDS_MAX.. {
                attack(&attacker, round).await;
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(stopped.run_until_cancelled(again_and_again));
    });
    Attacking { stop, thread }
}

impl Outcome {
    fn print(&self) {
        let resident_mib = self.resident_kib / 1024;
        let (quiet, meanwhile) = (&self.quiet, &self.meanwhile);
        let p99_ms = quiet.p99().as_secs_f64() * 1e3;
        let _ = writeln!(std::io::stdout(), "| {} | {resident_mib} MiB | {p99_ms:.1} ms | {meanwhile} |", self.attack);
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut expect = |is_true: bool, what: String| {
            if !is_true {
                complaints.push(format!("{}: {what}", self.attack));
            }
        };
        let (p99, sign_in) = (self.meanwhile.p99(), self.meanwhile.sign_in);
        expect(self.resident_kib <= RESIDENT_MAX_KIB, format!("{} KiB", self.resident_kib));
        let allowed = if other_program().is_some() { P99_ALWAYS_ALLOWED } else { DEBUG_P99_ALWAYS_ALLOWED };
        expect(p99 <= allowed.max(2 * self.quiet.p99()), format!("p99 of {p99:?}"));
        expect(sign_in <= SIGN_IN_MAX, format!("signing in took {sign_in:?}"));
        expect(self.meanwhile.refused == 0, format!("{} events refused", self.meanwhile.refused));
        expect(self.meanwhile.missing == 0, format!("{} events missing", self.meanwhile.missing));
        complaints
    }
}

#[tokio::test]
#[ignore = "takes six minutes; `make faults` runs it"]
async fn others_are_served_whatever_attacks() {
    let mut complaints = Vec::new();
    let _ = writeln!(
        std::io::stdout(),
        "\n| attack | memory | p99 before | p50 | p99 | refused and missing | signing in |\n| --- | --- | --- | --- | --- | --- | --- |"
    );
    for attack in ATTACKS {
        let outcome = outcome(attack).await;
        outcome.print();
        complaints.extend(outcome.complaints());
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
}
