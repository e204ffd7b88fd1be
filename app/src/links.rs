//! Addresses of pages, in one place, so that a link cannot name a page that does not exist.

use domain::query::{Writer, encode};
use leptos::prelude::with_context;

use crate::visit::Frame;

/// Signing in.
pub const SIGN_IN: &str = "/sign-in";
/// Signing up.
pub const SIGN_UP: &str = "/sign-up";
/// The guides.
pub const HELP: &str = "/help";
/// How pages look and which clock they go by.
pub const ME: &str = "/me";
/// A person's password and sessions.
pub const SECURITY: &str = "/me/security";
/// The letters that a person wants.
pub const EMAIL_ALERTS: &str = "/me/security#letters";
/// A person's second factor.
pub const SECOND_FACTOR: &str = "/me/security/second-factor";
/// The second step of signing in.
pub const VERIFY: &str = "/sign-in/verify";
/// Asking for a link that sets a new password.
pub const FORGOT: &str = "/forgot";

/// The desk of the provider's support.
pub const SUPPORT: &str = "/support";
/// What an agent did in accounts of customers.
pub const SUPPORT_LOG: &str = "/support/log";
/// The operator's first page: how the installation does.
pub const OPS: &str = "/ops";
/// All accounts, for the operator.
pub const OPS_ACCOUNTS: &str = "/ops/accounts";
/// The platform's tokens.
pub const OPS_TOKENS: &str = "/ops/tokens";
/// The provider's staff.
pub const OPS_STAFF: &str = "/ops/staff";
/// What holds for the whole installation.
pub const OPS_POLICIES: &str = "/ops/policies";
/// The installation's own audit log.
pub const OPS_AUDIT: &str = "/ops/audit";
/// What pages inside of a support session begin with.
const SUPPORT_BASE: &str = "/support/a";

/// A page of an account: `account("acct_…", "endpoints/new")`; the overview when `rest` is empty. On the pages of a
/// support session, the same page of that session: there the frame in the context says so.
#[must_use]
pub fn account(acct: &str, rest: &str) -> String {
    let supports = with_context::<Frame, _>(|frame| frame.support.is_some()).unwrap_or_default();
    below(if supports { SUPPORT_BASE } else { "/a" }, acct, rest)
}

/// A page of an account inside of a support session.
#[must_use]
pub fn in_support(acct: &str, rest: &str) -> String {
    below(SUPPORT_BASE, acct, rest)
}

fn below(base: &str, acct: &str, rest: &str) -> String {
    let slash = if rest.is_empty() { "" } else { "/" };
    format!("{base}/{}{slash}{rest}", encode(acct))
}

/// Whether this is a page inside of a support session.
#[must_use]
pub fn is_support(path: &str) -> bool {
    path.strip_prefix(SUPPORT_BASE).is_some_and(|rest| rest.starts_with('/'))
}

/// The page that starts a support session, which then begins at `rest`.
#[must_use]
pub fn support_start(acct: &str, rest: &str) -> String {
    let query = Writer::default().with("account", acct).with("rest", rest).finish();
    format!("{SUPPORT}/start{query}")
}

/// An account's page for the operator: `ops_account(acct, "suspend")`; the account when `rest` is empty.
#[must_use]
pub fn ops_account(acct: &str, rest: &str) -> String {
    below(OPS_ACCOUNTS, acct, rest)
}

/// A page of one of the staff: `ops_staff(usr, "remove")`; the role when `rest` is empty.
#[must_use]
pub fn ops_staff(usr: &str, rest: &str) -> String {
    below(OPS_STAFF, usr, rest)
}

/// A page of a platform token.
#[must_use]
pub fn ops_token(token: &str) -> String {
    below(OPS_TOKENS, token, "")
}

/// An invitation to the staff, by the secret end of its link.
#[must_use]
pub fn staff_invitation(link: &str) -> String {
    format!("/invite/staff/{}", encode(link))
}

/// A page of an API token.
#[must_use]
pub fn token(acct: &str, token: &str) -> String {
    account(acct, &format!("tokens/{}", encode(token)))
}

/// A page of an endpoint: `endpoint(acct, ep, "edit")`; the endpoint itself when `rest` is empty.
#[must_use]
pub fn endpoint(acct: &str, ep: &str, rest: &str) -> String {
    let ep = encode(ep);
    account(acct, &if rest.is_empty() { format!("endpoints/{ep}") } else { format!("endpoints/{ep}/{rest}") })
}

/// A member's page: `member(acct, usr, "remove")`; the member when `rest` is empty.
#[must_use]
pub fn member(acct: &str, usr: &str, rest: &str) -> String {
    let usr = encode(usr);
    account(acct, &if rest.is_empty() { format!("members/{usr}") } else { format!("members/{usr}/{rest}") })
}

