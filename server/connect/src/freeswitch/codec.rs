//! Bytes to frames: lines of `Name: value`, an empty line, and a body of `Content-Length` bytes. Whatever arrives, memory is
//! bounded. (`mod_event_socket.c`; documentation of `mod_event_socket`.)

use super::event::{EVENT_MAX_BYTES, Event};

/// Largest head of a frame, in bytes. FreeSWITCH's own have two to four short lines.
pub const HEADERS_MAX_BYTES: usize = 16 * 1_024;
/// Largest response that is read, in bytes: a list of about 20,000 channels. It is held only until it is read.
pub const RESPONSE_MAX_BYTES: usize = 32 * 1_024 * 1_024;
/// Largest body that is skipped, in bytes. A larger number is no length of FreeSWITCH's.
const SKIPPED_MAX_BYTES: usize = 1_024 * 1_024 * 1_024;
/// Bytes that are reserved for a body before they have arrived.
const RESERVED_MAX_BYTES: usize = 64 * 1_024;

/// What was decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// FreeSWITCH asks for the password.
    AuthRequest,
    /// The reply to a command (`Reply-Text`), such as `+OK accepted`.
    Reply(String),
    /// The response to an `api` command; `None` if it was too long.
    Response(Option<String>),
    /// An event.
    Event(Event),
    /// This address may not connect (`apply-inbound-acl`).
    Rejected,
    /// FreeSWITCH closes the connection.
    Disconnected,
    /// It is not this protocol; nothing that follows can be read.
    Unreadable,
}

/// What follows the head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    AuthRequest,
    Reply,
    Response,
    Event,
    Rejected,
    Disconnected,
    Other,
}

#[derive(Debug)]
struct Body {
    kind: Kind,
    /// Bytes that have not arrived.
    missing: usize,
    /// Whether it is kept.
    kept: bool,
}

/// Turns bytes, in pieces of any size, into frames.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    head: Vec<(String, String)>,
    head_bytes: usize,
    body: Option<Body>,
    bytes: Vec<u8>,
    is_unreadable: bool,
    malformed: u64,
}

