//! A session with an Asterisk that connects to us: the recordings, lost connections, and what an administrator learns.

use connect::asterisk::ari::session::{COMPARE_EVERY_MS, Failure, MALFORMED_MAX, Saved, Session};
use domain::{
    UnixMs,
    connector::{ConnectorProblem, GapReason},
    time::{SECOND_MS, parse_utc},
};
use serde_json::{Value, json};

use crate::{
    ari_asterisk::Asterisk,
    scenario::{Scenario, scenarios, settings},
};

fn scenario(name: &str) -> Scenario {
    scenarios().into_iter().find(|scenario| scenario.name == name).unwrap()
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn every_recording_gives_its_outcome_without_the_events_that_are_not_needed() {
    for scenario in scenarios() {
        let (mut asterisk, messages) = Asterisk::connected(&scenario);
        asterisk.play(&messages);
        assert_eq!(asterisk.lines(), scenario.outcome, "{}", scenario.name);
        assert_eq!(asterisk.session.report().calls_open, 0, "{}", scenario.name);
    }
}

/// Whether the process survives a lost connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Process {
    Lives,
    Restarts,
}

/// Plays a recording over two connections. What happens between these messages, Asterisk keeps until there is the second.
fn interrupted(scenario: &Scenario, cut: usize, until: usize, process: Process) -> Asterisk {
    let (mut asterisk, messages) = Asterisk::connected(scenario);
    asterisk.play(&messages[..cut]);
    asterisk.disconnect();
    if process == Process::Restarts {
        asterisk.restart();
    }
    messages[cut..until].iter().for_each(|message| asterisk.happen(message));
    asterisk.connect();
    for message in &messages[cut..until] {
        asterisk.session.received(asterisk.now, message.to_string().as_bytes()).unwrap();
    }
    asterisk.respond();
    asterisk.play(&messages[until..]);
    asterisk
}

/// Compares with the recording's outcome, except for the order of events, and for the number of a call that ended before
/// Asterisk could be asked.
fn assert_outcome(asterisk: &Asterisk, scenario: &Scenario, place: &str) {
    let shown = |lines: Vec<String>| sorted(lines).join("\n").replace("anonymous", "01632960001");
    assert_eq!(shown(asterisk.lines()), shown(scenario.outcome.clone()), "{} {place}", scenario.name);
}

#[test]
fn what_asterisk_kept_fills_the_gap_wherever_the_connection_was_lost() {
    for scenario in scenarios() {
        let messages = Asterisk::playing(&scenario).1.len();
        for cut in (0..messages).step_by(7) {
            let asterisk = interrupted(&scenario, cut, (cut + 15).min(messages), Process::Lives);
            assert_outcome(&asterisk, &scenario, &format!("cut at {cut}"));
            assert_eq!(asterisk.gaps.iter().map(|gap| gap.incomplete).sum::<u32>(), 0, "{} {cut}", scenario.name);
        }
    }
}

#[test]
fn another_process_continues_a_call_and_reports_the_gap() {
    let scenario = scenario("in_answered");
    let (mut asterisk, messages) = Asterisk::connected(&scenario);
    let talking = messages.iter().position(|message| message["type"] == "ChannelEnteredBridge").unwrap() + 2;
    asterisk.play(&messages[..talking]);
    asterisk.now = asterisk.now.plus_ms(SECOND_MS);
    asterisk.take();
    asterisk.restart();
    asterisk.connect();
    asterisk.respond();
    asterisk.play(&messages[talking..]);
    assert_eq!(asterisk.lines(), scenario.outcome);
    let gap = asterisk.gaps.last().unwrap();
    assert_eq!((gap.reason, gap.calls_closed, gap.incomplete), (GapReason::ConnectorRestart, 0, 0));
}

