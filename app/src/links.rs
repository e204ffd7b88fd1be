//! Paths of all pages in one place.

use domain::member::TeamKind;
use domain::query::{Writer, encode};
use leptos::prelude::with_context;

use crate::visit::Frame;

/// Signing in.
pub const SIGN_IN: &str = "/sign-in";
/// Signing up.
pub const SIGN_UP: &str = "/sign-up";
/// The guides.
pub const HELP: &str = "/help";
/// Display settings and time zone.
pub const ME: &str = "/me";
/// A user's password and sessions.
pub const SECURITY: &str = "/me/security";
/// A user's email alerts.
pub const EMAIL_ALERTS: &str = "/me/security#letters";
/// A user's second factor.
pub const SECOND_FACTOR: &str = "/me/security/second-factor";
/// The second step of signing in.
pub const VERIFY: &str = "/sign-in/verify";
/// Requesting a link to reset the password.
pub const FORGOT: &str = "/forgot";

/// The support area.
pub const SUPPORT: &str = "/support";
/// The log of support activity.
pub const SUPPORT_LOG: &str = "/support/log";
/// The operator's first page: system health.
pub const OPS: &str = "/ops";
/// All accounts.
pub const OPS_ACCOUNTS: &str = "/ops/accounts";
/// Platform tokens.
pub const OPS_TOKENS: &str = "/ops/tokens";
/// The provider's staff.
pub const OPS_STAFF: &str = "/ops/staff";
/// Connectors of the platform.
pub const OPS_CONNECTORS: &str = "/ops/connectors";
/// Policies of the installation.
pub const OPS_POLICIES: &str = "/ops/policies";
/// The operators' audit log.
pub const OPS_AUDIT: &str = "/ops/audit";
/// Prefix of pages in a support session.
const SUPPORT_BASE: &str = "/support/a";

/// A page of an account: `account("acct_…", "endpoints/new")`; the overview if `rest` is empty. Inside a support
/// session, which the frame in the context shows, the same page of that session.
#[must_use]
pub fn account(acct: &str, rest: &str) -> String {
    let in_session = with_context::<Frame, _>(|frame| frame.support.is_some()).unwrap_or_default();
    below(if in_session { SUPPORT_BASE } else { "/a" }, acct, rest)
}

/// A page of an account in a support session.
#[must_use]
pub fn in_support(acct: &str, rest: &str) -> String {
    below(SUPPORT_BASE, acct, rest)
}

fn below(base: &str, acct: &str, rest: &str) -> String {
    let slash = if rest.is_empty() { "" } else { "/" };
    format!("{base}/{}{slash}{rest}", encode(acct))
}

/// Whether this is a page in a support session.
#[must_use]
pub fn is_support(path: &str) -> bool {
    path.strip_prefix(SUPPORT_BASE).is_some_and(|rest| rest.starts_with('/'))
}

/// What follows the account in the path of a page in a support session.
#[must_use]
pub fn below_support(path: &str) -> &str {
    let below = path.strip_prefix(SUPPORT_BASE).unwrap_or_default().trim_start_matches('/');
    below.split_once('/').map_or("", |(_, rest)| rest)
}

/// The page that starts a support session and then opens `rest`.
#[must_use]
pub fn support_start(acct: &str, rest: &str) -> String {
    let query = Writer::default().with("account", acct).with("rest", rest).finish();
    format!("{SUPPORT}/start{query}")
}

/// An account in the operator area: `ops_account(acct, "suspend")`; the account itself if `rest` is empty.
#[must_use]
pub fn ops_account(acct: &str, rest: &str) -> String {
    below(OPS_ACCOUNTS, acct, rest)
}

/// The pages of a team: the members of the account with this ID, or the staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TeamPages {
    Account(String),
    Staff,
}

impl TeamPages {
    /// The kind of the team.
    pub(crate) const fn kind(&self) -> TeamKind {
        match self {
            Self::Account(_) => TeamKind::Account,
            Self::Staff => TeamKind::Staff,
        }
    }

    /// The list of members.
    pub(crate) fn list(&self) -> String {
        match self {
            Self::Account(acct) => account(acct, "members"),
            Self::Staff => OPS_STAFF.to_owned(),
        }
    }

    /// A page of a member, such as `remove`; the role if `rest` is empty.
    pub(crate) fn member(&self, usr: &str, rest: &str) -> String {
        below(&self.list(), usr, rest)
    }
}

/// The pages of the connectors of an account, by its ID, or of those of the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectorPages {
    /// An account's.
    Account(String),
    /// The platform's.
    Platform,
}

impl ConnectorPages {
    /// The list of connectors.
    #[must_use]
    pub fn list(&self) -> String {
        match self {
            Self::Account(acct) => account(acct, "connectors"),
            Self::Platform => OPS_CONNECTORS.to_owned(),
        }
    }

    /// A page of a connector, such as `edit`; the connector itself if `rest` is empty.
    #[must_use]
    pub fn page(&self, con: &str, rest: &str) -> String {
        let page = below(&self.list(), con, "");
        if rest.is_empty() { page } else { format!("{page}/{rest}") }
    }
}

/// A page of a platform token.
#[must_use]
pub fn ops_token(token: &str) -> String {
    below(OPS_TOKENS, token, "")
}

