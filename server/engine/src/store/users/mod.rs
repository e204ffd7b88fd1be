//! Users, and what belongs to them: passwords, sessions, second factors.

pub mod email_preferences;
pub mod password_resets;
pub mod second_factors;
pub mod sessions;
pub mod sign_in_failures;
pub mod sign_ups;

use domain::{
    UnixMs,
    account::{StaffRole, User},
    id::UserId,
};

use crate::store::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
};

const ADD_USER: &str = "INSERT INTO users (id, email, name, password_hash, staff_role, created_ms) \
                        VALUES ($1, $2, $3, $4, $5, $6)";
const USER: &str = "SELECT id, name, email FROM users WHERE id = $1";
const CREDENTIALS: &str = "SELECT id, name, email, password_hash FROM users WHERE email = $1";

#[derive(sqlx_macros::FromRow)]
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

/// Inserts a user.
pub async fn add(tx: &mut Tx, user: &User, hash: &str, staff: Option<StaffRole>, now: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD_USER)
        .bind(user.id.as_str()).bind(&user.email).bind(&user.name).bind(hash)
        .bind(staff.map(StaffRole::as_str)).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// Returns a user.
pub async fn one(db: &Db, id: &UserId) -> StoreResult<Option<User>> {
    let row: Option<UserRow> = on!(&db.readers, c => sqlx::query_as(USER).bind(id.as_str()).fetch_optional(c).await?);
    row.map(User::try_from).transpose()
}

/// The user with this email address, and their password hash.
pub async fn credentials(db: &Db, email: &str) -> StoreResult<Option<(User, String)>> {
    type Row = (String, String, String, String);
    let row: Option<Row> = on!(&db.readers, c => sqlx::query_as(CREDENTIALS).bind(email).fetch_optional(c).await?);
    row.map(|(id, name, email, hash)| Ok((User::try_from(UserRow { id, name, email })?, hash))).transpose()
}
