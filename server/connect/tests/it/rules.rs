//! Rules that no recording shows.

use connect::{
    call::{BridgeKind, Calls, DialStatus, Presentation, Since},
    event::Incomplete,
};

use crate::{phone_system::PhoneSystem, scenario::settings};

const INCOMING: &str = "IncomingCall 01632960001 -> 01632960100";

/// A caller is talking to 7048.
fn talking() -> PhoneSystem {
    let mut pbx = PhoneSystem::new();
    pbx.rings_us("trunk.1");
    pbx.dials("trunk.1", "7048.2", "7048");
    pbx.dial_ends("trunk.1", "7048.2", DialStatus::Answered);
    pbx.talk("trunk.1", "7048.2", "b1");
    pbx
}

#[test]
fn a_call_that_fails_over_to_another_trunk_is_one_call_and_its_last_attempt_counts() {
    let mut pbx = PhoneSystem::new();
    pbx.facts("7048.1").number = "01632960100".to_owned();
    pbx.dials("7048.1", "trunk.2", "01632960002@trunk");
    pbx.dial_ends("7048.1", "trunk.2", DialStatus::Failed);
    pbx.hangs_up("trunk.2", 34);
    pbx.dials("7048.1", "trunk2.3", "01632960002@trunk2");
    pbx.dial_ends("7048.1", "trunk2.3", DialStatus::Busy);
    pbx.hangs_up("trunk2.3", 17);
    pbx.hangs_up("7048.1", 17);
    let end = "CallProcessed outgoing busy 0 s, extension 7048 -> 01632960002";
    assert_eq!(pbx.lines(), ["OutgoingCall 01632960100 -> 01632960002", end]);
}

#[test]
fn another_call_of_the_same_group_has_an_id_of_its_own() {
    let mut pbx = PhoneSystem::new();
    for (trunk, bridge) in [("trunk.2", "b1"), ("trunk.3", "b2")] {
        pbx.dials("7048.1", trunk, "01632960002@trunk");
        pbx.talk(trunk, "7048.1", bridge);
        pbx.hangs_up(trunk, 16);
    }
    let mut ids: Vec<_> = pbx.posted.iter().map(|event| event.payload.call_id()).collect();
    ids.dedup();
    assert_eq!((pbx.posted.len(), ids.len()), (4, 2));
}

#[test]
fn a_late_report_of_leaving_a_bridge_does_not_end_the_talk_in_the_next_one() {
    let mut pbx = talking();
    pbx.enters("7049.3", "b2", BridgeKind::Mixing);
    pbx.enters("trunk.1", "b2", BridgeKind::Mixing);
    pbx.leaves("trunk.1", "b1");
    pbx.wait(4);
    pbx.hangs_up("trunk.1", 16);
    assert_eq!(pbx.lines()[1], "CallProcessed incoming answered 4 s, 01632960001 -> extension 7049");
}

#[test]
fn a_caller_who_is_parked_talks_to_no_one() {
    let mut pbx = talking();
    pbx.wait(2);
    pbx.enters("trunk.1", "parking", BridgeKind::Holding);
    pbx.hangs_up("7048.2", 16);
    pbx.rings_us("trunk.9");
    pbx.enters("trunk.9", "parking", BridgeKind::Holding);
    pbx.wait(60);
    pbx.dials("trunk.1", "7049.3", "7049");
    pbx.talk("trunk.1", "7049.3", "b2");
    pbx.wait(3);
    pbx.hangs_up("trunk.1", 16);
    assert_eq!(pbx.lines().last().unwrap(), "CallProcessed incoming answered 5 s, 01632960001 -> extension 7049");
}

#[test]
fn a_parked_call_is_still_parked_after_a_restart() {
    let mut pbx = talking();
    pbx.wait(2);
    for channel in ["trunk.1", "trunk.9"] {
        pbx.enters(channel, "parking", BridgeKind::Holding);
    }
    pbx.hangs_up("7048.2", 16);
    pbx.calls = Calls::restore(settings(), pbx.calls.snapshot());
    pbx.wait(60);
    let rows = vec![pbx.row("trunk.1", Some("parking")), pbx.row("trunk.9", Some("parking"))];
    pbx.resync(Since::Gap { lost_at: pbx.at() }, rows, Vec::new());
    pbx.wait(60);
    pbx.hangs_up("trunk.1", 16);
    assert!(pbx.lines().contains(&"CallProcessed incoming answered 2 s, 01632960001 -> extension 7048".to_owned()));
}

