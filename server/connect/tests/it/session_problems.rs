//! What is wrong with Asterisk, its configuration, or what it sends: each has a sentence that says what to do.

use connect::{
    asterisk::session::{Account, Failure, Session, UNREADABLE_MAX_BYTES},
    session::{DEAD_MS, Failure as _, Saved, Session as _},
};
use domain::connector::{ASTERISK_MIN, ConnectorProblem};

use crate::{
    ami_connector::{Connector, NOW, account, answered, playing, scenario},
    fake_asterisk::FakeAsterisk,
    outcome,
    scenario::settings,
};

/// A line that is far too long, in bytes.
const LONG_LINE_BYTES: usize = 10_000_000;
/// What is read at once, in bytes.
const PIECE_BYTES: usize = 64 * 1_024;

#[test]
fn a_wrong_secret_is_named() {
    let mut asterisk = FakeAsterisk::new();
    asterisk.secret = "another".to_owned();
    let mut connector = Connector::new();
    let why = connector.connect(&mut asterisk).unwrap_err();
    connector.session.disconnected(connector.now, why.clone());
    assert_eq!(why, Failure::WrongSecret);
    assert_eq!(connector.problem(), Some(ConnectorProblem::WrongSecret));
    assert!(why.to_string().contains("manager.conf"), "{why}");
}

#[test]
fn a_missing_permission_to_report_is_named() {
    let mut asterisk = FakeAsterisk::new();
    asterisk.may_report = false;
    let why = Connector::new().connect(&mut asterisk).unwrap_err();
    assert_eq!(why.problem(), ConnectorProblem::MissingPermission);
    assert!(why.to_string().contains("write = reporting"), "{why}");
}

#[test]
fn a_missing_permission_to_read_calls_is_named_once_a_call_is_seen_without_events() {
    let (mut asterisk, messages, _) = answered();
    let mut connector = Connector::new();
    connector.connect(&mut asterisk).unwrap();
    connector.pass(4_500).unwrap();
    asterisk.happen(&messages[0]);
    for _ in 0..3 {
        connector.exchange(&mut asterisk, "").unwrap();
        connector.pass(1_000).unwrap();
    }
    let report = connector.session.report();
    assert_eq!(report.problem, Some(ConnectorProblem::MissingPermission));
    assert!(report.detail.unwrap().contains("read = call"));
    messages[..6].iter().for_each(|message| connector.hear(&mut asterisk, message));
    assert_eq!(connector.problem(), None, "events arrive now");
}

#[test]
fn an_asterisk_that_is_too_old_is_named() {
    let mut asterisk = FakeAsterisk::new();
    for (ami, asterisk_version, named) in [("2.10.6", None, "AMI 2.10.6"), ("5.0.1", Some("13.38.3"), "13.38.3")] {
        (asterisk.version, asterisk.asterisk_version) = (ami, asterisk_version);
        let why = Connector::new().connect(&mut asterisk).unwrap_err();
        assert!(matches!(&why, Failure::TooOld(version) if version == named), "{why}");
        assert!(why.to_string().contains(&format!("Asterisk {ASTERISK_MIN}")), "{why}");
    }
}

#[test]
fn an_asterisk_that_does_not_tell_its_version_is_known_by_its_protocol() {
    let mut asterisk = FakeAsterisk::new();
    let shown = |asterisk: &mut FakeAsterisk| {
        let mut connector = Connector::new();
        connector.connect(asterisk).unwrap();
        connector.session.report().system_version
    };
    assert_eq!(shown(&mut asterisk).as_deref(), Some("22.10.1"));
    asterisk.asterisk_version = Some("GIT-master-5a1b");
    assert_eq!(shown(&mut asterisk).as_deref(), Some("GIT-master-5a1b"));
    asterisk.asterisk_version = None;
    assert_eq!(shown(&mut asterisk).as_deref(), Some("Asterisk with AMI 11.0.0"));
}

#[test]
fn a_message_without_end_ends_the_connection() {
    let line = "Key: value\r\n";
    for endless in ["x".repeat(UNREADABLE_MAX_BYTES), line.repeat(UNREADABLE_MAX_BYTES / line.len())] {
        let mut connector = Connector::new();
        connector.connect(&mut FakeAsterisk::new()).unwrap();
        assert_eq!(connector.session.received(connector.now, endless.as_bytes()), Ok(()));
        assert_eq!(connector.problem(), (endless.contains(line)).then_some(ConnectorProblem::Malformed));
        let again = connector.session.received(connector.now, &endless.as_bytes()[..128 * 1_024]);
        assert_eq!(again, Err(Failure::Endless));
        assert_eq!(again.unwrap_err().problem(), ConnectorProblem::Malformed);
        let mut greeted = Connector::new();
        greeted.session.connected(greeted.now);
        assert_eq!(greeted.session.received(greeted.now, endless.as_bytes()), Err(Failure::NotAmi));
    }
}

