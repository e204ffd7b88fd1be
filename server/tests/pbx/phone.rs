//! A small SIP phone for the one thing that SIPp cannot do with two calls at once: an attended transfer, by a REFER with
//! Replaces (RFC 3515, RFC 3891).

use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use engine::clock::stopwatch;
use tokio::net::UdpSocket;

use crate::{PATIENCE, office::Device};

const RING: Duration = Duration::from_millis(500);
/// How long it talks to the caller, and to whom it asks.
const TALK: Duration = Duration::from_millis(1_500);

/// A phone with a socket.
pub(crate) struct Phone {
    socket: UdpSocket,
    device: Device,
    calls: Vec<Call>,
}

/// A call that is or was there.
#[derive(Debug, Clone)]
struct Call {
    id: String,
    ours: String,
    theirs: String,
    target: String,
    number: u32,
    is_over: bool,
}

impl Phone {
    /// Binds the phone's address.
    pub(crate) async fn bind(device: &Device, asterisk: Ipv4Addr) -> Self {
        let socket = UdpSocket::bind((device.ip, device.port)).await.unwrap();
        socket.connect((asterisk, 5060)).await.unwrap();
        Self { socket, device: device.clone(), calls: Vec::new() }
    }

    /// Accepts a call, asks at a number, connects the two, and waits until both of its own calls are over.
    pub(crate) async fn consult(mut self, number: String) -> Result<(), String> {
        let whole = async {
            let invite = self.next(|text| text.starts_with("INVITE ")).await;
            let first = self.accept(&invite).await;
            self.talk(TALK).await;
            let second = self.call(&number).await?;
            self.talk(TALK).await;
            self.refer(first, second, &number).await;
            let connected = self.next(|text| text.starts_with("NOTIFY ") && text.contains("\r\n\r\nSIP/2.0 2")).await;
            self.serve(&connected).await;
            while !self.calls[second].is_over {
                let text = self.receive().await;
                self.serve(&text).await;
            }
            // The phone that transferred the call hangs up.
            if !self.calls[first].is_over {
                self.request(first, "BYE", "", "").await;
                self.next(|text| text.starts_with("SIP/2.0 2")).await;
            }
            Ok(())
        };
        tokio::time::timeout(PATIENCE, whole).await.map_err(|_| "the attended transfer did not end".to_owned())?
    }

    async fn accept(&mut self, invite: &str) -> usize {
        let ours = format!("{};tag=phone", header(invite, "To"));
        self.calls.push(Call {
            id: header(invite, "Call-ID").to_owned(),
            ours,
            theirs: header(invite, "From").to_owned(),
            target: uri(header(invite, "Contact")).to_owned(),
            number: 100,
            is_over: false,
        });
        self.respond(invite, "180 Ringing", "").await;
        self.talk(RING).await;
        self.respond(invite, "200 OK", &self.sdp()).await;
        self.calls.len() - 1
    }