#[test]
fn an_event_waits_until_it_is_known_whether_the_number_may_be_shown() {
    for (response, number) in
        [(Some(Presentation::Allowed), "01632960001"), (Some(Presentation::Withheld), "anonymous"), (None, "anonymous")]
    {
        let mut pbx = PhoneSystem::new();
        pbx.response = None;
        pbx.rings_us("trunk.1");
        assert_eq!((pbx.posted.len(), pbx.calls.awaiting_presentation().len()), (0, 1));
        let channel = pbx.asked[0].clone();
        pbx.answer(&channel, response);
        pbx.answer(&channel, Some(Presentation::Allowed));
        assert_eq!(pbx.lines(), [format!("IncomingCall {number} -> 01632960100")]);
        pbx.hangs_up("trunk.1", 16);
        assert!(pbx.lines()[1].contains(&format!(" {number} -> ")), "{:?}", pbx.lines());
    }
}

#[test]
fn a_call_that_ends_before_the_response_is_anonymous_and_its_start_comes_first() {
    let mut pbx = PhoneSystem::new();
    pbx.response = None;
    pbx.rings_us("trunk.1");
    pbx.hangs_up("trunk.1", 16);
    let channel = pbx.asked[0].clone();
    pbx.answer(&channel, Some(Presentation::Allowed));
    let end = "CallProcessed incoming failed 0 s, anonymous -> 01632960100";
    assert_eq!(pbx.lines(), ["IncomingCall anonymous -> 01632960100", end]);
}

#[test]
fn a_number_that_may_be_withheld_is_neither_saved_nor_shown_in_debug_output() {
    let mut pbx = PhoneSystem::new();
    pbx.response = None;
    pbx.facts("trunk.1").number = "07700900123".to_owned();
    pbx.rings_us("trunk.1");
    let saved = pbx.calls.snapshot();
    let changes = pbx.calls.take_changes();
    assert_eq!((saved.open.len(), changes.open.len()), (1, 1));
    let written = serde_json::to_string(&saved).unwrap() + &serde_json::to_string(&changes.open).unwrap();
    let facts = pbx.facts("trunk.1").clone();
    let debug = format!("{:?} {:?} {changes:?} {facts:?}", pbx.calls, saved);
    assert!(!written.contains("07700900123") && !debug.contains("07700900123"));

    // After a restart, it is asked for again.
    pbx.calls = Calls::restore(settings(), serde_json::from_str(&serde_json::to_string(&saved).unwrap()).unwrap());
    let rows = vec![pbx.row("trunk.1", None)];
    pbx.resync(Since::Gap { lost_at: pbx.at() }, rows, Vec::new());
    assert_eq!(pbx.asked.len(), 2);
    pbx.answer(&facts.id, Some(Presentation::Allowed));
    assert_eq!(pbx.lines(), ["IncomingCall 07700900123 -> 01632960100"]);
}

#[test]
fn a_forward_after_the_caller_has_hung_up_is_no_call_of_its_own() {
    let mut pbx = PhoneSystem::new();
    pbx.response = Some(Presentation::Withheld);
    pbx.rings_us("trunk.1");
    pbx.hangs_up("trunk.1", 16);
    pbx.facts("trunk.1").name = "Local/mobile@forwards-00000001;2".to_owned();
    pbx.facts("trunk.1").id = "lab-1795900000.5".to_owned();
    pbx.dials("trunk.1", "trunk.2", "+447700900123@trunk");
    assert_eq!(pbx.lines().len(), 2);
    assert!(!pbx.lines().concat().contains("01632960001"));
}

#[test]
fn someone_else_in_the_group_hides_the_number_of_an_outgoing_call() {
    let mut pbx = PhoneSystem::new();
    // Its beginning was not observed, and it was not in the list.
    pbx.facts("trunk.1").dialled = "s".to_owned();
    pbx.is_up("trunk.1");
    pbx.dials("trunk.1", "trunk.2", "+447700900123@trunk");
    assert_eq!(pbx.lines(), ["OutgoingCall anonymous -> +447700900123"]);
    assert_eq!(pbx.posted[0].route.presented, None);
}

#[test]
fn internal_calls_are_reported_if_they_are_switched_on_and_consultations_are_not() {
    let mut pbx = PhoneSystem::with_internal_calls();
    pbx.facts("7048.1").dialled = "7049".to_owned();
    pbx.dials("7048.1", "7049.2", "7049");
    pbx.talk("7048.1", "7049.2", "b1");
    pbx.wait(4);
    pbx.hangs_up("7048.1", 16);
    assert_eq!(pbx.lines(), ["CallProcessed internal answered 4 s, extension 7048 -> extension 7049"]);

    let mut pbx = PhoneSystem::with_internal_calls();
    pbx.rings_us("trunk.1");
    pbx.dials("trunk.1", "7048.2", "7048");
    pbx.talk("trunk.1", "7048.2", "b1");
    pbx.facts("7048.3").dialled = "7049".to_owned();
    pbx.dials("7048.3", "7049.4", "7049");
    pbx.talk("7048.3", "7049.4", "b2");
    pbx.enters("trunk.1", "b2", BridgeKind::Mixing);
    pbx.hangs_up("7048.3", 16);
    pbx.hangs_up("7048.2", 16);
    pbx.wait(2);
    pbx.hangs_up("trunk.1", 16);
    assert_eq!(pbx.lines(), [INCOMING, "CallProcessed incoming answered 2 s, 01632960001 -> extension 7049"]);
}

