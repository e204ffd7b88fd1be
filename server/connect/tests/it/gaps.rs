//! What is concluded from a list of channels.

use std::collections::HashSet;

use connect::call::{BridgeKind, CallRecord, ChannelState, DialStatus, RecordEnd, Resync, Since};
use domain::time::UnixMs;

use crate::phone_system::{PhoneSystem, START_S};

fn second(seconds: i64) -> UnixMs {
    UnixMs((START_S + seconds) * 1_000)
}

fn record(number: &str, end: RecordEnd) -> CallRecord {
    CallRecord {
        linked_id: format!("lab-{START_S}.{number}"),
        began_at: second(1),
        ended_at: second(50),
        channel: "PJSIP/trunk-00000001".to_owned(),
        peers: vec!["PJSIP/7048-00000002".to_owned()],
        caller: "07700900123".to_owned(),
        dialled: "01632960100".to_owned(),
        context: "from-trunk".to_owned(),
        end,
    }
}

#[test]
fn call_records_tell_how_a_call_ended_in_a_gap() {
    let answered = RecordEnd::Answered { talk_s: 12, peer: "PJSIP/7049-00000003".to_owned(), number: None };
    let voicemail = RecordEnd::Voicemail { mailbox: "7048@default".to_owned(), message_s: 9 };
    for (end, line) in [
        (answered, "answered 12 s, 01632960001 -> extension 7049"),
        (voicemail, "voicemail 9 s, 01632960001 -> voicemail_box 7048"),
        (RecordEnd::Unanswered(DialStatus::Busy, None), "busy 0 s, 01632960001 -> extension 7048"),
    ] {
        let mut pbx = PhoneSystem::new();
        pbx.rings_us("trunk.1");
        pbx.dials("trunk.1", "7048.2", "7048");
        pbx.wait(60);
        let done = pbx.resync(Since::Gap { lost_at: second(5) }, Vec::new(), vec![record("1", end)]);
        assert_eq!((done.closed, done.filled, done.incomplete), (1, 1, 0));
        assert_eq!(pbx.lines()[1], format!("CallProcessed incoming {line}"));
        assert_eq!(pbx.posted[1].timestamp_s, START_S + 50);
        assert_eq!(pbx.posted[1].details.as_ref().unwrap().incomplete, None);
    }
}

#[test]
fn a_call_within_a_gap_has_only_an_end_and_no_number() {
    let mut pbx = PhoneSystem::new();
    let records = || vec![record("7", RecordEnd::Unanswered(DialStatus::NotAnswered, None))];
    pbx.wait(60);
    pbx.resync(Since::Gap { lost_at: second(5) }, Vec::new(), records());
    pbx.resync(Since::Gap { lost_at: second(5) }, Vec::new(), records());
    assert_eq!(pbx.lines(), ["CallProcessed incoming not_answered 0 s, anonymous -> extension 7048"]);
    assert!(!serde_json::to_string(&pbx.posted).unwrap().contains("07700900123"));
}

#[test]
fn records_from_before_the_gap_and_of_calls_that_ended_are_ignored() {
    let mut pbx = PhoneSystem::new();
    pbx.rings_us("trunk.1");
    pbx.hangs_up("trunk.1", 16);
    let end = || RecordEnd::Unanswered(DialStatus::NotAnswered, None);
    pbx.wait(60);
    let done = pbx.resync(Since::Gap { lost_at: second(5) }, Vec::new(), vec![record("1", end())]);
    assert_eq!(done.closed, 0);
    let done = pbx.resync(Since::Gap { lost_at: second(55) }, Vec::new(), vec![record("7", end())]);
    assert_eq!((done.closed, pbx.posted.len()), (0, 2));
}

#[test]
fn a_call_that_began_in_a_gap_begins_now_and_a_phone_that_rings_is_remembered() {
    let mut pbx = PhoneSystem::new();
    pbx.facts("trunk.1").state = ChannelState::Ring;
    let linked_id = pbx.facts("trunk.1").linked_id.clone();
    pbx.facts("7048.2").linked_id = linked_id;
    pbx.facts("7048.2").state = ChannelState::Ringing;
    let rows = vec![pbx.row("trunk.1", None), pbx.row("7048.2", None)];
    let done = pbx.resync(Since::Gap { lost_at: second(0) }, rows, Vec::new());
    assert_eq!(done.begun, 1);
    pbx.dial_ends("trunk.1", "7048.2", DialStatus::NotAnswered);
    pbx.hangs_up("7048.2", 0);
    pbx.hangs_up("trunk.1", 16);
    let end = "CallProcessed incoming not_answered 0 s, 01632960001 -> extension 7048";
    assert_eq!(pbx.lines(), ["IncomingCall 01632960001 -> 01632960100", end]);
}

