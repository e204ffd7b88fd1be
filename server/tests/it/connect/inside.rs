//! `offhook serve` dials an Asterisk on its own machine.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use super::{fake_asterisk::FakeAsterisk, pbx::Pbx, recording::Recording};
use crate::{
    command::{
        line, offhook, run,
        serve::{Serving, serve},
    },
    crash::set_up,
    postgres::database,
    receiver::Receiver,
    test_app::{PATIENCE, client, response},
};

/// Where a platform's calls come from, and where they go.
struct Platform {
    folder: tempfile::TempDir,
    database: Option<String>,
    address: String,
    token: String,
    connector: String,
    receiver: Receiver,
}

impl Platform {
    /// A server with a connector for this Asterisk, whose calls belong to an account with an endpoint.
    async fn start(pbx: &Pbx, database: Option<String>) -> (Self, Serving) {
        let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::start().await);
        let (connector, token) = (String::new(), String::new());
        let mut platform = Self { folder, database, address: String::new(), token, connector, receiver };
        let serving = platform.serve();
        let (account, _) = set_up(|| platform.offhook(), &platform.address, &platform.receiver).await;
        let scope = "connectors:read,connectors:write";
        let token = platform.created(&["token", "create", "--platform", "--name", "ops", "--scope", scope]).await;
        token["token"].as_str().unwrap().clone_into(&mut platform.token);
        let fixed =
            ["connector", "create", "--name", "pbx", "--system", "asterisk", "--way", "ami", "--trunk", "trunk"];
        let created = platform.created(&[&fixed[..], &["--ami", &pbx.address]].concat()).await;
        pbx.change(|asterisk| created["secret"].as_str().unwrap().clone_into(&mut asterisk.secret));
        created["id"].as_str().unwrap().clone_into(&mut platform.connector);
        let route = json!({ "number": "*", "account": account }).to_string();
        let routed = client().post(platform.url("/routes")).bearer_auth(&platform.token);
        let routed = response(routed.header("content-type", "application/json").body(route)).await;
        assert!(routed.status.is_success(), "{}", routed.text);
        (platform, serving)
    }

    /// Starts a server; there can be several on one database.
    fn serve(&mut self) -> Serving {
        let mut command = self.offhook();
        command.env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8");
        let (serving, address) = serve(command);
        self.address = address;
        serving
    }

    fn offhook(&self) -> Command {
        let mut command = offhook(Path::new(self.folder.path()));
        if let Some(url) = &self.database {
            command.env("OFFHOOK_DATABASE_URL", url);
        }
        command
    }

    async fn created(&self, arguments: &[&str]) -> Value {
        let mut command = self.offhook();
        command.args(arguments);
        line(&run(command, "").await)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/api/v1/connectors/{}{path}", self.address, self.connector)
    }

    async fn get(&self, path: &str) -> Value {
        response(client().get(self.url(path)).bearer_auth(&self.token)).await.json()
    }

    /// Waits until the connector is like this.
    async fn until(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        let wait = async {
            loop {
                let shown = self.get("").await;
                if is_so(&shown) {
                    return shown;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the connector never is so")
    }

    async fn event(&mut self) -> Value {
        let received = self.receiver.next().await;
        serde_json::from_str::<Value>(&received.body).unwrap()["payload"].take()
    }
}

fn is_connected(shown: &Value) -> bool {
    shown["status"] == "connected"
}

#[tokio::test]
async fn calls_of_an_asterisk_on_the_servers_machine_arrive() {
    let call = Recording::ending_now("in_answered");
    let pbx = Pbx::playing(&[&call]).await;
    let (mut platform, _serving) = Platform::start(&pbx, None).await;
    let shown = platform.until(is_connected).await;
    assert_eq!(shown["state"]["system_version"], "22.10.1");
    pbx.play(&call.messages).await;
    assert_eq!(platform.event().await["event"], "IncomingCall");
    let end = platform.event().await;
    assert_eq!((&end["event"], &end["call_status"]), (&json!("CallProcessed"), &json!("answered")));
    assert_eq!(platform.get("/gaps").await["data"], json!([]));
}

#[tokio::test]
async fn a_new_secret_and_a_pause_end_the_connection_and_what_is_wrong_is_shown() {
    let mut pbx = Pbx::start(FakeAsterisk::new()).await;
    let (platform, _serving) = Platform::start(&pbx, None).await;
    platform.until(is_connected).await;
    platform.created(&["connector", "rotate", &platform.connector]).await;
    let shown = platform.until(|shown| shown["state"]["problem"] == "wrong_secret").await;
    assert_eq!(shown["status"], "reconnecting");
    let rotated = platform.created(&["connector", "rotate", &platform.connector]).await;
    pbx.change(|asterisk| rotated["secret"].as_str().unwrap().clone_into(&mut asterisk.secret));
    platform.until(is_connected).await;
    platform.created(&["connector", "pause", &platform.connector]).await;
    pbx.left().await;
    pbx.vanish().await;
    platform.created(&["connector", "resume", &platform.connector]).await;
    platform.until(|shown| shown["state"]["problem"] == "unreachable").await;
}

#[tokio::test]
async fn a_server_that_is_killed_in_a_call_continues_with_it() {
    let (pbx, after, mut platform, serving) = talking(None).await;
    drop(serving);
    let mut again = None;
    pbx.listed_again(async { again = Some(platform.serve()) }).await;
    ends(&pbx, &after, &mut platform).await;
}

#[tokio::test]
async fn one_of_two_nodes_connects_and_the_other_continues_its_calls() {
    let (pbx, after, mut platform, first) = talking(Some(database().await)).await;
    let _second = platform.serve();
    assert_eq!(pbx.logins(), 1);
    pbx.listed_again(async { drop(first) }).await;
    ends(&pbx, &after, &mut platform).await;
}

/// A call is being talked: its Asterisk, the rest of its messages, and who follows it.
async fn talking(database: Option<String>) -> (Pbx, Vec<String>, Platform, Serving) {
    let call = Recording::ending_now("in_answered");
    let pbx = Pbx::playing(&[&call]).await;
    let (mut platform, serving) = Platform::start(&pbx, database).await;
    platform.until(is_connected).await;
    let (before, after) = call.split_at("Event: HangupRequest");
    pbx.play(&before).await;
    assert_eq!(platform.event().await["event"], "IncomingCall");
    (pbx, after, platform, serving)
}

/// The call ends, and is reported by the second connection.
async fn ends(pbx: &Pbx, after: &[String], platform: &mut Platform) {
    pbx.play(after).await;
    let mut end = platform.event().await;
    if end["event"] == "IncomingCall" {
        // The attempt that was in flight.
        end = platform.event().await;
    }
    assert_eq!((&end["event"], &end["call_status"]), (&json!("CallProcessed"), &json!("answered")));
    assert_eq!(pbx.logins(), 2);
    let gaps = platform.get("/gaps").await;
    assert_eq!((&gaps["data"][0]["reason"], &gaps["data"][0]["incomplete"]), (&json!("connector_restart"), &json!(0)));
}
