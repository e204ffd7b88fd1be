//! API tokens: made once, kept as a hash, looked up at each request.

use crate::random;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Error, UnixMs,
    actor::{Actor, Who},
    audit::{Change, Deed},
    error::Result,
    id::{AccountId, TokenId},
    time::SECOND_MS,
    token::{Scope, TOKEN_PREFIX, Tokens},
};
use sha2::{Digest, Sha256};

use crate::{
    Engine,
    store::{
        accounts,
        audit::{self, Entry},
        tokens,
    },
};

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// How long what was found is believed without asking the database.
const BELIEVED_MS: i64 = 2 * SECOND_MS;
/// Most things of a kind that are believed at once.
const BELIEVED_MAX: usize = 10_000;

/// What was found in the database a moment ago, so that a thousand requests a second ask for it once.
#[derive(Debug, Default)]
pub(crate) struct Believed {
    /// Tokens that were valid, by hash.
    actors: Recent<Actor>,
    /// Accounts by what a platform calls them. Accounts never change hands and are never deleted.
    pub(crate) accounts: Recent<AccountId>,
}

/// Values by key, each believed for [`BELIEVED_MS`].
#[derive(Debug)]
pub(crate) struct Recent<T>(Mutex<HashMap<String, (UnixMs, T)>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Recent<T> {
    pub(crate) fn get(&self, key: &str, now: UnixMs) -> Option<T> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).filter(|(at, _)| now.since_ms(*at).abs() < BELIEVED_MS).map(|(_, value)| value.clone())
    }

    pub(crate) fn put(&self, key: String, now: UnixMs, value: &T) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= BELIEVED_MAX {
            known.clear();
        }
        known.insert(key, (now, value.clone()));
    }
}

/// A token's hash as it is stored. Tokens are 256 random bits, so a plain hash is enough.
pub(crate) fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}

#[async_trait]
impl Tokens for Engine {
    async fn authenticate(&self, bearer: &str) -> Result<Actor> {
        let unknown = || Error::Unauthenticated("This API token is unknown. Check it, or create a new one.".into());
        if !bearer.starts_with(TOKEN_PREFIX) {
            return Err(unknown());
        }
        let (hash, now) = (hash(bearer), self.now());
        if let Some(actor) = self.believed().actors.get(&hash, now) {
            return Ok(actor);
        }
        let token = tokens::by_hash(self.db(), &hash).await?.ok_or_else(unknown)?;
        if token.revoked {
            return Err(Error::Unauthenticated("This API token has been revoked.".into()));
        }
        let who = Who::Token { token: token.id, name: token.name, account: token.account, scopes: token.scopes };
        let actor = Actor::new(who);
        self.believed().actors.put(hash, now, &actor);
        Ok(actor)
    }
}

impl Engine {
    /// Creates a token; its text is told this once. Without an account it is a platform token.
    ///
    /// # Errors
    /// `NotFound` for the account, `Invalid` without a scope or for a platform token that does more than post events.
    pub async fn create_token(
        &self,
        actor: &Actor,
        account: Option<&AccountId>,
        name: &str,
        scopes: &[Scope],
    ) -> Result<(TokenId, String)> {
        if scopes.is_empty() {
            return Err(Error::invalid("scope", "Name at least one scope, for example events:write."));
        }
        if account.is_none() && scopes.iter().any(|scope| *scope != Scope::EventsWrite) {
            return Err(Error::invalid("scope", "A platform token has the scope events:write only."));
        }
        if let Some(account) = account {
            let known = accounts::account(self.db(), account.as_str()).await?;
            known.ok_or_else(|| Error::NotFound("Account".into()))?;
        }
        let random: [u8; TOKEN_BYTES] = random::any();
        let token = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
        let id = self.new_id(TokenId::new);
        let (hash, hint) = (hash(&token), token.chars().rev().take(4).collect::<Vec<_>>());
        let hint: String = hint.into_iter().rev().collect();
        let new = tokens::NewToken { id: &id, account, name, hash: &hash, hint: &hint, scopes };
        let mut tx = self.db().begin().await?;
        tokens::add(&mut tx, &new, self.now()).await?;
        let chain = account.map_or(audit::INSTALLATION, AccountId::as_str);
        let entry = Entry::new(self.next_id(), self.now(), chain, Deed::ApiTokenCreated).by(actor);
        let scopes = scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
        self.note(&mut tx, entry.about(id.as_str(), name).with([Change::noted("scopes", scopes)])).await?;
        tx.commit().await?;
        Ok((id, token))
    }
}
