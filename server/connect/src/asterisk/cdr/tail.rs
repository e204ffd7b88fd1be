//! The end of a file of call records: after a gap only the latest rows count, and files grow for years.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use domain::{UnixMs, time::HOUR_MS};

use super::{Folded, Row, fold};

/// Bytes of the first look; each further one reads twice as many.
const FIRST_BYTES: u64 = 128 * 1_024;
/// Most bytes that are read: 50,000 rows.
pub const TAIL_MAX_BYTES: u64 = 16 * 1_024 * 1_024;
/// Rows are in the order in which calls ended, except that Asterisk may write some in batches.
const ORDER_MS: i64 = HOUR_MS;

/// Folds the calls that ended after `since`, reading no more of the file's end than that takes.
///
/// # Errors
/// If the file can't be read.
pub fn fold_tail(path: &Path, since: UnixMs) -> io::Result<Folded> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = FIRST_BYTES;
    loop {
        let rows = last_rows(&mut file, length, bytes)?;
        if bytes >= length || bytes >= TAIL_MAX_BYTES || begins_before(&rows, since.plus_ms(-ORDER_MS)) {
            return fold(rows.as_slice(), Some(since));
        }
        bytes *= 2;
    }
}

/// What the latest row in a file of call records is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatestRow {
    /// There is none.
    Missing,
    /// A call record.
    Complete,
    /// A call record that belongs to no call, because `cdr.conf` leaves out the unique ID.
    WithoutUniqueId,
    /// Something else.
    Other,
}

/// Looks at the latest row, so that a setting that is missing is found before the first gap.
///
/// # Errors
/// If the file can't be read.
pub fn latest_row(path: &Path) -> io::Result<LatestRow> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let rows = last_rows(&mut file, length, FIRST_BYTES)?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(rows.as_slice());
    let latest = reader.byte_records().map_while(Result::ok).last();
    Ok(match latest {
        None => LatestRow::Missing,
        Some(fields) if Row::read(&fields).is_some() => LatestRow::Complete,
        Some(fields) if Row::lacks_unique_id(&fields) => LatestRow::WithoutUniqueId,
        Some(_) => LatestRow::Other,
    })
}

/// The whole rows in the last `bytes` of the file.
fn last_rows(file: &mut File, length: u64, bytes: u64) -> io::Result<Vec<u8>> {
    let skipped = length.saturating_sub(bytes);
    file.seek(SeekFrom::Start(skipped))?;
    let mut rows = Vec::new();
    // What is appended meanwhile is left for the next gap.
    file.take(length - skipped).read_to_end(&mut rows)?;
    if skipped > 0 {
        let first = rows.iter().position(|byte| *byte == b'\n').map_or(rows.len(), |at| at + 1);
        rows.drain(..first);
    }
    Ok(rows)
}

/// Whether the first row that can be read is of a call that ended before this time.
fn begins_before(rows: &[u8], time: UnixMs) -> bool {
    let records = rows.split_inclusive(|byte| *byte == b'\n').take(10).filter_map(|row| fold(row, None).ok());
    let mut ends = records.flat_map(|folded| folded.records).map(|record| record.ended_at);
    ends.next().is_some_and(|ended_at| ended_at < time)
}
