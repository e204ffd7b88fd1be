//! How phone systems plug in. One state machine decides what is a call, who talked, and how it ended ([`call`]); a feed per
//! phone system translates that system's protocol for it. Nothing here knows Offhook's store or pages.
//!
//! What comes out of all of them is an [`event::CallEvent`]. Call record files are read in `records`; `records::asterisk`
//! folds the rows of an Asterisk's CDR into calls, for imported files as for gaps that a live connector fills from them.

pub mod asterisk;
pub mod call;
pub mod csv;
pub mod event;
pub mod freeswitch;
pub mod http_in;
pub mod link;
pub mod moment;
pub mod number;
pub mod records;
pub mod replay;
pub mod session;
