//! `offhook connect freeswitch`: the real program between a FreeSWITCH that is played back, and a server.

#[expect(dead_code, reason = "the tests of the crate `connect` use the rest")]
#[path = "../../../../connect/tests/it/freeswitch/fake.rs"]
mod fake;
#[expect(dead_code, reason = "the tests of the crate `connect` use the rest")]
#[path = "../../../../connect/tests/it/freeswitch/scenarios.rs"]
mod scenarios;
mod socket;
#[path = "../../../../connect/tests/it/freeswitch/steps.rs"]
mod steps;

use serde_json::{Value, json};

use self::{fake::Step, scenarios::SCENARIOS, socket::Socket};
use super::{
    mock_server::MockServer,
    program::{Connector, Machine},
};
use crate::{
    command::{complaint, offhook, run, serve::serve},
    crash::{sending, set_up},
    receiver::Receiver,
};

fn of_call(name: &str, call: u32) -> Vec<Step> {
    (SCENARIOS.iter().find(|scenario| scenario.name == name).unwrap().steps)(call)
}

/// Starts the connector, and waits until it follows.
async fn following(socket: &Socket, machine: &Machine, server: &str) -> Connector {
    let listed = socket.listed();
    let mut command = machine.freeswitch_command(&socket.address, server);
    command.args(["--name", "lab", "--trunk", "provider", "--trunk", "external", "--log", "debug", "--verbose"]);
    let connector = machine.spawn(command);
    socket.listed_more_than(listed).await;
    connector
}

async fn received(receiver: &mut Receiver) -> Value {
    let body: Value = serde_json::from_str(&receiver.next().await.body).unwrap();
    body["payload"].clone()
}

#[tokio::test]
async fn calls_of_a_freeswitch_reach_the_customers_server_and_a_withheld_number_appears_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut receiver = Receiver::start().await;
    let (_serving, address) = serve(sending(&data));
    let (_, token) = set_up(|| offhook(&data), &address, &receiver).await;
    let (socket, machine, server) = (Socket::start("s3cret").await, Machine::new(&token), format!("http://{address}"));
    let connector = following(&socket, &machine, &server).await;
    socket.play(&of_call("out_busy", 1));
    let (began, ended) = (received(&mut receiver).await, received(&mut receiver).await);
    assert_eq!((&began["event"], &began["callee_number"]), (&json!("OutgoingCall"), &json!("01632960002")));
    assert_eq!((&ended["call_status"], &ended["source"]["id"]), (&json!("busy"), &json!(7048)));

    let withheld = of_call("in_withheld", 2);
    socket.play(&withheld[..3]);
    assert_eq!(received(&mut receiver).await["caller_number"], "anonymous");
    // Killed while the call is open: what is on disk is what a restart begins with.
    connector.kill();
    let connector = following(&socket, &machine, &server).await;
    socket.play(&withheld[3..]);
    let ended = received(&mut receiver).await;
    assert_eq!((&ended["call_status"], &ended["source"]), (&json!("answered"), &json!("anonymous")));
    assert_eq!(ended["destination"], json!({ "type": "extension", "id": 7048 }));
    assert!(connector.stop().await.success());

    let mut written = machine.written();
    for entry in std::fs::read_dir(&data).unwrap() {
        written.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let number = b"1632960001";
    assert!(written.len() > 1_000 && !written.windows(number.len()).any(|window| window == number));
}

/// What `--check` says about FreeSWITCH, and the exit code.
async fn check(password: &str, trunk: &str) -> (Value, i32) {
    let server = MockServer::start().await;
    server.respond(|_, _| (422, None));
    let (socket, machine) = (Socket::start(password).await, Machine::new("token"));
    let mut command = machine.freeswitch_command(&socket.address, &server.url);
    command.args(["--check", "--trunk", trunk]);
    let output = run(command, "").await;
    let text = String::from_utf8(output.stdout).unwrap();
    (serde_json::from_str(text.lines().last().unwrap()).unwrap(), output.status.code().unwrap())
}

#[tokio::test]
async fn a_check_says_whether_freeswitch_is_ready_and_what_to_do_if_not() {
    let (finding, code) = check("s3cret", "provider").await;
    assert_eq!((&finding["check"], &finding["ok"], code), (&json!("freeswitch"), &json!(true), 0), "{finding}");
    assert!(finding["detail"].as_str().unwrap().contains("FreeSWITCH 1.10.12"), "{finding}");
    let (finding, code) = check("another", "provider").await;
    assert_eq!((&finding["ok"], code), (&json!(false), 1), "{finding}");
    assert!(finding["detail"].as_str().unwrap().contains("refused the password"), "{finding}");
    let (finding, code) = check("s3cret", "misspelt").await;
    assert_eq!((&finding["ok"], code), (&json!(false), 1), "{finding}");
    assert!(finding["detail"].as_str().unwrap().contains("profile of this name: misspelt"), "{finding}");
}

#[tokio::test]
async fn an_event_socket_on_another_machine_needs_a_decision() {
    let machine = Machine::new("token");
    let mut command = machine.freeswitch_command("192.0.2.1:8021", "http://127.0.0.1:1");
    command.args(["--trunk", "provider"]);
    let output = run(command, "").await;
    assert_eq!(output.status.code(), Some(2));
    let complaint = complaint(&output);
    assert!(complaint.contains("plain text") && complaint.contains("--esl-over-network"), "{complaint}");
}
