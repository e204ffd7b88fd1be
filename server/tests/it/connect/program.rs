//! The program `offhook connect`.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

use crate::command::{offhook, serve::own_kib};

/// A running connector; killed when the test ends.
pub(super) struct Connector {
    child: Child,
    /// What it prints, if a test listens.
    output: Option<BufReader<ChildStdout>>,
}

/// A folder with the secrets, for as many starts as a test wants.
pub(super) struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    pub(super) fn new(token: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret"), "s3cret\n").unwrap();
        fs::write(folder.path().join("token"), format!("{token}\n")).unwrap();
        Self { folder }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command, with its log in a file.
    pub(super) fn command(&self, ami: &str, server: &str) -> Command {
        let mut command = self.to_server(&["connect", "asterisk", "--ami", ami], server);
        command.arg("--secret-file").arg(self.path("secret"));
        command
    }

    /// The same for a FreeSWITCH.
    pub(super) fn freeswitch_command(&self, esl: &str, server: &str) -> Command {
        let mut command = self.to_server(&["connect", "freeswitch", "--esl", esl], server);
        command.arg("--password-file").arg(self.path("secret"));
        command
    }

    fn to_server(&self, phone_system: &[&str], server: &str) -> Command {
        let mut command = offhook(&self.path("spool"));
        command.args(phone_system).args(["--offhook", server, "--log-format", "json"]);
        command.arg("--token-file").arg(self.path("token"));
        command
    }

    pub(super) fn start(&self, ami: &str, server: &str, more: &[&str]) -> Connector {
        self.start_with(&[&["--name", "lab", "--trunk", "trunk", "--trunk", "trunk2"], more].concat(), ami, server)
    }

    /// Starts it with these settings alone.
    pub(super) fn start_with(&self, settings: &[&str], ami: &str, server: &str) -> Connector {
        let mut command = self.command(ami, server);
        command.args(settings);
        self.spawn(command)
    }

    /// Starts it with `--verbose`, its output for [`Connector::prints`].
    pub(super) fn start_heard(&self, ami: &str, server: &str) -> Connector {
        let mut command = self.command(ami, server);
        command.args(["--name", "lab", "--trunk", "trunk", "--trunk", "trunk2", "--verbose"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let output = child.stdout.take().map(BufReader::new);
        Connector { child, output }
    }

    /// Starts a command of this machine's.
    pub(super) fn spawn(&self, mut command: Command) -> Connector {
        let log = File::options().create(true).append(true).open(self.path("log")).unwrap();
        let output = File::options().create(true).append(true).open(self.path("output")).unwrap();
        let child = command.stderr(Stdio::from(log)).stdout(Stdio::from(output)).spawn().unwrap();
        Connector { child, output: None }
    }

    /// Everything that it has written anywhere.
    pub(super) fn written(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for folder in [self.folder.path().to_owned(), self.path("spool")] {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() && !path.ends_with("secret") && !path.ends_with("token") {
                    bytes.extend(fs::read(path).unwrap());
                }
            }
        }
        bytes
    }
}

impl Connector {
    /// `kill -9`.
    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until it has printed as many more lines.
    pub(super) async fn prints(&mut self, lines: usize) {
        let mut output = self.output.take().expect("a test listens");
        let reading = tokio::task::spawn_blocking(move || {
            for _ in 0..lines {
                assert_ne!(output.read_line(&mut String::new()).unwrap(), 0, "it has ended");
            }
            output
        });
        let output = tokio::time::timeout(crate::test_app::PATIENCE, reading).await.expect("it prints nothing");
        self.output = Some(output.unwrap());
    }

    /// Tells it to stop, and waits.
    pub(super) async fn stop(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let waiting = tokio::task::spawn_blocking(move || self.child.wait().unwrap());
        tokio::time::timeout(crate::test_app::PATIENCE, waiting).await.expect("it does not stop").unwrap()
    }

    /// Resident memory that is no file's, in KiB.
    pub(super) fn own_kib(&self) -> u64 {
        own_kib(self.child.id())
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
