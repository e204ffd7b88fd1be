//! API tokens; only their hashes are here.

use domain::{
    UnixMs,
    id::{AccountId, TokenId},
    token::Scope,
};

use super::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
};

const ADD: &str = "INSERT INTO api_tokens (id, account_id, name, hash, hint, scopes, created_ms) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7)";
const BY_HASH: &str = "SELECT id, account_id, name, scopes, revoked_ms FROM api_tokens WHERE hash = $1";

/// A token as it is checked at each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// Id.
    pub id: TokenId,
    /// Its account; none for a platform token.
    pub account: Option<AccountId>,
    /// Name for people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Whether it has been revoked.
    pub revoked: bool,
}

#[derive(sqlx::FromRow)]
struct TokenRow {
    id: String,
    account_id: Option<String>,
    name: String,
    scopes: String,
    revoked_ms: Option<i64>,
}

impl TryFrom<TokenRow> for StoredToken {
    type Error = StoreError;
    fn try_from(row: TokenRow) -> StoreResult<Self> {
        let corrupt = |column| StoreError::Corrupt { table: "api_tokens", column, row: row.id.clone() };
        Ok(Self {
            id: TokenId::parse(&row.id).map_err(|_| corrupt("id"))?,
            account: row.account_id.as_deref().map(AccountId::parse).transpose().map_err(|_| corrupt("account_id"))?,
            scopes: row.scopes.split(' ').filter_map(Scope::parse).collect(),
            name: row.name,
            revoked: row.revoked_ms.is_some(),
        })
    }
}

/// A token to be stored.
pub struct NewToken<'a> {
    /// Id.
    pub id: &'a TokenId,
    /// Its account; none for a platform token.
    pub account: Option<&'a AccountId>,
    /// Name for people.
    pub name: &'a str,
    /// Hash of the token.
    pub hash: &'a str,
    /// Its last four characters.
    pub hint: &'a str,
    /// What it may do.
    pub scopes: &'a [Scope],
}

/// Adds a token.
pub async fn add(tx: &mut Tx, token: &NewToken<'_>, now: UnixMs) -> StoreResult<()> {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
    within!(tx, c => sqlx::query(ADD)
        .bind(token.id.as_str()).bind(token.account.map(AccountId::as_str)).bind(token.name).bind(token.hash)
        .bind(token.hint).bind(scopes.join(" ")).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// The token with this hash.
pub async fn by_hash(db: &Db, hash: &str) -> StoreResult<Option<StoredToken>> {
    let row: Option<TokenRow> = on!(&db.readers, c => sqlx::query_as(BY_HASH).bind(hash).fetch_optional(c).await?);
    row.map(StoredToken::try_from).transpose()
}
