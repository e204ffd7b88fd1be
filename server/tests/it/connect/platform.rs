//! A server that dials an Asterisk for a connector of the platform.

use std::{path::Path, process::Command, time::Duration};

use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};

use super::pbx::Pbx;
use crate::{
    command::{
        line, offhook, run,
        serve::{Serving, serve},
    },
    crash::set_up,
    receiver::Receiver,
    test_app::{PATIENCE, client, response},
};

/// How long thousands of events may take to be stored by a debug build.
const LONG_PATIENCE: Duration = Duration::from_secs(120);

/// Where a platform's calls come from, and where they go.
pub(super) struct Platform {
    folder: tempfile::TempDir,
    database: Option<String>,
    address: String,
    pub token: String,
    pub connector: String,
    receiver: Receiver,
}

impl Platform {
    /// A server with a connector for this Asterisk, whose calls belong to an account with an endpoint.
    pub(super) async fn start(pbx: &Pbx, database: Option<String>) -> (Self, Serving) {
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
    pub(super) fn serve(&mut self) -> Serving {
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

    pub(super) async fn created(&self, arguments: &[&str]) -> Value {
        let mut command = self.offhook();
        command.args(arguments);
        line(&run(command, "").await)
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}/api/v1/connectors/{}{path}", self.address, self.connector)
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        response(client().get(self.url(path)).bearer_auth(&self.token)).await.json()
    }

    /// Waits until the connector is like this.
    pub(super) async fn until(&self, is_so: impl Fn(&Value) -> bool) -> Value {
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

    /// How many events of this kind are stored.
    pub(super) async fn stored(&self, kind: &str) -> usize {
        let file = SqliteConnectOptions::new().filename(self.folder.path().join("offhook.db")).read_only(true);
        let mut connection = file.connect().await.unwrap();
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM events WHERE kind = $1").bind(kind);
        let count: i64 = count.fetch_one(&mut connection).await.unwrap();
        usize::try_from(count).unwrap()
    }

    /// Waits until so many are.
    pub(super) async fn until_stored(&self, kind: &str, count: usize) {
        let wait = async {
            while self.stored(kind).await < count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG_PATIENCE, wait).await.expect("not all are stored");
    }

    pub(super) async fn event(&mut self) -> Value {
        let received = self.receiver.next().await;
        serde_json::from_str::<Value>(&received.body).unwrap()["payload"].take()
    }
}
