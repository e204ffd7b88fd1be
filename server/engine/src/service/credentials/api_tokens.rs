//! API tokens: shown once when created, stored as a hash, looked up for each request.

use crate::{
    Engine,
    detached::detach,
    digest::hash,
    random,
    store::{
        accounts,
        audit::{self, Entry},
        credentials::api_tokens::{self, StoredToken},
        db::Tx,
    },
};
use std::sync::Arc;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Error, UnixMs,
    account::Limit,
    actor::{Actor, Permission, Who},
    audit::{AuditAction, Change},
    error::Result,
    id::{AccountId, TokenId},
    name,
    time::{DAY_MS, HOUR_MS, MINUTE_MS},
    token::{
        ApiToken, CreatedToken, EXPIRY_MAX_DAYS, NewToken, OVERLAP_MAX_H, Scope, TOKEN_PREFIX, TokenState, Tokens,
    },
};

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// Characters of a token shown in lists.
const HINT_CHARS: usize = 4;
/// Most tokens that are listed, including invalid ones.
const SHOWN: u32 = 500;
/// A use within this time of the previous one is not recorded, in milliseconds.
const USE_RECORDED_MS: i64 = MINUTE_MS;

#[async_trait]
impl Tokens for Engine {
    async fn authenticate(&self, bearer: &str, address: &str) -> Result<Actor> {
        let unknown = || Error::Unauthenticated("Invalid API token. Check it, or create a new one.".into());
        if !bearer.starts_with(TOKEN_PREFIX) {
            return Err(unknown());
        }
        let (hash, now) = (hash(bearer), self.now());
        if let Some(actor) = self.auth_cache().actors.get(&hash, now) {
            return Ok(actor.at(address));
        }
        let StoredToken { account, token, .. } = api_tokens::by_hash(self.db(), &hash).await?.ok_or_else(unknown)?;
        require_valid(&token, now)?;
        self.record_use(&token, address);
        let events_per_s = self.refuse_suspended(account.as_ref()).await?;
        let actor = Actor::new(Who::Token { token: token.id, name: token.name, account, scopes: token.scopes });
        let actor = Actor { events_per_s, ..actor };
        self.auth_cache().actors.put(hash, now, &actor);
        Ok(actor.at(address))
    }

    async fn api_tokens(&self, actor: &Actor) -> Result<Vec<ApiToken>> {
        let owner = owner(actor)?;
        let stored = api_tokens::of(self.db(), owner, SHOWN).await?;
        let mut all: Vec<ApiToken> = stored.into_iter().map(|stored| stored.token).collect();
        let now = self.now();
        all.sort_by_key(|token| !token.works(now));
        Ok(all)
    }

    async fn api_token(&self, actor: &Actor, id: &TokenId) -> Result<ApiToken> {
        Ok(self.stored_token(owner(actor)?, id).await?.token)
    }

    async fn create_api_token(&self, actor: &Actor, new: &NewToken) -> Result<CreatedToken> {
        let owner = owner(actor)?;
        let new = new.checked()?;
        refuse_more_than_own(actor, &new.scopes)?;
        refuse_for_platform(owner, &new.scopes, "scopes")?;
        let new_token = self.new_token(owner, actor, new.name, new.scopes, new.expires_days);
        let mut tx = self.db().begin().await?;
        api_tokens::lock_owner(&mut tx, owner).await?;
        self.refuse_too_many_tokens(&mut tx, owner, "Revoke the ones you no longer use.").await?;
        self.add_token(&mut tx, actor, &new_token.0, AuditAction::ApiTokenCreated, None).await?;
        tx.commit().await?;
        Ok(CreatedToken { token: new_token.0.token, secret: new_token.1 })
    }

