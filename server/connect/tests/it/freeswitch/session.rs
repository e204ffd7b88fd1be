//! The session with FreeSWITCH, on a clock of the test's own.

use connect::{
    freeswitch::session::Failure,
    session::{DEAD_MS, Failure as _, Interruption, PING_AFTER_MS, Session as _, TICK_MS},
};
use domain::connector::{ConnectorProblem, GapReason};

use super::{connector::Connector, fake::Step, scenarios::SCENARIOS};
use crate::outcome;

fn steps(name: &str) -> Vec<Step> {
    (SCENARIOS.iter().find(|scenario| scenario.name == name).unwrap().steps)(1)
}

#[test]
fn each_scenario_leads_to_its_events() {
    for scenario in &SCENARIOS {
        let mut connector = Connector::connected();
        connector.play(&(scenario.steps)(1));
        assert_eq!(outcome::lines(&connector.posted), scenario.outcome, "{}", scenario.name);
        let report = connector.session.report();
        assert_eq!((report.calls_open, report.problem), (0, None), "{}", scenario.name);
        assert_eq!((connector.session.channels(), connector.disk.open_calls()), (0, 0), "{}", scenario.name);
    }
}

#[test]
fn a_session_knows_version_and_state() {
    let connector = Connector::connected();
    let report = connector.session.report();
    assert_eq!((report.connected, report.system_version.as_deref()), (true, Some("1.10.12-release")));
    assert_eq!((report.problem, connector.gaps.len()), (None, 0));
}

#[test]
fn whatever_prevents_a_connection_says_what_to_do() {
    let mut connector = Connector::new();
    connector.fake.password = "other".to_owned();
    let why = connector.connect().unwrap_err();
    assert_eq!((why.problem(), why.needs_administrator()), (ConnectorProblem::WrongSecret, true));
    assert!(why.to_string().contains("event_socket.conf.xml"), "{why}");

    let mut connector = Connector::new();
    connector.fake.known = vec!["external", "provider2"];
    connector.connect().unwrap();
    let report = connector.session.report();
    assert_eq!((report.connected, report.problem), (true, Some(ConnectorProblem::UnknownTrunk)));
    assert!(report.detail.unwrap().contains("no gateway or Sofia profile of this name: provider."), "only this one");
    connector.play(&steps("in_answered"));
    assert_eq!(connector.session.report().problem, None, "another trunk has calls");

    let mut connector = Connector::new();
    connector.fake.denies = true;
    let why = connector.connect().unwrap_err();
    assert!(matches!(&why, Failure::Denied(text) if text.contains("Command not found")), "{why}");

    let mut connector = Connector::new();
    connector.session.connected(connector.now());
    let rejected = "Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n";
    assert_eq!(connector.exchange(rejected), Err(Failure::Rejected));
    connector.session.connected(connector.now());
    assert_eq!(connector.exchange("Asterisk Call Manager/11.0.0\r\n"), Err(Failure::NotEventSocket));
}

#[test]
fn a_silent_freeswitch_is_pinged_after_two_seconds_and_given_up_after_six() {
    let mut connector = Connector::connected();
    connector.pass(PING_AFTER_MS - TICK_MS).unwrap();
    assert_eq!(connector.session.take_outgoing(), b"");
    connector.pass(TICK_MS).unwrap();
    assert_eq!(connector.session.take_outgoing(), b"api strepoch\n\n");
    assert_eq!(connector.pass(DEAD_MS), Err(Interruption::Silent.into()));
}

#[test]
fn a_withheld_number_is_never_on_disk() {
    for name in ["in_withheld", "in_withheld_by_header", "in_withheld_by_party", "in_withheld_unstated"] {
        let mut connector = Connector::connected();
        for step in steps(name) {
            connector.play(&[step]);
            let posted = serde_json::to_string(&connector.posted).unwrap();
            let kept =
                format!("{:?} {posted} {:?} {:?}", connector.disk, connector.session.report(), connector.session);
            assert!(!kept.contains("1632960001"), "{name}: {kept}");
        }
        // The same after a restart, when only the list of channels tells.
        let mut connector = Connector::new();
        connector.miss(&steps(name)[..3]);
        connector.connect().unwrap();
        let posted = serde_json::to_string(&connector.posted).unwrap();
        assert!(posted.contains("IncomingCall") && !posted.contains("1632960001"), "{name}: {posted}");
    }
}

