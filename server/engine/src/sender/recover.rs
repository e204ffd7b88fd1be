//! Works on recoveries: puts deliveries back into the queue, each job at its own rate.
//!
//! Reading what comes next needs no transaction. The step itself is short: it moves the job's position and puts at
//! most [`STEP_MAX`] deliveries back. Every node works on every job; the moved position decides whose step counts.

use std::{sync::Arc, time::Duration};

use domain::{UnixMs, recover::JobState, time::SECOND_MS};

use crate::store::{
    error::StoreResult,
    recover::{self, Move, StoredRecoveryJob},
    recover_work::{self, Found, Search},
};

use super::Sender;

/// Most deliveries of one step, so that it never holds the writer for long.
pub const STEP_MAX: u32 = 200;
/// Unused rate is kept for this long, so that a slow step does not slow the job down, and a stop makes no burst.
const RATE_KEPT_MS: i64 = SECOND_MS;
/// Steps of a job are at least so far apart.
const STEP_MS: i64 = 100;
/// Looks at least this often, for jobs that were started at other nodes.
const LOOK_MS: i64 = 10 * SECOND_MS;

/// What a round has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Deliveries that were put back.
    pub put_back: usize,
    /// When the next round is worth it; none when no job is at work.
    pub next: Option<UnixMs>,
}

/// Works until the sender stops.
pub(crate) async fn run(sender: Arc<Sender>) {
    while !sender.is_stopping() {
        let now = sender.now();
        let wait_ms = match round(&sender).await {
            Ok(round) => round.next.map_or(LOOK_MS, |next| next.since_ms(now).clamp(STEP_MS, LOOK_MS)),
            Err(error) => {
                tracing::warn!(%error, "a recovery cannot go on; trying again");
                SECOND_MS
            }
        };
        let wait = Duration::from_millis(wait_ms.unsigned_abs());
        let _ = tokio::time::timeout(wait, sender.recover_soon.notified()).await;
    }
}

/// One step of each job, as far as its rate allows now. Tests go by hand with it.
///
/// # Errors
/// When the database cannot be used; steps that were committed stay.
pub async fn round(sender: &Sender) -> StoreResult<Round> {
    let mut round = Round::default();
    for job in recover::at_work(&sender.db).await? {
        let (put_back, next) = step(sender, &job).await?;
        round.put_back += put_back;
        round.next = match (round.next, next) {
            (Some(known), Some(next)) => Some(known.min(next)),
            (known, next) => known.or(next),
        };
    }
    Ok(round)
}

/// How many the rate allows now, and the moment from which it is then unused.
fn allowed(job: &StoredRecoveryJob, now: UnixMs) -> (u32, UnixMs) {
    let earliest = now.plus_ms(-RATE_KEPT_MS);
    // A step never reaches further ahead than its own second; beyond that the clock has been set back since.
    let set_back = job.paced_from.since_ms(now) > SECOND_MS;
    let from = if set_back { earliest } else { job.paced_from.max(earliest) };
    let rate = i64::from(job.job.wanted.rate_per_s.max(1));
    let count = (now.since_ms(from).max(0) * rate / SECOND_MS).min(i64::from(STEP_MAX));
    (u32::try_from(count).unwrap_or_default(), from)
}

/// The moment up to which so many use the rate that is unused from `from` on. Rounded up: never faster than asked.
fn used(from: UnixMs, count: usize, rate_per_s: u32) -> UnixMs {
    let (count, rate) = (i64::try_from(count).unwrap_or(i64::MAX), i64::from(rate_per_s.max(1)));
    from.plus_ms((count.saturating_mul(SECOND_MS) + rate - 1) / rate)
}

/// A step of one job: how many were put back, and when its next step is due, unless it has ended.
async fn step(sender: &Sender, job: &StoredRecoveryJob) -> StoreResult<(usize, Option<UnixMs>)> {
    let now = sender.now();
    let rate_per_s = job.job.wanted.rate_per_s;
    let (count, unused_from) = allowed(job, now);
    if count == 0 && !job.orphaned {
        return Ok((0, Some(used(job.paced_from, 1, rate_per_s))));
    }
    let search = Search {
        account: &job.account,
        endpoint: &job.job.endpoint_id,
        wanted: &job.job.wanted,
        began: job.job.created_at,
    };
    let found =
        if job.orphaned { Vec::new() } else { recover_work::find(&sender.db, search, &job.position, count).await? };
    let state = match found.len() {
        _ if job.orphaned => JobState::Cancelled,
        n if n < count as usize => JobState::Done,
        _ => JobState::Running,
    };
    let to = Move {
        state,
        position: found.last().map_or_else(|| job.position.clone(), |last| last.key.clone()),
        paced_from: used(unused_from, found.len(), rate_per_s),
        finished_at: state.is_final().then_some(now),
    };
    let put_back = write(sender, job, search, &found, &to, now).await?;
    Ok((put_back, (!state.is_final()).then(|| used(to.paced_from, 1, rate_per_s))))
}

/// The step's transaction. Nothing happens when the job has been moved, halted or ended since it was read.
async fn write(
    sender: &Sender,
    job: &StoredRecoveryJob,
    search: Search<'_>,
    found: &[Found],
    to: &Move,
    now: UnixMs,
) -> StoreResult<usize> {
    let mut tx = sender.db.begin().await?;
    if !recover::move_on(&mut tx, job, to).await? {
        return Ok(0);
    }
    let put_back =
        if found.is_empty() { 0 } else { recover_work::put_back(&mut tx, search, &job.job.id, found, now).await? };
    recover::count_done(&mut tx, &job.job.id, put_back).await?;
    tx.commit().await?;
    if put_back > 0 {
        sender.wake_at(now);
    }
    sender.changed([job.account.to_string()]);
    Ok(put_back)
}
