//! The published payloads are the contract: byte for byte.

use domain::{
    body::body,
    event::{NewEvent, PostedEvent},
    payload::Payload,
};

const PUBLISHED: [&str; 4] = [
    r#"{"payload":{"event":"IncomingCall","call_id":"2f533604-aaaf-11e7-b600-7ac8e42434d2","callee_number":"01202912204","caller_number":"01202901222"},"timestamp":1507305504,"auth_token":"my-token"}"#,
    r#"{"payload":{"event":"OutgoingCall","call_id":"3dc54a92-aaaf-11e7-b600-7ac8e42434d2","callee_number":"441202901222","caller_number":"01202912204"},"timestamp":1507305529,"auth_token":"my-token"}"#,
    r#"{"payload":{"event":"CallProcessed","call_id":"2f533604-aaaf-11e7-b600-7ac8e42434d2","call_cost":0.0,"call_type":"incoming","call_duration":6,"call_status":"answered","source":{"type":"address_contact","id":8203},"destination":{"type":"extension","id":7048}},"timestamp":1507305512,"auth_token":"my-token"}"#,
    r#"{"payload":{"event":"CallProcessed","call_id":"3dc54a92-aaaf-11e7-b600-7ac8e42434d2","call_cost":"0.01","call_type":"outgoing","call_duration":5,"call_status":"answered","source":{"type":"extension","id":7048},"destination":"01234567890"},"timestamp":1507305538,"auth_token":"hTUxUXj6Du7nhlUumr4SqSmyQ57i0y"}"#,
];

#[test]
fn the_published_payloads_are_sent_byte_for_byte() {
    for published in PUBLISHED {
        let auth_token = published.rsplit('"').nth(1).unwrap();
        let posted = published.replace(&format!(",\"auth_token\":\"{auth_token}\""), "");
        let posted: PostedEvent = serde_json::from_str(&posted).unwrap();
        let event = NewEvent::parse(&posted).unwrap();
        assert_eq!(body(&event.payload.text, None, event.timestamp.unwrap(), auth_token), published);
    }
}

#[test]
fn known_keys_come_first_and_unknown_keys_follow_in_order() {
    let payload = Payload::parse(
        r#"{ "zulu": 1, "caller_number": "2", "event": "IncomingCall", "alpha": {"b":1, "a" : [ 1.50 ]},
             "callee_number": "1", "call_id": "2F533604-AAAF-11E7-B600-7AC8E42434D2" }"#,
    )
    .unwrap();
    assert_eq!(
        payload.text,
        r#"{"event":"IncomingCall","call_id":"2F533604-AAAF-11E7-B600-7AC8E42434D2","callee_number":"1","caller_number":"2","zulu":1,"alpha":{"b":1,"a":[1.50]}}"#
    );
    assert_eq!(payload.call_id, "2f533604-aaaf-11e7-b600-7ac8e42434d2");
}

#[test]
fn parties_are_described_in_plain_words() {
    let payload = Payload::parse(domain::event::EventKind::CallProcessed.example()).unwrap();
    assert_eq!((payload.caller.as_str(), payload.callee.as_str()), ("address contact 8203", "extension 7048"));
}

#[test]
fn a_contract_violation_names_every_field() {
    let broken = |json: &str| -> Vec<String> {
        Payload::parse(json).unwrap_err().fields().iter().map(|e| e.field.clone()).collect()
    };
    assert_eq!(broken("[]"), ["payload"]);
    assert_eq!(broken(r#"{"event":"Ring"}"#), ["payload.event"]);
    assert_eq!(
        broken(r#"{"event":"IncomingCall","call_id":"x","callee_number":1}"#),
        ["payload.call_id", "payload.callee_number", "payload.caller_number"]
    );
    let wrong = r#"{"event":"CallProcessed","call_id":"2f533604-aaaf-11e7-b600-7ac8e42434d2","call_cost":"1,5","call_type":"x","call_duration":-1,"call_status":"?","source":{"type":"extension"},"destination":7}"#;
    assert_eq!(
        broken(wrong),
        ["call_cost", "call_type", "call_duration", "call_status", "source", "destination"]
            .map(|f| format!("payload.{f}"))
    );
    let twice = r#"{"event":"IncomingCall","call_id":"2f533604-aaaf-11e7-b600-7ac8e42434d2","callee_number":"1","caller_number":"2","x":1,"x":2}"#;
    assert_eq!(broken(twice), ["payload.x"]);
}

#[test]
fn a_stored_party_keeps_the_limits_of_a_number() {
    let with = |party: &str| {
        let json = domain::event::EventKind::CallProcessed.example();
        Payload::parse(&json.replace(r#"{"type":"extension","id":7048}"#, party))
    };
    assert!(with(r#"{"type":"extension","id":"front desk"}"#).is_ok());
    let long = "9".repeat(65);
    for party in [
        r#"{"type":"a","id":"\u0000"}"#.to_owned(),
        r#"{"type":"\n","id":1}"#.to_owned(),
        format!(r#"{{"type":"{long}","id":1}}"#),
        format!(r#"{{"type":"a","id":"{long}"}}"#),
    ] {
        let refused = with(&party).unwrap_err();
        assert_eq!(refused.fields()[0].field, "payload.destination", "{party}");
    }
}

#[test]
fn many_repeated_keys_are_named_up_to_a_limit() {
    let again = r#","x":1"#.repeat(5_000);
    let json = domain::event::EventKind::IncomingCall.example().replace('}', &format!("{again}}}"));
    assert_eq!(Payload::parse(&json).unwrap_err().fields().len(), 20);
}

#[test]
fn a_timestamp_in_milliseconds_is_refused() {
    let posted: PostedEvent = serde_json::from_str(r#"{"payload":{},"timestamp":1507305504000}"#).unwrap();
    assert_eq!(NewEvent::parse(&posted).unwrap_err().fields()[0].field, "timestamp");
}

#[test]
fn a_value_that_common_parsers_cannot_read_is_refused_wherever_it_is() {
    let with = |value: &str| {
        let json = domain::event::EventKind::IncomingCall.example();
        Payload::parse(&json.replace('}', &format!(r#","x":{value}}}"#)))
    };
    // A receiver's parser would reject the whole body, auth token and all.
    for unreadable in [r#""\ud83d""#, r#"[{"a":"\udcde\ud83d"}]"#, r#"{"\ud83d":1}"#, "1e400", "[-1e999]"] {
        let refused = with(unreadable).unwrap_err();
        assert_eq!(refused.fields()[0].field, "payload.x", "{unreadable}");
    }
    for readable in [r#""\ud83d\udcde""#, r#"{"\u00e9":"\\ud83d"}"#, "1e300", "123456789012345678901234567890"] {
        assert!(with(readable).is_ok(), "{readable}");
    }
}
