//! The real server: this very binary as a child process.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, ChildStderr, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};
use axum::http::StatusCode;
use engine::clock::{sleep_ms, stopwatch};
use serde::Deserialize;
use tokio::sync::oneshot;

use super::{
    bed::KEY,
    post::{Http, get},
};
use crate::config::Store;

/// Time for a start.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// Clock ticks of a second in /proc: fixed on Linux.
const TICKS_PER_S: f64 = 100.0;

/// A running server, killed when dropped.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took from its start to `/readyz` saying so.
    pub ready_after: Duration,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Server {
    /// Starts one on this store and waits until it is ready.
    pub async fn start(store: &Store, http: &Http) -> anyhow::Result<Self> {
        let began = stopwatch();
        let mut child = command(store)?.spawn().context("start the server")?;
        let stderr = child.stderr.take();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { child, address: nowhere, ready_after: Duration::ZERO };
        let (tell, told) = oneshot::channel();
        std::thread::spawn(move || read_log(stderr, tell));
        server.address = tokio::time::timeout(START_TIMEOUT, told)
            .await
            .context("the server did not listen in time")?
            .context("the server ended before it listened")?;
        while began.elapsed() < START_TIMEOUT {
            if matches!(get(http, server.address, "/readyz", "").await, Ok((StatusCode::OK, _))) {
                server.ready_after = began.elapsed();
                return Ok(server);
            }
            sleep_ms(5).await;
        }
        bail!("the server was not ready in time")
    }

    /// Kills it at once, without a word (SIGKILL).
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Resident memory in MiB.
    pub fn resident_mib(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().context("VmRSS")?;
        Ok(kib / 1_024.0)
    }

    /// Processor time used so far, in seconds.
    pub fn processor_s(&self) -> anyhow::Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name may hold spaces; user and system time are the 12th and 13th field after it.
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
        Ok(ticks.sum::<f64>() / TICKS_PER_S)
    }
}

fn command(store: &Store) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.env_clear().args(["--log", "warn,server::command::serve=info", "--log-format", "json"]);
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    command.env("OFFHOOK_DATA", &store.data).env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8");
    command.env("OFFHOOK_SECRET_KEY", KEY);
    if let Some(url) = &store.database_url {
        command.env("OFFHOOK_DATABASE_URL", url);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    Ok(command)
}

/// Tells the address, then passes the log on, so that the server never waits for a reader.
fn read_log(log: Option<ChildStderr>, tell: oneshot::Sender<SocketAddr>) {
    #[derive(Deserialize)]
    struct Listening {
        address: SocketAddr,
    }
    let Some(log) = log else { return };
    let mut tell = Some(tell);
    for line in BufReader::new(log).lines().map_while(Result::ok) {
        match serde_json::from_str::<Listening>(&line) {
            Ok(listening) => drop(tell.take().map(|tell| tell.send(listening.address))),
            Err(_) => tracing::debug!(server = line),
        }
    }
}
