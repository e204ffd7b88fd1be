//! What a connector beside a phone system needs besides the phone system: a spool, and a server to post to.
//!
//! Events go into the spool first, in one transaction with the open calls ([`sink`]). From there they are posted
//! ([`poster`]), the events of a call one after the other, until the server has accepted them. With the ID of a connector,
//! its state and its gaps are reported, too ([`reporter`]).

pub mod offhook;
pub mod poster;
pub mod reporter;
pub mod sink;
