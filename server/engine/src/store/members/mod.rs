//! Members: of accounts, by their memberships, and of the provider's staff, by a column of the user.

pub(crate) mod invitations;

use domain::{
    UnixMs,
    account::{Account, Membership, Role, StaffRole, User},
    id::{AccountId, UserId},
    member::{Member, Team, TeamKind, TeamRole},
};

use crate::store::{
    accounts::{self, AccountRow, account_columns},
    db::{Db, Dialect, Tx, on, within},
    error::{StoreError, StoreResult},
    sql::Sql,
};

// $1 is the account; empty for the staff.
const MEMBERS: &str = "SELECT u.id, u.name, u.email, m.role, m.created_ms, \
                       (SELECT COUNT(*) FROM second_factors f WHERE f.user_id = u.id) FROM memberships m \
                       JOIN users u ON u.id = m.user_id WHERE m.account_id = $1 ORDER BY u.email";
const STAFF: &str = "SELECT u.id, u.name, u.email, u.staff_role, CAST(NULL AS BIGINT), \
                     (SELECT COUNT(*) FROM second_factors f WHERE f.user_id = u.id) FROM users u \
                     WHERE u.staff_role IS NOT NULL AND $1 = '' ORDER BY u.email";
/// Of PostgreSQL's advisory locks, the one of the provider.
const PROVIDER_LOCK: i64 = 1;
// Ordered by email, so that two transactions that lock all of them cannot deadlock.
static LOCK_STAFF: Sql = Sql::new("SELECT id FROM users WHERE staff_role IS NOT NULL ORDER BY email {serialise}");
const SET_ROLE: &str = "UPDATE memberships SET role = $2 WHERE user_id = $1 AND account_id = $3";
const SET_STAFF_ROLE: &str = "UPDATE users SET staff_role = $2 WHERE id = $1";
const REMOVE: &str = "DELETE FROM memberships WHERE user_id = $1 AND account_id = $2";
const ADD: &str = "INSERT INTO memberships (user_id, account_id, role, created_ms) VALUES ($1, $2, $3, $4)";
const STAFF_ACCESS: &str = "SELECT email, staff_role FROM users WHERE id = $1 AND staff_role IS NOT NULL";
const MEMBERSHIPS: &str = concat!(
    "SELECT ",
    account_columns!(),
    ", m.role FROM memberships m JOIN accounts a ON a.id = m.account_id WHERE m.user_id = $1 ORDER BY a.name, a.id"
);
const ACCESS: &str = "SELECT u.email, m.role, a.developers_rotate, a.suspend_reason FROM memberships m JOIN users u ON u.id = m.user_id \
                      JOIN accounts a ON a.id = m.account_id WHERE m.user_id = $1 AND m.account_id = $2";

type MemberRow = (String, String, String, String, Option<i64>, i64);

/// The statement that reads a team's members, and its parameter.
fn statement(team: &Team) -> (&'static str, &str) {
    match team {
        Team::Account(account) => (MEMBERS, account.id.as_str()),
        Team::Staff => (STAFF, ""),
    }
}

fn member(kind: TeamKind, (id, name, email, role, since, factors): MemberRow) -> StoreResult<Member> {
    let table = if kind == TeamKind::Staff { "users" } else { "memberships" };
    let corrupt = |column| StoreError::Corrupt { table, column, row: id.clone() };
    let role = TeamRole::parse(kind, &role).ok_or_else(|| corrupt("role"))?;
    let id = UserId::parse(&id).map_err(|_| corrupt("user_id"))?;
    Ok(Member { user: User { id, name, email }, role, since: since.map(UnixMs), second_factor: factors > 0 })
}

/// Lists a team's members, ordered by email.
pub(crate) async fn list(db: &Db, team: &Team) -> StoreResult<Vec<Member>> {
    let (sql, account) = statement(team);
    let rows: Vec<MemberRow> = on!(&db.readers, c => sqlx::query_as(sql).bind(account).fetch_all(c).await?);
    rows.into_iter().map(|row| member(team.kind(), row)).collect()
}

/// Lists a team's members, ordered by email, and locks the team until the transaction ends.
pub(crate) async fn lock(tx: &mut Tx, team: &Team) -> StoreResult<Vec<Member>> {
    match team {
        Team::Account(account) => accounts::lock(tx, &account.id).await?,
        Team::Staff => lock_staff(tx).await?,
    }
    let (sql, account) = statement(team);
    let rows: Vec<MemberRow> = within!(tx, c => sqlx::query_as(sql).bind(account).fetch_all(c).await?);
    rows.into_iter().map(|row| member(team.kind(), row)).collect()
}

/// Locks the staff, and what belongs to the provider, until the transaction ends. There may be no staff, so that locking
/// their rows alone would lock nothing.
pub(crate) async fn lock_staff(tx: &mut Tx) -> StoreResult<()> {
    if tx.dialect() == Dialect::Postgres {
        within!(tx, c => sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(PROVIDER_LOCK).execute(c).await?.rows_affected());
    }
    let lock = LOCK_STAFF.on(tx.dialect());
    let _: Vec<String> = within!(tx, c => sqlx::query_scalar(lock).fetch_all(c).await?);
    Ok(())
}

/// Changes a member's role; `None` removes them.
pub(crate) async fn set_role(tx: &mut Tx, team: &Team, user: &UserId, role: Option<TeamRole>) -> StoreResult<()> {
    let role = role.map(TeamRole::as_str);
    within!(tx, c => {
        let query = match (team, role) {
            (Team::Account(account), Some(role)) => {
                sqlx::query(SET_ROLE).bind(user.as_str()).bind(role).bind(account.id.as_str())
            }
            (Team::Account(account), None) => sqlx::query(REMOVE).bind(user.as_str()).bind(account.id.as_str()),
            (Team::Staff, role) => sqlx::query(SET_STAFF_ROLE).bind(user.as_str()).bind(role),
        };
        query.execute(c).await?.rows_affected()
    });
    Ok(())
}

/// Adds a user to an account.
pub(crate) async fn add(tx: &mut Tx, user: &UserId, account: &AccountId, role: Role, now: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD)
        .bind(user.as_str()).bind(account.as_str()).bind(role.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Lists a user's accounts, ordered by name.
pub(crate) async fn of_user(db: &Db, user: &UserId) -> StoreResult<Vec<Membership>> {
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
pub(crate) struct MemberAccess {
    /// Email address.
    pub(crate) email: String,
    /// Role.
    pub(crate) role: Role,
    /// Whether developers may rotate credentials in the account.
    pub(crate) developers_rotate: bool,
    /// Why the account is suspended, if it is.
    pub(crate) suspended: Option<String>,
}

/// Returns a member's access to an account.
pub(crate) async fn access(db: &Db, user: &UserId, account: &AccountId) -> StoreResult<Option<MemberAccess>> {
    type Row = (String, String, i64, Option<String>);
    let row: Option<Row> = on!(&db.readers, c => sqlx::query_as(ACCESS).bind(user.as_str()).bind(account.as_str()).fetch_optional(c).await?);
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

/// A staff member's email address and role.
pub(crate) async fn staff(db: &Db, user: &UserId) -> StoreResult<Option<(String, StaffRole)>> {
    let row: Option<(String, String)> =
        on!(&db.readers, c => sqlx::query_as(STAFF_ACCESS).bind(user.as_str()).fetch_optional(c).await?);
    let corrupt = || StoreError::Corrupt { table: "users", column: "staff_role", row: user.to_string() };
    row.map(|(email, name)| Ok((email, StaffRole::parse(&name).ok_or_else(corrupt)?))).transpose()
}
