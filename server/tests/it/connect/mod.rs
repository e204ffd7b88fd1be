//! `offhook connect`: the real program between an Asterisk that plays recordings, or a FreeSWITCH, and a server.

mod backlog;
mod check;
mod crashes;
mod dashboard;
mod delivery;
#[path = "../../../connect/tests/it/fake_asterisk.rs"]
mod fake_asterisk;
mod freeswitch;
mod gaps;
mod inside;
mod memory;
mod mock_server;
mod pbx;
mod platform;
mod program;
mod recording;
mod withheld;
