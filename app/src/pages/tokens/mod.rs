//! API tokens: how the account's programs come in.

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

/// Whose tokens they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// An account's, by its id.
    Account(String),
    /// The platform's.
    Platform,
}

impl Whose {
    /// The list of all of them, or the page of one.
    #[must_use]
    pub fn page(&self, token: &str) -> String {
        let base = match self {
            Self::Account(acct) => links::account(acct, "tokens"),
            Self::Platform => links::OPS_TOKENS.to_owned(),
        };
        if token.is_empty() { base } else { format!("{base}/{}", encode(token)) }
    }

    /// The page that asks before one is revoked.
    #[must_use]
    pub fn revoke_page(&self, token: &str) -> String {
        format!("{}/revoke", self.page(token))
    }

    /// How the page of all of them speaks.
    const fn words(&self) -> Words {
        match self {
            Self::Account(_) => Words {
                title: "API tokens",
                new: "New token",
                first: "Programs come in with API tokens",
                purpose: "A token lets a program post events, read deliveries or look after endpoints. It is shown once, when you make it.",
            },
            Self::Platform => Words {
                title: "Platform tokens",
                new: "New platform token",
                first: "The phone platform comes in with a platform token",
                purpose: "It posts events for any account, and does nothing else. It is shown once, when you make it.",
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

    /// The fields that say which token a form is about.
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

/// What the page of all tokens says.
struct Words {
    title: &'static str,
    /// On the button that makes one.
    new: &'static str,
    /// While there is none: what will be here, and what it is for.
    first: &'static str,
    purpose: &'static str,
}

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
