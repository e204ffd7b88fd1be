//! The vendors' documented requests, in their structure and with fictitious numbers, become the right events.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use connect::{
    event::{CallEvent, Identity},
    http_in::{Calls, Locale, Outcome, Preset, Received, Request, presets::PRESETS},
};
use serde_json::Value;

const RECEIVED_S: i64 = 1_795_858_200;

/// What a preset makes of requests that come one after the other, a second apart.
fn replay(preset: &str, country: &str, requests: &[(&str, &str)]) -> Vec<CallEvent> {
    let mapper = Preset::find(preset).unwrap().mapping().unwrap().compile().unwrap();
    let locale = Locale { country: country.parse().ok(), zone: connect::moment::zone("Europe/London").ok() };
    let mut calls = Calls::default();
    let mut events = Vec::new();
    for (at_s, (content_type, body)) in (RECEIVED_S..).zip(requests) {
        let received = Received { identity: Identity::new("con_1"), locale: &locale, at_s };
        let request = Request { query: "", content_type: Some(content_type), body: body.as_bytes() };
        for trial in mapper.apply(request, &received).unwrap() {
            assert!(!matches!(trial.outcome, Outcome::Unmatched | Outcome::Failed(_)), "{}", trial.summary());
            events.extend(calls.fold(trial.outcome, at_s).unwrap());
        }
    }
    events
}

fn forms(preset: &str, country: &str, bodies: &[&str]) -> Vec<String> {
    let requests: Vec<_> = bodies.iter().map(|body| ("application/x-www-form-urlencoded", *body)).collect();
    lines(&replay(preset, country, &requests))
}

fn json(preset: &str, country: &str, bodies: &[&str]) -> Vec<String> {
    let requests: Vec<_> = bodies.iter().map(|body| ("application/json", *body)).collect();
    lines(&replay(preset, country, &requests))
}

/// One line per event: what it says, without its IDs, which must agree within a call and be valid payloads.
fn lines(events: &[CallEvent]) -> Vec<String> {
    events.iter().map(line).collect()
}

fn line(event: &CallEvent) -> String {
    let json = serde_json::to_string(&event.payload).unwrap();
    domain::payload::Payload::parse(&json).unwrap();
    let payload: Value = serde_json::from_str(&json).unwrap();
    let text = |key: &str| match &payload[key] {
        Value::String(text) => text.clone(),
        Value::Object(party) => {
            format!("{}:{}", party["type"].as_str().unwrap(), party["id"].to_string().trim_matches('"'))
        }
        other => other.to_string(),
    };
    if payload["event"] == "CallProcessed" {
        let (kind, status, seconds) = (text("call_type"), text("call_status"), text("call_duration"));
        return format!("CallProcessed {kind} {status} {seconds} s, {} -> {}", text("source"), text("destination"));
    }
    format!("{} {} -> {}", text("event"), text("caller_number"), text("callee_number"))
}

#[test]
fn all_presets_are_valid_mappings() {
    for preset in PRESETS {
        let compiled = preset.mapping().unwrap().compile();
        assert!(compiled.is_ok(), "{}: {:?}", preset.name, compiled.err());
        assert!(!preset.sources.is_empty() && !preset.note.is_empty());
        assert_eq!(Preset::find(preset.name), Some(preset));
    }
}

#[test]
fn requests_of_sipgate_become_events() {
    let events = forms(
        "sipgate",
        "DE",
        &[
            "event=newCall&from=441632960001&to=441632960100&direction=in&callId=123456&user[]=Alice&user[]=Bob&userId[]=w0&userId[]=w1&fullUserId[]=1234567w0&fullUserId[]=1234567w1",
            "event=answer&callId=123456&user=John+Doe&userId=w0&fullUserId=1234567w0&from=441632960001&to=441632960100&direction=in&answeringNumber=441632960100",
            "event=dtmf&dtmf=1&callId=123456",
            "event=hangup&cause=normalClearing&callId=123456&from=441632960001&to=441632960100&direction=in&answeringNumber=441632960100",
            "event=newCall&from=anonymous&to=441632960100&direction=in&callId=7",
            "event=hangup&cause=cancel&callId=7&from=anonymous&to=441632960100&direction=in",
            "event=newCall&from=441632960100&to=447700900123&direction=out&callId=8&user[]=Alice",
            "event=hangup&cause=busy&callId=8&from=441632960100&to=447700900123&direction=out",
        ],
    );
    assert_eq!(
        events,
        [
            "IncomingCall +441632960001 -> +441632960100",
            "CallProcessed incoming answered 2 s, +441632960001 -> extension:w0",
            "IncomingCall anonymous -> +441632960100",
            "CallProcessed incoming cancelled 0 s, anonymous -> +441632960100",
            "OutgoingCall +441632960100 -> +447700900123",
            "CallProcessed outgoing busy 0 s, +441632960100 -> +447700900123",
        ]
    );
}

