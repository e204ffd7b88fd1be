//! Call records of Asterisk (CDR) in `Master.csv`, folded to one per call. One call has one to five rows: forwards, transfers,
//! each phone of a ring group, and each half of a Local channel have their own.
//!
//! What rows don't tell: whether a number was withheld, whether a caller who was not answered hung up first, and the number
//! that was dialled before a transfer. Talk after a transfer includes ringing.

mod fold;
mod row;
mod tail;

use std::{collections::HashMap, io::Read};

use domain::time::{DAY_MS, SECOND_MS, UnixMs};

pub use self::tail::{LatestRow, TAIL_MAX_BYTES, fold_tail, latest_row};
pub(crate) use self::{fold::fold as fold_rows, row::Row};
use crate::call::CallRecord;

/// Most calls that are folded at once.
pub const CALLS_MAX: usize = 100_000;
/// Most rows per call; a queue that rings for hours writes more, which say nothing new.
const ROWS_MAX: usize = 100;
/// Rows are in an unknown time zone until their call is known. No zone is further than this from UTC.
const ZONE_MAX_MS: i64 = DAY_MS;

/// What a file contains.
#[derive(Debug, Default)]
pub struct Folded {
    /// One per call, in the order of their first rows.
    pub records: Vec<CallRecord>,
    /// Rows that are no call records, or have neither linked nor unique ID.
    pub not_understood: u64,
    /// Rows beyond [`CALLS_MAX`] calls.
    pub beyond_limit: u64,
}

/// Folds the rows of calls that ended after `since`, or all.
///
/// # Errors
/// If the file can't be read.
pub fn fold(file: impl Read, since: Option<UnixMs>) -> std::io::Result<Folded> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
    let mut folded = Folded::default();
    let mut calls: Vec<Vec<Row>> = Vec::new();
    let mut place_of: HashMap<String, usize> = HashMap::new();
    let mut fields = csv::ByteRecord::new();
    while reader.read_byte_record(&mut fields)? {
        let Some(row) = Row::read(&fields) else {
            folded.not_understood += 1;
            continue;
        };
        if since.is_some_and(|since| row.end < since.plus_ms(-ZONE_MAX_MS)) {
            continue;
        }
        match place_of.get(&row.linked_id) {
            Some(at) if calls[*at].len() < ROWS_MAX => calls[*at].push(row),
            Some(_) => {}
            None if calls.len() < CALLS_MAX => {
                place_of.insert(row.linked_id.clone(), calls.len());
                calls.push(vec![row]);
            }
            None => folded.beyond_limit += 1,
        }
    }
    let records = calls.into_iter().filter_map(fold::fold);
    // A call that ended later in the second of `since` counts: rows have whole seconds.
    let counts = |record: &CallRecord| since.is_none_or(|since| record.ended_at.plus_ms(SECOND_MS) > since);
    folded.records = records.filter(counts).collect();
    Ok(folded)
}
