//! A session with an Asterisk that connects to us: the recordings, lost connections, and what an administrator learns.

use std::collections::HashMap;

use connect::{
    asterisk::ari::session::{Batch, COMPARE_EVERY_MS, Failure, MALFORMED_MAX, Saved, Session, UNNEEDED_EVENTS},
    event::CallEvent,
};
use domain::{
    UnixMs,
    connector::{ConnectorProblem, Gap, GapReason},
    time::{SECOND_MS, parse_utc},
};
use serde_json::{Value, json};

use crate::{
    outcome::lines,
    scenario::{Scenario, scenarios, settings},
};

/// An Asterisk, as the session sees it, and what the session produced.
struct Asterisk {
    session: Session,
    posted: Vec<CallEvent>,
    gaps: Vec<Gap>,
    saved: Option<Saved>,
    now: UnixMs,
    /// Channels by ID, with the bridge that each is in.
    channels: HashMap<String, (Value, Option<String>)>,
    presentations: HashMap<String, String>,
    startup_time: String,
    answers_questions: bool,
}

impl Asterisk {
    fn new() -> Self {
        Self::following(Session::new(settings(), Saved::default()))
    }

    fn following(session: Session) -> Self {
        Self {
            session,
            posted: Vec::new(),
            gaps: Vec::new(),
            saved: None,
            now: UnixMs(1_795_832_000_000),
            channels: HashMap::new(),
            presentations: HashMap::new(),
            startup_time: "2026-11-28T00:00:00.000+0000".to_owned(),
            answers_questions: true,
        }
    }

    /// The state of this scenario's channels is what its messages state last.
    fn playing(scenario: &Scenario) -> (Self, Vec<Value>) {
        let text = String::from_utf8(scenario.bytes("ari.json")).unwrap();
        let messages: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let mut asterisk = Self::new();
        for channel in messages.iter().flat_map(channels_of) {
            if let Some(stated) = channel["channelvars"]["CALLERID(num-pres)"].as_str() {
                asterisk.presentations.insert(channel["id"].as_str().unwrap().to_owned(), stated.to_owned());
            }
        }
        let needed = |message: &Value| !UNNEEDED_EVENTS.contains(&message["type"].as_str().unwrap());
        (asterisk, messages.into_iter().filter(needed).collect())
    }

    fn connect(&mut self) {
        self.session.connected(self.now);
    }

    /// What is asked is answered, until nothing is.
    fn respond(&mut self) {
        loop {
            let requests = self.session.take_outgoing();
            if requests.is_empty() {
                return self.take();
            }
            for request in requests {
                let request: Value = serde_json::from_str(&request).unwrap();
                if let Some(response) = self.response(&request) {
                    self.session.received(self.now, response.to_string().as_bytes()).unwrap();
                }
            }
        }
    }

    fn response(&self, request: &Value) -> Option<Value> {
        let uri = request["uri"].as_str().unwrap();
        let (status, body) = match uri {
            "asterisk/info" => {
                (200, json!({ "system": { "version": "22.5.0" }, "status": { "startup_time": self.startup_time } }))
            }
            "channels" => (200, self.channels.values().map(|(channel, _)| channel.clone()).collect()),
            "bridges" => (200, self.bridges()),
            uri if uri.ends_with("/eventFilter") => (200, json!({})),
            _ if !self.answers_questions => return None,
            uri => {
                let id = uri.strip_prefix("channels/")?.split('/').next()?;
                assert!(uri.ends_with("/variable?variable=CALLERID(num-pres)"), "{uri}");
                match self.channels.get(id) {
                    Some(_) => {
                        let stated = self.presentations.get(id).map_or("allowed_not_screened", String::as_str);
                        (200, json!({ "value": stated }))
                    }
                    None => (404, json!({ "message": "Channel not found" })),
                }
            }
        };
        Some(json!({ "type": "RESTResponse", "request_id": request["request_id"], "status_code": status, "uri": uri,
            "message_body": body.to_string() }))
    }

    fn bridges(&self) -> Value {
        let mut bridges: HashMap<&String, Vec<&String>> = HashMap::new();
        for (id, (_, bridge)) in &self.channels {
            if let Some(bridge) = bridge {
                bridges.entry(bridge).or_default().push(id);
            }
        }
        bridges.into_iter().map(|(id, members)| json!({ "id": id, "channels": members })).collect()
    }