#[test]
fn an_end_of_sipgate_that_leaves_something_out_takes_it_from_the_beginning() {
    // Its reference lists direction and numbers for every end; what it has not always sent is event, callId and cause.
    let beginning = "event=newCall&from=441632960100&to=447700900123&direction=out&callId=8";
    for end in [
        "event=hangup&cause=busy&callId=8&from=441632960100&to=447700900123",
        "event=hangup&cause=busy&callId=8&from=441632960100&to=447700900123&direction=",
        "event=hangup&cause=busy&callId=8&direction=out",
        "event=hangup&cause=busy&callId=8",
    ] {
        let events = forms("sipgate", "DE", &[beginning, end]);
        assert_eq!(events[1], "CallProcessed outgoing busy 0 s, +441632960100 -> +447700900123", "{end}");
    }
    let hidden =
        ["event=newCall&from=anonymous&to=441632960100&direction=in&callId=9", "event=hangup&cause=cancel&callId=9"];
    assert_eq!(forms("sipgate", "DE", &hidden)[1], "CallProcessed incoming cancelled 0 s, anonymous -> +441632960100");
}

#[test]
fn requests_of_placetel_become_events() {
    let id = "f4591ba315d81671d7a06c2a3b4f963dafd119de39cb26edd8a6476676b2f447";
    let bodies = [
        format!("event=IncomingCall&from=01632960001&to=01632960100&call_id={id}&direction=in"),
        format!(
            "event=CallAccepted&from=01632960001&to=01632960100&call_id={id}&peer=7777abcdefg@fpbx.de&direction=in"
        ),
        format!("event=HungUp&from=01632960001&to=01632960100&call_id={id}&type=accepted&duration=12&direction=in"),
        "event=OutgoingCall&from=7777abcdefg@fpbx.de&to=01632960002&call_id=b&direction=out".to_owned(),
        "event=HungUp&from=7777abcdefg@fpbx.de&to=01632960002&call_id=b&type=unavailable&duration=0&direction=out"
            .to_owned(),
        "event=HungUp&from=anonymous&to=01632960100&call_id=c&type=voicemail&duration=0&direction=in".to_owned(),
    ];
    let bodies: Vec<_> = bodies.iter().map(String::as_str).collect();
    assert_eq!(
        forms("placetel", "GB", &bodies),
        [
            "IncomingCall +441632960001 -> +441632960100",
            "CallProcessed incoming answered 12 s, +441632960001 -> extension:7777abcdefg@fpbx.de",
            "OutgoingCall 7777abcdefg@fpbx.de -> +441632960002",
            "CallProcessed outgoing failed 0 s, extension:7777abcdefg@fpbx.de -> +441632960002",
            "CallProcessed incoming voicemail 0 s, anonymous -> +441632960100",
        ]
    );
}

#[test]
fn requests_of_twilio_become_events() {
    let call = |sid: &str, direction: &str, status: &str, from: &str, more: &str| {
        format!(
            "CallSid={sid}&AccountSid=AC00000000000000000000000000000000&From={from}&To=%2B441632960100&CallStatus={status}\
             &ApiVersion=2010-04-01&Direction={direction}&CallbackSource=call-progress-events{more}"
        )
    };
    let bodies = [
        call("CA1", "inbound", "ringing", "%2B441632960001", ""),
        call(
            "CA1",
            "inbound",
            "completed",
            "%2B441632960001",
            "&CallDuration=9&Duration=1&SequenceNumber=0&Timestamp=Sat%2C%2028%20Nov%202026%2009%3A30%3A09%20%2B0000",
        ),
        call("CA2", "inbound", "ringing", "%2B266696687", ""),
        call("CA2", "inbound", "no-answer", "%2B266696687", ""),
        call("CA3", "outbound-api", "initiated", "%2B441632960002", ""),
        call("CA3", "outbound-api", "ringing", "%2B441632960002", ""),
        call("CA3", "outbound-api", "in-progress", "%2B441632960002", ""),
        call("CA3", "outbound-api", "completed", "%2B441632960002", "&CallDuration=15"),
        call("CA4", "outbound-dial", "completed", "%2B441632960002", "&ParentCallSid=CA1&CallDuration=15"),
    ];
    let bodies: Vec<_> = bodies.iter().map(String::as_str).collect();
    assert_eq!(
        forms("twilio", "GB", &bodies),
        [
            "IncomingCall +441632960001 -> +441632960100",
            "CallProcessed incoming answered 9 s, +441632960001 -> +441632960100",
            "IncomingCall anonymous -> +441632960100",
            "CallProcessed incoming not_answered 0 s, anonymous -> +441632960100",
            "OutgoingCall +441632960002 -> +441632960100",
            "CallProcessed outgoing answered 15 s, +441632960002 -> +441632960100",
        ]
    );
}

