//! API tokens, with which programs authenticate.

pub mod list;
pub mod new;
pub mod revoke;
pub mod show;

use domain::UnixMs;
use domain::query::encode;
use domain::token::{ApiToken, TokenState};

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::api::ops_tokens::{RevokePlatformToken, RotatePlatformToken};
use crate::api::tokens::{RevokeToken, RotateToken};
use crate::links;
use crate::zone::Zone;

/// Who a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenOwner {
    /// An account, by its ID.
    Account(String),
    /// The phone platform.
    Platform,
}

impl TokenOwner {
    /// The page of a token, or the list of all tokens if `token` is empty.
    #[must_use]
    pub fn page(&self, token: &str) -> String {
        let base = match self {
            Self::Account(acct) => links::account(acct, "tokens"),
            Self::Platform => links::OPS_TOKENS.to_owned(),
        };
        if token.is_empty() { base } else { format!("{base}/{}", encode(token)) }
    }

    /// The confirmation page for revoking a token.
    #[must_use]
    pub fn revoke_page(&self, token: &str) -> String {
        format!("{}/revoke", self.page(token))
    }

    /// The texts of the list.
    const fn list_text(&self) -> ListText {
        match self {
            Self::Account(_) => ListText {
                title: "API tokens",
                new: "Create token",
                empty: "No API tokens yet",
                purpose: "A token lets a program send events, read deliveries or manage endpoints. It’s shown only once, when you create it.",
            },
            Self::Platform => ListText {
                title: "Platform tokens",
                new: "Create platform token",
                empty: "No platform tokens yet",
                purpose: "A platform token lets the phone platform send events for any account. It’s shown only once, when you create it.",
            },
        }
    }

    const fn rotate(&self) -> &'static str {
        match self {
            Self::Account(_) => RotateToken::PATH,
            Self::Platform => RotatePlatformToken::PATH,
        }
    }

    const fn revoke(&self) -> &'static str {
        match self {
            Self::Account(_) => RevokeToken::PATH,
            Self::Platform => RevokePlatformToken::PATH,
        }
    }

    /// Hidden fields that identify the token in a form.
    fn fields(&self, token: &ApiToken) -> impl IntoView + use<> {
        let acct = match self {
            Self::Account(acct) => Some(acct.clone()),
            Self::Platform => None,
        };
        view! {
            {acct.map(|acct| view! { <input type="hidden" name="acct" value=acct/> })}
            <input type="hidden" name="token" value=token.id.to_string()/>
        }
    }
}

/// Texts of the list of tokens.
struct ListText {
    title: &'static str,
    /// On the button that creates one.
    new: &'static str,
    /// Heading if there are none.
    empty: &'static str,
    /// What the tokens are for, shown if there are none.
    purpose: &'static str,
}

/// A token's status.
fn status(token: &ApiToken, zone: &Zone, now: UnixMs) -> String {
    let at = |at: Option<UnixMs>| at.map(|at| zone.short(at)).unwrap_or_default();
    match token.state(now) {
        TokenState::Active => match token.expires_at {
            Some(until) => format!("Active until {}", zone.short(until)),
            None => "Active".to_owned(),
        },
        TokenState::Retiring => format!("Replaced, active until {}", at(token.expires_at)),
        TokenState::Expired => format!("Expired {}", at(token.expires_at)),
        TokenState::Revoked => format!("Revoked {}", at(token.revoked_at)),
    }
}

/// When and from where a token was last used.
fn last_use(token: &ApiToken, zone: &Zone) -> String {
    match (token.last_used_at, &token.last_used_from) {
        (Some(at), Some(from)) if !from.is_empty() => format!("Last used {} from {from}", zone.short(at)),
        (Some(at), _) => format!("Last used {}", zone.short(at)),
        (None, _) => "Never used".to_owned(),
    }
}
