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
    actor::{Actor, Permission, Who},
    audit::{Change, Deed},
    error::Result,
    id::{AccountId, TokenId},
    name,
    time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS},
    token::{
        ApiToken, EXPIRY_MAX_DAYS, MadeToken, OVERLAP_MAX_H, Scope, TOKEN_PREFIX, TOKENS_MAX, TokenForm, TokenState,
        Tokens,
    },
};
use sha2::{Digest, Sha256};

use crate::{
    Engine,
    store::{
        accounts,
        audit::{self, Entry},
        db::Tx,
        tokens::{self, StoredToken},
    },
};

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// Characters of a token that lists show.
const HINT_CHARS: usize = 4;
/// Tokens that are listed, those included that no longer work.
const SHOWN: u32 = 500;
/// A use within this time of the one before is not written down, in milliseconds.
const USE_KEPT_MS: i64 = MINUTE_MS;
/// How long what was found is believed without asking the database: after a token is revoked through one node, others
/// let it in for this long.
const BELIEVED_MS: i64 = 2 * SECOND_MS;
/// Most things of a kind that are believed at once.
const BELIEVED_MAX: usize = 10_000;

/// What was found in the database a moment ago, so that a thousand requests a second ask for it once.
#[derive(Debug, Default)]
pub(crate) struct Believed {
    /// Tokens that were valid, by hash.
    pub(crate) actors: Recent<Actor>,
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

