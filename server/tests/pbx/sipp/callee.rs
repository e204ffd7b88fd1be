//! The side that is called.

use super::{
    Step,
    messages::{Dialog, SDP, common, pause, respond, send},
};

const INVITED: &str = r#"<recv request="INVITE"><action>
<ereg regexp="[0-9]+" search_in="hdr" header="CSeq:" assign_to="invite"/>
</action></recv>
"#;
/// The confirmation has the tags of both sides, which this side's own requests need.
const CONFIRMED: &str = r#"<recv request="ACK"><action>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="theirs"/>
<ereg regexp=".*" search_in="hdr" header="To:" assign_to="ours"/>
</action></recv>
"#;
/// SIPp refuses variables that a scenario never reads, and names that it does not know.
const READ: &str = "<Reference variables=\"invite\"/>\n";
const READ_CONFIRMED: &str = "<Reference variables=\"theirs,ours\"/>\n";

/// Number of the next request.
struct Callee(u32);

impl Dialog for Callee {
    fn request(&mut self, method: &str, headers: &str, body: Option<(&str, &str)>) -> String {
        self.0 += 1;
        let head = format!(
            "{method} sip:[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$ours]
To:[$theirs]
Call-ID: [call_id]
CSeq: {} {method}
Contact: <sip:[local_ip]:[local_port]>
Max-Forwards: 70
{headers}",
            self.0
        );
        send(true, &head, body)
    }
}

pub(super) fn script(steps: &[Step]) -> String {
    let mut dialog = Callee(10);
    let steps = steps.iter().map(|step| one(step, &mut dialog)).collect::<String>();
    let confirmed = if steps.contains(CONFIRMED) { READ_CONFIRMED } else { "" };
    format!("{INVITED}{steps}{READ}{confirmed}")
}

fn one(step: &Step, dialog: &mut Callee) -> String {
    let sdp = Some(("application/sdp", SDP));
    match step {
        Step::Try(ms) => respond("100 Trying", false, None) + &pause(*ms),
        Step::Ring(ms) => respond("180 Ringing", true, None) + &pause(*ms),
        Step::Announce(ms) => {
            // Provisional responses are not repeated.
            respond("183 Session Progress", true, sdp).replace(" retrans=\"500\"", "") + &pause(*ms)
        }
        Step::Accept => respond("200 OK", true, sdp) + CONFIRMED,
        Step::Reject(status) => respond(&format!("{status} Rejected"), true, None) + CONFIRMED,
        Step::Ignore => {
            let terminated =
                respond("487 Request Terminated", true, None).replace("[last_CSeq:]", "CSeq: [$invite] INVITE");
            format!("<recv request=\"CANCEL\"/>\n{}{terminated}{CONFIRMED}", respond("200 OK", true, None))
        }
        other => common(other, dialog),
    }
}
