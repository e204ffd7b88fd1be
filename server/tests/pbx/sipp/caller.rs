//! The side that calls.

use super::{
    Step,
    messages::{Dialog, SDP, common, pause, send},
};

const PROVISIONAL: [u16; 4] = [100, 180, 181, 183];

struct Caller<'a> {
    dialled: &'a str,
    /// The headers that say who calls.
    from: &'a str,
    headers: &'a str,
    number: u32,
}

impl Dialog for Caller<'_> {
    fn request(&mut self, method: &str, headers: &str, body: Option<(&str, &str)>) -> String {
        self.number += 1;
        self.numbered(self.number, method, headers, body)
    }
}

impl Caller<'_> {
    fn numbered(&self, number: u32, method: &str, headers: &str, body: Option<(&str, &str)>) -> String {
        let via = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]";
        let start = format!("{method} [next_url] SIP/2.0\n{via}");
        let head = self.head(&start, "[peer_tag_param]", number, method, headers);
        send(method != "ACK", &head, body)
    }

    fn head(&self, start: &str, tag: &str, number: u32, method: &str, headers: &str) -> String {
        let Self { dialled, from, .. } = self;
        format!(
            "{start}
From: {from};tag=[pid]-[call_number]
To: <sip:{dialled}@[remote_ip]:[remote_port]>{tag}
Call-ID: [call_id]
CSeq: {number} {method}
Contact: <sip:[local_ip]:[local_port]>
Max-Forwards: 70
Allow: INVITE, ACK, BYE, CANCEL, REFER, NOTIFY, INFO, UPDATE
{headers}"
        )
    }

    /// A request that belongs to the first one: it has the same address and branch.
    fn about_invite(&self, method: &str, tag: &str) -> String {
        let start = format!("{method} sip:{}@[remote_ip]:[remote_port] SIP/2.0\n[last_Via:]", self.dialled);
        send(false, &self.head(&start, tag, 1, method, ""), None)
    }

    fn invite(&self) -> String {
        let via = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]";
        let start = format!("INVITE sip:{}@[remote_ip]:[remote_port] SIP/2.0\n{via}", self.dialled);
        send(true, &self.head(&start, "", 1, "INVITE", self.headers), Some(("application/sdp", SDP)))
    }

    fn step(&mut self, step: &Step) -> String {
        match step {
            Step::Accepted => {
                let confirmation = self.numbered(1, "ACK", "", None);
                format!("{}<recv response=\"200\" rrs=\"true\"/>\n{confirmation}", optional(&PROVISIONAL))
            }
            Step::Rejected(status) => {
                let confirmation = self.about_invite("ACK", "[peer_tag_param]");
                format!("{}<recv response=\"{status}\"/>\n{confirmation}", optional(&PROVISIONAL))
            }
            Step::Rings => format!("{}<recv response=\"180\"/>\n", optional(&PROVISIONAL[..1])),
            Step::GiveUp(ms) => {
                let rings = self.step(&Step::Rings) + &pause(*ms);
                let cancel = self.about_invite("CANCEL", "");
                let confirmation = self.about_invite("ACK", "[peer_tag_param]");
                format!("{rings}{cancel}<recv response=\"200\"/>\n<recv response=\"487\"/>\n{confirmation}")
            }
            other => common(other, self),
        }
    }
}

pub(super) fn script(dialled: &str, from: &str, headers: &str, steps: &[Step]) -> String {
    let mut caller = Caller { dialled, from, headers, number: 1 };
    let waits = steps.iter().take_while(|step| matches!(step, Step::Wait(_))).count();
    let (before, after) = steps.split_at(waits);
    let before = before.iter().map(|step| caller.step(step)).collect::<String>();
    let invite = caller.invite();
    after.iter().fold(before + &invite, |script, step| script + &caller.step(step))
}

fn optional(statuses: &[u16]) -> String {
    statuses.iter().map(|status| format!("<recv response=\"{status}\" optional=\"true\"/>\n")).collect()
}