/// An invitation, by the secret end of its link.
#[must_use]
pub fn invitation(link: &str) -> String {
    format!("/invite/{}", encode(link))
}

/// Setting a new password, by the secret end of the link.
#[must_use]
pub fn reset(link: &str) -> String {
    format!("/reset/{}", encode(link))
}

/// A delivery's page.
#[must_use]
pub fn delivery(acct: &str, dlv: &str) -> String {
    account(acct, &format!("deliveries/{}", encode(dlv)))
}

/// A job's page.
#[must_use]
pub fn job(acct: &str, job: &str) -> String {
    account(acct, &format!("jobs/{}", encode(job)))
}

/// The page of what this id belongs to, where there is one; without an account, the operator's page of it.
#[must_use]
pub fn object(acct: &str, id: &str) -> Option<String> {
    match id.split_once('_')?.0 {
        "acct" if acct.is_empty() => Some(ops_account(id, "")),
        "tok" if acct.is_empty() => Some(ops_token(id)),
        _ if acct.is_empty() => None,
        "tok" => Some(token(acct, id)),
        "ep" => Some(endpoint(acct, id, "")),
        "dlv" => Some(delivery(acct, id)),
        "job" => Some(job(acct, id)),
        "evt" => Some(event(acct, id)),
        _ => None,
    }
}

/// An event's page.
#[must_use]
pub fn event(acct: &str, evt: &str) -> String {
    account(acct, &format!("events/{}", encode(evt)))
}

/// A call's page.
#[must_use]
pub fn call(acct: &str, call: &str) -> String {
    account(acct, &format!("calls/{}", encode(call)))
}

/// The help page of a cause, by its stable code.
#[must_use]
pub fn cause(code: &str) -> String {
    format!("{HELP}/causes/{}", encode(code))
}

/// Signing in with the way back kept.
#[must_use]
pub fn sign_in_then(next: &str) -> String {
    if next == "/" { SIGN_IN.to_owned() } else { format!("{SIGN_IN}?next={}", encode(next)) }
}

/// The same for somebody whose second step came too late.
#[must_use]
pub fn sign_in_late(next: &str) -> String {
    format!("{SIGN_IN}{}", Writer::default().with("late", "1").with("next", next).finish())
}

/// With what the second step is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A code of the app.
    App,
    /// A recovery code.
    RecoveryCode,
}

impl Step {
    /// Its name in addresses and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::App => "",
            Self::RecoveryCode => "recovery",
        }
    }

    /// The one of that name; the app for any other.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        if name == Self::RecoveryCode.as_str() { Self::RecoveryCode } else { Self::App }
    }
}

/// The second step of signing in, with the way back kept.
#[must_use]
pub fn verify_then(next: &str, step: Step) -> String {
    format!("{VERIFY}{}", Writer::default().with("with", step.as_str()).with("next", next).finish())
}

/// A person's second factor, with the way back kept.
#[must_use]
pub fn second_factor_then(next: &str) -> String {
    format!("{SECOND_FACTOR}{}", Writer::default().with("next", next).finish())
}

/// A way back that leads to this site: a path, one leading slash, visible ASCII. Anything else could send people
/// elsewhere (`//evil.example`, `/\evil.example`), or break the header that it is written into.
#[must_use]
pub fn safe_next(next: &str) -> Option<&str> {
    let mut bytes = next.bytes();
    let local = bytes.next() == Some(b'/') && !matches!(bytes.next(), Some(b'/' | b'\\'));
    (local && next.bytes().all(|b| b.is_ascii_graphic())).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_stays_on_this_site() {
        for fine in ["/", "/a/acct_1/deliveries?status=failed&range=24h"] {
            assert_eq!(safe_next(fine), Some(fine));
        }
        for evil in ["", "//evil.example", "/\\evil.example", "https://evil.example", "a/b", "/a b", "/a\r\nX: y", "/ä"]
        {
            assert_eq!(safe_next(evil), None, "{evil:?}");
        }
    }

    #[test]
    fn pages_of_a_support_session_are_known_by_their_path() {
        let page = in_support("acct_1", "deliveries?q=1");
        assert_eq!(page, "/support/a/acct_1/deliveries?q=1");
        assert!(is_support(&page) && !is_support("/support/all") && !is_support("/a/acct_1"));
        assert_eq!(support_start("acct_1", "events/x y"), "/support/start?account=acct_1&rest=events%2Fx+y");
    }

    #[test]
    fn an_id_cannot_break_out_of_its_place_in_a_path() {
        assert_eq!(account("../x", "endpoints"), "/a/..%2Fx/endpoints");
        assert_eq!(endpoint("acct_1", "ep_1", "edit"), "/a/acct_1/endpoints/ep_1/edit");
        assert_eq!(sign_in_then("/a/x?y=1"), "/sign-in?next=%2Fa%2Fx%3Fy%3D1");
    }
}
