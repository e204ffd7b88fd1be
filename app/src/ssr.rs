//! The one door to server-only code of this crate; each file behind it has one concern.

mod answer;
mod document;
pub mod first_try;
mod staff;
mod typed;
mod visitor;

pub use answer::{Done, form, move_to, refuse, set_cookie};
pub use document::{Assets, shell};
pub use staff::{agent, operator, staff, support_frame};
pub use typed::typed;
pub use visitor::{
    ADDRESS_KEY, AGENT_KEY, ClientIp, TooOften, USER_KEY, actor, backend, client_ip, now, path, request_id,
    require_fresh_sign_in, require_patience, session, session_id, sign_in, sign_out, take_flash, theme, user,
    was_signed_in, zone,
};
