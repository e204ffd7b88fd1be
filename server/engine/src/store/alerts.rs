//! Alerts that are due: changes of the state of an endpoint or a connector that its account's admins get an email about, or
//! operators, if it is the platform's.

use domain::audit::AuditAction;
use serde::Serialize;

use crate::store::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
    ops::parked::not_parked,
    sql::Sql,
};

static ADD: Sql = Sql::new(
    "INSERT INTO alerts (id, account_id, object_id, action) SELECT r.id, r.account_id, r.object_id, r.action \
     FROM {rows r: id text, account_id text, object_id text, action text}",
);
const DUE: &str = concat!(
    "SELECT a.id, a.account_id, a.object_id, a.action FROM alerts a WHERE ",
    not_parked!("alerts", "a.id"),
    " ORDER BY a.id LIMIT $1"
);
const REMOVE: &str = "DELETE FROM alerts WHERE id = $1 AND account_id = $2";

/// A stored alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx_macros::FromRow)]
pub struct Alert {
    /// Id.
    pub id: String,
    /// Its account; empty for the platform.
    pub account_id: String,
    /// The endpoint or connector.
    pub object_id: String,
    /// What happened: the code of an audit action.
    pub action: String,
}

impl Alert {
    /// What happened.
    ///
    /// # Errors
    /// `Corrupt` if that is unreadable.
    pub fn what(&self) -> StoreResult<AuditAction> {
        AuditAction::parse(&self.action).ok_or_else(|| self.corrupt("action"))
    }

    /// The error for an unreadable column.
    #[must_use]
    pub fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: "alerts", column, row: self.id.clone() }
    }
}

/// Adds alerts.
pub async fn add(tx: &mut Tx, alerts: &[Alert]) -> StoreResult<()> {
    ADD.write(tx, alerts, &[]).await?;
    Ok(())
}

/// The oldest alerts that are not parked.
pub async fn due(db: &Db, limit: u32) -> StoreResult<Vec<Alert>> {
    Ok(on!(&db.readers, c => sqlx::query_as(DUE).bind(i64::from(limit)).fetch_all(c).await?))
}

/// Removes an alert. False if another node has removed it.
pub async fn remove(tx: &mut Tx, alert: &Alert) -> StoreResult<bool> {
    let removed = within!(tx, c => sqlx::query(REMOVE)
        .bind(&alert.id).bind(&alert.account_id).execute(c).await?.rows_affected());
    Ok(removed == 1)
}
