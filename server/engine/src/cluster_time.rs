//! The time that all nodes share: the clock of PostgreSQL.
//!
//! Leases and heartbeats of several nodes are compared with each other, so they follow one clock. Each node measures how far
//! its own is ahead with each heartbeat, and corrects everything else by it. A node whose clock is far off claims nothing:
//! its clock may move again at any time, and the correction is a few seconds old.

use domain::{
    UnixMs,
    ops::health::{CLOCK_OFFSET_MAX_MS, CLOCK_OFFSET_WARN_MS, clock_sentence},
};

use crate::{
    clock::{SteeredClock, stopwatch},
    store::{
        db::{Db, Dialect, Tx},
        error::StoreResult,
    },
};

/// Longest round trip of a measurement, in milliseconds: it may be wrong by half of that.
const ROUND_TRIP_MAX_MS: u64 = 1_000;

/// Reads the time of the database's clock, and corrects this node's by it.
pub(crate) async fn measure(db: &Db, tx: &mut Tx, clock: &SteeredClock) -> StoreResult<UnixMs> {
    let (began, before) = (stopwatch(), clock.local());
    let Some(now) = db.now(tx).await? else { return Ok(before) };
    let taken_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    if taken_ms <= ROUND_TRIP_MAX_MS {
        let ahead_ms = before.plus_ms(i64::try_from(taken_ms / 2).unwrap_or_default()).since_ms(now);
        report(clock.correct(ahead_ms), ahead_ms);
    }
    Ok(now)
}

/// Measures before the first heartbeat: ids are made from the first moment on. SQLite has no clock of its own, and its
/// writer is not waited for.
pub(crate) async fn measure_at_start(db: &Db, clock: &SteeredClock) -> StoreResult<()> {
    if db.dialect == Dialect::Sqlite {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    measure(db, &mut tx, clock).await?;
    tx.commit().await
}

/// Logs when the clock begins or ceases to be off.
fn report(before_ms: i64, ahead_ms: i64) {
    let level = |ms: i64| (ms.abs() > CLOCK_OFFSET_WARN_MS, ms.abs() > CLOCK_OFFSET_MAX_MS);
    if level(before_ms) == level(ahead_ms) {
        return;
    }
    match refusal(ahead_ms).or_else(|| warning(ahead_ms)) {
        Some(sentence) => tracing::warn!(ahead_ms, "{sentence}"),
        None => tracing::info!(ahead_ms, "this node's clock agrees with the database's clock again"),
    }
}

/// What is wrong with a clock that is ahead by this much; none within [`CLOCK_OFFSET_WARN_MS`].
fn warning(ahead_ms: i64) -> Option<String> {
    (ahead_ms.abs() > CLOCK_OFFSET_WARN_MS).then(|| clock_sentence("This node's clock", ahead_ms))
}

/// Why a node whose clock is ahead by this much claims nothing; none within [`CLOCK_OFFSET_MAX_MS`].
pub(crate) fn refusal(ahead_ms: i64) -> Option<String> {
    (ahead_ms.abs() > CLOCK_OFFSET_MAX_MS).then(|| clock_sentence("This node's clock", ahead_ms))
}