#[test]
fn something_else_at_the_address_is_recognised() {
    let mut connector = Connector::new();
    connector.session.connected(connector.now);
    let web = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n";
    assert_eq!(connector.session.received(connector.now, web), Err(Failure::NotAmi));
    let mut silent = Connector::new();
    silent.session.connected(silent.now);
    assert_eq!(silent.pass(DEAD_MS), Err(Failure::NotAmi));
}

#[test]
fn a_wrong_clock_of_asterisk_is_corrected_and_reported() {
    let mut times_s = Vec::new();
    for ahead_ms in [0, 300_000] {
        let (mut asterisk, messages) = playing(&scenario("in_answered"));
        asterisk.now_ms = Some(NOW.0 + ahead_ms);
        let mut connector = Connector::new();
        connector.connect(&mut asterisk).unwrap();
        for message in &messages {
            connector.hear(&mut asterisk, message);
        }
        assert_eq!(outcome::lines(&connector.posted), scenario("in_answered").outcome, "durations are the same");
        let report = connector.session.report();
        assert_eq!(report.problem, (ahead_ms > 0).then_some(ConnectorProblem::ClockOff));
        assert!(ahead_ms == 0 || report.detail.unwrap().contains("300 s ahead"));
        times_s.push(connector.posted.iter().map(|event| event.timestamp_s).collect::<Vec<_>>());
    }
    let corrected: Vec<i64> = times_s[1].iter().map(|second| second + 300).collect();
    assert_eq!(corrected, times_s[0]);
}

#[test]
fn garbage_and_long_lines_cost_one_message_each() {
    let (mut asterisk, messages) = playing(&scenario("in_answered"));
    let mut connector = Connector::new();
    connector.connect(&mut asterisk).unwrap();
    let long = format!("Event: Newchannel\r\nX: {}\r\n\r\n", "x".repeat(LONG_LINE_BYTES));
    for (at, message) in messages.iter().enumerate() {
        let noise = if at % 9 == 0 { long.as_str() } else { "\u{0}no colon\r\n\r\n" };
        for piece in noise.as_bytes().chunks(PIECE_BYTES) {
            assert_eq!(connector.session.received(connector.now, piece), Ok(()));
        }
        connector.hear(&mut asterisk, message);
    }
    assert_eq!(outcome::lines(&connector.posted), scenario("in_answered").outcome);
    assert_eq!(connector.problem(), Some(ConnectorProblem::Malformed));
}

#[test]
fn trunks_that_match_nothing_are_named_with_the_endpoints_seen() {
    let (mut asterisk, messages) = playing(&scenario("in_answered"));
    let mut wrong = settings();
    wrong.trunks = std::collections::BTreeSet::from(["provider".to_owned()]);
    let mut connector = Connector::new();
    connector.session = Session::new(account(), wrong, Saved::default());
    connector.connect(&mut asterisk).unwrap();
    let report = connector.session.report();
    assert_eq!(report.problem, Some(ConnectorProblem::UnknownTrunk), "before the first call");
    assert!(report.detail.unwrap().contains("no endpoint of this name: provider"));
    for _ in 0..3 {
        for message in &messages {
            connector.hear(&mut asterisk, message);
        }
    }
    let report = connector.session.report();
    assert_eq!(report.problem, Some(ConnectorProblem::UnknownTrunk));
    assert_eq!(report.seen, ["7048", "trunk"]);
    assert!(report.detail.unwrap().ends_with("Endpoints seen: 7048, trunk"));
}

#[test]
fn a_secret_with_a_line_break_is_not_sent() {
    let mut connector = Connector::new();
    let account = Account { user: "offhook".to_owned(), secret: "a\r\nAction: Originate".to_owned() };
    connector.session = Session::new(account, settings(), Saved::default());
    let why = connector.connect(&mut FakeAsterisk::new()).unwrap_err();
    assert_eq!(why.problem(), ConnectorProblem::WrongSecret);
    assert_eq!(connector.session.take_outgoing(), b"");
}
