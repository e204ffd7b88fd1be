//! `key`

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
    process::Output,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::UNIX_EPOCH,
};

use domain::{
    event::EventKind,
    secret::SigningSecret,
    signature,
    time::{Clock as _, HOUR_MS},
};
use engine::{
    SystemClock,
    store::{
        db::Db,
        nodes::{self, Heartbeat},
    },
};
use serde_json::{Value, json};
use server::secret_key;

use super::{installed, line, offhook, run, serve::serve};
use crate::{
    postgres::database,
    receiver::{Received, Receiver},
    test_app::{PATIENCE, client},
};

/// Endpoints besides the one that receives, so that the rotation takes long enough to be interrupted.
const ENDPOINTS: usize = 300;

async fn key(data: &Path, args: &[&str]) -> Output {
    let mut command = offhook(data);
    command.arg("key").args(args);
    run(command, "").await
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// As if the keys were changed long ago, so that no operation can still use the old ones.
fn age(data: &Path) {
    File::options().write(true).open(data.join("secret.key")).unwrap().set_modified(UNIX_EPOCH).unwrap();
}

#[tokio::test]
async fn a_key_is_added_becomes_current_and_retires() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    installed(data);
    let listed = line(&key(data, &["list"]).await);
    assert_eq!(listed["keys"], json!([{ "id": "k1", "current": true, "sealed": 0 }]));
    assert_eq!(line(&key(data, &["add"]).await)["added"], "k2");
    let twice = key(data, &["add"]).await;
    assert!(twice.status.code() == Some(1) && complaint(&twice).contains("k2 was already added"), "{twice:?}");
    let turned = line(&key(data, &["rotate"]).await);
    assert_eq!(turned, json!({ "current": "k2", "resealed": 0, "closed": 0, "retired": [], "kept": ["k1"] }));
    age(data);
    let retired = line(&key(data, &["rotate", "--retire"]).await);
    assert_eq!(retired, json!({ "current": "k2", "resealed": 0, "closed": 0, "retired": ["k1"], "kept": [] }));
    let text = std::fs::read_to_string(data.join("secret.key")).unwrap();
    assert!(text.starts_with("k2:") && text.lines().count() == 1);
    let mut verify = offhook(data);
    verify.args(["audit", "verify"]);
    assert_eq!(line(&run(verify, "").await)["records"], 2, "the rotation and the retirement are recorded");
}

#[tokio::test]
async fn keys_from_the_environment_are_changed_there() {
    let folder = tempfile::tempdir().unwrap();
    installed(folder.path());
    let with = async |keys: &str, args: &[&str]| {
        let mut command = offhook(folder.path());
        command.env("OFFHOOK_SECRET_KEY", keys).arg("key").args(args);
        run(command, "").await
    };
    let (one, two) = ("AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=", "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=");
    for args in [&["add"][..], &["rotate"], &["rotate", "--retire"]] {
        let refused = with(one, args).await;
        assert_eq!(refused.status.code(), Some(2));
        assert!(complaint(&refused).contains("k2:NEW k1:OLD"), "{}", complaint(&refused));
    }
    let behind = with(&format!("k1:{one} k2:{two}"), &["rotate"]).await;
    assert_eq!(behind.status.code(), Some(2), "only the environment can put the new one first");
    let listed = line(&with(&format!("k2:{two},k1:{one}"), &["list"]).await);
    assert_eq!((&listed["keys"][0]["id"], &listed["keys"][1]["id"]), (&json!("k2"), &json!("k1")));
    assert_eq!(with(&format!("k1:{two},k1:{one}"), &["list"]).await.status.code(), Some(2));
}

/// Two servers on one database, which only Postgres supports.
async fn two_servers() -> String {
    let url = database().await;
    let db = Db::open(&url.as_str().into()).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    // A heartbeat that does not expire, however slow the test is.
    let late = SystemClock.now().plus_ms(HOUR_MS);
    for node in ["node-a", "node-b"] {
        nodes::heartbeat(&mut tx, node, late, 0, Heartbeat::Later).await.unwrap();
    }
    tx.commit().await.unwrap();
    db.close().await;
    url
}

#[tokio::test]
async fn with_several_servers_a_key_is_added_before_it_becomes_current() {
    let folder = tempfile::tempdir().unwrap();
    let url = two_servers().await;
    let key = async |args: &[&str]| {
        let mut command = offhook(folder.path());
        command.env("OFFHOOK_DATABASE_URL", &url).arg("key").args(args);
        run(command, "").await
    };
    let path = secret_key::file_of_data_folder(folder.path()).unwrap();
    let file = || std::fs::read_to_string(&path).unwrap();
    let before = file();
    for args in [&["rotate"][..], &["rotate", "--retire"]] {
        let refused = key(args).await;
        assert_eq!(refused.status.code(), Some(2));
        let words = complaint(&refused);
        assert!(words.contains("2 servers use this database") && words.contains("offhook key add"), "{words}");
        assert_eq!(file(), before, "nothing changed");
    }
    assert_eq!(line(&key(&["add"]).await)["added"], "k2");
    assert_eq!(line(&key(&["rotate"]).await)["current"], "k2");
}

/// An account of a running server, with an endpoint that checks what it receives.
struct Scene {
    address: String,
    token: String,
    secret: SigningSecret,
}

