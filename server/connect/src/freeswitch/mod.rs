//! FreeSWITCH over its event socket (ESL, `mod_event_socket`), in inbound mode: the connector connects to FreeSWITCH.
//!
//! Not yet tried against a running FreeSWITCH. The formats are those of its sources (`github.com/signalwire/freeswitch`:
//! `src/mod/event_handlers/mod_event_socket/mod_event_socket.c` for the protocol, `src/switch_channel.c` and
//! `src/switch_caller.c` for the headers of events, `src/switch_ivr_bridge.c` for bridges, `src/switch_core_sqldb.c` and
//! `mod_commands.c` for `show`, `mod_callcenter.c`, `mod_voicemail.c`, `mod_conference.c` and `mod_loopback.c`), of its
//! documentation (developer.signalwire.com, "Event List", "Event Headers", "mod_event_socket"), and of a published trace of
//! both legs of a call through a gateway (`github.com/hnimminh/libresbc`).
//!
//! What is a call is decided by [`crate::call`], as for Asterisk:
//!
//! | FreeSWITCH | there |
//! | --- | --- |
//! | `Unique-ID` | a channel's ID |
//! | `Channel-Call-UUID`, the channel that originated it | its group (Linkedid) |
//! | a gateway, a user, else a Sofia profile | its endpoint ([`endpoint`](self::endpoint)) |
//! | the creation of an outbound channel | dialling |
//! | `CHANNEL_BRIDGE` of two channels, a conference | a bridge |
//! | a loopback channel | a Local channel |

mod bridge;
mod cause;
mod codec;
mod endpoint;
mod event;
mod legs;
pub mod session;
mod translate;

pub use self::{
    codec::{Decoder, Frame, HEADERS_MAX_BYTES, RESPONSE_MAX_BYTES},
    event::{EVENT_MAX_BYTES, Event},
};
