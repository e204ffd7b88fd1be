//! `connect replay`

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

use super::{complaint, offhook, run};

fn recording(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("connect/tests/recordings").join(name)
}

#[tokio::test]
async fn a_recording_is_printed_as_one_event_per_line_and_needs_no_database() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["in_withheld.ami", "in_withheld.ari.json"] {
        let mut command = offhook(folder.path());
        command.args(["connect", "replay", "--trunk", "trunk", "--name", "lab"]).arg(recording(name));
        let output = run(command, "").await;
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("7700900123"), "the caller withheld the number");
        let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events.len(), 2);
        assert_eq!(events[0]["payload"]["caller_number"], "anonymous");
        assert_eq!(events[0]["route"], json!({ "dialled": "01632960100", "context": "from-trunk" }));
        assert_eq!(events[1]["payload"]["call_status"], "answered");
        assert_eq!(events[1]["details"]["call_result"], "answered");
        let id = events[0]["payload"]["call_id"].as_str().unwrap();
        assert_eq!((&events[0]["id"], &events[1]["id"]), (&json!(format!("{id}-in")), &json!(format!("{id}-done"))));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_beside_a_recording_states_who_withheld_a_number() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("call.ami");
    fs::copy(recording("in_answered.ami"), &file).unwrap();
    let print = async || {
        let mut command = offhook(folder.path());
        command.args(["connect", "replay", "--trunk", "trunk"]).arg(&file);
        String::from_utf8(run(command, "").await.stdout).unwrap()
    };
    assert!(print().await.contains("01632960001"));
    fs::write(folder.path().join("call.presentation.json"), r#"{"lab-1795832865.0":"prohib"}"#).unwrap();
    assert!(!print().await.contains("01632960001"));
}

#[tokio::test]
async fn what_is_no_recording_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text, code, why) in [
        ("call.txt", "Event: A\r\n\r\n", 2, "must end with .ami or .ari.json"),
        ("call.ami", "x\r\n\r\n", 1, "there is no event in it: 1 messages could not be read"),
        ("call.ari.json", "[1]\n", 1, "there is no event in it: 1 messages could not be read"),
    ] {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        let mut command = offhook(folder.path());
        command.args(["connect", "replay", "--trunk", "trunk"]).arg(&file);
        let output = run(command, "").await;
        assert_eq!(output.status.code(), Some(code), "{name}");
        let complaint = complaint(&output);
        assert!(complaint.contains(why) && complaint.contains(name), "{complaint}");
    }
    let mut command = offhook(folder.path());
    command.args(["connect", "replay", "missing.ami"]);
    assert_eq!(run(command, "").await.status.code(), Some(2), "--trunk is required");
}
