//! API tokens, stored as hashes.

use domain::{
    UnixMs,
    id::{AccountId, TokenId},
    token::{ApiToken, Scope},
};

use crate::store::{
    accounts,
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
    members,
};

const ADD: &str = "INSERT INTO api_tokens (id, account_id, name, hash, hint, scopes, created_ms, created_by, expires_ms) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const BY_HASH: &str = "SELECT * FROM api_tokens WHERE hash = $1";
/// The owner's tokens: an account's, or the platform's, which belong to no account. Written so that both databases can use
/// the index.
macro_rules! owned {
    () => {
        "(account_id = $1 OR ($1 = '' AND account_id IS NULL))"
    };
}
const OF: &str = concat!("SELECT * FROM api_tokens WHERE ", owned!(), " ORDER BY id DESC LIMIT $2");
const ONE: &str = concat!("SELECT * FROM api_tokens WHERE ", owned!(), " AND id = $2");
const COUNT_VALID: &str = concat!(
    "SELECT COUNT(*) FROM api_tokens WHERE ",
    owned!(),
    " AND revoked_ms IS NULL AND (expires_ms IS NULL OR expires_ms > $2)"
);
const REPLACE: &str = concat!(
    "UPDATE api_tokens SET replaced_by = $3, expires_ms = CASE WHEN expires_ms < $4 THEN expires_ms ELSE $4 END WHERE ",
    owned!(),
    " AND id = $2 AND replaced_by IS NULL AND revoked_ms IS NULL"
);
const REVOKE: &str =
    concat!("UPDATE api_tokens SET revoked_ms = $3 WHERE ", owned!(), " AND id = $2 AND revoked_ms IS NULL");
const RECORD_USE: &str = "UPDATE api_tokens SET last_used_ms = $2, last_used_from = $3 WHERE id = $1";

#[derive(sqlx_macros::FromRow)]
struct TokenRow {
    id: String,
    account_id: Option<String>,
    name: String,
    hash: String,
    hint: String,
    scopes: String,
    created_ms: i64,
    created_by: Option<String>,
    last_used_ms: Option<i64>,
    last_used_from: Option<String>,
    expires_ms: Option<i64>,
    revoked_ms: Option<i64>,
    replaced_by: Option<String>,
}

/// A stored token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// Its account; `None` for a platform token.
    pub account: Option<AccountId>,
    /// Hash of its secret.
    pub hash: String,
    /// The token.
    pub token: ApiToken,
}

impl TryFrom<TokenRow> for StoredToken {
    type Error = StoreError;
    fn try_from(row: TokenRow) -> StoreResult<Self> {
        let corrupt = |column| StoreError::Corrupt { table: "api_tokens", column, row: row.id.clone() };
        let by = row.replaced_by.as_deref().map(TokenId::parse).transpose();
        let token = ApiToken {
            id: TokenId::parse(&row.id).map_err(|_| corrupt("id"))?,
            replaced_by: by.map_err(|_| corrupt("replaced_by"))?,
            scopes: row.scopes.split(' ').filter_map(Scope::parse).collect(),
            name: row.name.clone(),
            hint: row.hint.clone(),
            created_at: UnixMs(row.created_ms),
            created_by: row.created_by.clone(),
            last_used_at: row.last_used_ms.map(UnixMs),
            last_used_from: row.last_used_from.clone(),
            expires_at: row.expires_ms.map(UnixMs),
            revoked_at: row.revoked_ms.map(UnixMs),
        };
        let account = row.account_id.as_deref().map(AccountId::parse).transpose().map_err(|_| corrupt("account_id"))?;
        Ok(Self { account, hash: row.hash, token })
    }
}

/// Adds a token.
pub async fn add(tx: &mut Tx, stored: &StoredToken) -> StoreResult<()> {
    let token = &stored.token;
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    within!(tx, c => sqlx::query(ADD)
        .bind(token.id.as_str()).bind(stored.account.as_ref().map(AccountId::as_str)).bind(&token.name)
        .bind(&stored.hash).bind(&token.hint).bind(scopes.join(" ")).bind(token.created_at.0).bind(&token.created_by)
        .bind(token.expires_at.map(|at| at.0)).execute(c).await?.rows_affected());
    Ok(())
}

/// The token with this hash.
pub async fn by_hash(db: &Db, hash: &str) -> StoreResult<Option<StoredToken>> {
    let row: Option<TokenRow> = on!(&db.readers, c => sqlx::query_as(BY_HASH).bind(hash).fetch_optional(c).await?);
    row.map(StoredToken::try_from).transpose()
}

/// The owner as it is bound: an account's id, or empty for the platform.
fn text(owner: Option<&AccountId>) -> &str {
    owner.map_or("", AccountId::as_str)
}

/// Lists the newest tokens of an account, or of the platform.
pub async fn of(db: &Db, owner: Option<&AccountId>, limit: u32) -> StoreResult<Vec<StoredToken>> {
    let rows: Vec<TokenRow> = on!(&db.readers, c => sqlx::query_as(OF)
        .bind(text(owner)).bind(i64::from(limit)).fetch_all(c).await?);
    rows.into_iter().map(StoredToken::try_from).collect()
}

/// One of the owner's tokens.
pub async fn one(db: &Db, owner: Option<&AccountId>, id: &TokenId) -> StoreResult<Option<StoredToken>> {
    let row: Option<TokenRow> = on!(&db.readers, c => sqlx::query_as(ONE)
        .bind(text(owner)).bind(id.as_str()).fetch_optional(c).await?);
    row.map(StoredToken::try_from).transpose()
}

/// Locks the owner until the transaction ends, so that their tokens can be counted reliably.
pub async fn lock_owner(tx: &mut Tx, owner: Option<&AccountId>) -> StoreResult<()> {
    match owner {
        Some(account) => accounts::lock(tx, account).await,
        None => members::lock_staff(tx).await,
    }
}

/// How many of the owner's tokens are valid.
pub async fn count_valid(tx: &mut Tx, owner: Option<&AccountId>, now: UnixMs) -> StoreResult<i64> {
    Ok(within!(tx, c => sqlx::query_scalar(COUNT_VALID).bind(text(owner)).bind(now.0).fetch_one(c).await?))
}

/// Replaces a token by another; the old one expires at `until` at the latest. False if it has been replaced or revoked
/// already.
pub async fn replace(
    tx: &mut Tx,
    owner: Option<&AccountId>,
    id: &TokenId,
    by: &TokenId,
    until: UnixMs,
) -> StoreResult<bool> {
    let done = within!(tx, c => sqlx::query(REPLACE).bind(text(owner)).bind(id.as_str()).bind(by.as_str())
        .bind(until.0).execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// Revokes a token. False if it was revoked already.
pub async fn revoke(tx: &mut Tx, owner: Option<&AccountId>, id: &TokenId, now: UnixMs) -> StoreResult<bool> {
    let done = within!(tx, c => sqlx::query(REVOKE).bind(text(owner)).bind(id.as_str()).bind(now.0)
        .execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// Records when and from where a token was last record_use.
pub async fn record_use(db: &Db, id: &TokenId, now: UnixMs, address: &str) -> StoreResult<()> {
    let mut tx = db.begin().await?;
    within!(&mut tx, c => sqlx::query(RECORD_USE).bind(id.as_str()).bind(now.0).bind(address).execute(c).await?.rows_affected());
    tx.commit().await
}
