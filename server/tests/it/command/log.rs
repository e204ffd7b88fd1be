//! What the log says: searching it for a request, event or delivery id gives the whole story.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::Child,
    sync::mpsc::{Receiver as Lines, channel},
};

use domain::event::EventKind;
use serde_json::{Value, json};

use super::{line, offhook};
use crate::{
    receiver::Receiver,
    test_app::{PATIENCE, client, response},
};

const REQUEST_ID: &str = "story-of-one-request";

/// A server that logs everything; stopped when its test ends.
struct Logging {
    child: Child,
    lines: Lines<Value>,
    seen: Vec<Value>,
}

impl Drop for Logging {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Logging {
    fn start(data: &Path) -> Self {
        let mut command = offhook(data);
        command.env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8").args(["serve", "--listen", "127.0.0.1:0"]);
        let mut child =
            command.args(["--log-format", "json", "--log", "info,engine=debug,server=debug"]).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, lines, seen: Vec::new() }
    }

    /// Reads on until a line satisfies this, and returns that line.
    fn until(&mut self, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("not logged: {:#?}", self.seen));
            self.seen.push(line.clone());
            if is(&line) {
                return line;
            }
        }
    }

    /// The messages of all lines that contain this id anywhere, in their fields or their spans.
    fn messages_with(&self, id: &str) -> Vec<&str> {
        self.seen
            .iter()
            .filter(|line| line.to_string().contains(id))
            .filter_map(|line| line["message"].as_str())
            .collect()
    }
}

fn created(data: &Path, words: &[&str]) -> Value {
    line(&offhook(data).args(words).output().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_finds_everything_that_happened_to_a_request_and_its_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let mut server = Logging::start(data);
    let address = server.until(|line| line["address"].is_string())["address"].as_str().unwrap().to_owned();
    let account = created(data, &["account", "create", "--name", "Acme"])["id"].as_str().unwrap().to_owned();
    let scopes = "events:write,endpoints:write";
    let token = created(data, &["token", "create", "--account", &account, "--name", "PBX", "--scope", scopes]);
    let post = |path: &str, body: Value| {
        let url = format!("http://{address}/api/v1/{path}");
        client()
            .post(url)
            .bearer_auth(token["token"].as_str().unwrap())
            .header("x-request-id", REQUEST_ID)
            .header("content-type", "application/json")
            .body(body.to_string())
    };
    let mut receiver = Receiver::start().await;
    let endpoint = json!({"url": receiver.url, "events": ["IncomingCall"], "name": "CRM"});
    assert_eq!(response(post("endpoints", endpoint)).await.status, 201);
    let payload: Value = serde_json::from_str(EventKind::IncomingCall.example()).unwrap();
    let caller = payload["caller_number"].as_str().unwrap().to_owned();
    let accepted = response(post("events", json!({"payload": payload}))).await;
    assert_eq!(accepted.status, 202, "{accepted:?}");
    let event = accepted.json()["id"].as_str().unwrap().to_owned();
    receiver.next().await;
    let recorded = server.until(|line| line["message"] == "recorded");
    let delivery = recorded["delivery_id"].as_str().unwrap();

    // The request leads to the event and its delivery, and these lead to the attempt and what came of it.
    let by_request = server.messages_with(REQUEST_ID);
    for message in ["accepted", "enqueued"] {
        assert!(by_request.contains(&message), "{message}: {by_request:?}");
    }
    let accepted = server.seen.iter().find(|line| line["message"] == "accepted").unwrap().to_string();
    assert!(accepted.contains(&event) && accepted.contains(&account), "{accepted}");
    for message in ["enqueued", "attempted", "recorded"] {
        let messages = server.messages_with(delivery);
        assert!(messages.contains(&message), "{message}: {messages:?}");
    }
    assert!(server.messages_with(&event).contains(&"attempted"));
    let output = server.seen.iter().map(Value::to_string).collect::<String>();
    assert!(!output.contains('\u{1b}'), "colour codes in a log that no terminal reads");
    assert!(!output.contains(&caller), "a phone number in the log");
}