#[test]
fn a_talk_that_is_met_in_the_middle_lasts_as_long_as_its_younger_channel() {
    let mut pbx = PhoneSystem::new();
    pbx.wait(100);
    pbx.facts("trunk.1").state = ChannelState::Up;
    pbx.facts("7048.2").state = ChannelState::Up;
    let mut rows = vec![pbx.row("trunk.1", Some("b1")), pbx.row("7048.2", Some("b1"))];
    (rows[0].duration_s, rows[1].duration_s) = (Some(40), Some(30));
    pbx.resync(Since::Gap { lost_at: second(0) }, rows, Vec::new());
    pbx.wait(5);
    pbx.hangs_up("trunk.1", 16);
    assert_eq!(pbx.lines()[1], "CallProcessed incoming answered 35 s, 01632960001 -> extension 7048");
}

#[test]
fn events_that_are_newer_than_a_list_count() {
    let mut pbx = PhoneSystem::new();
    pbx.rings_us("trunk.1");
    let mark = pbx.calls.listing_begins();
    let stale = pbx.row("trunk.1", None);
    // While the list is made, the first call ends and another begins.
    pbx.hangs_up("trunk.1", 16);
    pbx.rings_us("trunk.2");
    let now = Resync {
        at: pbx.at(),
        since: Since::Comparison,
        mark,
        channels: vec![stale],
        unchanged: HashSet::new(),
        records: Vec::new(),
    };
    let done = pbx.calls.resync(now);
    assert_eq!((done.actions.len(), done.closed, done.begun, pbx.calls.open()), (0, 0, 0, 1));
}

#[test]
fn a_list_does_not_put_a_channel_back_into_the_bridge_that_it_has_left() {
    let mut pbx = PhoneSystem::new();
    pbx.rings_us("trunk.1");
    pbx.dials("trunk.1", "7048.2", "7048");
    pbx.talk("trunk.1", "7048.2", "b1");
    let mark = pbx.calls.listing_begins();
    let channels = vec![pbx.row("trunk.1", Some("b1")), pbx.row("7048.2", Some("b1"))];
    pbx.wait(3);
    pbx.enters("7048.2", "b2", BridgeKind::Mixing);
    pbx.calls.resync(Resync {
        at: pbx.at(),
        since: Since::Comparison,
        mark,
        channels,
        unchanged: HashSet::new(),
        records: Vec::new(),
    });
    pbx.wait(60);
    pbx.hangs_up("trunk.1", 16);
    assert_eq!(pbx.lines()[1], "CallProcessed incoming answered 3 s, 01632960001 -> extension 7048");
}

#[test]
fn an_outgoing_call_between_two_attempts_survives_a_gap() {
    let mut pbx = PhoneSystem::new();
    pbx.dials("7048.1", "trunk.2", "01632960002@trunk");
    pbx.dial_ends("7048.1", "trunk.2", DialStatus::Failed);
    pbx.hangs_up("trunk.2", 34);
    let rows = vec![pbx.row("7048.1", None)];
    assert_eq!(pbx.resync(Since::Gap { lost_at: pbx.at() }, rows, Vec::new()).closed, 0);
    pbx.dials("7048.1", "trunk2.3", "01632960002@trunk2");
    pbx.talk("trunk2.3", "7048.1", "b1");
    pbx.wait(2);
    pbx.hangs_up("trunk2.3", 16);
    let end = "CallProcessed outgoing answered 2 s, extension 7048 -> 01632960002";
    assert_eq!(pbx.lines(), ["OutgoingCall 7048 -> 01632960002", end]);
}

#[test]
fn a_call_whose_channel_lives_is_never_closed_by_its_age() {
    let mut pbx = PhoneSystem::new();
    pbx.rings_us("trunk.1");
    for _ in 0..500 {
        pbx.wait(300);
        let rows = vec![pbx.row("trunk.1", None)];
        assert_eq!(pbx.resync(Since::Comparison, rows, Vec::new()).closed, 0);
    }
    assert_eq!(pbx.calls.open(), 1);
}