impl Scene {
    async fn set(data: &Path, address: &str, receiver: &Receiver) -> Self {
        let mut account = offhook(data);
        account.args(["account", "create", "--name", "Acme"]);
        let account = line(&run(account, "").await);
        let mut token = offhook(data);
        token.args(["token", "create", "--name", "t", "--scope", "events:write,endpoints:write,deliveries:read"]);
        token.args(["--account", account["id"].as_str().unwrap()]);
        let token = line(&run(token, "").await)["token"].as_str().unwrap().to_owned();
        let mut scene = Self { address: address.to_owned(), token, secret: SigningSecret::new(&[0; 32]) };
        let created = scene.endpoint(&receiver.url, &EventKind::ALL).await;
        scene.secret = SigningSecret::parse(created["signing_secret"].as_str().unwrap()).unwrap();
        for n in 0..ENDPOINTS {
            // Nothing is sent to these hosts, of which each may have 50 endpoints.
            let url = format!("http://127.0.0.{}:9/{n}", 2 + n / 50);
            scene.endpoint(&url, &[EventKind::OutgoingCall]).await;
        }
        scene
    }

    async fn endpoint(&self, url: &str, events: &[EventKind]) -> Value {
        let headers = json!({ "x-crm": "42" });
        self.post(
            "endpoints",
            &json!({ "url": url, "events": events, "auth_token": "my-token", "headers": headers }),
            201,
        )
        .await
    }

    async fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        let request = client().post(format!("http://{}/api/v1/{path}", self.address)).bearer_auth(&self.token);
        let response = request.header("content-type", "application/json").body(body.to_string()).send().await.unwrap();
        let (got, text) = (response.status().as_u16(), response.text().await.unwrap());
        assert_eq!(got, status, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    async fn event(&self, n: usize) {
        let payload: Value =
            serde_json::from_str(&EventKind::CallProcessed.example().replace("2f533604", &format!("{n:08x}"))).unwrap();
        self.post("events", &json!({ "payload": payload }), 202).await;
    }

    fn check(&self, got: &Received) {
        let body: Value = serde_json::from_str(&got.body).unwrap();
        let header = |name: &str| got.headers[name].to_str().unwrap();
        assert_eq!((body["auth_token"].as_str().unwrap(), header("x-crm")), ("my-token", "42"));
        let at = header("webhook-timestamp").parse().unwrap();
        let wanted = signature::sign(&self.secret, header("webhook-id"), at, got.body.as_bytes());
        assert_eq!(header("webhook-signature"), wanted);
    }

    async fn none_has_failed(&self) {
        for status in ["failed", "retrying"] {
            let url = format!("http://{}/api/v1/deliveries?limit=1&status={status}", self.address);
            let text = client().get(url).bearer_auth(&self.token).send().await.unwrap().text().await.unwrap();
            let page: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(page["data"], json!([]), "{status}: {text}");
        }
    }
}

/// Starts a rotation and kills it after its first step.
async fn rotate_and_kill(data: &Path) {
    let mut command = offhook(data);
    command.args(["key", "rotate", "--log", "info,server=debug"]);
    let killed = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        let begun = log.any(|line| line.unwrap().contains("re-encrypted"));
        child.kill().unwrap();
        (begun, child.wait().unwrap().success())
    });
    assert_eq!(killed.await.unwrap(), (true, false), "it was killed before it finished");
}

fn sealed(listed: &Value, id: &str) -> u64 {
    let keys = listed["keys"].as_array().unwrap();
    keys.iter().find(|key| key["id"] == id).map_or(0, |key| key["sealed"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_rotates_under_a_running_server_and_continues_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut receiver = Receiver::start().await;
    let start = || {
        let mut command = offhook(&data);
        command.env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8");
        serve(command)
    };
    let (serving, address) = start();
    let scene = Arc::new(Scene::set(&data, &address, &receiver).await);
    let (stop, posted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let stream = tokio::spawn({
        let (scene, stop, posted) = (scene.clone(), stop.clone(), posted.clone());
        async move {
            while !stop.load(SeqCst) {
                scene.event(posted.fetch_add(1, SeqCst)).await;
            }
        }
    });

    rotate_and_kill(&data).await;
    let halfway = line(&key(&data, &["list"]).await);
    assert!(sealed(&halfway, "k1") > 0 && sealed(&halfway, "k2") > 0, "{halfway}");
    // The server was not notified, and seals with the new key.
    scene.endpoint(&format!("{}/meanwhile", receiver.url), &[EventKind::IncomingCall]).await;
    assert!(sealed(&line(&key(&data, &["list"]).await), "k2") >= sealed(&halfway, "k2") + 3);
    let finished = line(&key(&data, &["rotate"]).await);
    assert_eq!((&finished["current"], &finished["closed"]), (&json!("k2"), &json!(0)));
    assert!(finished["resealed"].as_u64().unwrap() > 0 && finished["kept"] == json!(["k1"]), "{finished}");
    age(&data);
    assert_eq!(line(&key(&data, &["rotate", "--retire"]).await)["retired"], json!(["k1"]));

    stop.store(true, SeqCst);
    stream.await.unwrap();
    let all = posted.load(SeqCst);
    for _ in 0..all {
        scene.check(&receiver.next().await);
    }
    scene.none_has_failed().await;
    drop(serving);
    let (_serving, address) = start();
    let scene = Scene { address, token: scene.token.clone(), secret: scene.secret.clone() };
    scene.event(all).await;
    scene.check(&tokio::time::timeout(PATIENCE, receiver.next()).await.unwrap());
}
