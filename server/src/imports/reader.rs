//! Reads a file in a thread of its own: pieces in, batches out. Each side waits for the other, so that a file of any size has
//! a few megabytes in memory.

use std::{
    io::{self, BufRead, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use connect::{
    event::CallEvent,
    records::{Counts, Format, Item, Records},
};
use domain::connector::imports::BadRecord;
use tokio::sync::mpsc::{Receiver, Sender};

/// Events of a batch: they are posted together.
pub(super) const BATCH_EVENTS: usize = 200;
/// Rows that were not understood, of a batch.
const BATCH_BAD_ROWS: usize = 500;

/// A part of a file that was read.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) events: Vec<CallEvent>,
    pub(super) bad: Vec<BadRecord>,
    /// Items read so far.
    pub(super) items: u64,
    /// Bytes read so far.
    pub(super) bytes: u64,
    /// What became of the rows so far.
    pub(super) counts: Counts,
}

/// A file that arrives in pieces.
pub(super) struct Pieces {
    pieces: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
    is_broken: Arc<AtomicBool>,
}

impl Pieces {
    pub(super) fn new(pieces: Receiver<Vec<u8>>, is_broken: Arc<AtomicBool>) -> Self {
        Self { pieces, piece: Vec::new(), at: 0, is_broken }
    }
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at >= self.piece.len() {
            let Some(piece) = self.pieces.blocking_recv() else { break };
            (self.piece, self.at) = (piece, 0);
        }
        Ok(self.piece.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}

/// Reads a file, without the first `done` items. What follows a piece that is missing is not read: it would be taken for the
/// end of the file.
///
/// # Errors
/// A sentence, if it can't be read in this format.
pub(super) fn read(file: Pieces, format: Format, done: u64, batches: &Sender<Batch>) -> Result<(), String> {
    let is_broken = Arc::clone(&file.is_broken);
    let mut records = Records::new(file, format)?;
    let mut batch = Batch::default();
    while let Some((_, item)) = records.next_item() {
        if is_broken.load(Ordering::SeqCst) {
            return Ok(());
        }
        batch.items += u64::from(!matches!(item, Item::Ignored));
        if batch.items > done {
            match item {
                Item::Event(event) => batch.events.push(*event),
                Item::Bad(bad) => batch.bad.push(BadRecord { line: Some(bad.line), reason: bad.reason }),
                Item::Ignored => {}
            }
        }
        if batch.events.len() >= BATCH_EVENTS || batch.bad.len() >= BATCH_BAD_ROWS {
            let next = Batch { items: batch.items, ..Batch::default() };
            if !send(std::mem::replace(&mut batch, next), &records, batches) {
                return Ok(());
            }
        }
    }
    if !is_broken.load(Ordering::SeqCst) {
        send(batch, &records, batches);
    }
    Ok(())
}

/// False if nobody waits for it any more.
fn send(mut batch: Batch, records: &Records<Pieces>, batches: &Sender<Batch>) -> bool {
    batch.bytes = records.bytes();
    batch.counts = records.counts();
    batches.blocking_send(batch).is_ok()
}

#[cfg(test)]
mod tests {
    use connect::{event::Identity, http_in::Locale};
    use tokio::sync::mpsc::channel;

    use super::*;

    fn format() -> Format {
        let columns = "caller=1,callee=2,start=3,duration=4,zone=Europe/London".parse().unwrap();
        Format::Columns(Box::new(columns), Identity::new("pbx"), Locale { country: "GB".parse().ok(), zone: None })
    }

    /// The batches of a file that arrives in these pieces.
    fn batches(pieces: Vec<Vec<u8>>, done: u64, is_broken: bool) -> Vec<Batch> {
        let ((feed, fed), (give, mut given)) = (channel(100), channel(100));
        pieces.into_iter().for_each(|piece| feed.blocking_send(piece).unwrap());
        drop(feed);
        let is_broken = Arc::new(AtomicBool::new(is_broken));
        read(Pieces::new(fed, is_broken), format(), done, &give).unwrap();
        drop(give);
        std::iter::from_fn(|| given.blocking_recv()).collect()
    }

    fn rows(count: usize) -> Vec<u8> {
        let row = |n: usize| format!("01632960001,01632960100,2026-11-28 {:02}:{:02}:00,12\n", n / 60, n % 60);
        (0..count).map(row).collect::<String>().into_bytes()
    }

    #[test]
    fn rows_that_are_cut_by_the_end_of_a_piece_are_read_whole() {
        let pieces: Vec<_> = rows(10).chunks(7).map(<[u8]>::to_vec).collect();
        let read = batches(pieces, 0, false);
        assert_eq!((read.len(), read[0].events.len(), read[0].counts.rows), (1, 10, 10));
        assert_eq!(read[0].bytes, rows(10).len() as u64);
    }

    #[test]
    fn a_run_that_continues_leaves_out_what_is_done_and_counts_the_same() {
        let whole = batches(vec![rows(450)], 0, false);
        assert_eq!(whole.iter().map(|batch| batch.events.len()).collect::<Vec<_>>(), [200, 200, 50]);
        let rest = batches(vec![rows(450)], whole[0].items, false);
        let ids = |batches: &[Batch]| {
            batches.iter().flat_map(|batch| &batch.events).map(|event| event.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&rest), ids(&whole[1..]));
        let last = |batches: &[Batch]| batches.last().map(|batch| (batch.items, batch.counts, batch.bytes));
        assert_eq!(last(&rest), last(&whole));
    }

    #[test]
    fn nothing_is_made_of_a_file_whose_rest_is_missing() {
        assert!(batches(vec![rows(5)], 0, true).is_empty());
    }
}