fn telnyx_event(kind: &str, time: &str, more: &str) -> String {
    format!(
        r#"{{"data":{{"record_type":"event","event_type":"{kind}","id":"0ccc7b54-4df3-4bca-a65a-3da1ecc777f0","occurred_at":"{time}",
        "payload":{{"call_control_id":"v3:1","connection_id":"7267xxxxxxxxxxxxxx",
        "call_leg_id":"428c31b6-7af4-4bcb-b7f5-5013ef9657c1","call_session_id":"428c31b6-abf3-3bc1-b7f4-5013ef9657c1",
        "client_state":"aGF2ZSBhIG5pY2UgZGF5ID1d","from":"+441632960001","to":"+441632960100"{more}}}}}}}"#
    )
}

#[test]
fn requests_of_telnyx_become_events() {
    let bodies = [
        telnyx_event("call.initiated", "2026-11-28T09:30:00.521992Z", r#","direction":"incoming","state":"parked""#),
        telnyx_event("call.answered", "2026-11-28T09:30:04.521992Z", r#","state":"answered""#),
        telnyx_event("call.bridged", "2026-11-28T09:30:05.521992Z", r#","state":"bridged""#),
        telnyx_event(
            "call.hangup",
            "2026-11-28T09:30:24.521992Z",
            r#","start_time":"2026-11-28T09:30:00.521992Z","state":"hangup","hangup_cause":"normal_clearing","hangup_source":"caller","sip_hangup_cause":"200""#,
        ),
    ];
    let bodies: Vec<_> = bodies.iter().map(String::as_str).collect();
    assert_eq!(
        json("telnyx", "GB", &bodies),
        [
            "IncomingCall +441632960001 -> +441632960100",
            "CallProcessed incoming answered 20 s, +441632960001 -> +441632960100",
        ]
    );
    assert_eq!(
        json("telnyx", "GB", &[bodies[0], bodies[3]])[1],
        "CallProcessed incoming not_answered 0 s, +441632960001 -> +441632960100"
    );
}

#[test]
fn the_end_of_a_telnyx_call_whose_beginning_is_unknown_says_what_is_missing() {
    let hangup = telnyx_event("call.hangup", "2026-11-28T09:30:24.521992Z", r#","hangup_cause":"call_rejected""#);
    let mapper = Preset::find("telnyx").unwrap().mapping().unwrap().compile().unwrap();
    let locale = Locale::default();
    let received = Received { identity: Identity::new("con_1"), locale: &locale, at_s: 0 };
    let request = Request { query: "", content_type: None, body: hangup.as_bytes() };
    let trial = mapper.apply(request, &received).unwrap().next().unwrap();
    let errors = Calls::default().fold(trial.outcome, 0).unwrap_err();
    assert_eq!((errors.len(), errors[0].field.as_str()), (1, "direction"));
}

#[test]
fn requests_of_yeastar_become_events() {
    let p_series = r#"{"type":30012,"sn":"3631A2124XXX","msg":"{\"call_id\":\"1651057476.362\",\"time_start\":\"2026-11-28 09:04:36\",\"call_from\":\"01632960001\",\"call_to\":\"2002\",\"call_duration\":24,\"talk_duration\":21,\"src_trunk_name\":\"provider\",\"dst_trunk_name\":\" \",\"pin_code\":\" \",\"status\":\"ANSWERED\",\"type\":\"Inbound\",\"recording\":\"\",\"did_number\":\"01632960100\",\"agent_ring_time\":0}"}"#;
    let internal = r#"{"event":"NewCdr","callid":"1571897930.5","timestart":"2026-11-28 09:18:50","callfrom":"1023","callto":"2023","callduraction":"19","talkduraction":"14","srctrunkname":"","dsttrcunkname":"","pincode":"","status":"ANSWERED","type":"Internal","recording":"","didnumber":"","agentringtime":"0","sn":"369451090405"}"#;
    let outbound = r#"{"action":"NewCdr","callid":"1547392142.330","timestart":"2026-11-28 09:09:02","callfrom":"1005","callto":"01632960002","desttrunkname":"SPS-6-36","callduraction":"6","talkduraction":"3","status":"ANSWERED","type":"Outbound","recording":"","sn":"369362089179"}"#;
    let unanswered = r#"{"event":"NewCdr","callid":"1571897931.9","callfrom":"01632960001","callto":"2023","callduraction":"19","talkduraction":"0","status":"NO ANSWERED","type":"Inbound","didnumber":"01632960100","agentringtime":"0","sn":"3"}"#;
    assert_eq!(
        json("yeastar", "GB", &[p_series, internal, outbound, unanswered]),
        [
            "CallProcessed incoming answered 21 s, +441632960001 -> extension:2002",
            "CallProcessed outgoing answered 3 s, extension:1005 -> +441632960002",
            "CallProcessed incoming not_answered 0 s, +441632960001 -> extension:2023",
        ]
    );
}

#[test]
fn requests_of_grandstream_become_events() {
    let entry = |id: &str, src: &str, dst: &str, field: &str, disposition: &str, ext: &str| {
        format!(
            r#"{{"AcctId":"62","accountcode":"","src":"{src}","dst":"{dst}","dcontext":"from-internal","clid":"\"Desk\" <{src}>",
            "channel":"SIP/5300-00000000","dstchannel":"SIP/5301-00000001","lastapp":"Dial","lastdata":"SIP/5301,60,",
            "start":"2026-12-03 11:46:40","answer":"2026-12-03 11:46:43","end":"2026-12-03 11:46:49","duration":"9","billsec":"6",
            "disposition":"{disposition}","amaflags":"DOCUMENTATION","uniqueid":"{id}","userfield":"{field}",
            "channel_ext":"{ext}","dstchannel_ext":"{ext}","service":"s"}}"#
        )
    };
    let body = format!(
        r#"{{"cdr":[{},{},{}]}}"#,
        entry("1386092800.0", "5300", "5301", "EXT", "ANSWERED", "5300"),
        entry("1386100901.0", "01632960001", "01632960100", "Inbound", "ANSWERED", "5301"),
        entry("1386100943.2", "5300", "01632960002", "Outbound", "NO ANSWER", "5300"),
    );
    assert_eq!(
        json("grandstream", "GB", &[&body]),
        [
            "CallProcessed incoming answered 6 s, +441632960001 -> extension:5301",
            "CallProcessed outgoing not_answered 0 s, extension:5300 -> +441632960002",
        ]
    );
}

#[test]
fn requests_of_three_cx_become_events() {
    let call = |kind: &str, seconds: &str| {
        format!(
            "type={kind}&number=01632960001&agent=105&start=2026-11-28+09:00:00&end=2026-11-28+09:01:05&duration={seconds}"
        )
    };
    let bodies =
        [call("Inbound", "00:00:57"), call("Missed", ""), call("Outbound", "00:00:57"), call("Notanswered", "")];
    let bodies: Vec<_> = bodies.iter().map(String::as_str).collect();
    assert_eq!(
        forms("3cx", "GB", &bodies),
        [
            "CallProcessed incoming answered 57 s, +441632960001 -> extension:105",
            "CallProcessed incoming not_answered 0 s, +441632960001 -> extension:105",
            "CallProcessed outgoing answered 57 s, extension:105 -> +441632960001",
            "CallProcessed outgoing not_answered 0 s, extension:105 -> +441632960001",
        ]
    );
}

fn freeswitch_record(direction: &str, call_direction: &str, more: &str, cause: &str, billsec: u32) -> String {
    format!(
        r#"{{"core-uuid":"c4e46972-b683-40cb-8da0-6408ffef61dd","switchname":"pbx-1","channel_data":{{"state":"CS_REPORTING",
        "direction":"{direction}","state_number":"11","flags":"0=1;1=1;3=1","caps":"1=1;2=1"}},"callStats":{{"audio":{{"inbound":
        {{"raw_bytes":90816,"mos":4.49}}}}}},"variables":{{"uuid":"a5c9f6c0-e752-11e3-8bfb-65b6c3cdac7d","sip_req_user":"01632960100",
        "call_direction":"{call_direction}","hangup_cause":"{cause}","hangup_cause_q850":"16","start_epoch":"1795858200",
        "answer_epoch":"1795858204","end_epoch":"1795858224","duration":"24","billsec":"{billsec}"{more}}},"callflow":[{{
        "dialplan":"XML","profile_index":"1","caller_profile":{{"username":"7048","caller_id_name":"Caller","ani":"01632960001",
        "caller_id_number":"01632960001","destination_number":"01632960100","context":"default"}},"times":{{"created_time":"1795858200123456"}}}}]}}"#
    )
}

