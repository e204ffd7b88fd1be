//! Call record files: each row, or each group of rows, becomes the end of a call. Read as a stream, so that files of any size
//! fit into little memory. Only ends: the beginning of a call of yesterday is of no use to anyone.
//!
//! The rows of an Asterisk are folded to calls ([`asterisk`]). All other files have a row per call, which is understood by the
//! same mappings as the requests of [`crate::http_in`]: of a preset, or of columns that people choose ([`Columns`]).

mod asterisk;
mod columns;
mod table;

use std::io::BufRead;

use domain::csv::{BadRow, Rows};

use self::{asterisk::Groups, table::Table};
pub use self::{
    asterisk::ROWS_APART_MAX,
    columns::Columns,
    table::{PRESETS, TablePreset},
};
use crate::{
    call::Settings,
    event::{CallEvent, Identity},
    http_in::Locale,
};

/// What kind of file it is.
#[derive(Debug, Clone)]
pub enum Format {
    /// Asterisk's `Master.csv`. With the settings of the live connector, the events have the same IDs as its own.
    Asterisk(Settings),
    /// A file of another phone system.
    Preset(&'static TablePreset, Identity, Locale),
    /// A file whose columns people choose.
    Columns(Box<Columns>, Identity, Locale),
}

/// What became of the rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows read, without a header.
    pub rows: u64,
    /// Events of calls.
    pub events: u64,
    /// Rows, and calls of an Asterisk, that are of no interest, such as internal calls.
    pub ignored: u64,
    /// Rows that were not understood.
    pub not_understood: u64,
}

/// The ends of the calls of a file, and the rows that were not understood, in the order in which they are known.
#[derive(Debug)]
pub struct Records<R> {
    rows: Rows<R>,
    reader: Reader,
    counts: Counts,
}

#[derive(Debug)]
enum Reader {
    Groups(Box<Groups>),
    Table(Box<Table>),
}

/// What becomes of a row, or of the rows of a call.
#[derive(Debug)]
pub enum Item {
    /// The end of a call.
    Event(Box<CallEvent>),
    /// Of no interest, such as an internal call.
    Ignored,
    /// Not understood.
    Bad(BadRow),
}

impl<R: BufRead> Records<R> {
    /// Reads a file.
    ///
    /// # Errors
    /// A sentence, if the columns are wrong.
    pub fn new(mut file: R, format: Format) -> Result<Self, String> {
        let reader = match format {
            Format::Asterisk(settings) => Reader::Groups(Box::new(Groups::new(settings))),
            Format::Preset(preset, identity, locale) => {
                let is_json = file.fill_buf().is_ok_and(|start| start.first() == Some(&b'{'));
                Reader::Table(Box::new(Table::of_preset(preset, is_json, identity, locale)?))
            }
            Format::Columns(columns, identity, locale) => {
                Reader::Table(Box::new(Table::of_columns(columns, identity, locale)))
            }
        };
        Ok(Self { rows: Rows::new(file), reader, counts: Counts::default() })
    }

    /// Bytes that were read so far, for a progress bar.
    pub fn bytes(&self) -> u64 {
        self.rows.bytes()
    }

    /// Whether reading stopped before the end of the file, for the reason of the last error.
    pub fn stopped_early(&self) -> bool {
        self.rows.stopped_early()
    }

    /// What became of the rows that were read so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What becomes of the next row, with the number of its line. The iterator leaves out what is of no interest.
    pub fn next_item(&mut self) -> Option<(u64, Item)> {
        let item = self.step()?;
        match &item {
            Item::Ignored => self.counts.ignored += 1,
            Item::Event(_) => self.counts.events += 1,
            Item::Bad(_) => self.counts.not_understood += 1,
        }
        Some((self.rows.line(), item))
    }

    fn step(&mut self) -> Option<Item> {
        match &mut self.reader {
            Reader::Groups(groups) => groups.step(&mut self.rows, &mut self.counts.rows),
            Reader::Table(table) => table.step(&mut self.rows, &mut self.counts.rows),
        }
    }
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = Result<CallEvent, BadRow>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_item()?.1 {
                Item::Ignored => {}
                Item::Event(event) => return Some(Ok(*event)),
                Item::Bad(bad) => return Some(Err(bad)),
            }
        }
    }
}

/// The first rows of a file as they are, for a page on which people choose columns.
pub fn preview(file: impl BufRead, rows: usize) -> Vec<Result<Vec<String>, BadRow>> {
    Rows::new(file).take(rows).map(|row| row.map(|row| row.cells)).collect()
}