    async fn rotate_api_token(&self, actor: &Actor, id: &TokenId, overlap_h: u32) -> Result<CreatedToken> {
        let owner = owner(actor)?;
        if overlap_h > OVERLAP_MAX_H {
            return Err(Error::invalid("overlap_h", "Enter an overlap of 0 to 168 hours."));
        }
        let (before, now) = (self.stored_token(owner, id).await?, self.now());
        refuse_rotation(&before.token, now)?;
        refuse_more_than_own(actor, &before.token.scopes)?;
        let life_ms = before.token.expires_at.map(|at| at.since_ms(before.token.created_at));
        let days = life_ms.map(|ms| u32::try_from((ms / DAY_MS).max(1)).unwrap_or(EXPIRY_MAX_DAYS));
        let (name, scopes) = (before.token.name.clone(), before.token.scopes.clone());
        let (stored, secret) = self.new_token(owner, actor, name, scopes, days);
        let until = now.plus_ms(i64::from(overlap_h) * HOUR_MS);
        let mut tx = self.db().begin().await?;
        api_tokens::lock_owner(&mut tx, owner).await?;
        if !api_tokens::replace(&mut tx, owner, id, &stored.token.id, until).await? {
            return Err(already_replaced());
        }
        // After the replacement: without an overlap, the old token no longer counts.
        let instead =
            "Tokens that are being replaced count until they expire. Revoke one, or rotate without an overlap.";
        self.refuse_too_many_tokens(&mut tx, owner, instead).await?;
        self.add_token(&mut tx, actor, &stored, AuditAction::ApiTokenRotated, Some(&before.token)).await?;
        tx.commit_then(self.forget_token(before.hash)).await?;
        Ok(CreatedToken { token: stored.token, secret })
    }

    async fn revoke_api_token(&self, actor: &Actor, id: &TokenId, name: Option<&str>) -> Result<ApiToken> {
        let owner = owner(actor)?;
        let (before, now) = (self.stored_token(owner, id).await?, self.now());
        let named = name.is_none_or(|name| name.trim() == before.token.name);
        if before.token.used_lately(now) && before.token.works(now) && !named {
            let says = "This token was used in the last 24 hours. Enter its name to confirm.";
            return Err(Error::invalid("name", says));
        }
        let mut tx = self.db().begin().await?;
        if api_tokens::revoke(&mut tx, owner, id, now).await? {
            let entry = Entry::new(self.next_id(), now, chain(owner), AuditAction::ApiTokenRevoked).by(actor);
            self.record(&mut tx, entry.about(id.as_str(), &before.token.name)).await?;
        }
        tx.commit_then(self.forget_token(before.hash)).await?;
        Ok(self.stored_token(owner, id).await?.token)
    }
}

/// The owner of the tokens that the actor manages: their account, or for operators the platform (`None`).
fn owner(actor: &Actor) -> Result<Option<&AccountId>> {
    if actor.may(Permission::Ops) { Ok(None) } else { actor.account_if(Permission::ManageTokens).map(Some) }
}

/// The audit chain of these tokens.
fn chain(owner: Option<&AccountId>) -> &str {
    owner.map_or(audit::OPS_CHAIN, AccountId::as_str)
}

fn refuse_for_platform(owner: Option<&AccountId>, scopes: &[Scope], field: &str) -> Result<()> {
    if owner.is_none() && scopes.iter().any(|scope| !Scope::PLATFORM.contains(scope)) {
        let message = "A platform token can only have the scopes events:write, connectors:read and connectors:write.";
        return Err(Error::invalid(field, message));
    }
    Ok(())
}

fn require_valid(token: &ApiToken, now: UnixMs) -> Result<()> {
    match token.state(now) {
        TokenState::Revoked => Err(Error::Unauthenticated("This API token has been revoked.".into())),
        TokenState::Expired => Err(Error::Unauthenticated("This API token has expired. Create a new one.".into())),
        TokenState::Active | TokenState::Retiring => Ok(()),
    }
}

fn refuse_rotation(token: &ApiToken, now: UnixMs) -> Result<()> {
    match token.state(now) {
        TokenState::Active => Ok(()),
        TokenState::Retiring => Err(already_replaced()),
        TokenState::Expired | TokenState::Revoked => Err(Error::Conflict {
            detail: "This token is no longer valid, so it can't be rotated. Create a new one.".into(),
            existing: None,
        }),
    }
}

fn already_replaced() -> Error {
    Error::Conflict { detail: "This token is already being replaced. Wait until it expires.".into(), existing: None }
}

