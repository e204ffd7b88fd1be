//! The outbox: emails that wait for the mail server, and what became of them.

use domain::UnixMs;

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
    purge,
    sql::Sql,
};

const ADD: &str = "INSERT INTO emails (id, about, recipient, subject, text_sealed, unsubscribe, state, due_ms, created_ms, \
    expires_ms, ended_ms, purpose) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const WRITTEN: &str = "SELECT COUNT(*) AS \"all\", COALESCE(SUM(CASE WHEN recipient = $1 THEN 1 ELSE 0 END), 0) AS to_recipient \
    FROM emails WHERE created_ms > $2 AND purpose = $3 AND recipient <> ''";
const NEXT_DUE: &str = "SELECT MIN(due_ms) FROM emails WHERE state = 'waiting'";
// Whoever claims an email moves its due time on: if it dies, the email is due again then.
static CLAIM: Sql = Sql::new(
    "UPDATE emails SET due_ms = $2, attempts = attempts + 1 WHERE id IN ( \
       SELECT id FROM emails WHERE state = 'waiting' AND due_ms <= $1 ORDER BY due_ms, id LIMIT $3 {skip_locked}) \
     RETURNING id, recipient, subject, text_sealed, unsubscribe, attempts, created_ms, expires_ms",
);
const RETRY: &str = "UPDATE emails SET due_ms = $2, failure = $3 WHERE id = $1 AND state = 'waiting'";
const END: &str = "UPDATE emails SET state = $2, failure = $3, ended_ms = $4, due_ms = NULL, text_sealed = NULL \
    WHERE id = $1 AND state = 'waiting'";
const CANCEL: &str = "DELETE FROM emails WHERE about = $1 AND state = 'waiting'";
const WAITING: &str = "SELECT COUNT(*) FROM emails WHERE state = 'waiting'";
const DELETE_ENDED: &str = "DELETE FROM emails WHERE id IN (SELECT id FROM emails WHERE ended_ms < $1 LIMIT $2)";

/// An email to insert.
#[derive(Debug)]
pub struct NewEmail<'a> {
    /// Id.
    pub id: &'a str,
    /// What it is for, by name.
    pub purpose: &'static str,
    /// The invitation that it carries, if any.
    pub about: Option<&'a str>,
    /// Recipient.
    pub recipient: &'a str,
    /// Subject.
    pub subject: &'a str,
    /// Its sealed text; none for an email that is not to be sent.
    pub text_sealed: Option<&'a str>,
    /// Where the recipient can switch off such emails.
    pub unsubscribe: Option<&'a str>,
    /// When it is too late to send it.
    pub expires: UnixMs,
}

/// An email to send now.
#[derive(Debug, sqlx_macros::FromRow)]
pub struct DueEmail {
    /// Id.
    pub id: String,
    /// Recipient.
    pub recipient: String,
    /// Subject.
    pub subject: String,
    /// Its sealed text.
    pub text_sealed: String,
    /// Where the recipient can switch off such emails.
    pub unsubscribe: Option<String>,
    /// Number of attempts, including this one.
    pub attempts: i64,
    /// When it was written, Unix milliseconds.
    pub created_ms: i64,
    /// When it is too late to send it, Unix milliseconds.
    pub expires_ms: i64,
}

/// Inserts an email, due at once.
pub async fn add(tx: &mut Tx, email: &NewEmail<'_>, now: UnixMs) -> StoreResult<()> {
    let (state, due, ended) =
        if email.text_sealed.is_some() { ("waiting", Some(now.0), None) } else { ("sent", None, Some(now.0)) };
    within!(tx, c => sqlx::query(ADD)
        .bind(email.id).bind(email.about).bind(email.recipient).bind(email.subject).bind(email.text_sealed)
        .bind(email.unsubscribe).bind(state).bind(due).bind(now.0).bind(email.expires.0).bind(ended).bind(email.purpose)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// How many emails were written for a purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Written {
    /// All of them.
    pub all: i64,
    /// Those to one recipient.
    pub to_recipient: i64,
}

/// Counts the emails that were written for a purpose since then.
pub async fn written_since(tx: &mut Tx, purpose: &str, recipient: &str, since: UnixMs) -> StoreResult<Written> {
    Ok(within!(tx, c => sqlx::query_as(WRITTEN).bind(recipient).bind(since.0).bind(purpose).fetch_one(c).await?))
}

/// When the next email is due; none if none waits.
pub async fn next_due(db: &Db) -> StoreResult<Option<UnixMs>> {
    let due: Option<i64> = on!(&db.readers, c => sqlx::query_scalar(NEXT_DUE).fetch_one(c).await?);
    Ok(due.map(UnixMs))
}

/// Claims up to `limit` due emails until the time `until`, and counts the attempt.
pub async fn claim(db: &Db, now: UnixMs, until: UnixMs, limit: i64) -> StoreResult<Vec<DueEmail>> {
    let mut tx = db.begin().await?;
    let sql = CLAIM.on(tx.dialect());
    let mut due: Vec<DueEmail> =
        within!(&mut tx, c => sqlx::query_as(sql).bind(now.0).bind(until.0).bind(limit).fetch_all(c).await?);
    tx.commit().await?;
    // RETURNING has no order. Ids sort by the time at which the emails were written.
    due.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok(due)
}

/// Notes why an attempt failed, and when the next one is due.
pub async fn retry(db: &Db, id: &str, due: UnixMs, failure: &str) -> StoreResult<()> {
    let mut tx = db.begin().await?;
    within!(&mut tx, c => sqlx::query(RETRY).bind(id).bind(due.0).bind(failure).execute(c).await?.rows_affected());
    tx.commit().await
}

/// The email was sent, or has failed for this reason. Its text is deleted.
pub async fn end(db: &Db, id: &str, failure: Option<&str>, now: UnixMs) -> StoreResult<()> {
    let state = if failure.is_some() { "failed" } else { "sent" };
    let mut tx = db.begin().await?;
    within!(&mut tx, c => sqlx::query(END)
        .bind(id).bind(state).bind(failure).bind(now.0).execute(c).await?.rows_affected());
    tx.commit().await
}

/// Deletes the emails about an invitation that were not sent yet.
pub async fn cancel(tx: &mut Tx, about: &str) -> StoreResult<()> {
    within!(tx, c => sqlx::query(CANCEL).bind(about).execute(c).await?.rows_affected());
    Ok(())
}

/// Counts the emails that wait.
pub async fn waiting(db: &Db) -> StoreResult<u64> {
    let count: i64 = on!(&db.readers, c => sqlx::query_scalar(WAITING).fetch_one(c).await?);
    Ok(count.unsigned_abs())
}

/// Deletes what ended before then.
pub async fn delete_ended(db: &Db, before: UnixMs) -> StoreResult<()> {
    purge::older_than(db, DELETE_ENDED, before).await
}
