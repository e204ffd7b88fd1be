//! Accounts, users, memberships, and failed sign-ins.

use domain::{
    UnixMs,
    account::{
        Account, AccountSettings, BODIES_DAYS, Limits, Membership, ROWS_DAYS, Role, StaffRole, Suspension, User,
    },
    id::{AccountId, UserId},
};

use super::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
    sql::Sql,
};

/// The columns of [`AccountRow`], for other files too.
macro_rules! account_columns {
    () => {
        "a.id, a.name, a.reference, a.developers_rotate, a.support_access, a.bodies_days, a.rows_days, a.suspended_ms, \
         a.suspend_reason, a.endpoints_max, a.events_per_s, a.retention_max_days"
    };
}
pub(super) use account_columns;

const ADD_ACCOUNT: &str = "INSERT INTO accounts (id, name, reference, created_ms) VALUES ($1, $2, $3, $4)";
const ADD_USER: &str = "INSERT INTO users (id, email, name, password_hash, staff_role, created_ms) \
                        VALUES ($1, $2, $3, $4, $5, $6)";
const ADD_MEMBER: &str = "INSERT INTO memberships (user_id, account_id, role, created_ms) VALUES ($1, $2, $3, $4)";
/// An id goes before a reference that looks like one: those are refused, but were not always.
const ACCOUNT: &str = concat!(
    "SELECT ",
    account_columns!(),
    " FROM accounts a WHERE a.id = $1 OR a.reference = $1 ORDER BY CASE WHEN a.id = $1 THEN 0 ELSE 1 END LIMIT 1"
);
static LOCK: Sql = Sql::new("SELECT id FROM accounts WHERE id = $1 {serialise}");
const USER: &str = "SELECT id, name, email FROM users WHERE id = $1";
const CREDENTIALS: &str = "SELECT id, name, email, password_hash FROM users WHERE email = $1";
const MEMBERSHIPS: &str = concat!(
    "SELECT ",
    account_columns!(),
    ", m.role FROM memberships m JOIN accounts a ON a.id = m.account_id WHERE m.user_id = $1 ORDER BY a.name, a.id"
);
const MEMBER: &str = "SELECT u.email, m.role, a.developers_rotate, a.suspend_reason FROM memberships m JOIN users u ON u.id = m.user_id \
                      JOIN accounts a ON a.id = m.account_id WHERE m.user_id = $1 AND m.account_id = $2";
const STAFF: &str = "SELECT email, staff_role FROM users WHERE id = $1 AND staff_role IS NOT NULL";
const CHANGE_ACCOUNT: &str = "UPDATE accounts SET name = $2, developers_rotate = $3, support_access = $4, \
                              bodies_days = $5, rows_days = $6 WHERE id = $1";
const BLOCKED: &str = "SELECT failures, blocked_until_ms FROM sign_in_failures WHERE key = $1";
const BLOCK: &str = "INSERT INTO sign_in_failures (key, failures, blocked_until_ms) VALUES ($1, $2, $3) \
                     ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, blocked_until_ms = excluded.blocked_until_ms";
const FORGIVE: &str = "DELETE FROM sign_in_failures WHERE key = $1";
const FORGET_FAILURES: &str = "DELETE FROM sign_in_failures WHERE blocked_until_ms <= $1";

/// An account as it is stored.
#[derive(sqlx::FromRow)]
pub(super) struct AccountRow {
    id: String,
    name: String,
    reference: Option<String>,
    developers_rotate: i64,
    support_access: i64,
    bodies_days: i64,
    rows_days: i64,
    suspended_ms: Option<i64>,
    suspend_reason: Option<String>,
    endpoints_max: Option<i64>,
    events_per_s: Option<i64>,
    retention_max_days: Option<i64>,
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;
    fn try_from(row: AccountRow) -> StoreResult<Self> {
        let id = AccountId::parse(&row.id);
        let id = id.map_err(|_| StoreError::Corrupt { table: "accounts", column: "id", row: row.id })?;
        let settings = AccountSettings {
            developers_rotate: row.developers_rotate != 0,
            support_access: row.support_access != 0,
            bodies_days: u32::try_from(row.bodies_days).unwrap_or(BODIES_DAYS),
            rows_days: u32::try_from(row.rows_days).unwrap_or(ROWS_DAYS),
        };
        let limit = |stored: Option<i64>| stored.and_then(|limit| u32::try_from(limit).ok());
        let limits = Limits {
            endpoints_max: limit(row.endpoints_max),
            events_per_s: limit(row.events_per_s),
            retention_max_days: limit(row.retention_max_days),
        };
        let reason = row.suspend_reason.unwrap_or_default();
        let suspended = row.suspended_ms.map(|since| Suspension { since: UnixMs(since), reason });
        Ok(Self { id, name: row.name, reference: row.reference, settings, suspended, limits })
    }
}

#[derive(sqlx::FromRow)]
struct UserRow {
    id: String,
    name: String,
    email: String,
}

impl TryFrom<UserRow> for User {
    type Error = StoreError;
    fn try_from(row: UserRow) -> StoreResult<Self> {
        let id = UserId::parse(&row.id);
        let id = id.map_err(|_| StoreError::Corrupt { table: "users", column: "id", row: row.id })?;
        Ok(Self { id, name: row.name, email: row.email })
    }
}

/// Adds an account.
pub async fn add_account(tx: &mut Tx, account: &Account, now: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD_ACCOUNT)
        .bind(account.id.as_str()).bind(&account.name).bind(&account.reference).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Adds a person.
pub async fn add_user(tx: &mut Tx, user: &User, hash: &str, staff: Option<StaffRole>, now: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD_USER)
        .bind(user.id.as_str()).bind(&user.email).bind(&user.name).bind(hash)
        .bind(staff.map(StaffRole::as_str)).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Makes a person a member of an account.
