//! The real program with little memory, and what an attack costs it.

use std::{fs, path::Path, process::Command};

use tempfile::TempDir;

use crate::{
    command::{
        line, offhook, run,
        serve::{Serving, serve},
    },
    crash,
    receiver::Receiver,
};

/// Data memory that the program may have at most, in KiB: one that needs more is refused it, and aborts.
const DATA_MAX_KIB: u32 = 512 * 1024;
/// Resident memory that an attack may cost at most, in KiB.
pub(super) const RESIDENT_MAX_KIB: u64 = 200 * 1024;

/// A server under attack; killed when the test ends.
pub(super) struct Capped {
    pub address: String,
    serving: Serving,
    folder: TempDir,
}

impl Capped {
    pub(super) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts it with these settings in its environment.
    pub(super) fn start_with(settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = capped(folder.path());
        command.env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8").envs(settings.iter().copied());
        let (serving, address) = serve(command);
        Self { address, serving, folder }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Runs another command of the program on the same data.
    pub(super) fn command(&self) -> Command {
        offhook(self.folder.path())
    }

    /// An account with an endpoint at this receiver; returns its API token.
    pub(super) async fn account(&self, receiver: &Receiver) -> String {
        crash::set_up(|| self.command(), &self.address, receiver).await.1
    }

    /// As [`Self::account`], with an admin who can sign in.
    pub(super) async fn account_with_user(&self, receiver: &Receiver, email: &str, password: &str) -> String {
        let (account, token) = crash::set_up(|| self.command(), &self.address, receiver).await;
        let mut user = self.command();
        user.args(["user", "create", "--email", email, "--account", &account, "--role", "admin"]);
        line(&run(user, password).await);
        token
    }

    /// Most memory that was resident at any moment, in KiB.
    pub(super) fn peak_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.serving.id())).expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Size of the database with its log, in bytes.
    pub(super) fn stored_bytes(&self) -> u64 {
        let size = |name: &str| fs::metadata(self.folder.path().join(name)).map_or(0, |file| file.len());
        size("offhook.db") + size("offhook.db-wal")
    }
}

/// `offhook` on this data folder, limited by the shell that becomes it.
fn capped(data: &Path) -> Command {
    let inner = offhook(data);
    let mut command = Command::new("sh");
    let script = format!(r#"ulimit -d {DATA_MAX_KIB}; exec "$0" "$@""#);
    command.env_clear().args(["-c", &script]).arg(inner.get_program());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    command
}
