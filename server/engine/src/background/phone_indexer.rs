//! Indexes the phone numbers of deliveries behind the hot path, which does not write that index itself.
//!
//! The next rows are read before the transaction; the step itself writes a few entries and moves the watermark. Every node
//! indexes; the moved watermark decides whose step counts. A step waits while events or outcomes do.
//!
//! Nodes write at the same time, so a delivery may be committed after one with a greater id. On PostgreSQL the watermark
//! stays [`SETTLED_MS`] behind the clock for that. A node also remembers where it has written
//! ([`crate::delivery::Sender`]'s committed rows), and goes back when it finds the watermark beyond that: neither a clock
//! that is wrong by more nor a slow commit hides anything.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    id::{DeliveryId, encode},
    time::{MINUTE_MS, SECOND_MS},
};

use crate::{
    clock,
    delivery::{Sender, intake::Intake},
    parking::Parking,
    store::{
        db::Dialect,
        error::{StoreError, StoreResult},
        events::phone_index::{self, PhoneEntry, Stream},
    },
};

use super::{
    adaptive_batch::{AdaptiveBatch, Pacing},
    worker::{Pause, Worker},
};

/// Most rows of one step.
pub const STEP_ROWS: u32 = 400;
/// Fewest rows of one step, however slow the disk is.
pub(super) const STEP_ROWS_MIN: u32 = 20;
/// How long a step should hold the writer at most, in milliseconds: an event that arrives meanwhile waits for its end.
const STEP_MS: u64 = 4;
pub(super) const BATCH: AdaptiveBatch =
    AdaptiveBatch { rows: (STEP_ROWS_MIN, STEP_ROWS), limit: Duration::from_millis(STEP_MS) };
/// Rest between two steps, so that events and outcomes come first.
const STEP_PAUSE_MS: u64 = 25;
/// Rest between two rounds while there is something to index.
const ROUND_MS: u64 = SECOND_MS.unsigned_abs();
/// Polls at least this often, for what other nodes left.
const POLL_MS: u64 = MINUTE_MS.unsigned_abs();
/// How old a delivery is before the watermark passes it, where several nodes write.
pub const SETTLED_MS: i64 = 30 * SECOND_MS;
/// After every id. The watermark may go there on SQLite, where commits come in the order of ids.
const END: &str = "~";

/// Its name, also for what it has parked.
pub(crate) const PHONE_INDEXER: &str = "phone_indexer";

/// Where a step begins and must end, exclusive.
struct Span<'a> {
    stream: Stream,
    watermark: &'a str,
    from: &'a str,
    before: &'a str,
}

/// What a step has done.
struct Step {
    reached: String,
    rows: usize,
    took: Duration,
}

/// Indexes phone numbers.
pub struct PhoneIndexer {
    sender: Arc<Sender>,
    intake: Intake,
    /// Rows of the next step, as the latest one suggests.
    step_rows: AtomicU32,
}

#[async_trait]
impl Worker for PhoneIndexer {
    fn name(&self) -> &'static str {
        PHONE_INDEXER
    }

    async fn tick(&self) -> StoreResult<Pause> {
        let left = self.round(Pacing::Spaced).await?;
        Ok(if left { Pause::Fixed(ROUND_MS) } else { Pause::AtMost(POLL_MS) })
    }

    async fn woken(&self) {
        self.sender.committed.added().await;
    }
}

impl PhoneIndexer {
    pub(super) const fn new(sender: Arc<Sender>, intake: Intake) -> Self {
        Self { sender, intake, step_rows: AtomicU32::new(0) }
    }

    /// Indexes what may be indexed now; true when something is left for later. If spaced, it rests between steps and ends
    /// early when events or outcomes wait.
    ///
    /// # Errors
    /// When the database cannot be used; steps that were committed stay. Searches scan meanwhile.
    pub async fn round(&self, pacing: Pacing) -> StoreResult<bool> {
        let (mut left, committed) = (false, &self.sender.committed);
        for stream in Stream::ALL {
            let late = committed.take(stream);
            let (late, all) = match self.advance(stream, late.clone(), pacing).await {
                Ok(advanced) => advanced,
                Err(error) => {
                    committed.keep(stream, late);
                    return Err(error);
                }
            };
            committed.keep(stream, late);
            left |= !all;
        }
        Ok(left)
    }

