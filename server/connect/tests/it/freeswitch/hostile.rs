//! What a broken or hostile FreeSWITCH sends.

use connect::{
    freeswitch::{Decoder, EVENT_MAX_BYTES, HEADERS_MAX_BYTES},
    session::Session as _,
};
use domain::payload::Payload;
use proptest::{collection::vec, prelude::*};

use super::{
    connector::Connector,
    fake::{Step, framed},
    scenarios::SCENARIOS,
    steps::from_outside,
};

#[test]
fn hostile_numbers_and_names_stay_within_the_contract() {
    let long = "9".repeat(100_000);
    for text in ["\"'); DROP TABLE", "0\r\n1\u{0}", "\u{202e}123", "+44 1632 960001", "Local/;1", long.as_str()] {
        let mut connector = Connector::connected();
        let mut new = from_outside(1);
        new.from = text.to_owned();
        new.to = text.to_owned();
        let id = new.id.clone();
        connector.play(&[Step::Create(new), Step::Hangup(id, "NORMAL_CLEARING", Vec::new())]);
        assert_eq!(connector.posted.len(), 2, "{text:.20}");
        for event in &connector.posted {
            let json = serde_json::to_string(&event.payload).unwrap();
            Payload::parse(&json).unwrap();
        }
    }
}

#[test]
fn an_id_that_would_be_a_command_is_never_sent() {
    let mut connector = Connector::new();
    let mut new = from_outside(1);
    new.id = "x json\n\napi shutdown".to_owned();
    connector.miss(&[Step::Create(new)]);
    connector.connect().unwrap();
    assert!(connector.session.report().connected);
}

#[test]
fn channels_without_end_are_bounded_by_comparison() {
    let mut connector = Connector::connected();
    for n in 1..=2_000 {
        let told = connector.fake.happen(&Step::Create(from_outside(n)));
        connector.exchange(&told).unwrap();
    }
    assert_eq!(connector.session.channels(), 2_000);
    connector.fake.restart();
    connector.lose();
    connector.connect().unwrap();
    assert_eq!((connector.session.channels(), connector.session.report().calls_open), (0, 0));
    assert_eq!(connector.disk.open_calls(), 0);
}

/// A damaged stream: bytes that are changed, removed or repeated.
fn damaged(stream: &[u8], edits: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    let mut bytes = stream.to_vec();
    for (place, kind, byte) in edits {
        if bytes.is_empty() {
            break;
        }
        let at = place.index(bytes.len());
        match kind % 3 {
            0 => bytes[at] = *byte,
            1 => drop(bytes.remove(at)),
            _ => bytes.insert(at, *byte),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_damaged_stream_gives_valid_events_and_holds_little(
        number in 0_usize..1_000,
        edits in vec((any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 0..30),
        size in 1_usize..500,
    ) {
        let mut fake = Connector::new().fake;
        let steps = (SCENARIOS[number % SCENARIOS.len()].steps)(1);
        let stream: String = steps.iter().map(|step| fake.happen(step)).collect();
        let mut connector = Connector::connected();
        let mut decoder = Decoder::default();
        for piece in damaged(stream.as_bytes(), &edits).chunks(size) {
            decoder.push(piece);
            prop_assert!(decoder.held_bytes() <= HEADERS_MAX_BYTES + EVENT_MAX_BYTES);
            if connector.session.received(connector.now(), piece).is_err() {
                break;
            }
            connector.save();
        }
        for event in &connector.posted {
            let json = serde_json::to_string(&event.payload).unwrap();
            prop_assert!(Payload::parse(&json).is_ok(), "{}", json);
        }
    }
}

#[test]
fn a_repeated_event_changes_nothing() {
    for scenario in &SCENARIOS {
        let mut connector = Connector::connected();
        for step in (scenario.steps)(1) {
            let told = connector.fake.happen(&step);
            connector.exchange(&(told.clone() + &told)).unwrap();
        }
        assert_eq!(crate::outcome::lines(&connector.posted), scenario.outcome, "{}", scenario.name);
        assert!(connector.exchange(&framed("[]")).is_ok());
        assert_eq!(connector.session.report().calls_open, 0, "{}", scenario.name);
    }
}
