//! `restore`

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::{Value, json};

use super::{complaint, installed, line, offhook, run, serve::serve};
use crate::test_app::{client, response};

async fn command(data: &Path, args: &[&str]) -> Output {
    let mut command = offhook(data);
    command.args(args);
    run(command, "").await
}

async fn account(data: &Path, name: &str) {
    line(&command(data, &["account", "create", "--name", name]).await);
}

/// Number of audit records, which tells one state of the database from another.
async fn records(data: &Path) -> Value {
    line(&command(data, &["audit", "verify"]).await)["records"].clone()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    format!("{}{ending}", path.display()).into()
}

#[tokio::test]
async fn a_backup_replaces_a_database_whose_server_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy.db"));
    let database = data.join("offhook.db");
    let (serving, _) = serve(offhook(&data));
    account(&data, "Before").await;
    line(&command(&data, &["backup", text(&copy)]).await);
    let kept = fs::read(&copy).unwrap();
    for n in 0..20 {
        account(&data, &format!("After {n}")).await;
    }
    let refused = command(&data, &["restore", text(&copy)]).await;
    assert!(refused.status.code() == Some(1) && complaint(&refused).contains("stop it first"), "{refused:?}");
    drop(serving);
    let wal = fs::metadata(with_ending(&database, "-wal")).unwrap();
    assert!(wal.len() > 0, "the write-ahead log that would destroy the copy is there");

    let printed = line(&command(&data, &["restore", text(&copy)]).await);
    assert_eq!((&printed["file"], &printed["bytes"]), (&json!(database), &json!(kept.len())));
    assert!(!with_ending(&database, "-wal").exists() && !with_ending(&database, "-shm").exists());
    assert_eq!(fs::metadata(&database).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read(&copy).unwrap(), kept, "the copy is unchanged");
    let (_serving, address) = serve(offhook(&data));
    let ready = response(client().get(format!("http://{address}/readyz"))).await;
    assert_eq!((ready.status.as_u16(), records(&data).await), (200, json!(2)), "{}", ready.text);

    // The replaced database is complete, including what was only in its log.
    let before = PathBuf::from(printed["before"].as_str().unwrap());
    assert!(text(&before).contains("offhook.db.before-restore-"), "{printed}");
    let other = folder.path().join("other");
    let printed = line(&command(&other, &["restore", text(&before)]).await);
    assert_eq!((printed["before"].clone(), records(&other).await), (Value::Null, json!(42)));
}

#[tokio::test]
async fn a_damaged_database_is_refused_and_nothing_changes() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    installed(&data);
    account(&data, "Acme").await;
    let copy = folder.path().join("copy.db");
    line(&command(&data, &["backup", text(&copy)]).await);
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let whole = fs::read(&copy).unwrap();
    let mut broken = whole.clone();
    let middle = broken.len() / 2;
    broken[middle - 20_000..middle + 20_000].fill(0xA5);
    let all = || {
        let mut names: Vec<_> = fs::read_dir(&data).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        (names, fs::read(data.join("offhook.db")).unwrap())
    };
    let before = all();
    let database = data.join("offhook.db");
    for (path, says) in [
        (file("text.db", b"no database at all, whatever its name says"), "not a database"),
        (file("empty.db", b""), "it is not an Offhook database"),
        (file("broken.db", &broken), "not a sound Offhook database"),
        (file("cut.db", &whole[..middle]), "not a sound Offhook database"),
        (folder.path().join("nowhere.db"), "No such file"),
        (database, "is the database itself"),
    ] {
        let refused = command(&data, &["restore", text(&path)]).await;
        assert_eq!(refused.status.code(), Some(1), "{}", path.display());
        assert!(complaint(&refused).contains(says), "{}: {}", path.display(), complaint(&refused));
        assert!(all() == before, "{}: {:?}", path.display(), all().0);
    }
}

#[tokio::test]
async fn postgres_is_restored_with_its_own_tools() {
    let folder = tempfile::tempdir().unwrap();
    let mut restore = offhook(folder.path());
    restore.env("OFFHOOK_DATABASE_URL", "postgres://offhook@db.example/offhook").args(["restore", "copy.db"]);
    let refused = run(restore, "").await;
    assert!(refused.status.code() == Some(2) && complaint(&refused).contains("pg_restore"), "{refused:?}");
}
