//! Parts of SIPp scenarios: SIP messages (RFC 3261) and what both sides do.

use super::Step;

/// The description of a call's sound: G.711 at this party's address.
pub(super) const SDP: &str = "v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
";

/// Sends a message. Requests, and responses that accept a call, are repeated until they are confirmed.
pub(super) fn send(repeat: bool, head: &str, body: Option<(&str, &str)>) -> String {
    let repeat = if repeat { " retrans=\"500\"" } else { "" };
    let body = body.map_or_else(
        || "Content-Length: 0\n".to_owned(),
        |(kind, body)| format!("Content-Type: {kind}\nContent-Length: [len]\n\n{body}"),
    );
    format!("<send{repeat}><![CDATA[\n{}\n{body}\n]]></send>\n", head.trim())
}

/// Responds to the last request; the tag of the dialog is added if the request had none.
pub(super) fn respond(status: &str, is_first: bool, body: Option<(&str, &str)>) -> String {
    let tag = if is_first { ";tag=[pid]-[call_number]" } else { "" };
    let head = format!(
        "SIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:]{tag}\n[last_Call-ID:]\n[last_CSeq:]\n\
         Contact: <sip:[local_ip]:[local_port]>"
    );
    send(is_first && body.is_some(), &head, body)
}

/// Requests of a side within its dialog.
pub(super) trait Dialog {
    /// Sends a request, with further headers and a body.
    fn request(&mut self, method: &str, headers: &str, body: Option<(&str, &str)>) -> String;
}

/// What both sides do in the same way.
pub(super) fn common(step: &Step, dialog: &mut impl Dialog) -> String {
    match step {
        Step::Wait(ms) | Step::Talk(ms) => pause(*ms),
        Step::Sound => "<nop><action><exec rtp_stream=\"sound.ul,-1,0\"/></action></nop>\n".to_owned(),
        Step::HangUp => dialog.request("BYE", "", None) + "<recv response=\"200\"/>\n",
        Step::AwaitHangUp => "<recv request=\"BYE\"/>\n".to_owned() + &respond("200 OK", false, None),
        Step::Press(key) => {
            let body = format!("Signal={key}\nDuration=160\n");
            dialog.request("INFO", "", Some(("application/dtmf-relay", &body))) + "<recv response=\"200\"/>\n"
        }
        Step::Transfer(number) => {
            let headers = format!("Refer-To: <sip:{number}@[remote_ip]>\nReferred-By: <sip:[local_ip]:[local_port]>");
            let refer = dialog.request("REFER", &headers, None) + "<recv response=\"202\"/>\n";
            // The first says that the other party is being called, the second that it rings.
            let progress = "<recv request=\"NOTIFY\"/>\n".to_owned() + &respond("200 OK", false, None);
            refer + &progress + &progress + &common(&Step::HangUp, dialog)
        }
        other => panic!("not a step of this side: {other:?}"),
    }
}

pub(super) fn pause(ms: u64) -> String {
    format!("<pause milliseconds=\"{ms}\"/>\n")
}