#[test]
fn a_call_that_is_gone_without_a_word_is_incomplete() {
    let scenario = scenario("in_answered");
    for (startup_time, incomplete, reason) in [
        ("2026-11-28T00:00:00.000+0000", "gap", GapReason::ConnectionLost),
        ("2026-11-28T03:00:00.000+0000", "pbx_restart", GapReason::PbxRestart),
    ] {
        let (mut asterisk, messages) = Asterisk::connected(&scenario);
        let talking = messages.iter().position(|message| message["type"] == "ChannelEnteredBridge").unwrap() + 2;
        asterisk.play(&messages[..talking]);
        asterisk.disconnect();
        assert_eq!(asterisk.gaps.last().unwrap().to, None, "it lasts");
        asterisk.now = asterisk.now.plus_ms(60 * SECOND_MS);
        asterisk.channels.clear();
        asterisk.startup_time = startup_time.to_owned();
        asterisk.connect();
        asterisk.respond();
        let details = serde_json::to_value(asterisk.posted.last().unwrap()).unwrap();
        assert_eq!((asterisk.posted.len(), &details["details"]["incomplete"]), (2, &json!(incomplete)));
        let (began, ended) = (&asterisk.gaps[0], &asterisk.gaps[1]);
        assert_eq!((ended.from, ended.reason), (began.from, reason), "the same gap");
        assert_eq!((ended.calls_closed, ended.filled, ended.incomplete), (1, 0, 1));
    }
}

#[test]
fn a_number_is_shown_only_once_asterisk_has_stated_that_it_may_be() {
    let scenario = scenario("in_answered");
    let (mut asterisk, messages) = Asterisk::playing(&scenario);
    asterisk.answers_questions = false;
    asterisk.connect();
    asterisk.respond();
    asterisk.play(&messages[..6]);
    assert_eq!(asterisk.posted, [], "nothing is known yet");
    asterisk.now = asterisk.now.plus_ms(6 * SECOND_MS);
    asterisk.session.tick(asterisk.now);
    asterisk.take();
    assert_eq!(asterisk.lines(), ["IncomingCall anonymous -> 01632960100"]);
}

#[test]
fn a_withheld_number_is_nowhere_in_what_is_posted_saved_or_printed() {
    let scenario = scenario("in_withheld");
    let (mut asterisk, messages) = Asterisk::connected(&scenario);
    for message in &messages {
        asterisk.happen(message);
        asterisk.tell(message);
        let batch = asterisk.session.last_batch(asterisk.now);
        let state = serde_json::to_string(&batch.state).unwrap();
        assert!(!state.contains("7700900123"), "{state}");
        assert!(!format!("{:?}", asterisk.session).contains("7700900123"));
        asterisk.keep(batch);
    }
    assert_eq!(asterisk.lines(), scenario.outcome);
    assert!(!serde_json::to_string(&asterisk.posted).unwrap().contains("7700900123"));
}

