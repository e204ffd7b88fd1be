//! A server process with a clock of its own.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use engine::clock::sleep_ms;

use crate::{command::offhook, test_app::client};

/// A node; killed when dropped.
pub(super) struct Node {
    data: PathBuf,
    database: String,
    log: PathBuf,
    /// Where it listens, from one start to the next.
    pub address: String,
    child: Option<Child>,
}

impl Node {
    /// A node that has not started.
    pub(super) fn new(data: &Path, database: String, number: usize) -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        Self { log: data.join(format!("node-{number}.log")), data: data.to_owned(), database, address, child: None }
    }

    /// The binary on this node's database.
    pub(super) fn command(&self) -> Command {
        let mut command = offhook(&self.data);
        command.env("OFFHOOK_DATABASE_URL", &self.database);
        command
    }

    /// Starts it with a clock that is off by this many seconds, and waits until it responds.
    pub(super) async fn start(&mut self, clock_s: i64) {
        let log = std::fs::File::options().create(true).append(true).open(&self.log).unwrap();
        let mut server = self.command();
        server.args(["serve", "--listen", &self.address, "--log", "warn"]);
        server.env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8").stdout(Stdio::null()).stderr(log);
        // Not through the command `faketime`: it starts the server as a child, which outlives a kill.
        // Only the clock is off: durations are right, as on a machine whose clock was set wrong.
        server.env("LD_PRELOAD", libfaketime()).env("FAKETIME", format!("{clock_s:+}s"));
        server.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
        self.child = Some(server.spawn().unwrap());
        // Not `/readyz`, where a node with a wrong clock says that it claims nothing.
        let url = format!("http://{}/api/v1/openapi.json", self.address);
        let responds = async {
            while !client().get(&url).send().await.is_ok_and(|response| response.status().is_success()) {
                sleep_ms(50).await;
            }
        };
        let started = tokio::time::timeout(Duration::from_secs(60), responds).await;
        assert!(started.is_ok(), "a node did not start: {}", std::fs::read_to_string(&self.log).unwrap());
        let ended = self.child.as_mut().and_then(|child| child.try_wait().unwrap());
        assert!(ended.is_none(), "another process responds at this node's address: {ended:?}");
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn libfaketime() -> PathBuf {
    let libraries = std::fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let mut candidates = libraries.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    candidates.find(|path| path.exists()).expect("libfaketime is installed by .make/setup faults")
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
