//! `--check`, and what is wrong with a configuration.

use serde_json::Value;
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

use super::{fake_asterisk::FakeAsterisk, mock_server::MockServer, pbx::Pbx, program::Machine, recording::read};
use crate::command::{complaint, run};

/// What `--check` prints, by what was checked; and the exit code.
async fn check(asterisk: FakeAsterisk, status: u16) -> (Vec<Value>, i32) {
    let server = MockServer::start().await;
    server.respond(move |_, _| (status, None));
    let pbx = Pbx::start(asterisk).await;
    let machine = Machine::new("token");
    let mut command = machine.command(&pbx.address, &server.url);
    command.args(["--check", "--trunk", "trunk", "--trunk", "trunk2"]);
    let output = run(command, "").await;
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (lines, output.status.code().unwrap())
}

#[tokio::test]
async fn a_check_finds_nothing_when_all_is_well() {
    let (findings, code) = check(FakeAsterisk::new(), 422).await;
    assert_eq!(code, 0, "{findings:?}");
    assert!(findings.iter().all(|finding| finding["ok"] == true));
    assert!(findings[1]["detail"].as_str().unwrap().contains("Asterisk 22.10.1"));
    let mut unknown = FakeAsterisk::new();
    unknown.asterisk_version = None;
    let detail = check(unknown, 422).await.0[1]["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("Asterisk with AMI 11.0.0: the list"), "{detail}");
}

#[tokio::test]
async fn a_check_says_what_is_missing_and_what_to_do() {
    type Change = fn(&mut FakeAsterisk);
    let cases: [(Change, &str); 5] = [
        (|asterisk| asterisk.secret = "another".to_owned(), "refused user or secret"),
        (|asterisk| asterisk.may_report = false, "add `write = reporting`"),
        (|asterisk| asterisk.version = "1.3", "too old (AMI 1.3)"),
        (|asterisk| asterisk.asterisk_version = Some("13.38.3"), "too old (13.38.3)"),
        (|asterisk| asterisk.endpoints = vec!["7048"], "no endpoint of this name: trunk, trunk2"),
    ];
    for (change, sentence) in cases {
        let mut asterisk = FakeAsterisk::new();
        change(&mut asterisk);
        let (findings, code) = check(asterisk, 422).await;
        assert_eq!((code, &findings[1]["ok"], &findings[0]["ok"]), (1, &false.into(), &true.into()));
        assert!(findings[1]["detail"].as_str().unwrap().contains(sentence), "{findings:?}");
    }
    let (findings, code) = check(FakeAsterisk::new(), 401).await;
    assert_eq!((code, &findings[0]["ok"]), (1, &false.into()));
    assert!(findings[0]["detail"].as_str().unwrap().contains("401"), "{findings:?}");
}

#[tokio::test]
async fn a_check_names_call_records_that_no_gap_can_be_filled_from() {
    let (server, pbx, machine) =
        (MockServer::start().await, Pbx::start(FakeAsterisk::new()).await, Machine::new("token"));
    server.respond(|_, _| (422, None));
    let file = machine.path("Master.csv");
    let whole = read("in_answered.csv");
    let without_unique_id =
        whole.lines().map(|row| row.split(",\"lab-").next().unwrap()).collect::<Vec<_>>().join("\n");
    let other = "caller,callee\n01632960001,01632960100\n";
    for (rows, ok, sentence) in [
        (whole.as_str(), true, "can be read"),
        ("", true, "none yet"),
        (&without_unique_id, false, "`loguniqueid = yes`"),
        (other, false, "not one that Asterisk writes"),
    ] {
        std::fs::write(&file, rows).unwrap();
        let mut command = machine.command(&pbx.address, &server.url);
        command.args(["--check", "--trunk", "trunk", "--trunk", "trunk2", "--cdr-csv", file.to_str().unwrap()]);
        let output = run(command, "").await;
        let text = String::from_utf8(output.stdout).unwrap();
        let finding: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!((&finding["check"], &finding["ok"]), (&"call records".into(), &ok.into()), "{rows}");
        assert!(finding["detail"].as_str().unwrap().contains(sentence), "{finding}");
        assert_eq!(output.status.code(), Some(i32::from(!ok)));
    }
}

#[tokio::test]
async fn something_else_than_asterisk_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await;
        }
    });
    let server = MockServer::start().await;
    let machine = Machine::new("token");
    let mut command = machine.command(&address, &server.url);
    command.args(["--check", "--trunk", "trunk", "--trunk", "trunk2"]);
    let output = run(command, "").await;
    assert_eq!(output.status.code(), Some(1));
    let last: Value = serde_json::from_str(String::from_utf8(output.stdout).unwrap().lines().last().unwrap()).unwrap();
    assert!(last["detail"].as_str().unwrap().contains("isn't Asterisk's AMI"), "{last}");
}

#[tokio::test]
async fn wrong_usage_is_explained() {
    let machine = Machine::new("token");
    let wrong = async |ami: &str| {
        let mut command = machine.command(ami, "http://127.0.0.1:1");
        command.args(["--trunk", "trunk"]);
        let output = run(command, "").await;
        assert_eq!(output.status.code(), Some(2));
        complaint(&output)
    };
    assert!(wrong("192.0.2.1:5038").await.contains("plain text"));
    assert!(wrong("no-port").await.contains("--ami"));
    std::fs::write(machine.path("token"), "a\nb\n").unwrap();
    assert!(wrong("127.0.0.1:1").await.contains("--token-file"));
    std::fs::remove_file(machine.path("secret")).unwrap();
    assert!(wrong("127.0.0.1:1").await.contains("--secret-file"));
}

#[tokio::test]
async fn a_spool_is_used_by_one_connector_at_a_time() {
    let pbx = Pbx::start(FakeAsterisk::new()).await;
    let server = MockServer::start().await;
    let machine = Machine::new("token");
    let _connector = pbx.followed_by(|| machine.start(&pbx.address, &server.url, &[])).await;
    let mut second = machine.command(&pbx.address, &server.url);
    second.args(["--name", "lab", "--trunk", "trunk"]);
    let second = run(second, "").await;
    assert_eq!(second.status.code(), Some(1));
    let log = String::from_utf8(second.stderr).unwrap();
    assert!(log.contains("another connector is using it"), "{log}");
}
