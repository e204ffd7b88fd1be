//! Who belongs to an account.

use domain::{
    UnixMs,
    account::{Role, User},
    id::{AccountId, UserId},
    member::Member,
};

use super::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
    sql::Sql,
};

static LOCK: Sql = Sql::new("SELECT id FROM accounts WHERE id = $1 {serialise}");
const MEMBERS: &str = "SELECT u.id, u.name, u.email, m.role, m.created_ms, \
                       (SELECT COUNT(*) FROM second_factors f WHERE f.user_id = u.id) FROM memberships m \
                       JOIN users u ON u.id = m.user_id WHERE m.account_id = $1 ORDER BY u.email";
const SET_ROLE: &str = "UPDATE memberships SET role = $3 WHERE account_id = $1 AND user_id = $2";
const REMOVE: &str = "DELETE FROM memberships WHERE account_id = $1 AND user_id = $2";

type MemberRow = (String, String, String, String, i64, i64);

fn member((id, name, email, role, since, factors): MemberRow) -> StoreResult<Member> {
    let corrupt = |column| StoreError::Corrupt { table: "memberships", column, row: id.clone() };
    let role = Role::parse(&role).ok_or_else(|| corrupt("role"))?;
    let id = UserId::parse(&id).map_err(|_| corrupt("user_id"))?;
    Ok(Member { user: User { id, name, email }, role, since: UnixMs(since), second_factor: factors > 0 })
}

/// Members, by address.
pub async fn list(db: &Db, account: &AccountId) -> StoreResult<Vec<Member>> {
    let rows: Vec<MemberRow> =
        on!(&db.readers, c => sqlx::query_as(MEMBERS).bind(account.as_str()).fetch_all(c).await?);
    rows.into_iter().map(member).collect()
}

/// Members, by address, who stay as they are until the transaction ends: whoever changes any of them waits here.
pub async fn lock(tx: &mut Tx, account: &AccountId) -> StoreResult<Vec<Member>> {
    let lock = LOCK.on(tx.dialect());
    let _: Option<String> = within!(tx, c => sqlx::query_scalar(lock).bind(account.as_str()).fetch_optional(c).await?);
    let rows: Vec<MemberRow> = within!(tx, c => sqlx::query_as(MEMBERS).bind(account.as_str()).fetch_all(c).await?);
    rows.into_iter().map(member).collect()
}

/// Gives a member another role.
pub async fn set_role(tx: &mut Tx, account: &AccountId, user: &UserId, role: Role) -> StoreResult<()> {
    within!(tx, c => sqlx::query(SET_ROLE)
        .bind(account.as_str()).bind(user.as_str()).bind(role.as_str()).execute(c).await?.rows_affected());
    Ok(())
}

/// Takes a member out.
pub async fn remove(tx: &mut Tx, account: &AccountId, user: &UserId) -> StoreResult<()> {
    within!(tx, c => sqlx::query(REMOVE).bind(account.as_str()).bind(user.as_str()).execute(c).await?.rows_affected());
    Ok(())
}
