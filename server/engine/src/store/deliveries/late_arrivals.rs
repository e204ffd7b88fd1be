//! Deliveries that arrive after the end of their call.

use domain::UnixMs;
use serde::{Deserialize, Serialize};

use crate::store::{
    db::Tx,
    error::StoreResult,
    sql::{Sql, json_list},
};

/// From the call to its events, as many as a call may have open, and from these to their deliveries, whatever has become of
/// them. As subqueries: joined, the databases may walk all deliveries of the account instead.
static ENDED: Sql = Sql::new(
    "SELECT r.account_id, r.endpoint_id, r.call_id FROM {rows r: account_id text, endpoint_id text, call_id text} \
     WHERE (SELECT 1 FROM (SELECT e.account_id, e.id FROM events e WHERE e.account_id = r.account_id \
       AND e.call_id = r.call_id AND e.kind = 'CallProcessed' AND e.test = 0 LIMIT 1000) AS ends \
       WHERE (SELECT 1 FROM deliveries d WHERE d.account_id = ends.account_id AND d.event_id = ends.id \
         AND d.endpoint_id = r.endpoint_id LIMIT 1) = 1 LIMIT 1) = 1",
);
static SUPERSEDE: Sql = Sql::new(
    "UPDATE deliveries SET state = 'expired', end_reason = 'superseded', finished_ms = $2, due_ms = NULL \
     WHERE id IN {list $1}",
);

/// A call at one of the endpoints that receive its events.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx_macros::FromRow)]
pub struct CallAtEndpoint {
    /// Whose it is.
    pub account_id: String,
    /// The endpoint.
    pub endpoint_id: String,
    /// The call.
    pub call_id: String,
}

/// Those of these calls whose ends were accepted before.
pub async fn ended(tx: &mut Tx, calls: &[CallAtEndpoint]) -> StoreResult<Vec<CallAtEndpoint>> {
    ENDED.read(tx, calls, &[]).await
}

/// Ends deliveries that were just added.
pub async fn supersede(tx: &mut Tx, ids: impl IntoIterator<Item = &str>, now: UnixMs) -> StoreResult<()> {
    SUPERSEDE.execute(tx, &[json_list(ids).as_str().into(), now.0.into()]).await?;
    Ok(())
}
