//! A run with tiny counts shows that every scenario still works with the current binary.

use std::{path::PathBuf, process::Command};

use serde_json::Value;

/// The measurements that the documentation quotes.
const MEASUREMENTS: [&str; 10] = [
    "raw limit",
    "accepted and delivered",
    "accepted and delivered, part of the raw limit",
    "posted to received at 500/s, p99",
    "beside a hanging endpoint, p99 ratio",
    "kill -9: lost events",
    "backlog: resident memory, peak",
    "backlog: from start to ready",
    "list: slowest filter, p95",
    "idle: processor time, one core",
];

/// The server binary, which a workspace build puts beside `offhook-bench`.
fn offhook() -> PathBuf {
    let offhook = PathBuf::from(env!("CARGO_BIN_EXE_offhook-bench")).with_file_name("offhook");
    assert!(offhook.exists(), "build the server first: cargo build -p server");
    offhook
}

#[test]
fn every_scenario_runs_within_seconds_with_tiny_counts() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_offhook-bench"));
    command.args(["--quick", "--json", "--folder"]).arg(folder.path()).arg("--offhook").arg(offhook());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["database"], "sqlite");
    let measurements = report["measurements"].as_array().unwrap();
    let value = |name: &str| measurements.iter().find(|one| one["name"] == name).map(|one| &one["value"]);
    for name in MEASUREMENTS {
        assert!(value(name).is_some_and(Value::is_number), "{name}: {report}");
    }
    assert_eq!(value("kill -9: lost events").unwrap().as_f64(), Some(0.0));
    assert!(value("accepted and delivered").unwrap().as_f64().unwrap() > 0.0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "temporary folders are removed");
}
