//! The session with Asterisk, on recorded streams and a clock of the test's own.

use connect::session::{DEAD_MS, Interruption, PING_AFTER_MS, Session as _, TICK_MS};
use domain::connector::{ConnectorProblem, GapReason};

use crate::{
    ami_connector::{Connector, NOW, answered, playing, scenario},
    fake_asterisk::FakeAsterisk,
    outcome,
    scenario::scenarios,
};

#[test]
fn a_session_posts_what_each_recording_contains() {
    for scenario in scenarios() {
        let (mut asterisk, messages) = playing(&scenario);
        let mut connector = Connector::new();
        connector.connect(&mut asterisk).unwrap();
        for message in messages {
            connector.hear(&mut asterisk, &message);
        }
        assert_eq!(outcome::lines(&connector.posted), scenario.outcome, "{}", scenario.name);
        assert_eq!(connector.session.report().calls_open, 0, "{}", scenario.name);
        assert_eq!((connector.problem(), asterisk.channels()), (None, 0), "{}", scenario.name);
    }
}

#[test]
fn a_connector_that_is_killed_anywhere_posts_each_event_exactly_once() {
    let mut cuts = 0;
    for scenario in scenarios() {
        let (fresh, messages) = playing(&scenario);
        for cut in 1..messages.len() {
            let mut asterisk = fresh.clone();
            let mut connector = Connector::new();
            connector.connect(&mut asterisk).unwrap();
            for (at, message) in messages.iter().enumerate() {
                if at == cut {
                    connector.restart();
                    connector.connect(&mut asterisk).unwrap();
                    cuts += 1;
                }
                connector.hear(&mut asterisk, message);
            }
            let posted: Vec<&str> = connector.posted.iter().map(|event| event.id.as_str()).collect();
            let whose = format!("{}, cut at {cut}: {posted:#?}", scenario.name);
            let once: std::collections::BTreeSet<_> = posted.iter().collect();
            assert_eq!(once.len(), posted.len(), "{whose}");
            assert_eq!(posted.len(), scenario.outcome.len(), "{whose}");
        }
    }
    assert!(cuts > 900, "{cuts}");
}

#[test]
fn a_withheld_number_is_never_on_disk() {
    let scenario = scenario("in_withheld");
    let (mut asterisk, messages) = playing(&scenario);
    assert!(messages.concat().contains("7700900123"), "Asterisk states it");
    let mut connector = Connector::new();
    connector.connect(&mut asterisk).unwrap();
    for message in messages {
        connector.hear(&mut asterisk, &message);
        let posted = serde_json::to_string(&connector.posted).unwrap();
        let kept = format!("{:?} {posted} {:?}", connector.disk, connector.session.report());
        assert!(!kept.contains("7700900123"), "{kept}");
    }
    assert_eq!(asterisk.asked, 1);
}

#[test]
fn a_number_whose_presentation_is_not_known_within_five_seconds_is_withheld() {
    let (mut asterisk, messages, _) = answered();
    let mut connector = Connector::new();
    connector.connect(&mut asterisk).unwrap();
    connector.session.received(connector.now, messages[0].as_bytes()).unwrap();
    connector.save();
    assert!(connector.posted.is_empty(), "the event waits for the response");
    connector.pass(5_250).unwrap();
    connector.save();
    let text = serde_json::to_string(&connector.posted).unwrap();
    assert!(text.contains("anonymous") && !text.contains("01632960001"), "{text}");
}

#[test]
fn a_silent_asterisk_is_pinged_after_two_seconds_and_given_up_after_six() {
    let mut asterisk = FakeAsterisk::new();
    let mut connector = Connector::new();
    connector.connect(&mut asterisk).unwrap();
    connector.pass(PING_AFTER_MS - TICK_MS).unwrap();
    assert_eq!(connector.session.take_outgoing(), b"");
    connector.pass(TICK_MS).unwrap();
    assert!(connector.session.take_outgoing().starts_with(b"Action: Ping"));
    assert_eq!(connector.pass(DEAD_MS), Err(Interruption::Silent.into()));
    assert_eq!(connector.now, NOW.plus_ms(DEAD_MS));
}

#[test]
fn a_process_that_slept_does_not_take_asterisk_for_dead() {
    let mut connector = Connector::new();
    connector.connect(&mut FakeAsterisk::new()).unwrap();
    connector.now = connector.now.plus_ms(60_000);
    assert_eq!(connector.session.tick(connector.now), Ok(()));
}

#[test]
fn a_call_that_ended_while_the_connection_was_lost_ends_with_a_gap() {
    let (mut asterisk, before, after) = answered();
    let mut connector = Connector::new();
    connector.connect(&mut asterisk).unwrap();
    for message in &before {
        connector.hear(&mut asterisk, message);
    }
    connector.session.disconnected(connector.now, Interruption::Closed.into());
    assert_eq!(connector.problem(), Some(ConnectorProblem::Unreachable));
    after.iter().for_each(|message| asterisk.happen(message));
    connector.save();
    connector.now = connector.now.plus_ms(4_000);
    connector.connect(&mut asterisk).unwrap();
    let [began, ended] = connector.gaps.as_slice() else { panic!("{:?}", connector.gaps) };
    assert_eq!((began.from, began.to), (NOW, None));
    let counts = (ended.calls_closed, ended.filled, ended.incomplete);
    assert_eq!((ended.from, ended.to, ended.reason), (NOW, Some(NOW.plus_ms(4_000)), GapReason::ConnectionLost));
    assert_eq!(counts, (1, 0, 1));
    let last = serde_json::to_string(connector.posted.last().unwrap()).unwrap();
    assert!(last.contains("CallProcessed") && last.contains(r#""incomplete":"gap""#), "{last}");
}

#[test]
fn an_asterisk_that_restarted_ends_its_calls() {
    let (mut asterisk, messages) = playing(&scenario("in_answered"));
    let mut connector = Connector::new();
    connector.connect(&mut asterisk).unwrap();
    for message in &messages[..12] {
        connector.hear(&mut asterisk, message);
    }
    connector.session.disconnected(connector.now, Interruption::Broken("reset".to_owned()).into());
    connector.save();
    asterisk.restart();
    // The connector, too.
    connector.restart();
    connector.connect(&mut asterisk).unwrap();
    let gap = connector.gaps.last().unwrap();
    assert_eq!((gap.reason, gap.calls_closed, gap.incomplete), (GapReason::PbxRestart, 1, 1));
    let last = serde_json::to_string(connector.posted.last().unwrap()).unwrap();
    assert!(last.contains(r#""incomplete":"pbx_restart""#), "{last}");
}

#[test]
fn a_list_with_missing_rows_ends_no_call() {
    let (mut asterisk, before, after) = answered();
    let mut connector = Connector::new();
    connector.connect(&mut asterisk).unwrap();
    for message in &before {
        connector.hear(&mut asterisk, message);
    }
    connector.session.disconnected(connector.now, Interruption::Closed.into());
    asterisk.rows_lost = 1;
    connector.connect(&mut asterisk).unwrap();
    assert_eq!(connector.session.report().calls_open, 1);
    for message in &after {
        connector.hear(&mut asterisk, message);
    }
    assert_eq!(outcome::lines(&connector.posted), scenario("in_answered").outcome);
}
