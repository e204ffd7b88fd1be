//! Which letters people want.

use domain::{
    id::{AccountId, UserId},
    person::Letters,
};

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
};

const WANTED: &str = "SELECT failing_letters FROM users WHERE id = $1";
const CHANGE: &str = "UPDATE users SET failing_letters = $2 WHERE id = $1 AND failing_letters <> $2";
const READERS: &str = "SELECT u.email FROM memberships m JOIN users u ON u.id = m.user_id \
                       WHERE m.account_id = $1 AND m.role = 'admin' AND u.failing_letters <> 0 ORDER BY u.email";

/// What a person wants; everything, for nobody we know.
pub async fn wanted(db: &Db, user: &UserId) -> StoreResult<Letters> {
    let failing: Option<i64> =
        on!(&db.readers, c => sqlx::query_scalar(WANTED).bind(user.as_str()).fetch_optional(c).await?);
    Ok(failing.map_or_else(Letters::default, |failing| Letters { failing: failing != 0 }))
}

/// Changes what a person wants. False when they want that already.
pub async fn change(tx: &mut Tx, user: &UserId, letters: Letters) -> StoreResult<bool> {
    let changed = within!(tx, c => sqlx::query(CHANGE)
        .bind(user.as_str()).bind(i64::from(letters.failing)).execute(c).await?.rows_affected());
    Ok(changed == 1)
}

/// Addresses of an account's admins who want letters about endpoints that fail.
pub async fn readers(db: &Db, account: &AccountId) -> StoreResult<Vec<String>> {
    Ok(on!(&db.readers, c => sqlx::query_scalar(READERS).bind(account.as_str()).fetch_all(c).await?))
}