    /// Forgets what is no longer true.
    pub(crate) fn forget(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
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
    async fn authenticate(&self, bearer: &str, address: &str) -> Result<Actor> {
        let unknown = || Error::Unauthenticated("This API token is unknown. Check it, or create a new one.".into());
        if !bearer.starts_with(TOKEN_PREFIX) {
            return Err(unknown());
        }
        let (hash, now) = (hash(bearer), self.now());
        if let Some(actor) = self.believed().actors.get(&hash, now) {
            return Ok(actor.at(address));
        }
        let StoredToken { account, token, .. } = tokens::by_hash(self.db(), &hash).await?.ok_or_else(unknown)?;
        refuse_ended(&token, now)?;
        self.remember_use(&token, address);
        let events_per_s = self.refuse_suspended(account.as_ref()).await?;
        let actor = Actor::new(Who::Token { token: token.id, name: token.name, account, scopes: token.scopes });
        let actor = Actor { events_per_s, ..actor };
        self.believed().actors.put(hash, now, &actor);
        Ok(actor.at(address))
    }

    async fn api_tokens(&self, actor: &Actor) -> Result<Vec<ApiToken>> {
        let whose = whose(actor)?;
        let stored = tokens::of(self.db(), whose, SHOWN).await?;
        let mut all: Vec<ApiToken> = stored.into_iter().map(|stored| stored.token).collect();
        let now = self.now();
        all.sort_by_key(|token| !token.works(now));
        Ok(all)
    }

    async fn api_token(&self, actor: &Actor, id: &TokenId) -> Result<ApiToken> {
        Ok(self.stored_token(whose(actor)?, id).await?.token)
    }

    async fn make_api_token(&self, actor: &Actor, form: &TokenForm) -> Result<MadeToken> {
        let whose = whose(actor)?;
        let new = form.check()?;
        refuse_more_than_own(actor, &new.scopes)?;
        refuse_for_platform(whose, &new.scopes, "scopes")?;
        let made = self.made(whose, actor, new.name, new.scopes, new.expires_days);
        let mut tx = self.db().begin().await?;
        if tokens::working(&mut tx, whose, self.now()).await? >= i64::from(TOKENS_MAX) {
            let detail = "At most 200 tokens work at a time. Revoke those that nobody uses.".into();
            return Err(Error::Conflict { detail, existing: None });
        }
        self.add_token(&mut tx, actor, &made.0, Deed::ApiTokenCreated, None).await?;
        tx.commit().await?;
        Ok(MadeToken { token: made.0.token, secret: made.1 })
    }

    async fn rotate_api_token(&self, actor: &Actor, id: &TokenId, overlap_h: u32) -> Result<MadeToken> {
        let whose = whose(actor)?;
        if overlap_h > OVERLAP_MAX_H {
            return Err(Error::invalid("overlap_h", "The earlier token works on for 0 to 168 hours."));
        }
        let (before, now) = (self.stored_token(whose, id).await?, self.now());
        refuse_rotation(&before.token, now)?;
        refuse_more_than_own(actor, &before.token.scopes)?;
        let life_ms = before.token.expires_at.map(|at| at.since_ms(before.token.created_at));
        let days = life_ms.map(|ms| u32::try_from((ms / DAY_MS).max(1)).unwrap_or(EXPIRY_MAX_DAYS));
        let (name, scopes) = (before.token.name.clone(), before.token.scopes.clone());
        let (stored, secret) = self.made(whose, actor, name, scopes, days);
        let until = now.plus_ms(i64::from(overlap_h) * HOUR_MS);
        let mut tx = self.db().begin().await?;
        if !tokens::replace(&mut tx, whose, id, &stored.token.id, until).await? {
            return Err(being_replaced());
        }
        self.add_token(&mut tx, actor, &stored, Deed::ApiTokenRotated, Some(&before.token)).await?;
        tx.commit().await?;
        self.believed().actors.forget(&before.hash);
        Ok(MadeToken { token: stored.token, secret })
    }

    async fn revoke_api_token(&self, actor: &Actor, id: &TokenId, name: Option<&str>) -> Result<ApiToken> {
        let whose = whose(actor)?;
        let (before, now) = (self.stored_token(whose, id).await?, self.now());
        let named = name.is_none_or(|name| name.trim() == before.token.name);
        if before.token.used_lately(now) && before.token.works(now) && !named {
            let says = "This token was used within a day. Type its name to revoke it all the same.";
            return Err(Error::invalid("name", says));
        }
        let mut tx = self.db().begin().await?;
        if tokens::revoke(&mut tx, whose, id, now).await? {
            let entry = Entry::new(self.next_id(), now, chain(whose), Deed::ApiTokenRevoked).by(actor);
            self.note(&mut tx, entry.about(id.as_str(), &before.token.name)).await?;
        }
        tx.commit().await?;
        self.believed().actors.forget(&before.hash);
        Ok(self.stored_token(whose, id).await?.token)
    }
}

/// Whose tokens the actor looks after: their account's, or as an operator the platform's.
fn whose(actor: &Actor) -> Result<Option<&AccountId>> {
    if actor.may(Permission::Operate) { Ok(None) } else { actor.account_if(Permission::ManageTokens).map(Some) }
}

/// The chain of the audit log in which these tokens stand.
fn chain(whose: Option<&AccountId>) -> &str {
    whose.map_or(audit::OPS_CHAIN, AccountId::as_str)
}

fn refuse_for_platform(whose: Option<&AccountId>, scopes: &[Scope], field: &str) -> Result<()> {
    if whose.is_none() && scopes.iter().any(|scope| *scope != Scope::EventsWrite) {
        return Err(Error::invalid(field, "A platform token has the scope events:write only."));
    }
    Ok(())
}

fn refuse_ended(token: &ApiToken, now: UnixMs) -> Result<()> {
    match token.state(now) {
        TokenState::Revoked => Err(Error::Unauthenticated("This API token has been revoked.".into())),
        TokenState::Expired => Err(Error::Unauthenticated("This API token has expired. Create a new one.".into())),
        TokenState::Active | TokenState::Retiring => Ok(()),
    }
}

fn refuse_rotation(token: &ApiToken, now: UnixMs) -> Result<()> {
    match token.state(now) {
        TokenState::Active => Ok(()),
        TokenState::Retiring => Err(being_replaced()),
        TokenState::Expired | TokenState::Revoked => Err(Error::Conflict {
            detail: "This token no longer works, so there is nothing to overlap with. Create a new one.".into(),
            existing: None,
        }),
    }
}

fn being_replaced() -> Error {
    Error::Conflict { detail: "This token is being replaced already. Wait until it has ended.".into(), existing: None }
}

/// A program cannot make a token that may do more than its own.
fn refuse_more_than_own(actor: &Actor, wanted: &[Scope]) -> Result<()> {
    let Who::Token { scopes, .. } = &actor.who else { return Ok(()) };
    match wanted.iter().find(|scope| !scopes.contains(scope)) {
        Some(scope) => Err(Error::Forbidden(format!(
            "A token gives no more than it has, and this one lacks the scope {}.",
            scope.as_str()
        ))),
        None => Ok(()),
    }
}

impl Engine {
    /// Refuses the token of a suspended account; else how many events a second the account's tokens may post.
    async fn refuse_suspended(&self, account: Option<&AccountId>) -> Result<Option<u32>> {
        let Some(id) = account else { return Ok(None) };
        let account = accounts::account(self.db(), id.as_str()).await?;
        let account = account.ok_or_else(|| Error::NotFound("Account".into()))?;
        match account.suspended {
            Some(suspension) => Err(Error::Suspended(suspension.words())),
            None => Ok(account.limits.events_per_s),
        }
    }

