//! How phone systems plug in. One state machine decides what is a call, who talked, and how it ended ([`call`]); a feed per
//! phone system translates that system's protocol for it. Nothing here knows Offhook's store or pages.

pub mod asterisk;
pub mod call;
pub mod event;
pub mod replay;
