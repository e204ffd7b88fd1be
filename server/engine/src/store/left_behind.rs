//! What nothing would ever move: looked for in small steps, beside everybody else.

use domain::{
    UnixMs,
    id::{AccountId, EndpointId},
};

use super::{
    db::{Db, on},
    error::{StoreError, StoreResult},
    jobs::OrderingKey,
};

/// A step along the index of lanes.
const STEP: &str = "SELECT endpoint_id, call_id, MAX(id) AS id, COUNT(due_ms) AS due FROM ( \
       SELECT endpoint_id, call_id, id, due_ms FROM deliveries WHERE state IN ('queued', 'retrying') \
       AND (endpoint_id, call_id, id) > ($1, $2, $3) ORDER BY endpoint_id, call_id, id LIMIT $4) AS step \
     GROUP BY endpoint_id, call_id ORDER BY endpoint_id, call_id";
const OF_DELETED: &str = "SELECT e.account_id, e.id FROM endpoints e WHERE e.state = 'deleted' AND e.state_since_ms >= $1 \
     AND EXISTS (SELECT 1 FROM deliveries d WHERE d.endpoint_id = e.id AND d.state IN ('queued', 'retrying')) ORDER BY e.id";

/// Part of a lane, or all of it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Part {
    /// The lane.
    #[sqlx(flatten)]
    pub lane: OrderingKey,
    /// The last delivery of this part.
    pub id: String,
    /// How many of this part are due, or will be.
    pub due: i64,
}

/// The lanes of up to `limit` deliveries that have not ended, behind this one.
pub async fn step(db: &Db, after: Option<&Part>, limit: u32) -> StoreResult<Vec<Part>> {
    let (endpoint, call, id) =
        after.map_or(("", "", ""), |part| (&*part.lane.endpoint_id, &*part.lane.call_id, &*part.id));
    Ok(on!(&db.readers, c => sqlx::query_as(STEP)
        .bind(endpoint).bind(call).bind(id).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Endpoints that were deleted since, and for which something has not ended.
pub async fn of_deleted(db: &Db, since: UnixMs) -> StoreResult<Vec<(AccountId, EndpointId)>> {
    let rows: Vec<(String, String)> =
        on!(&db.readers, c => sqlx::query_as(OF_DELETED).bind(since.0).fetch_all(c).await?);
    let of = |(account, id): (String, String)| {
        let corrupt = |_| StoreError::Corrupt { table: "endpoints", column: "account_id", row: id.clone() };
        let account = AccountId::parse(&account).map_err(corrupt)?;
        let id =
            EndpointId::parse(&id).map_err(|_| StoreError::Corrupt { table: "endpoints", column: "id", row: id })?;
        Ok((account, id))
    };
    rows.into_iter().map(of).collect()
}
