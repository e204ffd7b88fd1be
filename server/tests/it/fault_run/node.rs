//! A server process with a clock of its own.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use engine::clock::sleep_ms;

use crate::{command::offhook, test_app::client};

/// A node; killed when dropped.
pub struct Node {
    data: PathBuf,
    database: String,
    log: PathBuf,
    /// Where it listens, from one start to the next.
    pub address: String,
    child: Option<Child>,
}

impl Node {
    /// A node that has not started.
    pub fn new(data: &Path, database: String, number: usize) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        Self { log: data.join(format!("node-{number}.log")), data: data.to_owned(), database, address, child: None }
    }

    /// The binary on this node's database.
    pub fn command(&self) -> Command {
        let mut command = offhook(&self.data);
        command.env("OFFHOOK_DATABASE_URL", &self.database);
        command
    }

    /// Starts it with a clock that is off by this many seconds, and waits until it responds.
    pub async fn start(&mut self, clock_s: i64) {
        let mut faketime = Command::new("/usr/bin/faketime");
        // Only the clock is off: durations are right, as on a machine whose clock was set wrong.
        faketime.args(["-m", "--exclude-monotonic", "-f", &format!("{clock_s:+}s"), env!("CARGO_BIN_EXE_offhook")]);
        faketime.args(["serve", "--listen", &self.address, "--log", "warn"]).env_clear();
        faketime.env("OFFHOOK_DATA", &self.data).env("OFFHOOK_DATABASE_URL", &self.database);
        faketime.env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8");
        let log = std::fs::File::options().create(true).append(true).open(&self.log).unwrap();
        let child = faketime.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        self.child = Some(child.expect("faketime is installed by .make/setup faults"));
        let responds = async {
            while client().get(format!("http://{}/healthz", self.address)).send().await.is_err() {
                sleep_ms(50).await;
            }
        };
        let started = tokio::time::timeout(Duration::from_secs(60), responds).await;
        assert!(started.is_ok(), "a node did not start: {}", std::fs::read_to_string(&self.log).unwrap());
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
