//! Memberships of users in accounts.

use domain::{
    UnixMs,
    account::{Account, Membership, Role, User},
    id::{AccountId, UserId},
    member::Member,
};

use crate::store::{
    accounts::{self, AccountRow, account_columns},
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
};

const MEMBERS: &str = "SELECT u.id, u.name, u.email, m.role, m.created_ms, \
                       (SELECT COUNT(*) FROM second_factors f WHERE f.user_id = u.id) FROM memberships m \
                       JOIN users u ON u.id = m.user_id WHERE m.account_id = $1 ORDER BY u.email";
const SET_ROLE: &str = "UPDATE memberships SET role = $3 WHERE account_id = $1 AND user_id = $2";
const REMOVE: &str = "DELETE FROM memberships WHERE account_id = $1 AND user_id = $2";
const ADD: &str = "INSERT INTO memberships (user_id, account_id, role, created_ms) VALUES ($1, $2, $3, $4)";
const MEMBERSHIPS: &str = concat!(
    "SELECT ",
    account_columns!(),
    ", m.role FROM memberships m JOIN accounts a ON a.id = m.account_id WHERE m.user_id = $1 ORDER BY a.name, a.id"
);
const ONE: &str = "SELECT u.email, m.role, a.developers_rotate, a.suspend_reason FROM memberships m JOIN users u ON u.id = m.user_id \
                      JOIN accounts a ON a.id = m.account_id WHERE m.user_id = $1 AND m.account_id = $2";

type MemberRow = (String, String, String, String, i64, i64);

fn member((id, name, email, role, since, factors): MemberRow) -> StoreResult<Member> {
    let corrupt = |column| StoreError::Corrupt { table: "memberships", column, row: id.clone() };
    let role = Role::parse(&role).ok_or_else(|| corrupt("role"))?;
    let id = UserId::parse(&id).map_err(|_| corrupt("user_id"))?;
    Ok(Member { user: User { id, name, email }, role, since: UnixMs(since), second_factor: factors > 0 })
}

/// Lists members, ordered by email.
pub async fn list(db: &Db, account: &AccountId) -> StoreResult<Vec<Member>> {
    let rows: Vec<MemberRow> =
        on!(&db.readers, c => sqlx::query_as(MEMBERS).bind(account.as_str()).fetch_all(c).await?);
    rows.into_iter().map(member).collect()
}

/// Lists members, ordered by email, and locks the membership until the transaction ends.
pub async fn lock(tx: &mut Tx, account: &AccountId) -> StoreResult<Vec<Member>> {
    accounts::lock(tx, account).await?;
    let rows: Vec<MemberRow> = within!(tx, c => sqlx::query_as(MEMBERS).bind(account.as_str()).fetch_all(c).await?);
    rows.into_iter().map(member).collect()
}

/// Changes a member's role.
pub async fn set_role(tx: &mut Tx, account: &AccountId, user: &UserId, role: Role) -> StoreResult<()> {
    within!(tx, c => sqlx::query(SET_ROLE)
        .bind(account.as_str()).bind(user.as_str()).bind(role.as_str()).execute(c).await?.rows_affected());
    Ok(())
}

/// Removes a member.
pub async fn remove(tx: &mut Tx, account: &AccountId, user: &UserId) -> StoreResult<()> {
    within!(tx, c => sqlx::query(REMOVE).bind(account.as_str()).bind(user.as_str()).execute(c).await?.rows_affected());
    Ok(())
}

/// Adds a user to an account.
pub async fn add(tx: &mut Tx, user: &UserId, account: &AccountId, role: Role, now: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD)
        .bind(user.as_str()).bind(account.as_str()).bind(role.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Lists a user's accounts, ordered by name.
pub async fn of_user(db: &Db, user: &UserId) -> StoreResult<Vec<Membership>> {
    #[derive(sqlx_macros::FromRow)]
    struct Row {
        #[sqlx(flatten)]
        account: AccountRow,
        role: String,
    }
    let rows: Vec<Row> = on!(&db.readers, c => sqlx::query_as(MEMBERSHIPS).bind(user.as_str()).fetch_all(c).await?);
    let of =
        |row: Row| Ok(Membership { role: role(&row.role, &row.account.id)?, account: Account::try_from(row.account)? });
    rows.into_iter().map(of).collect()
}

/// What decides which operations a member may perform.
pub struct MemberAccess {
    /// Email address.
    pub email: String,
    /// Role.
    pub role: Role,
    /// Whether developers may rotate credentials in the account.
    pub developers_rotate: bool,
    /// Why the account is suspended, if it is.
    pub suspended: Option<String>,
}

/// Returns a member's access to an account.
pub async fn one(db: &Db, user: &UserId, account: &AccountId) -> StoreResult<Option<MemberAccess>> {
    type Row = (String, String, i64, Option<String>);
    let row: Option<Row> =
        on!(&db.readers, c => sqlx::query_as(ONE).bind(user.as_str()).bind(account.as_str()).fetch_optional(c).await?);
    let access = |(email, name, rotate, suspended): Row| {
        let role = role(&name, account.as_str())?;
        Ok(MemberAccess { email, role, developers_rotate: rotate != 0, suspended })
    };
    row.map(access).transpose()
}

fn role(name: &str, account: &str) -> StoreResult<Role> {
    let corrupt = || StoreError::Corrupt { table: "memberships", column: "role", row: account.to_owned() };
    Role::parse(name).ok_or_else(corrupt)
}
