//! The rows of a `Master.csv`, grouped to calls. A call has one to five rows, or hundreds in a queue; they stand where each
//! channel ended, so those of other calls are between them.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io::BufRead,
};

use super::Item;
use domain::csv::{BadRow, Rows};

use crate::{
    asterisk::cdr::{Row, fold_rows},
    call::{Calls, Settings},
};

/// The rows of a call may be so many rows apart. A busy phone system writes a few rows a second: this is hours.
pub const ROWS_APART_MAX: u64 = 20_000;
/// Most rows that are kept of a call: a queue that rings for hours writes more, which add nothing.
const ROWS_OF_CALL_MAX: usize = 100;
/// Most calls that are remembered as complete, to recognise a row that comes too late.
const COMPLETE_MAX: usize = 50_000;
/// The first column of Asterisk's own header, if someone added it.
const HEADER: &str = "accountcode";
const NOT_UNDERSTOOD: &str = "This is no row of Asterisk's Master.csv: 17 columns or more, with times such as 2026-11-28 09:30:00 in columns 10 and 12.";

struct Group {
    rows: Vec<Row>,
    /// Number of the latest row.
    at: u64,
}

/// The calls of a file whose rows have not all been read.
pub(super) struct Groups {
    calls: Calls,
    open: HashMap<String, Group>,
    /// A call and the number of its row, in the order of rows.
    seen: VecDeque<(u64, String)>,
    complete: HashSet<String>,
    completed: VecDeque<String>,
    count: u64,
    is_ended: bool,
}

impl std::fmt::Debug for Groups {
    /// Without numbers: logs are kept.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Groups").field("open", &self.open.len()).finish_non_exhaustive()
    }
}

impl Groups {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            calls: Calls::new(settings),
            open: HashMap::new(),
            seen: VecDeque::new(),
            complete: HashSet::new(),
            completed: VecDeque::new(),
            count: 0,
            is_ended: false,
        }
    }

    /// Reads until a call is complete or a row is bad. At the end of the file, all calls are.
    pub(super) fn step(&mut self, rows: &mut Rows<impl BufRead>, count: &mut u64) -> Option<Item> {
        loop {
            if let Some(rows) = self.next_complete() {
                let event = fold_rows(rows).and_then(|record| self.calls.import(&record));
                return Some(event.map_or(Item::Ignored, |event| Item::Event(Box::new(event))));
            }
            if self.is_ended {
                return None;
            }
            match rows.next() {
                None => self.is_ended = true,
                Some(Err(bad)) => return Some(Item::Bad(bad)),
                Some(Ok(row)) => {
                    if *count == 0 && row.cells.first().is_some_and(|cell| cell.eq_ignore_ascii_case(HEADER)) {
                        continue;
                    }
                    *count += 1;
                    if let Err(reason) = self.add(&row.cells) {
                        return Some(Item::Bad(BadRow::new(row.line, reason)));
                    }
                }
            }
        }
    }

    fn add(&mut self, cells: &[String]) -> Result<(), String> {
        let row = Row::read(cells).ok_or(NOT_UNDERSTOOD)?;
        if self.complete.contains(&row.linked_id) {
            return Err(format!("The other rows of this call are more than {ROWS_APART_MAX} rows before."));
        }
        self.count += 1;
        self.seen.push_back((self.count, row.linked_id.clone()));
        let group = self.open.entry(row.linked_id.clone()).or_insert_with(|| Group { rows: Vec::new(), at: 0 });
        group.at = self.count;
        if group.rows.len() < ROWS_OF_CALL_MAX {
            group.rows.push(row);
        }
        Ok(())
    }

    /// The rows of a call that no more rows are expected of.
    fn next_complete(&mut self) -> Option<Vec<Row>> {
        while let Some((at, _)) = self.seen.front() {
            if !self.is_ended && at + ROWS_APART_MAX > self.count {
                return None;
            }
            let (at, linked_id) = self.seen.pop_front()?;
            if self.open.get(&linked_id).is_some_and(|group| group.at == at) {
                let group = self.open.remove(&linked_id)?;
                self.remember(linked_id);
                return Some(group.rows);
            }
        }
        None
    }

    fn remember(&mut self, linked_id: String) {
        self.completed.push_back(linked_id.clone());
        self.complete.insert(linked_id);
        if self.completed.len() > COMPLETE_MAX
            && let Some(oldest) = self.completed.pop_front()
        {
            self.complete.remove(&oldest);
        }
    }
}