    async fn call(&mut self, number: &str) -> Result<usize, String> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let (ip, asterisk) = (self.device.ip, self.socket.peer_addr().unwrap());
        self.calls.push(Call {
            id: format!("consult-{ip}-{}", COUNT.fetch_add(1, Ordering::Relaxed)),
            ours: format!("<sip:{}@{ip}>;tag=consult", self.device.number),
            theirs: format!("<sip:{number}@{asterisk}>"),
            target: format!("sip:{number}@{asterisk}"),
            number: 0,
            is_over: false,
        });
        let at = self.calls.len() - 1;
        self.request(at, "INVITE", "", &self.sdp()).await;
        let response = self.next(|text| text.starts_with("SIP/2.0 ") && !text.starts_with("SIP/2.0 1")).await;
        if !response.starts_with("SIP/2.0 200") {
            return Err(response);
        }
        let call = &mut self.calls[at];
        header(&response, "To").clone_into(&mut call.theirs);
        uri(header(&response, "Contact")).clone_into(&mut call.target);
        call.number -= 1;
        self.request(at, "ACK", "", "").await;
        Ok(at)
    }

    async fn refer(&mut self, first: usize, second: usize, number: &str) {
        let Call { id, ours, theirs, .. } = &self.calls[second];
        let tag = |party: &str| party.rsplit_once("tag=").unwrap().1.to_owned();
        let replaces = format!("{id}%3Bto-tag%3D{}%3Bfrom-tag%3D{}", tag(theirs), tag(ours));
        let host = self.socket.peer_addr().unwrap().ip();
        let headers = format!("Refer-To: <sip:{number}@{host}?Replaces={replaces}>\r\nReferred-By: {ours}\r\n");
        self.request(first, "REFER", &headers, "").await;
    }

    /// Serves requests for this long.
    async fn talk(&mut self, time: Duration) {
        let end = stopwatch() + time;
        while let Ok(text) = tokio::time::timeout_at(end, self.receive()).await {
            self.serve(&text).await;
        }
    }

    /// The next message of this kind; others are served.
    async fn next(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let text = self.receive().await;
            if wanted(&text) {
                return text;
            }
            self.serve(&text).await;
        }
    }

    async fn receive(&self) -> String {
        let mut buffer = vec![0; 64 * 1_024];
        let read = self.socket.recv(&mut buffer).await.unwrap();
        String::from_utf8(buffer[..read].to_vec()).unwrap()
    }

    /// Accepts whatever is requested within a call.
    async fn serve(&mut self, text: &str) {
        if text.starts_with("SIP/2.0 ") || text.starts_with("ACK ") {
            return;
        }
        if text.starts_with("BYE ") {
            let id = header(text, "Call-ID");
            self.calls.iter_mut().filter(|call| call.id == id).for_each(|call| call.is_over = true);
        }
        let sdp = if text.starts_with("INVITE ") { self.sdp() } else { String::new() };
        self.respond(text, "200 OK", &sdp).await;
    }

    async fn respond(&self, request: &str, status: &str, body: &str) {
        let vias = request.lines().filter(|line| line.starts_with("Via:")).map(|line| format!("{line}\r\n"));
        let id = header(request, "Call-ID");
        let to = header(request, "To");
        let ours = self.calls.iter().find(|call| call.id == id).filter(|_| !to.contains("tag="));
        let to = ours.map_or(to, |call| &call.ours);
        let (from, number) = (header(request, "From"), header(request, "CSeq"));
        let head = format!("From: {from}\r\nTo: {to}\r\nCall-ID: {id}\r\nCSeq: {number}\r\n");
        self.send(&format!("SIP/2.0 {status}\r\n{}{head}", vias.collect::<String>()), body).await;
    }

    async fn request(&mut self, call: usize, method: &str, headers: &str, body: &str) {
        let call = &mut self.calls[call];
        call.number += 1;
        let Call { id, ours, theirs, target, number, .. } = call.clone();
        let Device { ip, port, .. } = self.device;
        let head = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {ip}:{port};branch=z9hG4bK{id}{number}{method}\r\n\
             From: {ours}\r\nTo: {theirs}\r\nCall-ID: {id}\r\nCSeq: {number} {method}\r\nMax-Forwards: 70\r\n{headers}"
        );
        self.send(&head, body).await;
    }

    async fn send(&self, head: &str, body: &str) {
        let Device { ip, port, number } = &self.device;
        let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let length = body.len();
        let text = format!("{head}Contact: <sip:{number}@{ip}:{port}>\r\n{kind}Content-Length: {length}\r\n\r\n{body}");
        self.socket.send(text.as_bytes()).await.unwrap();
    }

    fn sdp(&self) -> String {
        let ip = self.device.ip;
        format!("v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio 28000 RTP/AVP 0\r\n")
    }
}

/// The first header of this name.
fn header<'a>(text: &'a str, name: &str) -> &'a str {
    let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(':').map(str::trim);
    text.lines().find_map(value).unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// The address between angle brackets.
fn uri(party: &str) -> &str {
    party.split_once('<').unwrap().1.split_once('>').unwrap().0
}
