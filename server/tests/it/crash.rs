//! `kill -9` in the middle of the work: nothing that was accepted is lost, and only attempts in flight are repeated.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use domain::event::EventKind;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::{
    app::{PATIENCE, client},
    command::{line, offhook, run, serve::serve},
    receiver::Receiver,
};

/// Events of one run.
const EVENTS: usize = 2_000;
/// The server is killed after this many were accepted, with the rest still on their way.
const KILLED_AFTER: usize = 700;
/// Events posted at once.
const AT_ONCE: usize = 64;
/// Most attempts that one endpoint has in flight; each may be repeated after a crash.
const IN_FLIGHT_MAX: usize = 64;

/// An account, a token of it, and an endpoint at the receiver.
async fn set_up(data: &Path, address: &str, receiver: &Receiver) -> String {
    let mut account = offhook(data);
    account.args(["account", "create", "--name", "Acme"]);
    let account = line(&run(account, "").await);
    let mut token = offhook(data);
    token.args(["token", "create", "--name", "t", "--scope", "events:write,endpoints:write,deliveries:read"]);
    token.args(["--account", account["id"].as_str().unwrap()]);
    let token = line(&run(token, "").await)["token"].as_str().unwrap().to_owned();
    let wanted = json!({ "url": receiver.url, "events": EventKind::ALL });
    let created = client().post(format!("http://{address}/api/v1/endpoints")).bearer_auth(&token);
    let created = created.header("content-type", "application/json").body(wanted.to_string()).send().await.unwrap();
    assert_eq!(created.status(), 201);
    token
}

/// A record of its own call, so that none waits for another.
fn event(n: usize) -> String {
    let payload = EventKind::CallProcessed.example().replace("2f533604", &format!("{n:08x}"));
    format!(r#"{{"id":"crash-{n}","payload":{payload}}}"#)
}

/// Posts all events; answers with the ids that were accepted before the server died.
async fn post_until_killed(address: &str, token: &str, kill: impl Fn() + Send + Sync + 'static) -> Vec<String> {
    let (accepted, room) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(AT_ONCE)));
    let (http, kill) = (client(), Arc::new(kill));
    let posts = (0..EVENTS).map(|n| {
        let request = http.post(format!("http://{address}/api/v1/events")).bearer_auth(token);
        let request = request.header("content-type", "application/json").body(event(n));
        let (accepted, room, kill) = (accepted.clone(), room.clone(), kill.clone());
        tokio::spawn(async move {
            let _room = room.acquire().await.unwrap();
            let answer = request.send().await.ok().filter(|answer| answer.status() == 202)?;
            if accepted.fetch_add(1, Ordering::Relaxed) + 1 == KILLED_AFTER {
                kill();
            }
            let _ = answer.bytes().await;
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

#[tokio::test]
async fn nothing_that_was_accepted_is_lost_by_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut receiver = Receiver::start().await;
    let mut command = offhook(&data);
    command.env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8");
    let (serving, address) = serve(command);
    let token = set_up(&data, &address, &receiver).await;
    let pid = serving.id().to_string();
    let kill = move || assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    let accepted = post_until_killed(&address, &token, kill).await;
    assert!((KILLED_AFTER..EVENTS).contains(&accepted.len()), "killed in the middle: {}", accepted.len());
    drop(serving);

    let mut command = offhook(&data);
    command.env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8");
    let (_serving, _) = serve(command);
    let mut seen: HashMap<String, usize> = HashMap::new();
    let everything = async {
        while !accepted.iter().all(|id| seen.contains_key(id)) {
            let request = receiver.next().await;
            *seen.entry(request.headers["webhook-id"].to_str().unwrap().to_owned()).or_default() += 1;
        }
    };
    tokio::time::timeout(PATIENCE * 3, everything).await.expect("some accepted events never arrived");
    let repeats: usize = seen.values().map(|n| n - 1).sum();
    assert!(repeats <= IN_FLIGHT_MAX, "only attempts in flight may be repeated: {repeats}");
}
