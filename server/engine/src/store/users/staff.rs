//! The provider's staff.

use domain::{
    account::{StaffRole, User},
    id::UserId,
    ops::staff::StaffMember,
};

use crate::store::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
    sql::Sql,
};

const MEMBERS: &str = "SELECT id, name, email, staff_role FROM users WHERE staff_role IS NOT NULL ORDER BY email";
// Ordered by email, so that two transactions that lock all of them cannot deadlock.
static LOCKED: Sql =
    Sql::new("SELECT id, name, email, staff_role FROM users WHERE staff_role IS NOT NULL ORDER BY email {serialise}");
const SET_ROLE: &str = "UPDATE users SET staff_role = $2 WHERE id = $1";
const ONE: &str = "SELECT email, staff_role FROM users WHERE id = $1 AND staff_role IS NOT NULL";

type MemberRow = (String, String, String, String);

fn member((id, name, email, role): MemberRow) -> StoreResult<StaffMember> {
    let corrupt = |column| StoreError::Corrupt { table: "users", column, row: id.clone() };
    let role = StaffRole::parse(&role).ok_or_else(|| corrupt("staff_role"))?;
    let id = UserId::parse(&id).map_err(|_| corrupt("id"))?;
    Ok(StaffMember { user: User { id, name, email }, role })
}

/// Lists staff, ordered by email.
pub async fn list(db: &Db) -> StoreResult<Vec<StaffMember>> {
    let rows: Vec<MemberRow> = on!(&db.readers, c => sqlx::query_as(MEMBERS).fetch_all(c).await?);
    rows.into_iter().map(member).collect()
}

/// Lists staff, ordered by email, and locks them until the transaction ends.
pub async fn lock(tx: &mut Tx) -> StoreResult<Vec<StaffMember>> {
    let sql = LOCKED.on(tx.dialect());
    let rows: Vec<MemberRow> = within!(tx, c => sqlx::query_as(sql).fetch_all(c).await?);
    rows.into_iter().map(member).collect()
}

/// Sets a user's staff role; `None` removes them from staff.
pub async fn set_role(tx: &mut Tx, user: &UserId, role: Option<StaffRole>) -> StoreResult<()> {
    within!(tx, c => sqlx::query(SET_ROLE)
        .bind(user.as_str()).bind(role.map(StaffRole::as_str)).execute(c).await?.rows_affected());
    Ok(())
}

/// A staff member's email address and role.
pub async fn one(db: &Db, user: &UserId) -> StoreResult<Option<(String, StaffRole)>> {
    let row: Option<(String, String)> =
        on!(&db.readers, c => sqlx::query_as(ONE).bind(user.as_str()).fetch_optional(c).await?);
    let corrupt = || StoreError::Corrupt { table: "users", column: "staff_role", row: user.to_string() };
    row.map(|(email, name)| Ok((email, StaffRole::parse(&name).ok_or_else(corrupt)?))).transpose()
}