#[test]
fn requests_of_freeswitch_become_events() {
    let talked = r#","bridge_epoch":"1795858204","dialed_user":"7048","user_name":"7048""#;
    let hidden = r#","bridge_epoch":"1795858204","dialed_user":"7048","sip_Privacy":"id""#;
    let mail = r#","voicemail_message_len":"14","voicemail_account":"7048""#;
    let bodies = [
        freeswitch_record("inbound", "inbound", talked, "NORMAL_CLEARING", 20),
        freeswitch_record("inbound", "inbound", hidden, "NORMAL_CLEARING", 20),
        freeswitch_record("inbound", "inbound", "", "ORIGINATOR_CANCEL", 0),
        freeswitch_record("inbound", "inbound", mail, "NORMAL_CLEARING", 16),
        freeswitch_record("inbound", "outbound", talked, "NORMAL_CLEARING", 20),
        freeswitch_record("inbound", "outbound", "", "USER_BUSY", 0),
        freeswitch_record("inbound", "local", talked, "NORMAL_CLEARING", 20),
        freeswitch_record("outbound", "inbound", talked, "NORMAL_CLEARING", 20),
    ];
    let plain: Vec<_> = bodies.iter().map(String::as_str).collect();
    let expected = [
        "CallProcessed incoming answered 20 s, +441632960001 -> extension:7048",
        "CallProcessed incoming answered 20 s, anonymous -> extension:7048",
        "CallProcessed incoming cancelled 0 s, +441632960001 -> +441632960100",
        "CallProcessed incoming voicemail 14 s, +441632960001 -> voicemail_box:7048",
        "CallProcessed outgoing answered 20 s, extension:7048 -> +441632960100",
        "CallProcessed outgoing busy 0 s, +441632960001 -> +441632960100",
    ];
    assert_eq!(json("freeswitch", "GB", &plain), expected);
    // The module posts a form by default (parameter encode).
    let form: Vec<_> = bodies
        .iter()
        .map(|body| form_urlencoded::Serializer::new(String::new()).append_pair("cdr", body).finish())
        .collect();
    let form: Vec<_> = form.iter().map(String::as_str).collect();
    assert_eq!(forms("freeswitch", "GB", &form), expected);
}

