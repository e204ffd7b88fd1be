//! Ten times `kill -9` under load: nothing that was accepted is lost, and only attempts in flight are
//! repeated.

use std::{
    collections::HashMap,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use domain::event::EventKind;
use engine::delivery::concurrency::UNRECORDED_MAX;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::{
    command::{
        line, offhook, run,
        serve::{Serving, serve},
    },
    receiver::Receiver,
    test_app::{PATIENCE, client},
};

/// How often the server is killed.
const ROUNDS: usize = 10;
/// Events posted in a round.
const EVENTS: usize = 400;
/// Events posted concurrently.
const AT_ONCE: usize = 64;
/// Most attempts that one endpoint has in flight; each may be repeated after a crash.
const IN_FLIGHT_MAX: usize = UNRECORDED_MAX;
/// Longest delay between an accepted event and the kill that it triggers, in microseconds: about two commits.
const KILL_AFTER_MAX_US: u64 = 20_000;

/// Creates an account, its token, and an endpoint at the receiver; returns ID and token. `offhook` runs the binary on that data folder.
pub(crate) async fn set_up(offhook: impl Fn() -> Command, address: &str, receiver: &Receiver) -> (String, String) {
    let mut account = offhook();
    account.args(["account", "create", "--name", "Acme"]);
    let account = line(&run(account, "").await)["id"].as_str().unwrap().to_owned();
    let mut token = offhook();
    token.args([
        "token",
        "create",
        "--name",
        "t",
        "--scope",
        "events:write,endpoints:write,deliveries:read,connectors:write",
    ]);
    token.args(["--account", &account]);
    let token = line(&run(token, "").await)["token"].as_str().unwrap().to_owned();
    let wanted = json!({ "url": receiver.url, "events": EventKind::ALL });
    let created = client().post(format!("http://{address}/api/v1/endpoints")).bearer_auth(&token);
    let created = created.header("content-type", "application/json").body(wanted.to_string()).send().await.unwrap();
    assert_eq!(created.status(), 201);
    (account, token)
}

/// A durable event of its own call, so that none waits for another.
fn event(n: usize) -> String {
    let payload = EventKind::CallProcessed.example().replace("2f533604", &format!("{n:08x}"));
    format!(r#"{{"id":"crash-{n}","payload":{payload}}}"#)
}

/// Posts these events; returns the ids accepted before the server died. Calls `kill` on each acceptance.
pub(crate) async fn post_until_killed(
    (address, token): (&str, &str),
    numbers: std::ops::Range<usize>,
    kill: impl Fn(usize) + Send + Sync + 'static,
) -> Vec<String> {
    let (accepted, room) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(AT_ONCE)));
    let (http, kill) = (client(), Arc::new(kill));
    let posts = numbers.map(|n| {
        let request = http.post(format!("http://{address}/api/v1/events")).bearer_auth(token);
        let request = request.header("content-type", "application/json").body(event(n));
        let (accepted, room, kill) = (accepted.clone(), room.clone(), kill.clone());
        tokio::spawn(async move {
            let _room = room.acquire().await.unwrap();
            let response = request.send().await.ok().filter(|response| response.status() == 202)?;
            kill(accepted.fetch_add(1, Ordering::Relaxed) + 1);
            let _ = response.bytes().await;
            Some(format!("crash-{n}"))
        })
    });
    let posts: Vec<_> = posts.collect();
    let mut ids = Vec::new();
    for post in posts {
        ids.extend(post.await.unwrap());
    }
    ids
}

pub(crate) fn sending(data: &Path) -> Command {
    let mut command = offhook(data);
    command.env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8");
    command
}

/// Kills it a moment after this many acceptances, so that it dies anywhere in a commit, an attempt or a recording.
fn killer(serving: &Serving, after: usize, wait: Duration) -> impl Fn(usize) + Send + Sync + 'static {
    let pid = serving.id().to_string();
    move |accepted| {
        if accepted == after {
            let pid = pid.clone();
            std::thread::spawn(move || {
                std::thread::park_timeout(wait);
                assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
            });
        }
    }
}

#[tokio::test]
async fn ten_kills_at_random_moments_lose_nothing_that_was_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut receiver = Receiver::start().await;
    let (mut serving, mut address) = serve(sending(&data));
    let (_, token) = set_up(|| offhook(&data), &address, &receiver).await;
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut accepted = Vec::new();
    for round in 0..ROUNDS {
        let (after, wait) = at_random();
        let kill = killer(&serving, after, wait);
        accepted.extend(post_until_killed((&address, &token), round * EVENTS..(round + 1) * EVENTS, kill).await);
        drop(serving);
        (serving, address) = serve(sending(&data));
        let everything = async {
            while !accepted.iter().all(|id| seen.contains_key(id)) {
                let request = receiver.next().await;
                *seen.entry(request.headers["webhook-id"].to_str().unwrap().to_owned()).or_default() += 1;
            }
        };
        let all = tokio::time::timeout(PATIENCE * 3, everything).await;
        let lost = accepted.iter().filter(|id| !seen.contains_key(*id)).count();
        assert!(all.is_ok(), "round {round}, killed {wait:?} after {after}: {lost} events never arrived");
        let repeats: usize = seen.values().map(|n| n - 1).sum();
        assert!(repeats <= IN_FLIGHT_MAX * (round + 1), "only attempts in flight may be repeated: {repeats}");
    }
    assert!(accepted.len() > ROUNDS * 10, "killed in the middle: {}", accepted.len());
}

/// After how many acceptances to kill the server, and how long after the last of them.
fn at_random() -> (usize, Duration) {
    #[expect(clippy::disallowed_methods, reason = "a crash can happen at any moment; a failure prints which one")]
    let random = || rand::random::<u64>();
    let after = 1 + usize::try_from(random() % (EVENTS as u64 * 3 / 4)).unwrap();
    (after, Duration::from_micros(random() % KILL_AFTER_MAX_US))
}