    /// Something happens; nobody is told.
    fn happen(&mut self, message: &Value) {
        self.now = parse_utc(message["timestamp"].as_str().unwrap()).unwrap();
        for channel in channels_of(message) {
            let id = channel["id"].as_str().unwrap().to_owned();
            self.channels.entry(id).or_insert((Value::Null, None)).0 = channel.clone();
        }
        let Some(id) = message["channel"]["id"].as_str() else { return };
        match message["type"].as_str().unwrap() {
            "ChannelEnteredBridge" => {
                let bridge = message["bridge"]["id"].as_str().unwrap().to_owned();
                self.channels.get_mut(id).unwrap().1 = Some(bridge);
            }
            "ChannelLeftBridge" => self.channels.get_mut(id).unwrap().1 = None,
            "ChannelDestroyed" => drop(self.channels.remove(id)),
            _ => {}
        }
    }

    fn tell(&mut self, message: &Value) {
        self.session.received(self.now, message.to_string().as_bytes()).unwrap();
        self.respond();
    }

    fn play(&mut self, messages: &[Value]) {
        for message in messages {
            self.happen(message);
            self.tell(message);
        }
    }

    fn take(&mut self) {
        if let Some(batch) = self.session.take_batch(self.now) {
            self.keep(batch);
        }
    }

    fn keep(&mut self, batch: Batch) {
        self.posted.extend(batch.events);
        self.gaps.extend(batch.gaps);
        self.saved = batch.state.or(self.saved.take());
    }

    fn disconnect(&mut self) {
        self.session.disconnected(self.now, GapReason::ConnectionLost, None);
        let batch = self.session.last_batch(self.now);
        self.keep(batch);
    }

    /// Another process continues with what was saved.
    fn restart(&mut self) {
        let text = serde_json::to_string(&self.saved.take().unwrap_or_default()).unwrap();
        self.session = Session::new(settings(), serde_json::from_str(&text).unwrap());
    }

    fn problem(&self) -> Option<ConnectorProblem> {
        self.session.report().problem
    }

    fn lines(&self) -> Vec<String> {
        lines(&self.posted)
    }
}

fn channels_of(message: &Value) -> impl Iterator<Item = &Value> {
    ["channel", "caller", "peer"].into_iter().map(|part| &message[part]).filter(|channel| channel.is_object())
}

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
        let (mut asterisk, messages) = Asterisk::playing(&scenario);
        asterisk.connect();
        asterisk.respond();
        asterisk.play(&messages);
        assert_eq!(asterisk.lines(), scenario.outcome, "{}", scenario.name);
        assert_eq!(asterisk.session.report().calls_open, 0, "{}", scenario.name);
    }
}

#[test]
fn what_asterisk_kept_fills_the_gap_wherever_the_connection_was_lost() {
    for scenario in scenarios() {
        let (_, messages) = Asterisk::playing(&scenario);
        for cut in (0..messages.len()).step_by(7) {
            let (mut asterisk, _) = Asterisk::playing(&scenario);
            asterisk.connect();
            asterisk.respond();
            let until = (cut + 15).min(messages.len());
            asterisk.play(&messages[..cut]);
            asterisk.disconnect();
            messages[cut..until].iter().for_each(|message| asterisk.happen(message));
            asterisk.connect();
            for message in &messages[cut..until] {
                asterisk.session.received(asterisk.now, message.to_string().as_bytes()).unwrap();
            }
            asterisk.respond();
            asterisk.play(&messages[until..]);
            let (lines, outcome) = (sorted(asterisk.lines()), sorted(scenario.outcome.clone()));
            let shown = |lines: Vec<String>| lines.join("\n").replace("anonymous", "01632960001");
            assert_eq!(shown(lines), shown(outcome), "{} cut at {cut}", scenario.name);
            assert_eq!(asterisk.gaps.iter().map(|gap| gap.incomplete).sum::<u32>(), 0, "{} {cut}", scenario.name);
        }
    }
}

#[test]
fn another_process_continues_a_call_and_reports_the_gap() {
    let scenario = scenario("in_answered");
    let (mut asterisk, messages) = Asterisk::playing(&scenario);
    asterisk.connect();
    asterisk.respond();
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
        let (mut asterisk, messages) = Asterisk::playing(&scenario);
        asterisk.connect();
        asterisk.respond();
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
fn a_number_is_shown_only_once_asterisk_has_said_that_it_may_be() {
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
    let (mut asterisk, messages) = Asterisk::playing(&scenario);
    asterisk.connect();
    asterisk.respond();
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
    let (mut asterisk, messages) = Asterisk::playing(&scenario("in_answered"));
    asterisk.connect();
    asterisk.respond();
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
    let (mut asterisk, messages) = Asterisk::playing(&scenario);
    asterisk.connect();
    asterisk.respond();
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