#[test]
fn a_mapping_that_never_matches_explains_itself() {
    let mapper = Preset::find("sipgate").unwrap().mapping().unwrap().compile().unwrap();
    let locale = Locale::default();
    let received = Received { identity: Identity::new("con_1"), locale: &locale, at_s: 0 };
    let request = Request { query: "event=ringing&direction=in", content_type: None, body: b"" };
    let trial = mapper.apply(request, &received).unwrap().next().unwrap();
    assert_eq!(
        trial.summary(),
        "None of the 6 rules matched: “incoming call”: event was ringing; “outgoing call”: event was ringing; “answer”: event was \
         ringing; “end of a call”: event was ringing; “end of a call, without its numbers”: event was ringing; “keys pressed”: event was ringing."
    );
    let request = Request { query: "event=newCall&direction=in&from=441632960001", content_type: None, body: b"" };
    let trial = mapper.apply(request, &received).unwrap().next().unwrap();
    assert_eq!(
        trial.summary(),
        "“incoming call” matched, but key: The request has no field “callId”. callee: The request has no field “to”."
    );
}

#[test]
fn the_same_request_gives_the_same_event_and_the_ids_of_a_call_agree() {
    let requests = [
        ("", "event=newCall&from=441632960001&to=441632960100&direction=in&callId=1"),
        ("", "event=hangup&cause=busy&from=441632960001&to=441632960100&direction=in&callId=1"),
    ];
    let events = replay("sipgate", "DE", &requests);
    assert_eq!(events, replay("sipgate", "DE", &requests));
    let call_id = events[0].payload.call_id();
    assert_eq!([events[0].id.clone(), events[1].id.clone()], [format!("{call_id}-in"), format!("{call_id}-done")]);
    assert_eq!(events[0].route.dialled.as_deref(), Some("+441632960100"));
}
