//! API tokens: how the account's programs come in.

pub mod list;
pub mod new;
pub mod show;

use domain::UnixMs;
use domain::token::{ApiToken, TokenState};

use crate::zone::Zone;

/// How a token stands, in words.
fn standing(token: &ApiToken, zone: &Zone, now: UnixMs) -> String {
    let at = |at: Option<UnixMs>| at.map(|at| zone.short(at)).unwrap_or_default();
    match token.state(now) {
        TokenState::Active => match token.expires_at {
            Some(until) => format!("Works until {}", zone.short(until)),
            None => "Works".to_owned(),
        },
        TokenState::Retiring => format!("Another took its place; works until {}", at(token.expires_at)),
        TokenState::Expired => format!("Expired {}", at(token.expires_at)),
        TokenState::Revoked => format!("Revoked {}", at(token.revoked_at)),
    }
}

/// When and from where a token was used last, in words.
fn last_use(token: &ApiToken, zone: &Zone) -> String {
    match (token.last_used_at, &token.last_used_from) {
        (Some(at), Some(from)) if !from.is_empty() => format!("Last used {} from {from}", zone.short(at)),
        (Some(at), _) => format!("Last used {}", zone.short(at)),
        (None, _) => "Never used".to_owned(),
    }
}
