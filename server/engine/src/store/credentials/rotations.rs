//! Running rotations. Their credentials arrive sealed.

use domain::{
    UnixMs,
    id::{AccountId, EndpointId},
    rotation::{Credential, SecretRotation, TokenRotation},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::store::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
    ops::parked::not_parked,
    sql::{Param, Sql},
};

const ADD: &str = "INSERT INTO rotations (account_id, endpoint_id, what, since_ms, due_ms, state_sealed) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (endpoint_id, what) DO NOTHING";
static LOCK: Sql =
    Sql::new("SELECT state_sealed FROM rotations WHERE account_id = $1 AND endpoint_id = $2 AND what = $3 {serialise}");
static CHANGE: Sql = Sql::new(
    "UPDATE rotations SET due_ms = $4, state_sealed = $5 WHERE account_id = $1 AND endpoint_id = $2 AND what = $3",
);
const END: &str = "DELETE FROM rotations WHERE account_id = $1 AND endpoint_id = $2 AND what = $3";
const END_ALL: &str = "DELETE FROM rotations WHERE account_id = $1 AND endpoint_id = $2";
const DUE: &str = concat!(
    "SELECT account_id, endpoint_id, what FROM rotations r WHERE due_ms <= $1 AND ",
    not_parked!("scheduled_rotation", "r.endpoint_id"),
    " ORDER BY due_ms LIMIT $2"
);
const NEXT_DUE: &str = concat!(
    "SELECT MIN(due_ms) FROM rotations r WHERE due_ms IS NOT NULL AND ",
    not_parked!("scheduled_rotation", "r.endpoint_id")
);
const SET_TOKEN: &str = "UPDATE endpoints SET auth_token_sealed = $3, auth_token_masked = $4 \
                         WHERE account_id = $1 AND id = $2 AND state <> 'deleted'";
const SET_SECRET: &str = "UPDATE endpoints SET secret_sealed = $3, secret_masked = $4 \
                          WHERE account_id = $1 AND id = $2 AND state <> 'deleted'";

static LOCK_TOKEN: Sql = Sql::new(
    "SELECT auth_token_sealed FROM endpoints WHERE account_id = $1 AND id = $2 \
                                   AND state <> 'deleted' {serialise}",
);
static LOCK_SECRET: Sql = Sql::new(
    "SELECT secret_sealed FROM endpoints WHERE account_id = $1 AND id = $2 \
                                    AND state <> 'deleted' {serialise}",
);

/// A running rotation with both of its sealed credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running<T> {
    /// The rotation.
    pub rotation: T,
    /// The previous credential.
    pub earlier_sealed: String,
    /// The next credential.
    pub next_sealed: String,
}

/// A kind of rotation.
pub trait Rotates: Serialize + DeserializeOwned + Send + Sync {
    /// The credential that rotates.
    const WHAT: Credential;
    /// When it started.
    fn since(&self) -> UnixMs;
    /// When its next scheduled step is due.
    fn due(&self) -> Option<UnixMs>;
    /// Records the first successful test.
    fn prove(&mut self, at: UnixMs);
}

impl Rotates for TokenRotation {
    const WHAT: Credential = Credential::AuthToken;
    fn since(&self) -> UnixMs {
        self.since
    }
    fn due(&self) -> Option<UnixMs> {
        self.changes_at()
    }
    fn prove(&mut self, at: UnixMs) {
        self.proved_at.get_or_insert(at);
    }
}

impl Rotates for SecretRotation {
    const WHAT: Credential = Credential::SigningSecret;
    fn since(&self) -> UnixMs {
        self.since
    }
    fn due(&self) -> Option<UnixMs> {
        Some(self.overlap_until)
    }
    fn prove(&mut self, at: UnixMs) {
        self.proved_at.get_or_insert(at);
    }
}

/// Reads a stored rotation.
pub(crate) fn read<T: Rotates>(endpoint: &str, state: &str) -> StoreResult<Running<T>> {
    let corrupt = |_| StoreError::Corrupt { table: "rotations", column: "state_sealed", row: endpoint.to_owned() };
    serde_json::from_str(state).map_err(corrupt)
}

fn written<T: Rotates>(running: &Running<T>) -> String {
    // Structs of strings and numbers always serialise.
    serde_json::to_string(running).unwrap_or_default()
}

