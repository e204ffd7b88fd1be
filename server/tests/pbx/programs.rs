//! The real program: the server, and the connector beside the phone system.

use std::{
    fs::File,
    io::Write as _,
    net::{SocketAddr, SocketAddrV4},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use domain::event::EventKind;
use engine::clock::sleep_ms;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{PATIENCE, POLL_MS, asterisk::SECRET, observer::Observer, office::OFFICES, receiver::Receiver, setting};

/// Another build of the program than that of the tests.
const PROGRAM_VARIABLE: &str = "OFFHOOK_TEST_PROGRAM";

/// A running server with an account; killed when dropped.
pub(crate) struct Server {
    folder: TempDir,
    address: SocketAddr,
    child: Option<Child>,
    log_level: &'static str,
    /// The URL that users and phone systems have, if it is not the address.
    public_url: Option<String>,
    account: String,
    token: String,
}

impl Server {
    /// Starts one whose account has an endpoint at the receiver.
    pub(crate) async fn start(receiver: &Receiver, log_level: &'static str) -> Self {
        Self::start_as(receiver, log_level, None).await
    }

    /// As [`Self::start`], with another URL than its address.
    pub(crate) async fn start_as(receiver: &Receiver, log_level: &'static str, public_url: Option<String>) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let folder = TempDir::with_prefix("offhook").unwrap();
        let (account, token) = (String::new(), String::new());
        let mut server = Self { folder, address: free, child: None, log_level, public_url, account, token };
        server.start_again().await;
        let account = server.created(&["account", "create", "--name", "Acme"]);
        account["id"].as_str().unwrap().clone_into(&mut server.account);
        let scopes = ["--scope", "events:write,endpoints:write,connectors:read", "--account", &server.account];
        let token = server.created(&[&["token", "create", "--name", "pbx"][..], &scopes].concat());
        token["token"].as_str().unwrap().clone_into(&mut server.token);
        let endpoint = json!({ "url": receiver.url, "events": EventKind::ALL, "send_details": true }).to_string();
        let created = client().post(server.url() + "/api/v1/endpoints").bearer_auth(&server.token);
        let created = created.header("content-type", "application/json").body(endpoint).send().await.unwrap();
        assert_eq!(created.status(), 201);
        server
    }

    /// Creates an admin of the account.
    pub(crate) fn create_admin(&self, email: &str, password: &str) {
        let arguments = ["user", "create", "--email", email, "--account", &self.account, "--role", "admin"];
        let mut command = offhook(self.folder.path());
        let mut child = command.args(arguments).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// A connector for which the server connects to this AMI; all calls belong to the account. Returns its ID and secret.
    pub(crate) async fn connector_for(&self, ami: SocketAddrV4) -> (String, String) {
        let (ami, trunks) = (ami.to_string(), trunks().collect::<Vec<_>>());
        let fixed = ["connector", "create", "--name", "pbx", "--system", "asterisk", "--way", "ami", "--ami", &ami];
        let trunks = trunks.iter().flat_map(|trunk| ["--trunk", trunk]);
        let created = self.created(&fixed.into_iter().chain(trunks).collect::<Vec<_>>());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let scopes = ["--scope", "connectors:read,connectors:write"];
        let token = self.created(&[&["token", "create", "--platform", "--name", "ops"][..], &scopes].concat());
        let url = format!("{}/api/v1/connectors/{}/routes", self.url(), text(&created["id"]));
        let route = json!({ "number": "*", "account": self.account }).to_string();
        let request = client().post(url).bearer_auth(text(&token["token"])).header("content-type", "application/json");
        assert!(request.body(route).send().await.unwrap().status().is_success());
        (text(&created["id"]), text(&created["secret"]))
    }

    /// Waits until this connector is like this, and returns it.
    pub(crate) async fn until(&self, connector: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let wait = async {
            loop {
                let shown = self.created(&["connector", "show", connector]);
                if is_so(&shown) {
                    return shown;
                }
                sleep_ms(POLL_MS).await;
            }
        };
        let never = |_| panic!("the connector never was so: {}", self.log());
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(never)
    }

    /// The gaps of this connector, the newest first.
    pub(crate) async fn gaps(&self, connector: &str) -> Value {
        let url = format!("{}/api/v1/connectors/{connector}/gaps", self.url());
        let response = client().get(url).bearer_auth(&self.token).send().await.unwrap();
        serde_json::from_str::<Value>(&response.text().await.unwrap()).unwrap()["data"].take()
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap()
    }

    /// Its account.
    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    /// Starts it, at its former address if it was killed.
    pub(crate) async fn start_again(&mut self) {
        let mut command = offhook(self.folder.path());
        command.args(["serve", "--listen", &self.address.to_string(), "--log", self.log_level]);
        command.env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8").stderr(append(&self.log_file()));
        command.envs(self.public_url.iter().map(|url| ("OFFHOOK_PUBLIC_URL", url)));
        self.child = Some(command.spawn().unwrap());
        let (client, url) = (client(), self.url() + "/readyz");
        let ready = async {
            while !client.get(&url).send().await.is_ok_and(|response| response.status().is_success()) {
                sleep_ms(POLL_MS).await;
            }
        };
        let is_ready = tokio::time::timeout(PATIENCE, ready).await.is_ok();
        assert!(is_ready, "the server did not start: {}", self.log());
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        kill(&mut self.child);
    }

    /// A new connector of the account; returns its ID.
    pub(crate) fn connector(&self, system: &str) -> String {
        let wanted = ["connector", "create", "--name", "pbx", "--system", system, "--account", &self.account];
        self.created(&wanted)["id"].as_str().unwrap().to_owned()
    }

    /// The status of a connector.
    pub(crate) async fn status(&self, connector: &str) -> String {
        let path = format!("{}/api/v1/connectors/{connector}", self.url());
        let shown = client().get(path).bearer_auth(&self.token).send().await.unwrap().text().await.unwrap();
        let shown: Value = serde_json::from_str(&shown).unwrap();
        shown["status"].as_str().unwrap().to_owned()
    }

    /// The account's API token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("serve.log")
    }

    fn created(&self, arguments: &[&str]) -> Value {
        let output = offhook(self.folder.path()).args(arguments).stdout(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Its folder: database and log.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a connector is started with.
pub(crate) struct Connects<'a> {
    /// Where it reaches AMI: Asterisk, or something between.
    pub ami: SocketAddr,
    pub server: &'a Server,
    /// Asterisk's call records, if it may read them.
    pub call_records: Option<PathBuf>,
}

/// A running `offhook connect asterisk`; killed when dropped.
pub(crate) struct Connector {
    folder: TempDir,
    arguments: Vec<String>,
    child: Option<Child>,
}

impl Connector {
    /// Starts one.
    pub(crate) fn start(connects: Connects<'_>) -> Self {
        let folder = TempDir::with_prefix("connect").unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(folder.path().join("secret"), SECRET).unwrap();
        std::fs::write(folder.path().join("token"), &connects.server.token).unwrap();
        let mut arguments: Vec<String> = ["connect", "asterisk", "--name", "pbx-1", "--log"].map(str::to_owned).into();
        arguments.push(connects.server.log_level.to_owned());
        arguments.extend(["--ami".to_owned(), connects.ami.to_string(), "--secret-file".to_owned(), path("secret")]);
        arguments.extend(["--offhook".to_owned(), connects.server.url(), "--token-file".to_owned(), path("token")]);
        arguments.extend(trunks().flat_map(|trunk| ["--trunk".to_owned(), trunk]));
        if let Some(file) = connects.call_records {
            arguments.extend(["--cdr-csv".to_owned(), file.to_str().unwrap().to_owned()]);
        }
        let mut connector = Self { folder, arguments, child: None };
        connector.start_again();
        connector
    }

    /// Starts it after [`Self::kill`].
    pub(crate) fn start_again(&mut self) {
        let mut command = offhook(self.folder.path());
        command.args(&self.arguments).stderr(append(&self.folder.path().join("connect.log")));
        self.child = Some(command.spawn().unwrap());
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        kill(&mut self.child);
    }

    /// Waits until Asterisk lists it as connected.
    pub(crate) async fn connected(&self, observer: &Observer) {
        let connected = async {
            let list = [("Action", "Command"), ("Command", "manager show connected")];
            while !observer.request(&list).await.all("Output").any(|line| line.contains("offhook")) {
                sleep_ms(POLL_MS).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, connected).await.is_ok(), "it did not connect: {}", self.log());
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("connect.log")).unwrap()
    }

    /// Its folder: spool and log.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The trunks of all offices.
pub(crate) fn trunks() -> impl Iterator<Item = String> {
    (0..OFFICES).flat_map(|digit| [format!("provider{digit}"), format!("backup{digit}")])
}

#[expect(clippy::disallowed_methods, reason = "a test's client calls its own server only")]
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap()
}

/// The program with this data folder and an empty environment.
fn offhook(data: &Path) -> Command {
    let program = setting(PROGRAM_VARIABLE).unwrap_or_else(|| env!("CARGO_BIN_EXE_offhook").to_owned());
    let mut command = Command::new(program);
    command.env_clear().env("OFFHOOK_DATA", data).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn append(file: &Path) -> File {
    File::options().create(true).append(true).open(file).unwrap()
}

fn kill(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        let _ = child.kill();
        let _ = child.wait();
    }
}
