//! How far rows have been indexed again that an earlier build has indexed by another key.

use crate::store::{
    db::{Db, Tx, on, within},
    error::StoreResult,
    events::phone_index::{self, PhoneEntry, Stream},
};

const FIRST: &str = "SELECT what, place, until FROM numbers_again ORDER BY what LIMIT 1";
const ADVANCE: &str = "UPDATE numbers_again SET place = $3 WHERE what = $1 AND place = $2";
const FINISH: &str = "DELETE FROM numbers_again WHERE what = $1 AND place = $2";

/// A stream that is indexed again, and how far.
#[derive(Debug, Clone, PartialEq, Eq, sqlx_macros::FromRow)]
pub struct Again {
    what: String,
    place: String,
    until: String,
}

/// A stream that has something left; `None` once all have been indexed again.
pub async fn first(db: &Db) -> StoreResult<Option<Again>> {
    Ok(on!(&db.readers, c => sqlx::query_as(FIRST).fetch_optional(c).await?))
}

/// Its next rows, up to where it ends.
pub async fn next(db: &Db, again: &Again, limit: u32) -> StoreResult<Vec<PhoneEntry>> {
    // After the last place, and before any that is longer or greater.
    let before = format!("{}!", again.until);
    let Some(stream) = Stream::ALL.into_iter().find(|stream| stream.as_str() == again.what) else {
        return Ok(Vec::new());
    };
    phone_index::next(db, stream, (&again.place, &before), limit).await
}

/// Moves the place of a stream. False if another node has moved it.
pub async fn advance(tx: &mut Tx, again: &Again, to: &str) -> StoreResult<bool> {
    let moved = within!(tx, c => sqlx::query(ADVANCE)
        .bind(&again.what).bind(&again.place).bind(to).execute(c).await?.rows_affected());
    Ok(moved == 1)
}

/// Ends a stream.
pub async fn finish(tx: &mut Tx, again: &Again) -> StoreResult<bool> {
    let gone = within!(tx, c => sqlx::query(FINISH)
        .bind(&again.what).bind(&again.place).execute(c).await?.rows_affected());
    Ok(gone == 1)
}