/// Starts a rotation. False if one is running for this credential.
pub async fn add<T: Rotates>(
    tx: &mut Tx,
    account: &AccountId,
    id: &EndpointId,
    running: &Running<T>,
) -> StoreResult<bool> {
    let added = within!(tx, c => sqlx::query(ADD).bind(account.as_str()).bind(id.as_str()).bind(T::WHAT.as_str())
        .bind(running.rotation.since().0).bind(running.rotation.due().map(|at| at.0)).bind(written(running))
        .execute(c).await?.rows_affected());
    Ok(added == 1)
}

/// The running rotation of a credential, locked until the transaction ends.
pub async fn lock<T: Rotates>(tx: &mut Tx, account: &AccountId, id: &EndpointId) -> StoreResult<Option<Running<T>>> {
    let key = [account.as_str(), id.as_str(), T::WHAT.as_str()].map(Param::from);
    let state: Option<(String,)> = LOCK.fetch(tx, &key).await?.pop();
    state.map(|(state,)| read(id.as_str(), &state)).transpose()
}

/// Updates a running rotation.
pub async fn change<T: Rotates>(
    tx: &mut Tx,
    account: &AccountId,
    id: &EndpointId,
    running: &Running<T>,
) -> StoreResult<()> {
    let key = [account.as_str(), id.as_str(), T::WHAT.as_str()].map(Param::from);
    let due = running.rotation.due().map(|at| at.0);
    CHANGE.execute(tx, &[&key[..], &[due.into(), written(running).as_str().into()]].concat()).await?;
    Ok(())
}

/// Ends a rotation and deletes its credentials.
pub async fn end(tx: &mut Tx, account: &AccountId, id: &EndpointId, what: Credential) -> StoreResult<()> {
    within!(tx, c => sqlx::query(END).bind(account.as_str()).bind(id.as_str()).bind(what.as_str())
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Ends all rotations of a deleted endpoint.
pub async fn end_all(tx: &mut Tx, account: &AccountId, id: &EndpointId) -> StoreResult<()> {
    within!(tx, c => sqlx::query(END_ALL).bind(account.as_str()).bind(id.as_str()).execute(c).await?.rows_affected());
    Ok(())
}

/// Records that a test of the rotation that started at `since` succeeded. Does nothing if that rotation has ended.
pub async fn prove<T: Rotates>(
    tx: &mut Tx,
    account: &AccountId,
    id: &EndpointId,
    since: UnixMs,
    at: UnixMs,
) -> StoreResult<()> {
    if let Some(mut running) = lock::<T>(tx, account, id).await?
        && running.rotation.since() == since
    {
        running.rotation.prove(at);
        change(tx, account, id, &running).await?;
    }
    Ok(())
}

/// Rotations with a step due: account, endpoint and credential, the longest overdue first.
pub async fn due(db: &Db, now: UnixMs, limit: u32) -> StoreResult<Vec<(String, String, String)>> {
    Ok(on!(&db.readers, c => sqlx::query_as(DUE).bind(now.0).bind(i64::from(limit)).fetch_all(c).await?))
}

/// When the next scheduled step of any rotation is due.
pub async fn next_due(db: &Db) -> StoreResult<Option<UnixMs>> {
    let at: Option<i64> = on!(&db.readers, c => sqlx::query_scalar(NEXT_DUE).fetch_one(c).await?);
    Ok(at.map(UnixMs))
}

/// Sets the endpoint's credential. False if the endpoint was deleted.
pub async fn set_credential(
    tx: &mut Tx,
    account: &AccountId,
    id: &EndpointId,
    what: Credential,
    sealed: &str,
    masked: &str,
) -> StoreResult<bool> {
    let sql = match what {
        Credential::AuthToken => SET_TOKEN,
        Credential::SigningSecret => SET_SECRET,
    };
    let set = within!(tx, c => sqlx::query(sql).bind(account.as_str()).bind(id.as_str()).bind(sealed).bind(masked)
        .execute(c).await?.rows_affected());
    Ok(set == 1)
}

/// The endpoint's sealed credential, locked until the transaction ends.
pub async fn credential(
    tx: &mut Tx,
    account: &AccountId,
    id: &EndpointId,
    what: Credential,
) -> StoreResult<Option<String>> {
    let sql = match what {
        Credential::AuthToken => LOCK_TOKEN.on(tx.dialect()),
        Credential::SigningSecret => LOCK_SECRET.on(tx.dialect()),
    };
    Ok(within!(tx, c => sqlx::query_scalar(sql).bind(account.as_str()).bind(id.as_str()).fetch_optional(c).await?))
}
