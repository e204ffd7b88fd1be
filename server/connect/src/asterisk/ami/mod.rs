//! The Asterisk Manager Interface: lines of `Key: value`, ended by CRLF, and an empty line after each message.
//! (Asterisk documentation, "AMI v2 Specification".)

mod decode;
mod encode;
mod translate;

pub use self::{
    decode::{Decoder, Frame, LINE_MAX_BYTES, MESSAGE_MAX_BYTES, Message},
    encode::{Request, UnsafeValue},
    translate::{channel_row, event, presentation, timestamp},
};
