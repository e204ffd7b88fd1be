//! `bench`

use super::{line, offhook, run};

/// Figures that must be present.
const FIGURES: [&str; 10] = [
    "raw limit",
    "accepted and delivered",
    "the same, part of the raw limit",
    "posted to received at 500/s, p99",
    "beside one that hangs, p99 ratio",
    "kill -9: lost events",
    "with them: resident memory, peak",
    "with them: from start to ready",
    "list: slowest filter, p95",
    "idle: one core",
];

#[tokio::test]
async fn every_figure_is_measured_within_seconds_when_counts_are_tiny() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = offhook(folder.path());
    command.args(["bench", "--quick", "--json", "--folder"]).arg(folder.path());
    let report = line(&run(command, "").await);
    assert_eq!(report["database"], "sqlite");
    let figures = report["figures"].as_array().unwrap();
    let value = |name: &str| figures.iter().find(|figure| figure["figure"] == name).map(|figure| &figure["value"]);
    for name in FIGURES {
        assert!(value(name).is_some_and(serde_json::Value::is_number), "{name}: {report}");
    }
    assert_eq!(value("kill -9: lost events").unwrap().as_f64(), Some(0.0));
    assert!(value("accepted and delivered").unwrap().as_f64().unwrap() > 0.0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "temporary folders are left");
}
