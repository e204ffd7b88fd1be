//! What the event socket reports of a call is what its record (`mod_json_cdr`) reports, under the same IDs.

use connect::{
    event::{CallEvent, Identity, Payload},
    http_in::{Calls, Locale, Preset, Received, Request},
};
use serde_json::{Map, Value, json};

use super::{
    connector::Connector,
    fake::{Headers, Step},
    scenarios::SCENARIOS,
};
use crate::outcome::line;

/// What the preset for `mod_json_cdr` makes of the record of a call.
fn from_record(record: &Value) -> Vec<CallEvent> {
    let mapper = Preset::find("freeswitch").unwrap().mapping().unwrap().compile().unwrap();
    let locale = Locale { country: None, zone: None };
    let received = Received { identity: Identity::new("con_1"), locale: &locale, at_s: 0 };
    let body = record.to_string();
    let request = Request { query: "", content_type: Some("application/json"), body: body.as_bytes() };
    let mut calls = Calls::default();
    let trials = mapper.apply(request, &received).unwrap();
    trials.into_iter().flat_map(|trial| calls.fold(trial.outcome, 0).unwrap()).collect()
}

/// The record of an A leg, from its headers and the seconds that FreeSWITCH bills.
fn record(leg: &Headers, more: &[(&str, String)], billsec: i64, ended_s: i64) -> Value {
    let mut variables = Map::new();
    let all = leg.iter().map(|(key, value)| (key.as_str(), value)).chain(more.iter().map(|(key, value)| (*key, value)));
    for (name, value) in all.filter_map(|(key, value)| Some((key.strip_prefix("variable_")?, value))) {
        variables.insert(name.to_owned(), value.clone().into());
    }
    variables.insert("billsec".to_owned(), billsec.to_string().into());
    if billsec > 0 && !variables.contains_key("voicemail_message_len") {
        variables.insert("bridge_epoch".to_owned(), "1795833602".into());
    }
    variables.insert("end_epoch".to_owned(), ended_s.to_string().into());
    let is_incoming = leg["Caller-Context"] == "public";
    variables.insert("call_direction".to_owned(), if is_incoming { "inbound" } else { "outbound" }.into());
    let (caller, dialled) = (&leg["Caller-Caller-ID-Number"], &leg["Caller-Destination-Number"]);
    if !is_incoming {
        variables.insert("effective_caller_id_number".to_owned(), "01632960100".into());
    } else {
        variables.insert("dialed_user".to_owned(), "7048".into());
    }
    let profile = json!({"caller_id_number": caller, "destination_number": dialled, "context": leg["Caller-Context"]});
    json!({"channel_data": {"direction": "inbound"}, "variables": variables, "callflow": [{"caller_profile": profile}]})
}

#[test]
fn a_call_record_that_is_posted_as_well_adds_nothing() {
    let calls = [
        ("in_answered", 5),
        ("in_busy", 0),
        ("in_no_answer", 0),
        ("in_cancelled", 0),
        ("in_voicemail", 12),
        ("out_answered", 4),
        ("out_busy", 0),
    ];
    for (name, billsec) in calls {
        let steps = (SCENARIOS.iter().find(|scenario| scenario.name == name).unwrap().steps)(1);
        let mut connector = Connector::connected();
        let mut leg = Headers::new();
        let (mut more, mut ended_s) = (Vec::new(), 0);
        for step in &steps {
            if let Step::Hangup(id, cause, variables) = step
                && Some(id) == leg_id(&steps[0])
            {
                leg = connector.fake.channels[id].clone();
                more = variables.clone();
                ended_s = connector.now().unix_seconds();
                more.push(("variable_hangup_cause", (*cause).to_owned()));
            }
            connector.play(std::slice::from_ref(step));
        }
        let recorded = from_record(&record(&leg, &more, billsec, ended_s));
        let end = connector.posted.iter().find(|event| matches!(event.payload, Payload::CallProcessed(_))).unwrap();
        assert_eq!(recorded.len(), 1, "{name}");
        assert_eq!((&recorded[0].id, line(&recorded[0])), (&end.id, line(end)), "{name}");
        assert_eq!(recorded[0].timestamp_s, end.timestamp_s, "{name}");
    }
}

fn leg_id(step: &Step) -> Option<&String> {
    if let Step::Create(new) = step { Some(&new.id) } else { None }
}