#[test]
fn a_queue_that_calls_a_mobile_shows_no_number_of_its_caller() {
    let mut all = steps("in_queue_answered");
    if let Step::Create(new) = &mut all[0] {
        new.headers.push(("Caller-Privacy-Hide-Number", "true".to_owned()));
    }
    for step in &mut all {
        if let Step::Create(new) = step {
            new.headers.retain(|(key, _)| *key != "variable_dialed_user");
            new.name = "sofia/external/07700900456".to_owned();
        }
    }
    // Even if the caller has hung up before the queue calls.
    for skipped in [0, 3] {
        let mut connector = Connector::connected();
        connector.play(&all[..2]);
        if skipped > 0 {
            connector.play(&[Step::Hangup(all_id(&all[0]), "NORMAL_CLEARING", Vec::new())]);
        }
        connector.play(&all[3..4]);
        let posted = serde_json::to_string(&connector.posted).unwrap();
        assert!(!posted.contains("1632960001") && !posted.contains("OutgoingCall"), "{posted}");
    }
}

fn all_id(step: &Step) -> String {
    if let Step::Create(new) = step { new.id.clone() } else { panic!("{step:?}") }
}

#[test]
fn a_call_that_ended_while_the_connection_was_lost_ends_with_a_gap() {
    let all = steps("in_answered");
    let mut connector = Connector::connected();
    connector.play(&all[..8]);
    connector.lose();
    assert_eq!(connector.session.report().problem, Some(ConnectorProblem::Unreachable));
    connector.miss(&all[8..]);
    connector.connect().unwrap();
    let gap = connector.gaps.last().unwrap();
    assert_eq!((gap.reason, gap.calls_closed, gap.incomplete), (GapReason::ConnectionLost, 1, 1));
    let last = serde_json::to_string(connector.posted.last().unwrap()).unwrap();
    assert!(last.contains("CallProcessed") && last.contains(r#""incomplete":"gap""#), "{last}");
}

#[test]
fn another_core_uuid_shows_a_restart() {
    let mut connector = Connector::connected();
    connector.play(&steps("in_answered")[..7]);
    connector.lose();
    connector.fake.restart();
    // The connector, too.
    connector.restart();
    connector.connect().unwrap();
    let gap = connector.gaps.last().unwrap();
    assert_eq!((gap.reason, gap.calls_closed, gap.incomplete), (GapReason::PbxRestart, 1, 1));
    let last = serde_json::to_string(connector.posted.last().unwrap()).unwrap();
    assert!(last.contains(r#""incomplete":"pbx_restart""#), "{last}");
}

#[test]
fn a_clock_that_is_off_is_corrected_and_reported() {
    let mut connector = Connector::new();
    let behind_ms = 300_000;
    connector.fake.now_ms -= behind_ms;
    // Only FreeSWITCH's clock is behind.
    let now = connector.now().plus_ms(behind_ms);
    connector.session.connected(now);
    let mut told = connector.fake.greeting();
    for _ in 0..3 {
        connector.session.received(now, told.as_bytes()).unwrap();
        told = connector.fake.receive(&connector.session.take_outgoing());
    }
    let told = connector.fake.happen(&steps("in_answered")[0]);
    connector.session.received(now, told.as_bytes()).unwrap();
    connector.save();
    assert_eq!(connector.session.report().problem, Some(ConnectorProblem::ClockOff));
    assert_eq!(connector.posted[0].timestamp_s, now.unix_seconds());
}

#[test]
fn the_channels_are_compared_every_five_minutes() {
    let all = steps("in_answered");
    let mut connector = Connector::connected();
    connector.play(&all[..8]);
    // The end gets lost.
    connector.miss(&all[8..]);
    for _ in 0..(5 * 60) {
        connector.pass(1_000).unwrap();
        let asked = connector.session.take_outgoing();
        let told = connector.fake.receive(&asked) + &super::fake::framed(r#"{"Event-Name":"HEARTBEAT"}"#);
        connector.exchange(&told).unwrap();
    }
    assert_eq!(connector.session.report().calls_open, 0);
    assert_eq!(connector.posted.len(), 2);
}

/// What is stated about the creation of a channel, without who originated it; `CHANNEL_ORIGINATE` still has that.
fn without_originator(said: &str) -> String {
    let (create, originate) = said.split_at(said.rfind("Content-Length").unwrap());
    let (_, json) = create.split_once("\n\n").unwrap();
    let mut event: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).unwrap();
    event.retain(|key, _| !key.starts_with("Other-") && key != "Channel-Call-UUID");
    super::fake::framed(&serde_json::Value::Object(event).to_string()) + originate
}

#[test]
fn a_channel_whose_originator_is_stated_late_begins_no_call_of_its_own() {
    for scenario in &SCENARIOS {
        let mut connector = Connector::connected();
        for step in (scenario.steps)(1) {
            let said = connector.fake.happen(&step);
            let is_called = matches!(&step, Step::Create(new) if new.is_outbound);
            connector.exchange(&if is_called { without_originator(&said) } else { said }).unwrap();
        }
        assert_eq!(outcome::lines(&connector.posted), scenario.outcome, "{}", scenario.name);
    }
}
