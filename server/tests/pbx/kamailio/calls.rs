//! What Kamailio posts about each kind of call.

use engine::clock::{sleep_ms, stopwatch};
use serde_json::Value;
use tempfile::TempDir;

use super::{Kamailio, ip, phone, provider};
use crate::{
    PATIENCE, POLL_MS,
    office::Device,
    programs::Server,
    receiver::Receiver,
    show,
    sipp::{Script, Sipp, Step},
};

/// A call, and its two events.
struct Call {
    name: &'static str,
    caller: Device,
    callee: Device,
    dialled: &'static str,
    /// The header `From` without its tag, and further headers.
    from: &'static str,
    headers: &'static str,
    calling: Vec<Step>,
    called: Vec<Step>,
    /// What is expected.
    began: &'static str,
    ended: &'static str,
}

const CUSTOMER: &str = "<sip:01632960001@provider.example>";
const OFFICE: &str = "<sip:01632960100@office.example>";

fn incoming(name: &'static str, calling: Vec<Step>, called: Vec<Step>, ended: &'static str) -> Call {
    let began = "IncomingCall 01632960001 -> 01632960100";
    let (caller, callee, dialled) = (provider(5), phone(0), "01632960100");
    Call { name, caller, callee, dialled, from: CUSTOMER, headers: "", calling, called, began, ended }
}

fn calls() -> Vec<Call> {
    let talk = || vec![Step::Accepted, Step::Talk(2_500), Step::HangUp];
    let accept = || vec![Step::Ring(300), Step::Accept, Step::AwaitHangUp];
    let answered = "CallProcessed incoming answered 01632960001 -> 01632960100";
    vec![
        incoming("answered", talk(), accept(), answered),
        Call {
            headers: "Privacy: id",
            began: "IncomingCall anonymous -> 01632960100",
            ended: "CallProcessed incoming answered anonymous -> 01632960100",
            ..incoming("withheld", talk(), accept(), "")
        },
        incoming(
            "cancelled",
            vec![Step::GiveUp(800)],
            vec![Step::Ring(0), Step::Ignore],
            "CallProcessed incoming cancelled 01632960001 -> 01632960100",
        ),
        incoming(
            "busy",
            vec![Step::Rejected(486)],
            vec![Step::Reject(486)],
            "CallProcessed incoming busy 01632960001 -> 01632960100",
        ),
        incoming(
            "not answered",
            vec![Step::Rejected(408)],
            vec![Step::Ring(0), Step::Ignore],
            "CallProcessed incoming not_answered 01632960001 -> 01632960100",
        ),
        Call {
            caller: phone(5),
            callee: provider(0),
            dialled: "01632960002",
            from: OFFICE,
            began: "OutgoingCall 01632960100 -> 01632960002",
            ended: "CallProcessed outgoing answered 01632960100 -> 01632960002",
            ..incoming("outgoing", talk(), accept(), "")
        },
    ]
}

/// Plays a call; returns how long that took.
async fn play(call: &Call) -> u128 {
    let folder = TempDir::with_prefix("sipp").unwrap();
    let callee = Sipp::start(folder.path(), &call.callee, ip(), &Script::callee(&call.called), 1).await;
    let from = stopwatch();
    let script = Script::caller(call.dialled, call.from, call.headers, &call.calling);
    let caller = Sipp::start(folder.path(), &call.caller, ip(), &script, 1).await;
    caller.finish().await.unwrap_or_else(|why| panic!("{}, caller: {why}", call.name));
    let took_ms = from.elapsed().as_millis();
    callee.finish().await.unwrap_or_else(|why| panic!("{}, callee: {why}", call.name));
    took_ms
}

/// The payload as a line, without the seconds.
fn line(payload: &Value) -> String {
    let text = |key: &str| payload[key].as_str().unwrap_or_default().to_owned();
    if payload["event"] == "CallProcessed" {
        let parties = format!("{} -> {}", text("source"), text("destination"));
        return format!("CallProcessed {} {} {parties}", text("call_type"), text("call_status"));
    }
    format!("{} {} -> {}", text("event"), text("caller_number"), text("callee_number"))
}

/// What has arrived. A server that is killed delivers again what it has not recorded as delivered.
fn distinct(receiver: &Receiver) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    for arrival in receiver.arrivals() {
        if !events.contains(&arrival.payload) {
            events.push(arrival.payload);
        }
    }
    events
}

/// The events from this one on, once there are two more; they are those of one call.
async fn expect(receiver: &Receiver, from: usize, call: &Call, kamailio: &Kamailio) {
    let two_more = async {
        while distinct(receiver).len() < from + 2 {
            sleep_ms(POLL_MS).await;
        }
    };
    let arrived = tokio::time::timeout(PATIENCE, two_more).await;
    assert!(arrived.is_ok(), "{}: {:?}\n{}", call.name, receiver.arrivals().len(), kamailio.log());
    let events = distinct(receiver)[from..from + 2].to_vec();
    assert_eq!([line(&events[0]), line(&events[1])], [call.began, call.ended].map(str::to_owned), "{}", call.name);
    assert_eq!(events[0]["call_id"], events[1]["call_id"], "{}", call.name);
    let is_answered = call.ended.contains("answered ") && !call.ended.contains("not_answered");
    let seconds = events[1]["call_duration"].as_u64().unwrap();
    assert!(if is_answered { (2..=3).contains(&seconds) } else { seconds == 0 }, "{}: {seconds} s", call.name);
}

#[tokio::test]
#[ignore = "needs Kamailio; make test-pbx runs it"]
async fn kamailio_posts_its_calls_with_the_configuration_of_the_help_page() {
    let receiver = Receiver::start().await;
    let mut server = Server::start(&receiver, "info").await;
    let connector = server.connector("kamailio");
    assert_eq!(server.status(&connector).await, "waiting");
    let kamailio = Kamailio::start(&server, &connector).await;
    let calls = calls();
    let mut usual_ms = 0;
    for (number, call) in calls.iter().enumerate() {
        let took_ms = play(call).await;
        usual_ms = if number == 0 { took_ms } else { usual_ms };
        expect(&receiver, 2 * number, call, &kamailio).await;
        show(&format!("{}: {took_ms} ms", call.name));
    }
    assert_eq!(server.status(&connector).await, "connected", "its events are its sign of life");

    // The server is away: calls are as quick as before, and their events arrive later.
    server.kill();
    let away_ms = play(&calls[0]).await;
    show(&format!("answered, while the server is away: {away_ms} ms; before: {usual_ms} ms"));
    assert!(away_ms < usual_ms + 500, "{away_ms} ms, before {usual_ms} ms: the SIP path waited");
    assert_eq!(distinct(&receiver).len(), 2 * calls.len());
    server.start_again().await;
    expect(&receiver, 2 * calls.len(), &calls[0], &kamailio).await;
    assert_eq!(distinct(&receiver).len(), 2 * calls.len() + 2, "and nothing else");
}
