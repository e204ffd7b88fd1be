//! From the phone system to the customer's server.

use serde_json::Value;

use super::{pbx::Pbx, program::Machine, recording::Recording};
use crate::{
    command::{offhook, serve::serve},
    crash::{sending, set_up},
    receiver::Receiver,
};

/// The payloads that a receiver gets, without what differs from run to run.
pub(super) async fn received(receiver: &mut Receiver, count: usize) -> Vec<Value> {
    let mut payloads = Vec::new();
    for _ in 0..count {
        let body: Value = serde_json::from_str(&receiver.next().await.body).unwrap();
        payloads.push(body["payload"].clone());
    }
    payloads
}

#[tokio::test]
async fn calls_of_a_phone_system_reach_the_customers_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut receiver = Receiver::start().await;
    let (_serving, address) = serve(sending(&data));
    let (_, token) = set_up(|| offhook(&data), &address, &receiver).await;
    let [answered, outgoing] = ["in_answered", "out_answered"].map(Recording::ending_now);
    let pbx = Pbx::playing(&[&answered, &outgoing]).await;
    let machine = Machine::new(&token);
    let connector = pbx.followed_by(|| machine.start(&pbx.address, &format!("http://{address}"), &["--verbose"])).await;
    pbx.play(&answered.messages).await;
    let payloads = received(&mut receiver, 2).await;
    assert_eq!(payloads[0]["event"], "IncomingCall");
    assert_eq!(
        (&payloads[0]["caller_number"], &payloads[0]["callee_number"]),
        (&"01632960001".into(), &"01632960100".into())
    );
    assert_eq!((&payloads[1]["call_status"], &payloads[1]["call_duration"]), (&"answered".into(), &3.into()));
    assert_eq!(payloads[1]["destination"], serde_json::json!({ "type": "extension", "id": 7048 }));
    pbx.play(&outgoing.messages).await;
    let payloads = received(&mut receiver, 2).await;
    assert_eq!((&payloads[0]["event"], &payloads[1]["call_type"]), (&"OutgoingCall".into(), &"outgoing".into()));
    assert!(connector.stop().await.success());
    let output = std::fs::read_to_string(machine.path("output")).unwrap();
    let lines: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| line["status"].as_u64().unwrap()).collect::<Vec<_>>(), [202; 4]);
}

#[tokio::test]
async fn a_hostile_number_cannot_break_out_of_an_event() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut receiver = Receiver::start().await;
    let (_serving, address) = serve(sending(&data));
    let (_, token) = set_up(|| offhook(&data), &address, &receiver).await;
    let hostile = "\"},{\u{1}\\u0000'; DROP TABLE events;--\u{7}<script>";
    let text = Recording::ending_now("in_answered")
        .text
        .replace("CallerIDNum: 01632960001", &format!("CallerIDNum: {hostile}"));
    let recording = Recording::new(text);
    let pbx = Pbx::playing(&[&recording]).await;
    let machine = Machine::new(&token);
    let connector = pbx.followed_by(|| machine.start(&pbx.address, &format!("http://{address}"), &[])).await;
    pbx.play(&recording.messages).await;
    let payloads = received(&mut receiver, 2).await;
    for (payload, key) in payloads.iter().zip(["caller_number", "source"]) {
        let shown = payload[key].as_str().unwrap();
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
    }
    assert_eq!(payloads[1]["call_status"], "answered");
    assert!(connector.stop().await.success());
}

#[tokio::test]
async fn two_connectors_for_one_phone_system_deliver_each_event_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut receiver = Receiver::start().await;
    let (_serving, address) = serve(sending(&data));
    let (_, token) = set_up(|| offhook(&data), &address, &receiver).await;
    let [answered, outgoing] = ["in_answered", "out_answered"].map(Recording::ending_now);
    let pbx = Pbx::playing(&[&answered, &outgoing]).await;
    let (one, two) = (Machine::new(&token), Machine::new(&token));
    let url = format!("http://{address}");
    let mut connectors = Vec::new();
    for machine in [&one, &two] {
        connectors.push(pbx.followed_by(|| machine.start_heard(&pbx.address, &url)).await);
    }
    pbx.play(&answered.messages).await;
    pbx.play(&outgoing.messages).await;
    let mut kinds: Vec<Value> =
        received(&mut receiver, 4).await.iter().map(|payload| payload["event"].clone()).collect();
    kinds.sort_by_key(ToString::to_string);
    assert_eq!(kinds, ["CallProcessed", "CallProcessed", "IncomingCall", "OutgoingCall"]);
    for mut connector in connectors {
        // Both post all of them.
        connector.prints(4).await;
        assert!(connector.stop().await.success());
    }
    assert!(receiver.is_quiet());
    assert_eq!(pbx.change(|asterisk| asterisk.channels()), 0);
}
