//! Which emails users want.

use domain::{id::UserId, user::EmailPreferences};

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
};

const OF_USER: &str = "SELECT failing_letters FROM users WHERE id = $1";
const CHANGE: &str = "UPDATE users SET failing_letters = $2 WHERE id = $1 AND failing_letters <> $2";
const ALERT_RECIPIENTS: &str = "SELECT u.email FROM memberships m JOIN users u ON u.id = m.user_id \
                       WHERE m.account_id = $1 AND m.role = 'admin' AND u.failing_letters <> 0 ORDER BY u.email";
const OPERATORS: &str =
    "SELECT email FROM users WHERE staff_role = 'operator' AND failing_letters <> 0 AND $1 = '' ORDER BY email";

/// A user's preferences; the defaults for an unknown user.
pub async fn of_user(db: &Db, user: &UserId) -> StoreResult<EmailPreferences> {
    let failing: Option<i64> =
        on!(&db.readers, c => sqlx::query_scalar(OF_USER).bind(user.as_str()).fetch_optional(c).await?);
    Ok(failing.map_or_else(EmailPreferences::default, |failing| EmailPreferences { failing: failing != 0 }))
}

/// Changes a user's preferences. False if nothing changed.
pub async fn change(tx: &mut Tx, user: &UserId, preferences: EmailPreferences) -> StoreResult<bool> {
    let changed = within!(tx, c => sqlx::query(CHANGE)
        .bind(user.as_str()).bind(i64::from(preferences.failing)).execute(c).await?.rows_affected());
    Ok(changed == 1)
}

/// Email addresses of those who want alerts: an account's admins, or operators for the platform, whose id is empty.
pub async fn alert_recipients(db: &Db, account: &str) -> StoreResult<Vec<String>> {
    let sql = if account.is_empty() { OPERATORS } else { ALERT_RECIPIENTS };
    Ok(on!(&db.readers, c => sqlx::query_scalar(sql).bind(account).fetch_all(c).await?))
}
