//! The measured server: the `offhook` binary as a child process.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, ChildStderr, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};
use http::StatusCode;
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::{
    clock::{sleep_ms, stopwatch},
    load::{Http, get},
};

/// The instance key. Scenarios with separate data folders share it on a given database.
pub(crate) const KEY: &str = "b2ZmaG9vay1iZW5jaC1tZWFzdXJlcy1uby1zZWNyZXQ=";
/// Time limit for a start.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// Clock ticks per second in /proc: fixed on Linux.
const TICKS_PER_S: f64 = 100.0;

/// The binary to start and the database to start it on.
pub(crate) struct Setup {
    /// The `offhook` binary.
    pub offhook: PathBuf,
    /// The data folder.
    pub data: PathBuf,
    /// The database.
    pub database_url: String,
}

/// A running server, killed when dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// Time from start until `/readyz` was ready.
    pub ready_after: Duration,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Setup {
    /// A command of the binary with its environment.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.offhook);
        command.env_clear().stdin(Stdio::null());
        command.env("OFFHOOK_DATA", &self.data).env("OFFHOOK_DATABASE_URL", &self.database_url);
        command.env("OFFHOOK_SECRET_KEY", KEY);
        command
    }
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub(crate) async fn start(setup: &Setup, http: &Http) -> anyhow::Result<Self> {
        let started = stopwatch();
        let mut command = setup.command();
        // The address is in the only line that is logged on start.
        command.args(["--log", "warn,server::command::serve=info", "--log-format", "json"]);
        command.args(["serve", "--listen", "127.0.0.1:0"]).env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().context("start the server")?;
        let stderr = child.stderr.take();
        let unknown = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { child, address: unknown, ready_after: Duration::ZERO };
        let (sender, address) = oneshot::channel();
        std::thread::spawn(move || read_log(stderr, sender));
        server.address = tokio::time::timeout(START_TIMEOUT, address)
            .await
            .context("the server did not listen in time")?
            .context("the server ended before it listened")?;
        while started.elapsed() < START_TIMEOUT {
            if matches!(get(http, server.address, "/readyz", "").await, Ok((StatusCode::OK, _))) {
                server.ready_after = started.elapsed();
                return Ok(server);
            }
            sleep_ms(5).await;
        }
        bail!("the server was not ready in time")
    }

    /// Kills it (SIGKILL).
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().context("VmRSS")?;
        Ok(kib / 1_024.0)
    }

    /// Processor time used so far, in seconds.
    pub(crate) fn processor_s(&self) -> anyhow::Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name may contain spaces; user and system time are the 12th and 13th field after it.
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
        Ok(ticks.sum::<f64>() / TICKS_PER_S)
    }
}

/// Sends the address once it is logged, and drains the rest so that the server never blocks on its log.
fn read_log(log: Option<ChildStderr>, sender: oneshot::Sender<SocketAddr>) {
    #[derive(Deserialize)]
    struct Listening {
        address: SocketAddr,
    }
    let Some(log) = log else { return };
    let mut sender = Some(sender);
    for line in BufReader::new(log).lines().map_while(Result::ok) {
        if let Ok(listening) = serde_json::from_str::<Listening>(&line) {
            let _ = sender.take().map(|sender| sender.send(listening.address));
        }
    }
}
