//! The session with Asterisk, on recorded streams and a clock of the test's own.

use connect::{
    asterisk::session::{Account, Batch, DEAD_MS, Failure, Observed, PING_AFTER_MS, Saved, Session, TICK_MS},
    call::{CallRecord, OpenCall, Snapshot},
    event::CallEvent,
};
use domain::{
    UnixMs,
    connector::{ConnectorProblem, Gap, GapReason},
};

use crate::{
    fake_asterisk::{FakeAsterisk, messages},
    outcome,
    scenario::{Scenario, scenarios, settings},
};

const NOW: UnixMs = UnixMs(1_795_833_600_000);

/// A connector with its disk.
struct Connector {
    session: Session,
    now: UnixMs,
    posted: Vec<CallEvent>,
    gaps: Vec<Gap>,
    /// The open calls as they are on disk.
    disk: Vec<(String, String)>,
    finished: Vec<String>,
    observed: Option<Observed>,
    records: Vec<CallRecord>,
}

impl Connector {
    fn new() -> Self {
        Self {
            session: Session::new(account(), settings(), Saved::default()),
            now: NOW,
            posted: Vec::new(),
            gaps: Vec::new(),
            disk: Vec::new(),
            finished: Vec::new(),
            observed: None,
            records: Vec::new(),
        }
    }

    /// Moves bytes back and forth until neither has more to say.
    fn exchange(&mut self, asterisk: &mut FakeAsterisk, first: &str) -> Result<(), Failure> {
        let (mut bytes, mut unread) = (first.to_owned(), String::new());
        loop {
            self.session.received(self.now, bytes.as_bytes())?;
            if self.session.wants_records().is_some() {
                let records = self.records.clone();
                self.session.records(self.now, records);
            }
            self.save();
            bytes = asterisk.receive(&mut unread, &self.session.take_outgoing());
            if bytes.is_empty() {
                return Ok(());
            }
        }
    }

    fn connect(&mut self, asterisk: &mut FakeAsterisk) -> Result<(), Failure> {
        self.session.connected(self.now);
        let greeting = asterisk.greeting();
        self.exchange(asterisk, &greeting)
    }

    fn save(&mut self) {
        if let Some(batch) = self.session.take_batch(self.now) {
            self.keep(batch);
        }
    }

    fn keep(&mut self, batch: Batch) {
        self.posted.extend(batch.events);
        self.gaps.extend(batch.gaps);
        self.observed = Some(batch.observed);
        for call in batch.changes.open {
            self.disk.retain(|(key, _)| key != call.key());
            self.disk.push((call.key().to_owned(), serde_json::to_string(&call).unwrap()));
        }
        for key in batch.changes.ended {
            self.disk.retain(|(open, _)| *open != key);
            self.finished.push(key);
        }
    }

    /// Is killed, and starts again from its disk.
    fn restart(&mut self) {
        let open: Vec<OpenCall> = self.disk.iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect();
        let calls = Snapshot { open, finished: self.finished.clone() };
        self.session = Session::new(account(), settings(), Saved { calls, observed: self.observed.clone() });
    }

    /// Asterisk does this, and says so.
    fn hear(&mut self, asterisk: &mut FakeAsterisk, message: &str) {
        asterisk.happen(message);
        self.exchange(asterisk, message).unwrap();
    }

    /// Time passes, in ticks, without a word from Asterisk.
    fn pass(&mut self, ms: i64) -> Result<(), Failure> {
        for _ in 0..ms / TICK_MS {
            self.now = self.now.plus_ms(TICK_MS);
            self.session.tick(self.now)?;
        }
        Ok(())
    }

    fn problem(&self) -> Option<ConnectorProblem> {
        self.session.report().problem
    }
}

fn account() -> Account {
    Account { user: "offhook".to_owned(), secret: "s3cret".to_owned() }
}

fn playing(scenario: &Scenario) -> (FakeAsterisk, Vec<String>) {
    let recording = String::from_utf8(scenario.bytes("ami")).unwrap();
    let mut asterisk = FakeAsterisk::new();
    asterisk.read_presentations(&recording);
    (asterisk, messages(&recording))
}

/// A call that is answered, from its first event to shortly before its end, and the end.
fn answered() -> (FakeAsterisk, Vec<String>, Vec<String>) {
    let (asterisk, messages) = playing(&scenario("in_answered"));
    let begin = messages.iter().position(|message| message.starts_with("Event: Newchannel")).unwrap();
    let end = messages.iter().position(|message| message.starts_with("Event: HangupRequest")).unwrap();
    (asterisk, messages[begin..end].to_vec(), messages[end..].to_vec())
}

fn scenario(name: &str) -> Scenario {
    scenarios().into_iter().find(|scenario| scenario.name == name).unwrap()
}

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
    let mut connector = Connector::new();
    connector.connect(&mut asterisk).unwrap();
    for message in messages {
        connector.hear(&mut asterisk, &message);
        let kept = format!("{:?} {:?} {:?}", connector.disk, connector.posted, connector.session.report());
        assert!(!kept.contains("01632960001"), "{kept}");
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
    asterisk.version = "1.4";
    let why = Connector::new().connect(&mut asterisk).unwrap_err();
    assert!(matches!(&why, Failure::TooOld(version) if version == "1.4"));
    assert!(why.to_string().contains("Asterisk 13"), "{why}");
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
fn a_silent_asterisk_is_pinged_after_two_seconds_and_given_up_after_six() {
    let mut asterisk = FakeAsterisk::new();
    let mut connector = Connector::new();
    connector.connect(&mut asterisk).unwrap();
    connector.pass(PING_AFTER_MS - TICK_MS).unwrap();
    assert_eq!(connector.session.take_outgoing(), b"");
    connector.pass(TICK_MS).unwrap();
    assert!(connector.session.take_outgoing().starts_with(b"Action: Ping"));
    assert_eq!(connector.pass(DEAD_MS), Err(Failure::Silent));
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
    connector.session.disconnected(connector.now, Failure::Closed);
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
    connector.session.disconnected(connector.now, Failure::Broken("reset".to_owned()));
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
    connector.session.disconnected(connector.now, Failure::Closed);
    asterisk.rows_lost = 1;
    connector.connect(&mut asterisk).unwrap();
    assert_eq!(connector.session.report().calls_open, 1);
    for message in &after {
        connector.hear(&mut asterisk, message);
    }
    assert_eq!(outcome::lines(&connector.posted), scenario("in_answered").outcome);
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
fn garbage_and_endless_lines_cost_one_message_each() {
    let (mut asterisk, messages) = playing(&scenario("in_answered"));
    let mut connector = Connector::new();
    connector.connect(&mut asterisk).unwrap();
    let endless = format!("Event: Newchannel\r\nX: {}\r\n\r\n", "x".repeat(10 * 1_024 * 1_024));
    for (at, message) in messages.iter().enumerate() {
        let noise = if at % 9 == 0 { endless.as_str() } else { "\u{0}no colon\r\n\r\n" };
        connector.exchange(&mut asterisk, noise).unwrap();
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