/// A page of an API token.
#[must_use]
pub fn token(acct: &str, token: &str) -> String {
    account(acct, &format!("tokens/{}", encode(token)))
}

/// A page of an endpoint: `endpoint(acct, ep, "edit")`; the endpoint itself if `rest` is empty.
#[must_use]
pub fn endpoint(acct: &str, ep: &str, rest: &str) -> String {
    let ep = encode(ep);
    account(acct, &if rest.is_empty() { format!("endpoints/{ep}") } else { format!("endpoints/{ep}/{rest}") })
}

/// An invitation, by the secret part of its link.
#[must_use]
pub fn invitation(kind: TeamKind, link: &str) -> String {
    below(if kind == TeamKind::Staff { "/invite/staff" } else { "/invite" }, link, "")
}

/// Setting a new password, by the secret part of the link.
#[must_use]
pub fn reset(link: &str) -> String {
    format!("/reset/{}", encode(link))
}

/// The page of an emailed sign-up link.
#[must_use]
pub fn sign_up(link: &str) -> String {
    format!("{SIGN_UP}/{}", encode(link))
}

/// A delivery's page.
#[must_use]
pub fn delivery(acct: &str, dlv: &str) -> String {
    account(acct, &format!("deliveries/{}", encode(dlv)))
}

/// Retrying or resending the deliveries of a query string.
#[must_use]
pub fn bulk(acct: &str, query: &str) -> String {
    let mark = if query.is_empty() || query.starts_with('?') { "" } else { "?" };
    account(acct, &format!("deliveries/bulk{mark}{query}"))
}

/// A job's page.
#[must_use]
pub fn job(acct: &str, job: &str) -> String {
    account(acct, &format!("jobs/{}", encode(job)))
}

/// The page of the object with this ID, if there is one; without an account, its page in the operator area.
#[must_use]
pub fn object(acct: &str, id: &str) -> Option<String> {
    match id.split_once('_')?.0 {
        "acct" if acct.is_empty() => Some(ops_account(id, "")),
        "con" if acct.is_empty() => Some(ConnectorPages::Platform.page(id, "")),
        "tok" if acct.is_empty() => Some(ops_token(id)),
        _ if acct.is_empty() => None,
        "tok" => Some(token(acct, id)),
        "con" => Some(ConnectorPages::Account(acct.to_owned()).page(id, "")),
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

/// The sign-in page, returning to `next` afterwards.
#[must_use]
pub fn sign_in_then(next: &str) -> String {
    if next == "/" { SIGN_IN.to_owned() } else { format!("{SIGN_IN}?next={}", encode(next)) }
}

/// The sign-in page after the second step has timed out.
#[must_use]
pub fn sign_in_late(next: &str) -> String {
    format!("{SIGN_IN}{}", Writer::default().with("late", "1").with("next", next).finish())
}

/// How the second step is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A code from the authenticator app.
    App,
    /// A recovery code.
    RecoveryCode,
}

impl Step {
    /// Its name in URLs and forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::App => "",
            Self::RecoveryCode => "recovery",
        }
    }

    /// The step of that name; `App` for any other.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        if name == Self::RecoveryCode.as_str() { Self::RecoveryCode } else { Self::App }
    }
}

/// The second step of signing in, returning to `next` afterwards.
#[must_use]
pub fn verify_then(next: &str, step: Step) -> String {
    format!("{VERIFY}{}", Writer::default().with("with", step.as_str()).with("next", next).finish())
}

/// A user's second factor, returning to `next` afterwards.
#[must_use]
pub fn second_factor_then(next: &str) -> String {
    format!("{SECOND_FACTOR}{}", Writer::default().with("next", next).finish())
}

/// Accepts only return paths on this site: one leading slash, visible ASCII. Anything else could redirect to another
/// site (`//evil.example`, `/\evil.example`) or break the response header.
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
    fn return_paths_stay_on_this_site() {
        for allowed in ["/", "/a/acct_1/deliveries?status=failed&range=24h"] {
            assert_eq!(safe_next(allowed), Some(allowed));
        }
        for evil in ["", "//evil.example", "/\\evil.example", "https://evil.example", "a/b", "/a b", "/a\r\nX: y", "/ä"]
        {
            assert_eq!(safe_next(evil), None, "{evil:?}");
        }
    }

    #[test]
    fn support_sessions_are_recognised_by_path() {
        let page = in_support("acct_1", "deliveries?q=1");
        assert_eq!(page, "/support/a/acct_1/deliveries?q=1");
        assert!(is_support(&page) && !is_support("/support/all") && !is_support("/a/acct_1"));
        assert_eq!(below_support("/support/a/acct_1/deliveries/dlv_1"), "deliveries/dlv_1");
        assert_eq!((below_support("/support/a/acct_1"), below_support("/a/acct_1/x")), ("", ""));
        assert_eq!(support_start("acct_1", "events/x y"), "/support/start?account=acct_1&rest=events%2Fx+y");
    }

    #[test]
    fn ids_are_escaped_in_paths() {
        assert_eq!(account("../x", "endpoints"), "/a/..%2Fx/endpoints");
        assert_eq!(endpoint("acct_1", "ep_1", "edit"), "/a/acct_1/endpoints/ep_1/edit");
        assert_eq!(sign_in_then("/a/x?y=1"), "/sign-in?next=%2Fa%2Fx%3Fy%3D1");
    }
}