#[test]
fn the_finer_result_tells_why_no_one_talked() {
    type Story = fn(&mut PhoneSystem);
    let stories: [(&str, &str, Story); 10] = [
        ("rejected", "busy", |pbx| rings_and_ends(pbx, DialStatus::NotAnswered, 21)),
        ("busy", "busy", |pbx| rings_and_ends(pbx, DialStatus::Busy, 17)),
        ("unreachable", "failed", |pbx| rings_and_ends(pbx, DialStatus::Failed, 20)),
        ("not_found", "failed", |pbx| rings_and_ends(pbx, DialStatus::NotAnswered, 1)),
        ("not_answered", "not_answered", |pbx| rings_and_ends(pbx, DialStatus::NotAnswered, 0)),
        ("blocked", "failed", |pbx| pbx.hangs_up("trunk.1", 21)),
        ("congested", "failed", |pbx| {
            pbx.wants_to_hang_up("trunk.1", Some(34));
            pbx.hangs_up("trunk.1", 34);
        }),
        ("abandoned", "cancelled", |pbx| {
            pbx.is_up("trunk.1");
            pbx.wants_to_hang_up("trunk.1", None);
            pbx.hangs_up("trunk.1", 0);
        }),
        // The dialplan's refusal comes back on the caller's leg: the caller did not hang up.
        ("failed", "failed", |pbx| {
            pbx.wants_to_hang_up("trunk.1", Some(34));
            pbx.hangs_up("trunk.1", 16);
        }),
        // Asterisk 16 states no cause with the request, so only the hang-up itself tells.
        ("congested", "failed", |pbx| {
            pbx.wants_to_hang_up("trunk.1", None);
            pbx.hangs_up("trunk.1", 34);
        }),
    ];
    for (result, status, story) in stories {
        let mut pbx = PhoneSystem::new();
        pbx.rings_us("trunk.1");
        story(&mut pbx);
        assert_eq!((pbx.posted.len(), pbx.result().as_str()), (2, result));
        assert!(
            pbx.lines()[1].starts_with(&format!("CallProcessed incoming {status} ")),
            "{result}: {:?}",
            pbx.lines()
        );
    }
}

fn rings_and_ends(pbx: &mut PhoneSystem, status: DialStatus, cause: u16) {
    pbx.dials("trunk.1", "7048.2", "7048");
    pbx.dial_ends("trunk.1", "7048.2", status);
    pbx.hangs_up("7048.2", cause);
    pbx.hangs_up("trunk.1", cause);
}

#[test]
fn a_hostile_number_fits_the_contract() {
    let mut pbx = PhoneSystem::new();
    pbx.facts("trunk.1").number = format!("\"'\r\n\0\u{7}<{}", "9".repeat(500));
    pbx.facts("trunk.1").dialled = "01632960100\"}\r\nAction: Originate\u{1b}".to_owned();
    pbx.rings_us("trunk.1");
    pbx.hangs_up("trunk.1", 16);
    assert_eq!(pbx.posted.len(), 2);
    for event in &pbx.posted {
        let text = serde_json::to_string(&event.payload).unwrap();
        assert!(domain::payload::Payload::parse(&text).is_ok(), "{text}");
    }
}

#[test]
fn the_start_has_the_second_in_the_channels_id_and_the_end_its_own() {
    let mut pbx = PhoneSystem::new();
    pbx.wait(3);
    pbx.rings_us("trunk.1");
    pbx.wait(5);
    pbx.hangs_up("trunk.1", 16);
    let seconds: Vec<i64> = pbx.posted.iter().map(|event| event.timestamp_s - crate::phone_system::START_S).collect();
    assert_eq!(seconds, [0, 8]);
}

#[test]
fn a_call_that_ended_in_a_gap_ends_at_the_moment_of_loss() {
    for (since, incomplete) in [
        (Since::Gap { lost_at: lost_at() }, Incomplete::Gap),
        (Since::PbxRestart { lost_at: lost_at() }, Incomplete::PbxRestart),
    ] {
        let mut pbx = talking();
        pbx.wait(600);
        let done = pbx.resync(since, Vec::new(), Vec::new());
        assert_eq!((done.closed, done.filled, done.incomplete, done.begun), (1, 0, 1, 0));
        assert_eq!(pbx.lines()[1], "CallProcessed incoming answered 30 s, 01632960001 -> extension 7048");
        assert_eq!(pbx.posted[1].details.as_ref().unwrap().incomplete, Some(incomplete));
        assert_eq!(pbx.calls.open(), 0);
    }
}

fn lost_at() -> domain::time::UnixMs {
    domain::time::UnixMs((crate::phone_system::START_S + 30) * 1_000)
}
