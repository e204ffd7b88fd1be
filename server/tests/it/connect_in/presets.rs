//! What vendors send, as they document it, arrives as events.

use reqwest::StatusCode;

use super::{Door, FORM, JSON, next_line};
use crate::{receiver::Receiver, test_app::TestApp};

/// Posts requests and expects the events of each.
async fn play(preset: &str, kind: &str, requests: &[(&str, &[&str])]) {
    let app = TestApp::start().await;
    let (tenant, mut receiver) = (app.account("acme").await, Receiver::start().await);
    tenant.endpoint(&receiver.url).await;
    let door = Door::of_preset(&tenant, preset).await;
    for (body, events) in requests {
        let accepted = door.post(&app, kind, body).await;
        assert_eq!(accepted.status, StatusCode::OK, "{body}: {}", accepted.text);
        let mut lines = Vec::new();
        for _ in *events {
            lines.push(next_line(&mut receiver).await);
        }
        // Calls of their own may arrive in any order.
        lines.sort();
        assert_eq!(lines, *events, "{body}");
    }
    assert!(receiver.is_quiet());
}

#[tokio::test]
async fn the_calls_of_sipgate_arrive() {
    let requests: [(&str, &[&str]); 5] = [
        (super::NEW_CALL, &["IncomingCall +441632960001 -> +441632960100"]),
        (super::ANSWER, &[]),
        ("event=dtmf&dtmf=1&callId=1", &[]),
        (
            "event=hangup&cause=normalClearing&callId=1&from=441632960001&to=441632960100&direction=in",
            &["CallProcessed incoming answered, +441632960001 -> extension:w0"],
        ),
        (
            "event=newCall&from=anonymous&to=441632960100&direction=in&callId=7",
            &["IncomingCall anonymous -> +441632960100"],
        ),
    ];
    play("sipgate", FORM, &requests).await;
}

#[tokio::test]
async fn the_calls_of_placetel_arrive() {
    let requests: [(&str, &[&str]); 3] = [
        (
            "event=IncomingCall&from=01632960001&to=01632960100&call_id=a&direction=in",
            &["IncomingCall +441632960001 -> +441632960100"],
        ),
        ("event=CallAccepted&from=01632960001&to=01632960100&call_id=a&peer=7777abcdefg@fpbx.de&direction=in", &[]),
        (
            "event=HungUp&from=01632960001&to=01632960100&call_id=a&type=accepted&duration=12&direction=in",
            &["CallProcessed incoming answered, +441632960001 -> extension:7777abcdefg@fpbx.de"],
        ),
    ];
    play("placetel", FORM, &requests).await;
}

#[tokio::test]
async fn the_calls_of_twilio_arrive() {
    let requests: [(&str, &[&str]); 4] = [
        (
            "CallSid=CA3&From=%2B441632960002&To=%2B441632960100&CallStatus=initiated&Direction=outbound-api",
            &["OutgoingCall +441632960002 -> +441632960100"],
        ),
        ("CallSid=CA3&From=%2B441632960002&To=%2B441632960100&CallStatus=ringing&Direction=outbound-api", &[]),
        ("CallSid=CA3&From=%2B441632960002&To=%2B441632960100&CallStatus=in-progress&Direction=outbound-api", &[]),
        (
            "CallSid=CA3&From=%2B441632960002&To=%2B441632960100&CallStatus=completed&Direction=outbound-api&CallDuration=15",
            &["CallProcessed outgoing answered, +441632960002 -> +441632960100"],
        ),
    ];
    play("twilio", FORM, &requests).await;
}

