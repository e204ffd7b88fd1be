//! The command line, using the real binary.

mod connect;
mod create;
mod import;
mod key;
mod log;
mod otlp;
mod restore;
pub(crate) mod serve;
mod simulate;
mod startup_keys;

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

/// Names another build of the program, for figures that depend on how it was compiled.
const PROGRAM_VARIABLE: &str = "OFFHOOK_TEST_PROGRAM";

/// The other build, if there is one.
#[expect(clippy::disallowed_methods, reason = "the test command names it, and it is no setting of the program")]
pub(crate) fn other_program() -> Option<String> {
    std::env::var(PROGRAM_VARIABLE).ok()
}

/// The binary with this data folder and an empty environment.
pub(crate) fn offhook(data: &Path) -> Command {
    let mut command = Command::new(other_program().unwrap_or_else(|| env!("CARGO_BIN_EXE_offhook").to_owned()));
    command.env_clear().env("OFFHOOK_DATA", data).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command without blocking the test's own server.
pub(crate) async fn run(mut command: Command, input: &str) -> Output {
    let input = input.to_owned();
    let running = tokio::task::spawn_blocking(move || {
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        // A command that fails early does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    });
    running.await.unwrap()
}

/// Creates a data folder by starting a server and killing it.
pub(crate) fn installed(data: &Path) {
    drop(serve::serve(offhook(data)));
}

/// The one line on stdout.
#[track_caller]
pub(crate) fn line(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn complaint(output: &Output) -> String {
    assert!(output.stdout.is_empty());
    String::from_utf8_lossy(&output.stderr).into_owned()
}