pub async fn add_member(tx: &mut Tx, user: &UserId, account: &AccountId, role: Role, now: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD_MEMBER)
        .bind(user.as_str()).bind(account.as_str()).bind(role.as_str()).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// The account with this id or reference.
pub async fn account(db: &Db, named: &str) -> StoreResult<Option<Account>> {
    let row: Option<AccountRow> = on!(&db.readers, c => sqlx::query_as(ACCOUNT).bind(named).fetch_optional(c).await?);
    row.map(Account::try_from).transpose()
}

/// A person.
pub async fn user(db: &Db, id: &UserId) -> StoreResult<Option<User>> {
    let row: Option<UserRow> = on!(&db.readers, c => sqlx::query_as(USER).bind(id.as_str()).fetch_optional(c).await?);
    row.map(User::try_from).transpose()
}

/// The person with this address, and their password's hash.
pub async fn credentials(db: &Db, email: &str) -> StoreResult<Option<(User, String)>> {
    type Row = (String, String, String, String);
    let row: Option<Row> = on!(&db.readers, c => sqlx::query_as(CREDENTIALS).bind(email).fetch_optional(c).await?);
    row.map(|(id, name, email, hash)| Ok((User::try_from(UserRow { id, name, email })?, hash))).transpose()
}

/// The accounts a person belongs to, by name.
pub async fn memberships(db: &Db, user: &UserId) -> StoreResult<Vec<Membership>> {
    #[derive(sqlx::FromRow)]
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

/// A member as it matters to what they may do.
pub struct Here {
    /// Their address.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// Whether developers rotate credentials in the account.
    pub developers_rotate: bool,
    /// Why the account is suspended, where it is.
    pub suspended: Option<String>,
}

/// A member of an account.
pub async fn member(db: &Db, user: &UserId, account: &AccountId) -> StoreResult<Option<Here>> {
    type Row = (String, String, i64, Option<String>);
    let row: Option<Row> = on!(&db.readers, c => sqlx::query_as(MEMBER).bind(user.as_str()).bind(account.as_str()).fetch_optional(c).await?);
    let here = |(email, name, rotate, suspended): Row| {
        let role = role(&name, account.as_str())?;
        Ok(Here { name: email, role, developers_rotate: rotate != 0, suspended })
    };
    row.map(here).transpose()
}

/// One of the provider's staff: their address and what they are.
pub async fn staff(db: &Db, user: &UserId) -> StoreResult<Option<(String, StaffRole)>> {
    let row: Option<(String, String)> =
        on!(&db.readers, c => sqlx::query_as(STAFF).bind(user.as_str()).fetch_optional(c).await?);
    let corrupt = || StoreError::Corrupt { table: "users", column: "staff_role", row: user.to_string() };
    row.map(|(email, name)| Ok((email, StaffRole::parse(&name).ok_or_else(corrupt)?))).transpose()
}

/// Stores an account's name and settings.
pub async fn change_account(tx: &mut Tx, account: &Account) -> StoreResult<()> {
    let AccountSettings { developers_rotate, support_access, bodies_days, rows_days } = account.settings;
    within!(tx, c => sqlx::query(CHANGE_ACCOUNT)
        .bind(account.id.as_str()).bind(&account.name).bind(i64::from(developers_rotate)).bind(i64::from(support_access))
        .bind(i64::from(bodies_days)).bind(i64::from(rows_days)).execute(c).await?.rows_affected());
    Ok(())
}

fn role(name: &str, account: &str) -> StoreResult<Role> {
    let corrupt = || StoreError::Corrupt { table: "memberships", column: "role", row: account.to_owned() };
    Role::parse(name).ok_or_else(corrupt)
}

/// Failed sign-ins in a row under this key, and until when it is blocked.
pub async fn sign_in_failures(db: &Db, key: &str) -> StoreResult<(i64, UnixMs)> {
    let row: Option<(i64, i64)> = on!(&db.readers, c => sqlx::query_as(BLOCKED).bind(key).fetch_optional(c).await?);
    Ok(row.map_or((0, UnixMs(0)), |(failures, until)| (failures, UnixMs(until))))
}

/// The same inside a transaction.
pub async fn failures_within(tx: &mut Tx, key: &str) -> StoreResult<(i64, UnixMs)> {
    let row: Option<(i64, i64)> = within!(tx, c => sqlx::query_as(BLOCKED).bind(key).fetch_optional(c).await?);
    Ok(row.map_or((0, UnixMs(0)), |(failures, until)| (failures, UnixMs(until))))
}

/// Counts a failed sign-in.
pub async fn block_sign_in(tx: &mut Tx, key: &str, failures: i64, until: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(BLOCK).bind(key).bind(failures).bind(until.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Forgets the failures under this key.
pub async fn forgive_sign_in(tx: &mut Tx, key: &str) -> StoreResult<()> {
    within!(tx, c => sqlx::query(FORGIVE).bind(key).execute(c).await?.rows_affected());
    Ok(())
}

/// Forgets failures after which nobody has had to wait since this moment.
pub async fn forget_failures(db: &Db, since: UnixMs) -> StoreResult<()> {
    let mut tx = db.begin().await?;
    within!(&mut tx, c => sqlx::query(FORGET_FAILURES).bind(since.0).execute(c).await?.rows_affected());
    tx.commit().await
}

/// Lets nobody else who asks for this decide about the account before this transaction is over.
pub async fn lock(tx: &mut Tx, account: &AccountId) -> StoreResult<()> {
    let sql = LOCK.on(tx.dialect());
    let _: Option<String> = within!(tx, c => sqlx::query_scalar(sql).bind(account.as_str()).fetch_optional(c).await?);
    Ok(())
}
