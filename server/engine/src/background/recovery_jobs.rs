//! Works on jobs: queues deliveries again, or makes waiting ones due, each job at its own rate.
//!
//! Reading what comes next needs no transaction. The step itself is short: it moves the job's position and queues at most
//! [`STEP_MAX`] deliveries again. Every node works on every job; the moved position decides whose step counts.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{
    UnixMs,
    recover::{JobAction, JobState},
    time::SECOND_MS,
};

use crate::{
    delivery::Sender,
    parking::Parking,
    store::{
        deliveries::{
            job_work,
            recovery_jobs::{self, Progress, StoredRecoveryJob},
            recovery_work::Found,
        },
        error::StoreResult,
    },
};

use super::worker::{Pause, Worker};

/// Most deliveries of one step, so that it never holds the writer for long.
pub const STEP_MAX: u32 = 200;
/// Unused rate is kept for this long, so that a slow step does not slow the job down and a stop causes no burst.
const RATE_KEPT_MS: i64 = SECOND_MS;
/// Shortest time between two steps of a job.
const STEP_MS: i64 = 100;
/// Polls at least this often, for jobs that were started on other nodes.
const POLL_MS: i64 = 10 * SECOND_MS;

/// What a round has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Deliveries that were queued again.
    pub requeued: usize,
    /// When the next round is worth it; none when no job is running.
    pub next: Option<UnixMs>,
}

/// Works on recovery jobs.
pub struct RecoveryJobs(pub(super) Arc<Sender>);

#[async_trait]
impl Worker for RecoveryJobs {
    fn name(&self) -> &'static str {
        "recovery_jobs"
    }

    async fn tick(&self) -> StoreResult<Pause> {
        let now = self.0.now();
        let next = self.round().await?.next;
        let wait_ms = next.map_or(POLL_MS, |next| next.since_ms(now).clamp(STEP_MS, POLL_MS));
        Ok(Pause::AtMost(wait_ms.unsigned_abs()))
    }

    async fn woken(&self) {
        self.0.context.recovery_changed.notified().await;
    }
}

impl RecoveryJobs {
    /// One step of each job, as far as its rate allows now.
    ///
    /// # Errors
    /// When the database cannot be used; steps that were committed stay.
    pub async fn round(&self) -> StoreResult<Round> {
        let mut round = Round::default();
        let parking = Parking::of(&self.0.context, self.name()).await?;
        for (id, job) in recovery_jobs::active(&self.0.context.db).await? {
            let account = job.as_ref().ok().map(|job| job.account.to_string());
            let step = async { self.step(&job?).await };
            let Some((requeued, next)) = parking.one(&id, account.as_deref(), step).await? else { continue };
            round.requeued += requeued;
            round.next = match (round.next, next) {
                (Some(known), Some(next)) => Some(known.min(next)),
                (known, next) => known.or(next),
            };
        }
        Ok(round)
    }

    /// A step of one job: how many deliveries were queued again, and when its next step is due, unless it has ended.
    async fn step(&self, job: &StoredRecoveryJob) -> StoreResult<(usize, Option<UnixMs>)> {
        let now = self.0.now();
        let rate_per_s = job.job.rate_per_s;
        if job.job.action == JobAction::Retry && job.job.held && !job.orphaned {
            // Making them due would send them all at once after a resume, which wakes this worker.
            return Ok((0, Some(now.plus_ms(POLL_MS))));
        }
        let (count, unused_from) = allowance(job, now);
        if count == 0 && !job.orphaned {
            return Ok((0, Some(used_until(job.paced_from, 1, rate_per_s))));
        }
        let db = &self.0.context.db;
        let found = if job.orphaned {
            Vec::new()
        } else {
            job_work::find(db, &job.account, &job.job, &job.position, count).await?
        };
        let state = match found.len() {
            _ if job.orphaned => JobState::Cancelled,
            n if n < count as usize => JobState::Done,
            _ => JobState::Running,
        };
        let to = Progress {
            state,
            position: found.last().map_or_else(|| job.position.clone(), |last| last.key.clone()),
            paced_from: used_until(unused_from, found.len(), rate_per_s),
            finished_at: state.is_final().then_some(now),
        };
        let requeued = self.write(job, &found, &to, now).await?;
        Ok((requeued, (!state.is_final()).then(|| used_until(to.paced_from, 1, rate_per_s))))
    }

    /// The step's transaction. Nothing happens when the job has been moved, halted or ended since it was read.
    async fn write(&self, job: &StoredRecoveryJob, found: &[Found], to: &Progress, now: UnixMs) -> StoreResult<usize> {
        let mut tx = self.0.context.db.begin().await?;
        if !recovery_jobs::advance(&mut tx, job, to).await? {
            return Ok(0);
        }
        let requeued = job_work::apply(&mut tx, &job.account, &job.job, found, now).await?;
        recovery_jobs::count_done(&mut tx, &job.job.id, requeued).await?;
        tx.commit().await?;
        if requeued > 0 {
            self.0.wake_at(now);
        }
        self.0.changed_here([job.account.to_string()]);
        Ok(requeued)
    }
}

/// How many deliveries the rate allows now, and from when on it is unused.
fn allowance(job: &StoredRecoveryJob, now: UnixMs) -> (u32, UnixMs) {
    let earliest = now.plus_ms(-RATE_KEPT_MS);
    // A step never reaches further ahead than its own second; beyond that the clock has been set back since.
    let set_back = job.paced_from.since_ms(now) > SECOND_MS;
    let from = if set_back { earliest } else { job.paced_from.max(earliest) };
    let rate = i64::from(job.job.rate_per_s.max(1));
    let count = (now.since_ms(from).max(0) * rate / SECOND_MS).min(i64::from(STEP_MAX));
    (u32::try_from(count).unwrap_or_default(), from)
}

/// Until when this many deliveries use the rate that is unused from `from` on. Rounded up: never faster than asked.
fn used_until(from: UnixMs, count: usize, rate_per_s: u32) -> UnixMs {
    let (count, rate) = (i64::try_from(count).unwrap_or(i64::MAX), i64::from(rate_per_s.max(1)));
    from.plus_ms((count.saturating_mul(SECOND_MS) + rate - 1) / rate)
}