impl Decoder {
    /// Takes bytes, and returns the frames that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_unreadable {
            rest =
                if self.body.is_some() { self.take_body(rest, &mut frames) } else { self.take_line(rest, &mut frames) };
        }
        frames
    }

    /// How many frames were dropped because they were too long or no event.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.malformed
    }

    /// Bytes that are held.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.line.len() + self.head_bytes + self.bytes.len()
    }

    fn take_line<'a>(&mut self, bytes: &'a [u8], frames: &mut Vec<Frame>) -> &'a [u8] {
        let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
        let (piece, rest) = bytes.split_at(end);
        if self.head_bytes + self.line.len() + piece.len() > HEADERS_MAX_BYTES {
            return self.give_up(frames);
        }
        self.line.extend_from_slice(piece);
        if !self.line.ends_with(b"\n") {
            return rest;
        }
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        match text.trim_end_matches(['\r', '\n']) {
            "" if self.head.is_empty() => {}
            "" => self.end_head(frames),
            text => {
                let Some((name, value)) = text.split_once(':') else { return self.give_up(frames) };
                self.head_bytes += line.len();
                self.head.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
        }
        rest
    }

    /// Frames have no marks: after a head that makes no sense, nothing tells where the next one begins.
    fn give_up(&mut self, frames: &mut Vec<Frame>) -> &'static [u8] {
        *self = Self { is_unreadable: true, malformed: self.malformed + 1, ..Self::default() };
        frames.push(Frame::Unreadable);
        &[]
    }

    fn end_head(&mut self, frames: &mut Vec<Frame>) {
        let head = std::mem::take(&mut self.head);
        self.head_bytes = 0;
        let get = |name: &str| head.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let kind = match get("content-type") {
            Some("auth/request") => Kind::AuthRequest,
            Some("command/reply") => Kind::Reply,
            Some("api/response") => Kind::Response,
            Some("text/event-json") => Kind::Event,
            Some("text/rude-rejection") => Kind::Rejected,
            Some("text/disconnect-notice") => Kind::Disconnected,
            _ => Kind::Other,
        };
        let missing = get("content-length").map_or(Ok(0), str::parse::<usize>);
        let Some(missing) = missing.ok().filter(|missing| *missing <= SKIPPED_MAX_BYTES) else {
            self.give_up(frames);
            return;
        };
        if kind == Kind::Reply {
            frames.push(Frame::Reply(get("reply-text").unwrap_or_default().to_owned()));
        }
        let limit = match kind {
            Kind::Event => EVENT_MAX_BYTES,
            Kind::Response => RESPONSE_MAX_BYTES,
            _ => 0,
        };
        let kept = missing <= limit;
        self.bytes = Vec::with_capacity(if kept { missing.min(RESERVED_MAX_BYTES) } else { 0 });
        self.body = Some(Body { kind, missing, kept });
        self.end_body(frames);
    }

    fn take_body<'a>(&mut self, bytes: &'a [u8], frames: &mut Vec<Frame>) -> &'a [u8] {
        let Some(body) = &mut self.body else { return bytes };
        let (piece, rest) = bytes.split_at(body.missing.min(bytes.len()));
        body.missing -= piece.len();
        if body.kept {
            self.bytes.extend_from_slice(piece);
        }
        self.end_body(frames);
        rest
    }

    /// Ends a frame, if all of its body has arrived.
    fn end_body(&mut self, frames: &mut Vec<Frame>) {
        let Some(Body { kind, kept, .. }) = self.body.take_if(|body| body.missing == 0) else { return };
        let bytes = std::mem::take(&mut self.bytes);
        let frame = match kind {
            Kind::AuthRequest => Some(Frame::AuthRequest),
            Kind::Rejected => Some(Frame::Rejected),
            Kind::Disconnected => Some(Frame::Disconnected),
            Kind::Response => Some(Frame::Response(kept.then(|| String::from_utf8_lossy(&bytes).into_owned()))),
            Kind::Event => kept.then(|| Event::parse(&bytes)).flatten().map(Frame::Event),
            Kind::Reply | Kind::Other => None,
        };
        if kind == Kind::Event && frame.is_none() {
            self.malformed += 1;
        }
        frames.extend(frame);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str) -> String {
        let body = format!(r#"{{"Event-Name":"{name}"}}"#);
        format!("Content-Length: {}\nContent-Type: text/event-json\n\n{body}", body.len())
    }

    fn names(frames: &[Frame]) -> Vec<&str> {
        let events = frames.iter().filter_map(|frame| if let Frame::Event(event) = frame { Some(event) } else { None });
        events.filter_map(Event::name).collect()
    }

    #[test]
    fn frames_are_decoded_in_pieces_of_any_size() {
        let bytes = format!(
            "Content-Type: auth/request\n\nContent-Type: command/reply\nReply-Text: +OK accepted\n\n\
             Content-Type: api/response\nContent-Length: 4\n\na\nb\n{}Content-Type: text/disconnect-notice\nContent-Length: 2\n\nx\n",
            event("HEARTBEAT")
        );
        let whole = Decoder::default().push(bytes.as_bytes());
        assert_eq!(
            whole[..3],
            [Frame::AuthRequest, Frame::Reply("+OK accepted".to_owned()), Frame::Response(Some("a\nb\n".to_owned()))]
        );
        assert_eq!((names(&whole), whole.len()), (vec!["HEARTBEAT"], 5));
        for size in 1..bytes.len() {
            let mut decoder = Decoder::default();
            let pieces: Vec<Frame> = bytes.as_bytes().chunks(size).flat_map(|piece| decoder.push(piece)).collect();
            assert_eq!(pieces, whole, "pieces of {size}");
        }
    }

    #[test]
    fn an_event_of_ten_megabytes_costs_one_event_and_no_memory() {
        let length = 10 * 1_024 * 1_024;
        let mut decoder = Decoder::default();
        let mut stream = format!("Content-Length: {length}\nContent-Type: text/event-json\n\n").into_bytes();
        stream.resize(stream.len() + length, b'x');
        stream.extend_from_slice(event("HEARTBEAT").as_bytes());
        let mut frames = Vec::new();
        for piece in stream.chunks(4_096) {
            frames.extend(decoder.push(piece));
            assert!(decoder.held_bytes() <= HEADERS_MAX_BYTES);
        }
        assert_eq!((names(&frames), decoder.malformed()), (vec!["HEARTBEAT"], 1));
    }

    #[test]
    fn a_line_without_end_is_given_up_and_costs_no_memory() {
        for start in ["X: ", "Content-Length: 18446744073709551615\n\n", "Content-Length: -1\n\n", "GET / HTTP/1.1\n"] {
            let mut decoder = Decoder::default();
            let mut frames = decoder.push(start.as_bytes());
            for _ in 0..1_000 {
                frames.extend(decoder.push(&[b'x'; 1_000]));
                assert!(decoder.held_bytes() <= HEADERS_MAX_BYTES);
            }
            assert_eq!(frames, [Frame::Unreadable], "{start}");
        }
    }

    #[test]
    fn a_response_that_is_too_long_is_skipped() {
        let mut decoder = Decoder::default();
        let length = RESPONSE_MAX_BYTES + 1;
        decoder.push(format!("Content-Type: api/response\nContent-Length: {length}\n\n").as_bytes());
        let mut frames = Vec::new();
        for _ in 0..length / 1_024 {
            frames.extend(decoder.push(&[b'x'; 1_024]));
            assert_eq!(decoder.held_bytes(), 0);
        }
        frames.extend(decoder.push(b"x"));
        assert_eq!(frames, [Frame::Response(None)]);
    }
}
