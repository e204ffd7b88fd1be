//! Finds stuck deliveries, which nothing would ever make due, in small steps.

use domain::{
    UnixMs,
    id::{AccountId, EndpointId},
};

use crate::store::{
    db::{Db, on},
    deliveries::ordering_keys::OrderingKey,
    error::{StoreError, StoreResult},
};

/// One step through the index of ordering keys. The last of them may have more deliveries than the step has room for.
const STEP: &str = "SELECT endpoint_id, call_id, COUNT(due_ms) AS due FROM ( \
       SELECT endpoint_id, call_id, due_ms FROM deliveries WHERE state IN ('queued', 'retrying') \
       AND (endpoint_id, call_id) > ($1, $2) ORDER BY endpoint_id, call_id LIMIT $3) AS step \
     GROUP BY endpoint_id, call_id ORDER BY endpoint_id, call_id";
const OF_DELETED: &str = "SELECT e.account_id, e.id FROM endpoints e WHERE e.state = 'deleted' AND e.state_since_ms >= $1 \
     AND EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint_id = e.id AND d.state IN ('queued', 'retrying')) ORDER BY e.id";

/// The unfinished deliveries of an ordering key, or some of them.
#[derive(Debug, Clone, sqlx_macros::FromRow)]
pub struct KeyPart {
    /// The ordering key.
    #[sqlx(flatten)]
    pub key: OrderingKey,
    /// How many of these have a due time.
    pub due: i64,
}

/// The ordering keys of the next `limit` unfinished deliveries, after that key.
pub async fn step(db: &Db, after: Option<&KeyPart>, limit: u32) -> StoreResult<Vec<KeyPart>> {
    let (endpoint, call) = after.map_or(("", ""), |part| (&*part.key.endpoint_id, &*part.key.call_id));
    Ok(on!(&db.readers, c => sqlx::query_as(STEP)
        .bind(endpoint).bind(call).bind(i64::from(limit)).fetch_all(c).await?))
}

/// A deleted endpoint.
#[derive(Debug, sqlx_macros::FromRow)]
pub struct DeletedEndpoint {
    /// Its account.
    pub account_id: String,
    /// Id.
    pub id: String,
}

impl DeletedEndpoint {
    /// The ids of the account and the endpoint.
    ///
    /// # Errors
    /// `Corrupt` if one of them is unreadable.
    pub fn ids(&self) -> StoreResult<(AccountId, EndpointId)> {
        let corrupt = |column| StoreError::Corrupt { table: "endpoints", column, row: self.id.clone() };
        let account = AccountId::parse(&self.account_id).map_err(|_| corrupt("account_id"))?;
        Ok((account, EndpointId::parse(&self.id).map_err(|_| corrupt("id"))?))
    }
}

/// Endpoints deleted since then that still have unfinished deliveries.
pub async fn of_deleted(db: &Db, since: UnixMs) -> StoreResult<Vec<DeletedEndpoint>> {
    Ok(on!(&db.readers, c => sqlx::query_as(OF_DELETED).bind(since.0).fetch_all(c).await?))
}
