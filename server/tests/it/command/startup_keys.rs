//! Starting a server with and without the keys that sealed its database.

use std::{fs, path::Path, process::Output};

use serde_json::json;

use super::{line, offhook, run, serve::serve};
use crate::{crash::set_up, receiver::Receiver};

const ANOTHER: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// A data folder with an endpoint, whose credentials are sealed. Returns the key.
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
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, printed)
}

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

#[tokio::test]
async fn a_server_without_its_key_file_does_not_start_or_create_another() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path(), folder.path().join("secret.key"));
    let key = sealed(data).await;
    fs::remove_file(&file).unwrap();
    for args in [&SERVE[..], &["key", "list"], &["key", "rotate"]] {
        let (output, printed) = ended(data, args).await;
        let wanted = format!("there is no instance key at {}, and values in this database", file.display());
        assert!(output.status.code() == Some(1) && printed.contains(&wanted), "{args:?}: {printed}");
        assert!(printed.contains("encrypted with k1") && printed.contains("OFFHOOK_LOST_KEYS=k1"), "{printed}");
        assert!(!file.exists(), "{args:?} created a key");
    }
    let (verified, printed) = ended(data, &["audit", "verify"]).await;
    assert_eq!(verified.status.code(), Some(0), "the audit log is verified without a key: {printed}");
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
        let (output, printed) = ended(data, args).await;
        assert!(
            output.status.code() == Some(1) && printed.contains("is not the k1 that encrypted"),
            "{args:?}: {printed}"
        );
    }
    let (listed, printed) = ended(data, &["key", "list"]).await;
    let keys: serde_json::Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!((&keys["missing"], &keys["wrong"]), (&json!([]), &json!(["k1"])));
    assert!(listed.status.code() == Some(1) && printed.contains("is not the k1 that encrypted"), "{printed}");
    // Keys from the environment are named as given there.
    let mut given = offhook(data);
    given.args(SERVE).env("OFFHOOK_SECRET_KEY", format!("k2:{ANOTHER}"));
    let output = run(given, "").await;
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(printed.contains("with k1, which is not among the keys in OFFHOOK_SECRET_KEY"), "{printed}");
}

#[tokio::test]
async fn a_server_whose_key_is_declared_lost_starts_with_a_new_name() {
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
    assert!(key.starts_with("k2:"), "what k1 sealed must not be attributed to the new key");
    drop(start());
    assert_eq!(fs::read_to_string(&file).unwrap(), key);
}

#[tokio::test]
async fn a_database_without_sealed_values_can_lose_its_key() {
    let folder = tempfile::tempdir().unwrap();
    super::installed(folder.path());
    fs::remove_file(folder.path().join("secret.key")).unwrap();
    super::installed(folder.path());
    let mut list = offhook(folder.path());
    list.args(["key", "list"]);
    assert_eq!(line(&run(list, "").await)["wrong"], json!([]));
}