#[tokio::test]
async fn the_calls_of_telnyx_arrive() {
    let event = |kind: &str, time: &str, more: &str| {
        format!(
            r#"{{"data":{{"event_type":"{kind}","occurred_at":"2026-11-28T09:30:{time}.521992Z","payload":{{"call_leg_id":"428c31b6",
            "from":"+441632960001","to":"+441632960100"{more}}}}}}}"#
        )
    };
    let begin = event("call.initiated", "00", r#","direction":"incoming""#);
    let (answered, end) =
        (event("call.answered", "04", ""), event("call.hangup", "24", r#","hangup_cause":"normal_clearing""#));
    let requests: [(&str, &[&str]); 3] = [
        (&begin, &["IncomingCall +441632960001 -> +441632960100"]),
        (&answered, &[]),
        (&end, &["CallProcessed incoming answered, +441632960001 -> +441632960100"]),
    ];
    play("telnyx", JSON, &requests).await;
}

#[tokio::test]
async fn the_calls_of_yeastar_arrive() {
    let requests: [(&str, &[&str]); 2] = [
        (
            r#"{"type":30012,"sn":"3631A2124XXX","msg":"{\"call_id\":\"1651057476.362\",\"time_start\":\"2026-11-28 09:04:36\",\"call_from\":\"01632960001\",\"call_to\":\"2002\",\"call_duration\":24,\"talk_duration\":21,\"src_trunk_name\":\"provider\",\"dst_trunk_name\":\" \",\"pin_code\":\" \",\"status\":\"ANSWERED\",\"type\":\"Inbound\",\"recording\":\"\",\"did_number\":\"01632960100\",\"agent_ring_time\":0}"}"#,
            &["CallProcessed incoming answered, +441632960001 -> extension:2002"],
        ),
        (
            r#"{"action":"NewCdr","callid":"1547392142.330","timestart":"2026-11-28 09:09:02","callfrom":"1005","callto":"01632960002","desttrunkname":"SPS-6-36","callduraction":"6","talkduraction":"3","status":"ANSWERED","type":"Outbound","recording":"","sn":"369362089179"}"#,
            &["CallProcessed outgoing answered, extension:1005 -> +441632960002"],
        ),
    ];
    play("yeastar", JSON, &requests).await;
}

#[tokio::test]
async fn the_calls_of_grandstream_arrive() {
    let entry = |id: &str, src: &str, dst: &str, field: &str, disposition: &str, ext: &str| {
        format!(
            r#"{{"src":"{src}","dst":"{dst}","start":"2026-12-03 11:46:40","answer":"2026-12-03 11:46:43","end":"2026-12-03 11:46:49",
            "duration":"9","billsec":"6","disposition":"{disposition}","uniqueid":"{id}","userfield":"{field}","channel_ext":"{ext}",
            "dstchannel_ext":"{ext}"}}"#
        )
    };
    let body = format!(
        r#"{{"cdr":[{},{},{}]}}"#,
        entry("1386092800.0", "5300", "5301", "EXT", "ANSWERED", "5300"),
        entry("1386100901.0", "01632960001", "01632960100", "Inbound", "ANSWERED", "5301"),
        entry("1386100943.2", "5300", "01632960002", "Outbound", "BUSY", "5300"),
    );
    let expected: &[&str] = &[
        "CallProcessed incoming answered, +441632960001 -> extension:5301",
        "CallProcessed outgoing busy, extension:5300 -> +441632960002",
    ];
    play("grandstream", JSON, &[(&body, expected)]).await;
}

#[tokio::test]
async fn the_calls_of_three_cx_arrive() {
    let call = "number=01632960001&agent=105&start=2026-11-28+09:00:00&end=2026-11-28+09:01:05";
    let (answered, missed) =
        (format!("type=Inbound&{call}&duration=00:00:57"), format!("type=Notanswered&{call}&duration="));
    let requests: [(&str, &[&str]); 1] =
        [(&answered, &["CallProcessed incoming answered, +441632960001 -> extension:105"])];
    play("3cx", FORM, &requests).await;
    let requests: [(&str, &[&str]); 1] =
        [(&missed, &["CallProcessed outgoing not_answered, extension:105 -> +441632960001"])];
    play("3cx", FORM, &requests).await;
}

#[tokio::test]
async fn the_calls_of_freeswitch_arrive() {
    let body = r#"{"channel_data":{"direction":"inbound"},"variables":{"uuid":"a5c9f6c0-e752-11e3-8bfb-65b6c3cdac7d",
        "sip_req_user":"01632960100","call_direction":"inbound","hangup_cause":"NORMAL_CLEARING","hangup_cause_q850":"16",
        "start_epoch":"1795858200","answer_epoch":"1795858204","end_epoch":"1795858224","duration":"24","billsec":"20",
        "bridge_epoch":"1795858204","dialed_user":"7048"},"callflow":[{"caller_profile":{"caller_id_number":"01632960001",
        "destination_number":"01632960100","context":"default"}}]}"#;
    let requests: [(&str, &[&str]); 1] =
        [(body, &["CallProcessed incoming answered, +441632960001 -> extension:7048"])];
    play("freeswitch", JSON, &requests).await;
}
