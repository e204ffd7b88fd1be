//! Gathers phone numbers behind the deliveries, so that they are found by an index which the way of events does not write.
//!
//! What comes next is read before the transaction; the step itself writes a few entries and moves the mark. Every node
//! follows; the moved mark decides whose step counts. A step waits while events or outcomes do.
//!
//! Nodes write at the same time, so a delivery may be committed after one with a greater id. On PostgreSQL the mark keeps
//! [`SETTLED_MS`] behind the clock for that. A node also remembers from where on it has written, and goes back when it finds
//! the mark beyond that: a clock that is wrong by more, or a commit that took longer, hides nothing.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use domain::{
    id::{DeliveryId, encode},
    time::{MINUTE_MS, SECOND_MS},
};
use tokio::sync::Notify;

use crate::{
    clock,
    store::{
        db::Dialect,
        error::StoreResult,
        events::NewEventRow,
        jobs::NewDelivery,
        numbers::{self, Called, Stream},
    },
};

use super::{Sender, ingest::Ingest, stride::Stride};

/// Most rows of one step.
pub const STEP_ROWS: u32 = 400;
/// Rows of one step at least, however slow the disk is.
const STEP_ROWS_MIN: u32 = 20;
/// Longest that a step should hold the writer, in milliseconds: an event that comes meanwhile waits for its end.
const STEP_MS: u64 = 4;
const STRIDE: Stride = Stride { rows: (STEP_ROWS_MIN, STEP_ROWS), limit: Duration::from_millis(STEP_MS) };
/// Rest between two steps, so that events and outcomes go first.
const STEP_REST_MS: u64 = 25;
/// Rest between two rounds while there is something to follow.
const ROUND_MS: u64 = SECOND_MS.unsigned_abs();
/// Looks at least this often, for what other nodes left.
const LOOK_MS: u64 = MINUTE_MS.unsigned_abs();
/// How old a delivery is before the mark passes it, where several nodes write.
pub const SETTLED_MS: i64 = 30 * SECOND_MS;
/// Behind every id. The mark may go there on SQLite, where commits come in the order of ids.
const END: &str = "~";

/// What this node has written since its numbers were looked after.
#[derive(Default)]
pub(crate) struct Written {
    soon: Notify,
    /// Rows of the next step, as the latest one suggests.
    step_rows: AtomicU32,
    starts: Mutex<[Starts; 2]>,
}

/// Places before the first row that was written, of one stream.
#[derive(Default)]
struct Starts {
    /// Since the latest round.
    fresh: Option<String>,
    /// Before it. Whoever was moving the mark when these rows were committed has done so by now.
    aged: Option<String>,
}

/// These rows have been committed.
pub(super) fn written(sender: &Sender, events: &[NewEventRow], deliveries: &[NewDelivery]) {
    if events.is_empty() {
        return;
    }
    // On SQLite commits come in the order of ids.
    if sender.db.dialect == Dialect::Postgres {
        let unsent = events.iter().filter(|event| event.deliveries == 0).map(|event| event.position.as_str());
        sender.written.note(deliveries.iter().map(|delivery| delivery.id.as_str()).min(), unsent.min());
    }
    sender.written.soon.notify_one();
}

impl Written {
    /// The first rows of each stream that have been committed together.
    fn note(&self, deliveries: Option<&str>, unsent: Option<&str>) {
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        for (starts, first) in starts.iter_mut().zip([deliveries, unsent]) {
            // A text sorts behind what it begins with.
            let before = first.and_then(|first| first.get(..first.len().checked_sub(1)?)).map(str::to_owned);
            starts.fresh = earlier(starts.fresh.take(), before);
        }
    }

    /// From where on a round has to look whether the mark is ahead of this node.
    fn take(&self, stream: Stream) -> Option<String> {
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let starts = &mut starts[stream as usize];
        std::mem::replace(&mut starts.aged, starts.fresh.take())
    }

    /// Keeps a place for the next round.
    fn keep(&self, stream: Stream, place: Option<String>) {
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        let aged = &mut starts[stream as usize].aged;
        *aged = earlier(aged.take(), place);
    }
}

