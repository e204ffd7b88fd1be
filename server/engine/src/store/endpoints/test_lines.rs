//! Test lines and the requests they received, which arrive sealed.

use domain::{
    UnixMs,
    id::AccountId,
    test_line::{Behaviour, KEPT_REQUESTS, TestLineRequest},
};

use crate::store::{
    db::{Db, Tx, on, within},
    error::{StoreError, StoreResult},
};

const ADD: &str = "INSERT INTO test_lines (account_id, key, behaviour, created_ms) VALUES ($1, $2, 'ok', $3) \
                   ON CONFLICT (account_id) DO NOTHING";
const LINE: &str = "SELECT key, behaviour FROM test_lines WHERE account_id = $1";
const BY_KEY: &str = "SELECT account_id, behaviour FROM test_lines WHERE key = $1";
const SET: &str = "UPDATE test_lines SET behaviour = $2 WHERE account_id = $1";
const KEEP: &str = "INSERT INTO test_line_requests (id, account_id, received_ms, headers_sealed, body_sealed, behaviour) \
                    VALUES ($1, $2, $3, $4, $5, $6)";
const TRIM: &str = "DELETE FROM test_line_requests WHERE account_id = $1 AND (received_ms < $2 OR id NOT IN \
                    (SELECT id FROM test_line_requests WHERE account_id = $1 ORDER BY id DESC LIMIT $3))";
const REQUESTS: &str = "SELECT id, received_ms, headers_sealed, body_sealed, behaviour FROM test_line_requests \
                        WHERE account_id = $1 AND received_ms >= $2 ORDER BY id DESC LIMIT $3";
const CLEAR: &str = "DELETE FROM test_line_requests WHERE account_id = $1";

/// Creates the account's test line with this key unless it has one.
pub async fn ensure(tx: &mut Tx, account: &AccountId, key: &str, now: UnixMs) -> StoreResult<()> {
    within!(tx, c => sqlx::query(ADD).bind(account.as_str()).bind(key).bind(now.0).execute(c).await?.rows_affected());
    Ok(())
}

/// The account's test line: its key and behaviour.
pub async fn line(db: &Db, account: &AccountId) -> StoreResult<Option<(String, Behaviour)>> {
    let row: Option<(String, String)> =
        on!(&db.readers, c => sqlx::query_as(LINE).bind(account.as_str()).fetch_optional(c).await?);
    row.map(|(key, behaviour)| Ok((key, read(&behaviour, account.as_str())?))).transpose()
}

/// The account of the test line with this key, and its behaviour.
pub async fn by_key(db: &Db, key: &str) -> StoreResult<Option<(AccountId, Behaviour)>> {
    let row: Option<(String, String)> =
        on!(&db.readers, c => sqlx::query_as(BY_KEY).bind(key).fetch_optional(c).await?);
    row.map(|(account, behaviour)| {
        let behaviour = read(&behaviour, &account)?;
        let corrupt = |_| StoreError::Corrupt { table: "test_lines", column: "account_id", row: account.clone() };
        Ok((AccountId::parse(&account).map_err(corrupt)?, behaviour))
    })
    .transpose()
}

fn read(behaviour: &str, row: &str) -> StoreResult<Behaviour> {
    Behaviour::parse(behaviour).ok_or_else(|| StoreError::Corrupt {
        table: "test_lines",
        column: "behaviour",
        row: row.to_owned(),
    })
}

/// Sets the behaviour of the account's test line.
pub async fn set(tx: &mut Tx, account: &AccountId, behaviour: Behaviour) -> StoreResult<()> {
    within!(tx, c => sqlx::query(SET).bind(account.as_str()).bind(behaviour.as_str()).execute(c).await?.rows_affected());
    Ok(())
}

/// Stores a request, and deletes requests before `oldest` and those beyond the number that is kept.
pub async fn keep(
    tx: &mut Tx,
    account: &AccountId,
    id: &str,
    request: &TestLineRequest,
    oldest: UnixMs,
) -> StoreResult<()> {
    within!(&mut *tx, c => sqlx::query(KEEP)
        .bind(id).bind(account.as_str()).bind(request.received_at.0).bind(&request.headers).bind(&request.body)
        .bind(request.behaviour.as_str()).execute(c).await?.rows_affected());
    within!(tx, c => sqlx::query(TRIM)
        .bind(account.as_str()).bind(oldest.0).bind(i64::from(KEPT_REQUESTS)).execute(c).await?.rows_affected());
    Ok(())
}

/// The test line's latest requests with their ids, newest first, still sealed.
pub async fn requests(db: &Db, account: &AccountId, oldest: UnixMs) -> StoreResult<Vec<(String, TestLineRequest)>> {
    type Row = (String, i64, String, String, String);
    let rows: Vec<Row> = on!(&db.readers, c => sqlx::query_as(REQUESTS)
        .bind(account.as_str()).bind(oldest.0).bind(i64::from(KEPT_REQUESTS)).fetch_all(c).await?);
    let of = |(id, received, headers, body, behaviour): Row| {
        let request = TestLineRequest {
            received_at: UnixMs(received),
            headers,
            body,
            behaviour: read(&behaviour, account.as_str())?,
        };
        Ok((id, request))
    };
    rows.into_iter().map(of).collect()
}

/// Deletes the test line's requests.
pub async fn clear(tx: &mut Tx, account: &AccountId) -> StoreResult<()> {
    within!(tx, c => sqlx::query(CLEAR).bind(account.as_str()).execute(c).await?.rows_affected());
    Ok(())
}