#[test]
fn what_is_no_ari_is_given_up_and_single_mistakes_are_not() {
    let mut asterisk = Asterisk::new();
    asterisk.connect();
    for garbage in ["", "[]", "{}", r#"{"type":7}"#, r#"{"type":"Dial"}"#, r#"{"type":"ChannelCreated","channel":{}}"#]
    {
        assert_eq!(asterisk.session.received(asterisk.now, garbage.as_bytes()), Ok(()), "{garbage}");
    }
    asterisk.session.received(asterisk.now, br#"{"type":"ApplicationRegistered"}"#).unwrap();
    let results: Vec<_> = (0..MALFORMED_MAX).map(|_| asterisk.session.received(asterisk.now, b"GET /")).collect();
    assert_eq!(results.iter().position(Result::is_err), Some(MALFORMED_MAX as usize - 1));
    assert_eq!(results.last().unwrap(), &Err(Failure::NotAri));
}

#[test]
fn what_is_missing_in_the_configuration_is_named() {
    let (mut asterisk, messages) = Asterisk::connected(&scenario("in_answered"));
    // Channels, and no events.
    messages[..5].iter().for_each(|message| asterisk.happen(message));
    asterisk.now = asterisk.now.plus_ms(20 * SECOND_MS);
    asterisk.session.tick(asterisk.now);
    asterisk.respond();
    let began = UnixMs(asterisk.now.0 - 3 * SECOND_MS);
    for (channel, _) in asterisk.channels.values_mut() {
        channel["creationtime"] = json!(domain::time::iso_utc(began));
    }
    asterisk.session.connected(asterisk.now.plus_ms(-10 * SECOND_MS));
    asterisk.greet();
    asterisk.respond();
    asterisk.session.tick(asterisk.now.plus_ms(10 * SECOND_MS));
    asterisk.respond();
    assert_eq!(asterisk.problem(), Some(ConnectorProblem::MissingPermission));
    assert!(asterisk.session.report().detail.unwrap().contains("subscribe_all = yes"));
    // Events without groups.
    let mut first = messages[0].clone();
    first["channel"]["channelvars"] = json!({});
    asterisk.tell(&first);
    assert!(asterisk.session.report().detail.unwrap().contains("channelvars = CHANNEL(linkedid)"));
}

#[test]
fn an_asterisk_that_is_still_starting_is_asked_again() {
    let scenario = scenario("in_answered");
    let (mut asterisk, messages) = Asterisk::playing(&scenario);
    asterisk.has_started = false;
    asterisk.connect();
    asterisk.respond();
    assert!(!asterisk.session.report().connected);
    asterisk.has_started = true;
    asterisk.now = asterisk.now.plus_ms(2 * SECOND_MS);
    asterisk.session.tick(asterisk.now);
    asterisk.respond();
    let report = asterisk.session.report();
    assert_eq!((report.connected, report.system_version.as_deref()), (true, Some("Asterisk 22.5.0")));
    asterisk.play(&messages);
    assert_eq!(asterisk.lines(), scenario.outcome);
}

#[test]
fn a_wrong_clock_is_named_and_corrected() {
    let scenario = scenario("in_answered");
    let (mut asterisk, messages) = Asterisk::playing(&scenario);
    asterisk.now = parse_utc(messages[0]["timestamp"].as_str().unwrap()).unwrap().plus_ms(300 * SECOND_MS);
    let late = asterisk.now;
    asterisk.connect();
    asterisk.respond();
    for message in &messages {
        asterisk.happen(message);
        asterisk.now = asterisk.now.plus_ms(300 * SECOND_MS);
        asterisk.tell(message);
    }
    assert_eq!(asterisk.lines(), scenario.outcome);
    assert_eq!(asterisk.problem(), Some(ConnectorProblem::ClockOff));
    assert_eq!(asterisk.posted[0].timestamp_s, late.unix_seconds(), "on our clock");
}

#[test]
fn two_phone_systems_that_connect_in_turns_are_named() {
    let mut asterisk = Asterisk::new();
    let (first, second) = (asterisk.startup_time.clone(), "2026-11-28T00:07:00.000+0000".to_owned());
    for (startup_time, problem) in [(&first, None), (&second, None), (&first, Some(ConnectorProblem::TwoSystems))] {
        asterisk.startup_time.clone_from(startup_time);
        asterisk.connect();
        asterisk.respond();
        assert_eq!(asterisk.problem(), problem, "{startup_time}");
        asterisk.disconnect();
        // Another server continues.
        asterisk.restart();
    }
}

#[test]
fn trunks_that_are_chosen_later_count_at_once() {
    let scenario = scenario("in_answered");
    let (mut asterisk, messages) = Asterisk::playing(&scenario);
    let mut none = settings();
    none.trunks.clear();
    asterisk.session = Session::new(none, Saved::default());
    asterisk.connect();
    asterisk.respond();
    asterisk.play(&messages);
    assert_eq!(asterisk.posted, []);
    assert_eq!(asterisk.session.report().seen, ["7048", "trunk"]);
    asterisk.session.set(asterisk.now, settings());
    asterisk.respond();
    let text = serde_json::to_string(&messages).unwrap().replace("lab-1795832865", "lab-1795832965");
    let again: Vec<Value> = serde_json::from_str(&text).unwrap();
    asterisk.play(&again);
    assert_eq!(asterisk.lines(), scenario.outcome);
}

#[test]
fn the_channels_are_compared_from_time_to_time() {
    let scenario = scenario("in_answered");
    let (mut asterisk, messages) = Asterisk::connected(&scenario);
    asterisk.play(&messages[..20]);
    asterisk.channels.clear();
    asterisk.now = asterisk.now.plus_ms(COMPARE_EVERY_MS);
    asterisk.session.tick(asterisk.now);
    asterisk.respond();
    asterisk.now = asterisk.now.plus_ms(COMPARE_EVERY_MS);
    asterisk.session.tick(asterisk.now);
    asterisk.respond();
    assert_eq!(asterisk.session.report().calls_open, 0);
    assert_eq!(asterisk.gaps, [], "the connection was never lost");
}

#[test]
fn another_process_continues_with_what_asterisk_kept_wherever_the_first_one_ended() {
    for scenario in scenarios() {
        let messages = Asterisk::playing(&scenario).1.len();
        for (cut, kept) in (0..messages).step_by(4).flat_map(|cut| [(cut, 0), (cut, 15)]) {
            let asterisk = interrupted(&scenario, cut, (cut + kept).min(messages), Process::Restarts);
            assert_outcome(&asterisk, &scenario, &format!("cut at {cut}, {kept} messages kept"));
        }
    }
}