    async fn stored_token(&self, whose: Option<&AccountId>, id: &TokenId) -> Result<StoredToken> {
        tokens::one(self.db(), whose, id).await?.ok_or_else(|| Error::NotFound("API token".into()))
    }

    /// A token and its text, not stored yet.
    fn made(
        &self,
        account: Option<&AccountId>,
        actor: &Actor,
        name: String,
        scopes: Vec<Scope>,
        expires_days: Option<u32>,
    ) -> (StoredToken, String) {
        let random: [u8; TOKEN_BYTES] = random::any();
        let secret = format!("{TOKEN_PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
        let now = self.now();
        let token = ApiToken {
            id: self.new_id(TokenId::new),
            name,
            hint: secret[secret.len() - HINT_CHARS..].to_owned(),
            scopes,
            created_at: now,
            created_by: Some(actor.name()),
            last_used_at: None,
            last_used_from: None,
            expires_at: expires_days.map(|days| now.plus_ms(i64::from(days) * DAY_MS)),
            revoked_at: None,
            replaced_by: None,
        };
        (StoredToken { account: account.cloned(), hash: hash(&secret), token }, secret)
    }

    async fn add_token(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        stored: &StoredToken,
        deed: Deed,
        before: Option<&ApiToken>,
    ) -> Result<()> {
        tokens::add(tx, stored).await?;
        let chain = chain(stored.account.as_ref());
        let scopes = stored.token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
        let changes = [
            Some(Change::noted("scopes", scopes)),
            stored.token.expires_at.map(|at| Change::noted("expires", domain::time::iso_utc(at))),
            before.map(|before| Change::noted("takes the place of", before.masked())),
        ];
        let entry = Entry::new(self.next_id(), self.now(), chain, deed).by(actor);
        let entry = entry.about(stored.token.id.as_str(), &stored.token.name);
        self.note(tx, entry.with(changes.into_iter().flatten())).await
    }

    /// Writes down that a token is in use, at most once a minute, without making the request wait. Failing that, the
    /// next use is written down.
    fn remember_use(&self, token: &ApiToken, address: &str) {
        let now = self.now();
        let lately = token.last_used_at.is_some_and(|at| now.since_ms(at).abs() < USE_KEPT_MS);
        if lately && token.last_used_from.as_deref() == Some(address) {
            return;
        }
        let (db, id, address) = (self.db().clone(), token.id.clone(), address.to_owned());
        tokio::spawn(async move {
            if let Err(error) = tokens::used(&db, &id, now, &address).await {
                tracing::debug!(%error, "the use of a token was not written down");
            }
        });
    }

    /// Creates a token for an operator; its text is told this once. Without an account it is a platform token.
    ///
    /// # Errors
    /// `NotFound` for the account, `Invalid` for the name, without a scope, or for a platform token that does more than post events.
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
        refuse_for_platform(account, scopes, "scope")?;
        let name = name::checked("name", name)?;
        if let Some(account) = account {
            let known = accounts::account(self.db(), account.as_str()).await?;
            known.ok_or_else(|| Error::NotFound("Account".into()))?;
        }
        let (stored, secret) = self.made(account, actor, name, scopes.to_vec(), None);
        let mut tx = self.db().begin().await?;
        self.add_token(&mut tx, actor, &stored, Deed::ApiTokenCreated, None).await?;
        tx.commit().await?;
        Ok((stored.token.id, secret))
    }
}