/// A token cannot create a token with more scopes than its own.
fn refuse_more_than_own(actor: &Actor, wanted: &[Scope]) -> Result<()> {
    let Who::Token { scopes, .. } = &actor.who else { return Ok(()) };
    match wanted.iter().find(|scope| !scopes.contains(scope)) {
        Some(scope) => Err(Error::Forbidden(format!(
            "A token can't grant scopes that it doesn't have. This one lacks {}.",
            scope.as_str()
        ))),
        None => Ok(()),
    }
}

impl Engine {
    /// Rejects tokens and connectors of a suspended account; otherwise returns the account's limit of events per second.
    pub(in crate::service) async fn refuse_suspended(&self, account: Option<&AccountId>) -> Result<Option<u32>> {
        let Some(id) = account else { return Ok(None) };
        let account = accounts::account(self.db(), id.as_str()).await?;
        let account = account.ok_or_else(|| Error::NotFound("Account".into()))?;
        match account.suspended {
            Some(suspension) => Err(Error::Suspended(suspension.message())),
            None => Ok(Some(account.limits.of(Limit::EventsPerS))),
        }
    }

    /// Refuses one more token. The caller has locked the owner.
    async fn refuse_too_many_tokens(&self, tx: &mut Tx, owner: Option<&AccountId>, instead: &str) -> Result<()> {
        let most = self.limits_of(owner).await?.of(Limit::Tokens);
        if api_tokens::count_valid(tx, owner, self.now()).await? < i64::from(most) {
            return Ok(());
        }
        let detail = format!("You can have at most {most} active tokens. {instead}");
        Err(Error::Conflict { detail, existing: None })
    }

    async fn stored_token(&self, owner: Option<&AccountId>, id: &TokenId) -> Result<StoredToken> {
        api_tokens::one(self.db(), owner, id).await?.ok_or_else(|| Error::NotFound("API token".into()))
    }

    /// A new token and its secret, not stored yet.
    fn new_token(
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
        action: AuditAction,
        before: Option<&ApiToken>,
    ) -> Result<()> {
        api_tokens::add(tx, stored).await?;
        let chain = chain(stored.account.as_ref());
        let scopes = stored.token.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
        let changes = [
            Some(Change::noted("scopes", scopes)),
            stored.token.expires_at.map(|at| Change::noted("expires", domain::time::iso_utc(at))),
            before.map(|before| Change::noted("replaces", before.masked())),
        ];
        let entry = Entry::new(self.next_id(), self.now(), chain, action).by(actor);
        let entry = entry.about(stored.token.id.as_str(), &stored.token.name);
        self.record(tx, entry.with(changes.into_iter().flatten())).await
    }

    /// After the commit: the token's cached actor is no longer valid.
    fn forget_token(&self, hash: String) -> impl Future<Output = ()> + Send + use<> {
        let auth_cache = Arc::clone(self.auth_cache());
        async move { auth_cache.actors.remove(&hash) }
    }

    /// Records that a token is in use, at most once a minute, without delaying the request. If that fails, the next use is
    /// recorded.
    fn record_use(&self, token: &ApiToken, address: &str) {
        let now = self.now();
        let lately = token.last_used_at.is_some_and(|at| now.since_ms(at).abs() < USE_RECORDED_MS);
        if lately && token.last_used_from.as_deref() == Some(address) {
            return;
        }
        let (db, id, address) = (self.db().clone(), token.id.clone(), address.to_owned());
        detach(async move {
            if let Err(error) = api_tokens::record_use(&db, &id, now, &address).await {
                tracing::debug!(%error, "could not record the use of a token");
            }
        });
    }

    /// Creates a token for an operator and returns its secret. Without an account it is a platform token.
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
            return Err(Error::invalid("scope", "Specify at least one scope, for example events:write."));
        }
        refuse_for_platform(account, scopes, "scope")?;
        let name = name::checked("name", name)?;
        if let Some(account) = account {
            let known = accounts::account(self.db(), account.as_str()).await?;
            known.ok_or_else(|| Error::NotFound("Account".into()))?;
        }
        let (stored, secret) = self.new_token(account, actor, name, scopes.to_vec(), None);
        let mut tx = self.db().begin().await?;
        self.add_token(&mut tx, actor, &stored, AuditAction::ApiTokenCreated, None).await?;
        tx.commit().await?;
        Ok((stored.token.id, secret))
    }
}
