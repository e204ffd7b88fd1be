//! `account create`, `user create`, `token create`

use std::os::unix::fs::PermissionsExt as _;

use domain::account::Role;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::{complaint, installed, line, offhook, run};
use crate::{
    browser::{Browser, EMAIL, PASSWORD, create_user},
    second_factor::Phone,
    test_app::TestApp,
};

#[tokio::test]
async fn accounts_users_and_tokens_are_created_while_the_server_runs() {
    let app = TestApp::start().await;
    let command = |args: &[&str]| {
        let mut command = offhook(app.folder.path());
        command.args(args);
        command
    };
    let account =
        line(&run(command(&["account", "create", "--name", "Acme", "--ref", "4711", "--country", "gb"]), "").await);
    assert_eq!(
        (&account["name"], &account["ref"], &account["country"]),
        (&json!("Acme"), &json!("4711"), &json!("GB"))
    );
    let id = account["id"].as_str().unwrap();

    let args = ["user", "create", "--email", EMAIL, "--account", id, "--role", "admin"];
    let user = line(&run(command(&args), &format!("{PASSWORD}\n")).await);
    assert!(user["id"].as_str().unwrap().starts_with("usr_"));
    assert_eq!(Browser::new(&app).sign_in(PASSWORD, "/me").await.header("location"), "/me");

    let args = ["token", "create", "--account", id, "--name", "CRM", "--scope", "endpoints:read,events:read"];
    let token = line(&run(command(&args), "").await);
    let token = token["token"].as_str().unwrap();
    assert!(token.starts_with("oh_"));
    assert_eq!(app.call(Method::GET, "/api/v1/endpoints", token, None).await.status, StatusCode::OK);
    app.call(Method::GET, "/api/v1/deliveries", token, None).await.is_problem(403);

    // All are recorded: the account (in the provider's log too), the token, and the new user.
    let verdict = line(&run(command(&["audit", "verify"]), "").await);
    assert_eq!((&verdict["records"], &verdict["broken"]), (&json!(4), &json!([])));
}

#[tokio::test]
async fn a_name_is_a_single_line_and_a_reference_is_not_an_id() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let id = tenant.account.id.as_str();
    let long = "x".repeat(121);
    for name in ["", " ", "a\nSubject: b", "\u{1b}[2J", &long] {
        for args in [
            &["account", "create", "--name", name][..],
            &["token", "create", "--account", id, "--name", name, "--scope", "events:read"],
        ] {
            let mut command = offhook(app.folder.path());
            command.args(args);
            let refused = run(command, "").await;
            assert_eq!(refused.status.code(), Some(1), "{args:?}");
            assert!(complaint(&refused).contains("1 to 120 characters"), "{args:?}: {}", complaint(&refused));
        }
    }
    let mut command = offhook(app.folder.path());
    command.args(["account", "create", "--name", "Rival", "--ref", id]);
    let refused = run(command, "").await;
    assert!(refused.status.code() == Some(1) && complaint(&refused).contains("acct_"), "{}", complaint(&refused));
}

#[tokio::test]
async fn a_lost_second_factor_is_removed_while_the_server_runs() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let user = create_user(&app, &tenant.account, Role::Admin).await;
    let reset = || {
        let mut command = offhook(app.folder.path());
        command.args(["user", "reset-factor", "--email", EMAIL]);
        command
    };
    let none = run(reset(), "").await;
    assert!(none.status.code() == Some(1) && complaint(&none).contains("already off"), "{}", complaint(&none));
    Phone::of(&app, &user).await;
    assert!(Browser::new(&app).sign_in(PASSWORD, "/me").await.header("location").starts_with("/sign-in/verify"));
    assert_eq!(line(&run(reset(), "").await)["id"], user.as_str());
    assert_eq!(Browser::new(&app).sign_in(PASSWORD, "/me").await.header("location"), "/me");
}

#[tokio::test]
async fn errors_go_to_stderr_with_the_right_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    installed(folder.path());
    let command = |args: &[&str]| {
        let mut command = offhook(folder.path());
        command.args(args);
        command
    };
    let nobody = "acct_00000000000000000000000000";
    for (args, input, code, says) in [
        (vec!["account", "create"], "", 2, "--name"),
        (vec!["dial"], "", 2, "dial"),
        (vec!["token", "create", "--name", "x", "--scope", "events:write"], "", 2, "--platform"),
        (vec!["token", "create", "--platform", "--name", "x", "--scope", "events:all"], "", 2, "events:write"),
        (vec!["user", "create", "--email", "a@b.example", "--role", "admin"], "", 2, "--account"),
        (
            vec!["user", "create", "--email", "a@b.example", "--role", "support", "--account", nobody],
            "",
            2,
            "no account",
        ),
        (vec!["user", "create", "--email", "a@b.example", "--role", "support"], "", 2, "stdin"),
        (vec!["user", "create", "--email", "a@b.example", "--role", "support"], "short\n", 1, "at least 12"),
        (vec!["user", "reset-factor", "--email", "a@b.example"], "", 1, "not found"),
        (vec!["token", "create", "--account", nobody, "--name", "x", "--scope", "events:write"], "", 1, "not found"),
    ] {
        let output = run(command(&args), input).await;
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(complaint(&output).contains(says), "{args:?}: {}", complaint(&output));
    }
}

