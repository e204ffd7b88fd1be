//! A server and the keys that sealed its database.

use std::{fs, path::Path, process::Output};

use serde_json::json;

use super::{line, offhook, run, serve::serve};
use crate::{crash::set_up, receiver::Receiver};

const ANOTHER: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// An installation with an endpoint, whose credentials are sealed. Answers with its key.
async fn sealed(data: &Path) -> String {
    let receiver = Receiver::start().await;
    let mut command = offhook(data);
    command.env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8");
    let (_serving, address) = serve(command);
    set_up(|| offhook(data), &address, &receiver).await;
    fs::read_to_string(data.join("secret.key")).unwrap()
}

async fn ended(data: &Path, args: &[&str]) -> (Output, String) {
    let mut command = offhook(data);
    command.args(args);
    let output = run(command, "").await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, told)
}

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

#[tokio::test]
async fn a_server_whose_key_file_is_gone_does_not_start_and_makes_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path(), folder.path().join("secret.key"));
    let key = sealed(data).await;
    fs::remove_file(&file).unwrap();
    for args in [&SERVE[..], &["key", "list"], &["key", "rotate"]] {
        let (output, told) = ended(data, args).await;
        let wanted = format!("there is no instance key at {}, and values in this database", file.display());
        assert!(output.status.code() == Some(1) && told.contains(&wanted), "{args:?}: {told}");
        assert!(told.contains("encrypted with k1") && told.contains("OFFHOOK_LOST_KEYS=k1"), "{told}");
        assert!(!file.exists(), "{args:?} has made a key");
    }
    let (verified, told) = ended(data, &["audit", "verify"]).await;
    assert_eq!(verified.status.code(), Some(0), "the log is checked without a key: {told}");
    fs::write(&file, &key).unwrap();
    drop(serve(offhook(data)));
    assert_eq!(fs::read_to_string(&file).unwrap(), key);
}

#[tokio::test]
async fn a_server_with_another_key_of_the_same_name_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    sealed(data).await;
    fs::write(data.join("secret.key"), ANOTHER).unwrap();
    for args in [&SERVE[..], &["key", "rotate"]] {
        let (output, told) = ended(data, args).await;
        assert!(output.status.code() == Some(1) && told.contains("is not the k1 that encrypted"), "{args:?}: {told}");
    }
    let (listed, told) = ended(data, &["key", "list"]).await;
    let keys: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!((&keys["missing"], &keys["wrong"]), (&json!([]), &json!(["k1"])));
    assert!(listed.status.code() == Some(1) && told.contains("is not the k1 that encrypted"), "{told}");
    // Keys that were given are told by the name under which they were.
    let mut given = offhook(data);
    given.args(SERVE).env("OFFHOOK_SECRET_KEY", format!("k2:{ANOTHER}"));
    let output = run(given, "").await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("with k1, which is not among the keys in OFFHOOK_SECRET_KEY"), "{told}");
}

#[tokio::test]
async fn a_server_whose_key_is_said_to_be_lost_starts_with_one_of_another_name() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path(), folder.path().join("secret.key"));
    sealed(data).await;
    fs::remove_file(&file).unwrap();
    let start = || {
        let mut command = offhook(data);
        command.env("OFFHOOK_LOST_KEYS", "k1");
        serve(command)
    };
    drop(start());
    let key = fs::read_to_string(&file).unwrap();
    assert!(key.starts_with("k2:"), "what k1 sealed must not be taken for the new key's");
    drop(start());
    assert_eq!(fs::read_to_string(&file).unwrap(), key);
}

#[tokio::test]
async fn an_installation_in_which_nothing_is_sealed_may_lose_its_key() {
    let folder = tempfile::tempdir().unwrap();
    super::installed(folder.path());
    fs::remove_file(folder.path().join("secret.key")).unwrap();
    super::installed(folder.path());
    let mut list = offhook(folder.path());
    list.args(["key", "list"]);
    assert_eq!(line(&run(list, "").await)["wrong"], json!([]));
}
