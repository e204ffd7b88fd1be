//! Addresses of pages, in one place, so that a link cannot name a page that does not exist.

use domain::query::encode;

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
/// Asking for a link that sets a new password.
pub const FORGOT: &str = "/forgot";

/// A page of an account: `account("acct_…", "endpoints/new")`; the overview when `rest` is empty.
#[must_use]
pub fn account(acct: &str, rest: &str) -> String {
    if rest.is_empty() { format!("/a/{}", encode(acct)) } else { format!("/a/{}/{rest}", encode(acct)) }
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
    fn an_id_cannot_break_out_of_its_place_in_a_path() {
        assert_eq!(account("../x", "endpoints"), "/a/..%2Fx/endpoints");
        assert_eq!(endpoint("acct_1", "ep_1", "edit"), "/a/acct_1/endpoints/ep_1/edit");
        assert_eq!(sign_in_then("/a/x?y=1"), "/sign-in?next=%2Fa%2Fx%3Fy%3D1");
    }
}