#[tokio::test]
async fn a_backup_of_a_running_server_is_complete() {
    let app = TestApp::start().await;
    let tenant = app.account("Acme").await;
    let copies = tempfile::tempdir().unwrap();
    let file = copies.path().join("offhook.db");
    let backup = || {
        let mut command = offhook(app.folder.path());
        command.arg("backup").arg(&file);
        command
    };
    let printed = line(&run(backup(), "").await);
    assert_eq!(printed["bytes"].as_u64(), Some(file.metadata().unwrap().len()), "{printed}");
    assert_eq!(
        file.metadata().unwrap().permissions().mode() & 0o777,
        0o600,
        "it is as confidential as the data folder"
    );
    assert!(complaint(&run(backup(), "").await).contains("already exists"));
    std::fs::copy(app.folder.path().join("secret.key"), copies.path().join("secret.key")).unwrap();
    let mut verify = offhook(copies.path());
    verify.args(["audit", "verify"]);
    let verdict = line(&run(verify, "").await);
    assert!(verdict["records"].as_u64().unwrap() > 0 && verdict["broken"] == json!([]), "{verdict}");
    drop(tenant);
}

#[tokio::test]
async fn a_command_in_the_wrong_folder_says_so_and_creates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db").display().to_string();
    for args in [
        vec!["backup", &copy],
        vec!["audit", "verify"],
        vec!["key", "list"],
        vec!["key", "add"],
        vec!["key", "rotate", "--retire"],
        vec!["account", "create", "--name", "Acme"],
        vec!["user", "create", "--email", EMAIL, "--role", "operator"],
        vec!["user", "reset-factor", "--email", EMAIL],
        vec!["token", "create", "--platform", "--name", "PBX", "--scope", "events:write"],
    ] {
        let mut command = offhook(folder.path());
        command.args(&args);
        let output = run(command, &format!("{PASSWORD}\n")).await;
        let wanted = format!("no Offhook database at {}/offhook.db; set its folder", folder.path().display());
        assert!(complaint(&output).contains(&wanted), "{args:?}: {}", complaint(&output));
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{args:?}");
    }
}

#[tokio::test]
async fn a_usage_error_shows_the_help_and_repeats_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let mut backup = offhook(folder.path());
    backup.arg("backup");
    let output = run(backup, "").await;
    assert!(complaint(&output).contains("Usage: offhook backup [OPTIONS] <FILE>\n"), "{}", complaint(&output));
    let mut other = offhook(folder.path());
    other.env("OFFHOOK_DATABASE_URL", "mysql://offhook:from-the-vault@db/offhook").args(["audit", "verify"]);
    let output = run(other, "").await;
    let printed = complaint(&output);
    assert!(output.status.code() == Some(2) && printed.contains("sqlite:// or postgres://"), "{printed}");
    assert!(!printed.contains("from-the-vault"), "{printed}");
}

#[tokio::test]
async fn a_database_error_is_reported_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("offhook.db"), "no database at all, whatever its name says").unwrap();
    let mut verify = offhook(folder.path());
    verify.args(["audit", "verify"]);
    let printed = complaint(&run(verify, "").await);
    assert_eq!(printed.matches("file is not a database").count(), 1, "{printed}");
}

#[tokio::test]
async fn connectors_are_managed_on_the_command_line() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let command = async |args: &[&str]| {
        let mut command = offhook(app.folder.path());
        command.arg("connector").args(args);
        run(command, "").await
    };
    let created = ["create", "--name", "pbx-1", "--system", "asterisk", "--trunk", "PJSIP/a", "--country", "GB"];
    let own = line(&command(&[&created[..], &["--account", "ref-acme"]].concat()).await);
    let platform = line(&command(&[&created[..], &["--way", "ami", "--ami", "127.0.0.1:5038"]].concat()).await);
    assert_eq!(
        (&own["account"], &own["trunks"], &own["way"]),
        (&json!(tenant.account.id), &json!(["PJSIP/a"]), &json!("beside"))
    );
    assert!(platform["account"].is_null() && platform["secret"].as_str().unwrap().len() > 40);
    let id = platform["id"].as_str().unwrap();
    assert_eq!(line(&command(&["list"]).await)["id"], json!(id));
    assert_eq!(line(&command(&["list", "--account", "ref-acme"]).await)["id"], own["id"]);
    assert_ne!(line(&command(&["rotate", id]).await)["secret"], platform["secret"]);
    assert_eq!(line(&command(&["pause", id]).await)["status"], "paused");
    assert_eq!(line(&command(&["resume", id]).await)["status"], "waiting");
    assert_eq!(line(&command(&["show", id]).await)["version"], 4);
    assert_eq!(line(&command(&["delete", id]).await), json!({ "id": id, "deleted": true }));
    for (args, code, says) in [
        (&["show", id][..], 1, "not found"),
        (&["show", "pbx-1"], 2, "con_"),
        (&["create", "--name", "x", "--system", "pbx"], 1, "phone system"),
        (
            &["create", "--name", "x", "--system", "asterisk", "--way", "ami", "--ami", "10.0.0.1:5038"],
            1,
            "this machine",
        ),
        (&["list", "--account", "nobody"], 1, "not found"),
    ] {
        let output = command(args).await;
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert!(complaint(&output).contains(says), "{args:?}: {}", complaint(&output));
    }
}