    /// How old the oldest row is that is not indexed yet, in milliseconds; 0 when all are. Reads two rows.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn behind_ms(&self) -> StoreResult<i64> {
        let (mut behind_ms, db) = (0, &self.sender.context.db);
        for stream in Stream::ALL {
            let watermark = phone_index::watermark(db, stream).await?;
            let next = phone_index::next(db, stream, (&watermark, END), 1).await?;
            let written = next.first().and_then(|row| stream.written_at(&row.place));
            behind_ms = behind_ms.max(written.map_or(0, |at| self.sender.now().since_ms(at)));
        }
        Ok(behind_ms)
    }

    /// Step after step of a stream. Returns where rows that were committed late are still missing, and whether everything
    /// has been indexed.
    async fn advance(
        &self,
        stream: Stream,
        mut late: Option<String>,
        pacing: Pacing,
    ) -> StoreResult<(Option<String>, bool)> {
        let (before, db) = (self.before(stream), &self.sender.context.db);
        loop {
            let step_rows = self.step_rows.load(Relaxed).clamp(STEP_ROWS_MIN, STEP_ROWS);
            let watermark = phone_index::watermark(db, stream).await?;
            late = late.filter(|late| *late < watermark);
            let from = late.as_ref().unwrap_or(&watermark);
            if self.sender.context.is_stopping() || (pacing == Pacing::Spaced && self.is_busy()) {
                return Ok((late, false));
            }
            let span = Span { stream, watermark: &watermark, from, before: &before };
            let Some(step) = self.step(&span, step_rows).await? else {
                return Ok((None, phone_index::last(db, stream).await? <= watermark));
            };
            self.step_rows.store(BATCH.next(step_rows, step.rows, step.took), Relaxed);
            late = late.map(|_| step.reached);
            if pacing == Pacing::Spaced {
                clock::sleep_ms(STEP_PAUSE_MS).await;
            }
        }
    }

    fn is_busy(&self) -> bool {
        self.intake.waiting() > 0 || self.sender.outcomes_waiting() > 0
    }

    /// Indexes up to `limit` rows; `None` if there are none. An error that blames a row is narrowed down to it, and the row
    /// is parked and passed over.
    async fn step(&self, span: &Span<'_>, mut limit: u32) -> StoreResult<Option<Step>> {
        loop {
            let indexed = self.index(span, limit);
            match self.sender.context.supervisor.caught(PHONE_INDEXER, indexed).await {
                Err(error) if error.blames_item() && limit > 1 => limit /= 2,
                Err(error) => return self.pass_over(span, error).await,
                done => return done,
            }
        }
    }

    async fn index(&self, span: &Span<'_>, limit: u32) -> StoreResult<Option<Step>> {
        let rows = phone_index::next(&self.sender.context.db, span.stream, (span.from, span.before), limit).await?;
        let Some(reached) = rows.last().map(|row| row.place.clone()) else { return Ok(None) };
        let took = self.advance_to(span, &reached, &rows).await?;
        Ok(Some(Step { reached, rows: rows.len(), took }))
    }

    async fn pass_over(&self, span: &Span<'_>, error: StoreError) -> StoreResult<Option<Step>> {
        let context = &self.sender.context;
        let next = phone_index::next_place(&context.db, span.stream, (span.from, span.before)).await?;
        let Some(reached) = next else { return Err(error) };
        Parking::of(context, PHONE_INDEXER).await?.park(&reached, None, error).await?;
        let took = self.advance_to(span, &reached, &[]).await?;
        Ok(Some(Step { reached, rows: 1, took }))
    }

    /// One transaction; returns how long it held the writer. Nothing happens when another node has moved the watermark.
    async fn advance_to(&self, span: &Span<'_>, reached: &str, rows: &[PhoneEntry]) -> StoreResult<Duration> {
        let mut tx = self.sender.context.db.begin().await?;
        let began = clock::stopwatch();
        if phone_index::advance(&mut tx, span.stream, span.watermark, reached.max(span.watermark)).await? {
            phone_index::add(&mut tx, rows).await?;
        }
        tx.commit().await?;
        Ok(began.elapsed())
    }

    /// Where the watermark has to stop.
    fn before(&self, stream: Stream) -> String {
        if self.sender.context.db.dialect == Dialect::Sqlite {
            return END.to_owned();
        }
        let at = self.sender.now().plus_ms(-SETTLED_MS);
        match stream {
            Stream::Deliveries => DeliveryId::new(at, 0).into(),
            Stream::Unsent => encode(at, 0),
        }
    }
}
