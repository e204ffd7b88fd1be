//! Bytes to messages. Whatever arrives, memory is bounded, and decoding continues with the next message.

/// Longest line, in bytes. Asterisk's own lines stay below 8 KiB.
pub const LINE_MAX_BYTES: usize = 16 * 1_024;
/// Longest message, in bytes.
pub const MESSAGE_MAX_BYTES: usize = 64 * 1_024;
/// How Asterisk greets.
const BANNER: &str = "Asterisk Call Manager/";
const LINE_END: &[u8] = b"\r\n";

/// What was decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The greeting, with the version of the protocol.
    Banner(String),
    /// A response or an event.
    Message(Message),
}

/// A response or an event.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Message(Vec<(String, String)>);

impl std::fmt::Debug for Message {
    /// Without values: they may be numbers that were withheld.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = self.0.iter().find(|(key, _)| key == "Event" || key == "Response");
        f.debug_tuple("Message").field(&kind).finish()
    }
}

impl Message {
    /// The value of a key; the first, if there are several, so that nothing that follows can replace it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.all(key).next()
    }

    /// All values of a key.
    pub fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// Turns bytes, in pieces of any size, into messages.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    fields: Vec<(String, String)>,
    message_bytes: usize,
    /// The rest of this line is skipped.
    skips_line: bool,
    /// The rest of this message is skipped.
    skips_message: bool,
    malformed: u64,
    /// Bytes that were skipped since the last end of a message.
    skipped_bytes: usize,
}

impl Decoder {
    /// Takes bytes, and returns the messages that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            let (piece, after) = rest.split_at(end);
            self.extend(piece);
            if self.skips_line || self.skips_message {
                self.skipped_bytes += piece.len();
            }
            if self.line.ends_with(LINE_END) {
                frames.extend(self.end_line());
            }
            rest = after;
        }
        frames
    }

    /// How many messages were dropped because they, or one of their lines, were too long or had no colon.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.malformed
    }

    /// Bytes of the current message that were skipped. An end of a message that never comes costs time for nothing.
    #[must_use]
    pub fn skipped_bytes(&self) -> usize {
        self.skipped_bytes
    }

    /// Bytes that are held.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.line.len() + self.message_bytes
    }

    fn extend(&mut self, piece: &[u8]) {
        if self.line.len() + piece.len() <= LINE_MAX_BYTES {
            self.line.extend_from_slice(piece);
            return;
        }
        self.skips_line = true;
        // The last two bytes are enough to recognise the end of the line.
        let tail = piece.iter().rev().take(LINE_END.len()).rev().copied();
        let before = self.line.last().copied().filter(|_| piece.len() < LINE_END.len());
        self.line = before.into_iter().chain(tail).collect();
    }

    fn end_line(&mut self) -> Option<Frame> {
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.skips_line) {
            self.drop_message();
            return None;
        }
        let text = String::from_utf8_lossy(&line[..line.len() - LINE_END.len()]);
        if text.is_empty() {
            return self.end_message();
        }
        if self.fields.is_empty() && text.starts_with(BANNER) {
            return Some(Frame::Banner(text[BANNER.len()..].trim().to_owned()));
        }
        self.field(&text, line.len());
        None
    }

    fn field(&mut self, text: &str, bytes: usize) {
        if self.skips_message {
            return;
        }
        let Some((key, value)) = text.split_once(':') else { return self.drop_message() };
        self.message_bytes += bytes;
        if self.message_bytes > MESSAGE_MAX_BYTES {
            return self.drop_message();
        }
        self.fields.push((key.to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned()));
    }

    /// Drops what was read of this message, and skips the rest.
    fn drop_message(&mut self) {
        if !self.skips_message {
            self.malformed += 1;
        }
        self.skips_message = true;
        self.fields = Vec::new();
        self.message_bytes = 0;
    }

    fn end_message(&mut self) -> Option<Frame> {
        (self.message_bytes, self.skipped_bytes) = (0, 0);
        let fields = std::mem::take(&mut self.fields);
        let is_whole = !std::mem::take(&mut self.skips_message) && !fields.is_empty();
        is_whole.then_some(Frame::Message(Message(fields)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(frames: Vec<Frame>) -> Vec<Message> {
        let message = |frame| if let Frame::Message(message) = frame { Some(message) } else { None };
        frames.into_iter().filter_map(message).collect()
    }

    #[test]
    fn messages_are_decoded_in_pieces_of_any_size() {
        let bytes =
            b"Asterisk Call Manager/11.0.0\r\nResponse: Success\r\nMessage: ok\r\n\r\nEvent: A\r\nX:\r\nX: 2\r\n\r\n";
        let whole = Decoder::default().push(bytes);
        assert_eq!(whole[0], Frame::Banner("11.0.0".to_owned()));
        for size in 1..bytes.len() {
            let mut decoder = Decoder::default();
            let pieces: Vec<Frame> = bytes.chunks(size).flat_map(|piece| decoder.push(piece)).collect();
            assert_eq!(pieces, whole, "pieces of {size}");
        }
        let all = messages(whole);
        assert_eq!((all[0].get("Message"), all[1].get("X")), (Some("ok"), Some("")));
        assert_eq!(all[1].all("X").collect::<Vec<_>>(), ["", "2"]);
    }

    #[test]
    fn a_line_of_ten_megabytes_costs_one_message_and_no_memory() {
        for size in [1, 2, 3, 4_096, 10 * 1_024 * 1_024] {
            let mut decoder = Decoder::default();
            let mut stream = b"Event: Bad\r\nX: ".to_vec();
            stream.resize(10 * 1_024 * 1_024, b'x');
            stream.extend_from_slice(b"\r\nY: 1\r\n\r\nEvent: Good\r\n\r\n");
            let mut frames = Vec::new();
            for piece in stream.chunks(size) {
                frames.extend(decoder.push(piece));
                assert!(decoder.held_bytes() <= LINE_MAX_BYTES + MESSAGE_MAX_BYTES);
            }
            assert_eq!(messages(frames).iter().map(|m| m.get("Event")).collect::<Vec<_>>(), [Some("Good")]);
            assert_eq!(decoder.malformed(), 1);
        }
    }

    #[test]
    fn a_message_without_end_costs_no_memory() {
        let mut decoder = Decoder::default();
        let line = [b"X: ".as_slice(), &[b'x'; 1_000], b"\r\n"].concat();
        for _ in 0..10_000 {
            assert_eq!(decoder.push(&line), []);
            assert!(decoder.held_bytes() <= MESSAGE_MAX_BYTES);
        }
        assert_eq!(messages(decoder.push(b"\r\nEvent: Good\r\n\r\n")).len(), 1);
        assert_eq!(decoder.malformed(), 1);
    }

    #[test]
    fn a_lone_line_feed_does_not_end_a_line() {
        let frames = Decoder::default().push(b"Event: A\r\nCallerIDNum: 1\nUniqueid: forged\r\nUniqueid: 2\r\n\r\n");
        let all = messages(frames);
        assert_eq!(all[0].get("Uniqueid"), Some("2"));
        assert_eq!(all[0].get("CallerIDNum"), Some("1\nUniqueid: forged"));
    }

    #[test]
    fn debug_output_has_no_numbers() {
        let all = messages(Decoder::default().push(b"Event: Newchannel\r\nCallerIDNum: 07700900123\r\n\r\n"));
        assert!(!format!("{all:?}").contains("07700900123"));
    }
}
