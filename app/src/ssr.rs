//! The request behind a page or a form: who asks, what they typed, and how it is answered.

mod answer;
pub mod bulk_rotation;
pub mod connectors;
mod cookie;
pub mod first_attempt;
pub mod imports;
pub mod mail_messages;
mod postponed;
mod second_step;
mod setup_credentials;
mod staff;
mod typed;
mod visitor;

pub use answer::{Done, form, move_to, refuse, restart_sign_in, set_status};
pub use cookie::{SecureCookies, set_cookie};
pub use postponed::{Postponed, PostponedForm};
pub use second_step::{
    QrCodePath, begin_second_step, draft, drawing, forget_pending_sign_in, keep_codes, keep_draft, pending_sign_in,
    take_codes,
};
pub use staff::{actor, agent, operator, staff, support_frame};
pub use typed::typed;
pub use visitor::{
    ADDRESS_KEY, AGENT_KEY, AttemptLimit, ClientIp, PublicUrl, USER_KEY, backend, client_ip, device, keep_flash_in,
    mappings, now, path, public_url, record_files, request_id, request_origin, require_fresh_sign_in,
    require_within_rate_limit, session, session_id, sign_in, sign_out, take_flash, theme, user, was_signed_in, zone,
};