fn earlier(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Follows until the sender stops.
pub(crate) async fn run(sender: Arc<Sender>, ingest: Ingest) {
    while !sender.is_stopping() {
        let left = match round(&sender, Some(&ingest)).await {
            Ok(left) => left,
            Err(error) => {
                tracing::warn!(%error, "phone numbers could not be gathered; trying again, searches walk meanwhile");
                true
            }
        };
        if left {
            clock::sleep_ms(ROUND_MS).await;
        } else {
            let _ = tokio::time::timeout(Duration::from_millis(LOOK_MS), sender.written.soon.notified()).await;
        }
    }
}

/// Follows as far as may be followed now; true when something is left for later. With a door, it rests between steps and
/// ends early when somebody waits. Tests and tools go by hand with it.
///
/// # Errors
/// When the database cannot be used; steps that were committed stay.
pub async fn round(sender: &Sender, ingest: Option<&Ingest>) -> StoreResult<bool> {
    let mut left = false;
    for stream in Stream::ALL {
        let late = sender.written.take(stream);
        let (late, all) = match follow(sender, stream, late.clone(), ingest).await {
            Ok(followed) => followed,
            Err(error) => {
                sender.written.keep(stream, late);
                return Err(error);
            }
        };
        sender.written.keep(stream, late);
        left |= !all;
    }
    Ok(left)
}

/// How old the oldest row is that the index does not have yet, in milliseconds; 0 when it has all. Two rows are read.
///
/// # Errors
/// When the database cannot be read.
pub async fn behind_ms(sender: &Sender) -> StoreResult<i64> {
    let mut behind_ms = 0;
    for stream in Stream::ALL {
        let mark = numbers::mark(&sender.db, stream).await?;
        let next = numbers::next(&sender.db, stream, (&mark, END), 1).await?;
        let written = next.first().and_then(|row| stream.written_at(&row.place));
        behind_ms = behind_ms.max(written.map_or(0, |at| sender.now().since_ms(at)));
    }
    Ok(behind_ms)
}

/// Step after step of a stream. Returns from where on rows that came late are still missing, and whether all that there is
/// has been followed.
async fn follow(
    sender: &Sender,
    stream: Stream,
    mut late: Option<String>,
    ingest: Option<&Ingest>,
) -> StoreResult<(Option<String>, bool)> {
    let before = before(sender, stream);
    loop {
        let step_rows = sender.written.step_rows.load(Relaxed).clamp(STEP_ROWS_MIN, STEP_ROWS);
        let mark = numbers::mark(&sender.db, stream).await?;
        late = late.filter(|late| *late < mark);
        let from = late.as_ref().unwrap_or(&mark);
        let rows = numbers::next(&sender.db, stream, (from, &before), step_rows).await?;
        let Some(reached) = rows.last().map(|row| row.place.clone()) else {
            return Ok((None, numbers::last(&sender.db, stream).await? <= mark));
        };
        if sender.is_stopping() || ingest.is_some_and(|ingest| ingest.waiting() > 0 || sender.outcomes_waiting() > 0) {
            return Ok((late, false));
        }
        let took = step(sender, stream, &mark, &rows).await?;
        sender.written.step_rows.store(STRIDE.next(step_rows, rows.len(), took), Relaxed);
        late = late.map(|_| reached);
        if ingest.is_some() {
            clock::sleep_ms(STEP_REST_MS).await;
        }
    }
}

/// One transaction; returns how long it held the writer. Nothing happens when another node has moved the mark meanwhile.
async fn step(sender: &Sender, stream: Stream, mark: &str, rows: &[Called]) -> StoreResult<Duration> {
    let reached = rows.last().map_or(mark, |row| row.place.as_str()).max(mark);
    let mut tx = sender.db.begin().await?;
    let began = clock::stopwatch();
    if numbers::move_on(&mut tx, stream, mark, reached).await? {
        numbers::add(&mut tx, rows).await?;
    }
    tx.commit().await?;
    Ok(began.elapsed())
}

/// Where the mark has to stop.
fn before(sender: &Sender, stream: Stream) -> String {
    if sender.db.dialect == Dialect::Sqlite {
        return END.to_owned();
    }
    let at = sender.now().plus_ms(-SETTLED_MS);
    match stream {
        Stream::Deliveries => DeliveryId::new(at, 0).into(),
        Stream::Unsent => encode(at, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_looked_after_a_round_later() {
        let written = Written::default();
        written.note(Some("dlv_05"), None);
        written.note(Some("dlv_03"), None);
        assert_eq!(written.take(Stream::Deliveries), None);
        written.note(Some("dlv_07"), Some("09"));
        assert_eq!(written.take(Stream::Deliveries).as_deref(), Some("dlv_0"));
        assert_eq!((written.take(Stream::Unsent), written.take(Stream::Unsent).as_deref()), (None, Some("0")));
    }
}
