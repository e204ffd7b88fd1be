//! Rows of a CSV file as people have them: separated by commas, semicolons or tabs, in UTF-8 or Windows-1252, with a byte
//! order mark or without, with line breaks in quotes. Reads as a stream: memory is bounded whatever the file contains.

use std::fmt;

use std::{collections::VecDeque, io::BufRead};

/// Longest line, in bytes. A line without an end must not be held.
pub const LINE_MAX_BYTES: usize = 64 * 1_024;
/// Most lines of one row: a quote that is never closed must not swallow the file.
const ROW_MAX_LINES: usize = 20;
/// Most cells of a row.
pub const ROW_MAX_CELLS: usize = 256;
const SEPARATORS: &[u8] = b",;\t|";
const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";
/// Workbooks, archives, documents and pictures.
const BINARY_STARTS: [&[u8]; 5] = [b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"%PDF", b"\x89PNG"];
const UTF16_MARKS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// A row that was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// Number of its first line, from 1.
    pub line: u64,
    /// Its cells, without spaces around them.
    pub cells: Vec<String>,
}

impl fmt::Debug for Row {
    /// Without numbers: logs are kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("line", &self.line).finish_non_exhaustive()
    }
}

/// A row that was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Line {line}: {reason}")]
pub struct BadRow {
    /// Number of its first line, from 1.
    pub line: u64,
    /// A sentence that says what to do.
    pub reason: String,
}

impl BadRow {
    /// A row that was not understood for this reason.
    pub fn new(line: u64, reason: impl Into<String>) -> Self {
        Self { line, reason: reason.into() }
    }
}

/// The rows of a file, one after the other; empty lines are left out.
#[derive(Debug)]
pub struct Rows<R> {
    input: R,
    separator: Option<u8>,
    /// Lines that were read to look for the end of a quote.
    ahead: VecDeque<Vec<u8>>,
    line_max_bytes: usize,
    lines: u64,
    at: u64,
    bytes: u64,
    stopped: bool,
}

impl<R: BufRead> Rows<R> {
    /// Reads rows from a file. The separator follows from the first line.
    pub fn new(input: R) -> Self {
        Self {
            input,
            separator: None,
            ahead: VecDeque::new(),
            line_max_bytes: LINE_MAX_BYTES,
            lines: 0,
            at: 0,
            bytes: 0,
            stopped: false,
        }
    }

    /// Number of the line at which the latest row begins, from 1.
    pub fn line(&self) -> u64 {
        self.at
    }

    /// Bytes that were read so far, for a progress bar.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether reading stopped before the end of the file, for the reason of the last error.
    pub fn stopped_early(&self) -> bool {
        self.stopped
    }

    /// Reads no further.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// The next line that is not empty, with its number, of a file that is no table.
    pub fn next_plain(&mut self, max_bytes: usize) -> Option<Result<(u64, Vec<u8>), BadRow>> {
        self.line_max_bytes = max_bytes;
        while !self.stopped {
            match self.read_line().transpose()? {
                Ok(line) if line.iter().all(u8::is_ascii_whitespace) => {}
                Ok(line) => {
                    self.at = self.lines;
                    return Some(Ok((self.lines, line)));
                }
                Err(bad) => return Some(Err(bad)),
            }
        }
        None
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, BadRow> {
        match self.ahead.pop_front() {
            Some(line) => Ok(Some(line)),
            None => self.read_line(),
        }
    }

    /// A line from the file. One that is too long is passed over up to its end, and is an error.
    fn read_line(&mut self) -> Result<Option<Vec<u8>>, BadRow> {
        let mut line = Vec::new();
        let mut is_long = false;
        loop {
            let number = self.lines + 1;
            let available = self.input.fill_buf().map_err(|error| {
                self.stopped = true;
                BadRow::new(number, format!("The file can't be read further: {error}."))
            })?;
            let end = available.iter().position(|byte| *byte == b'\n');
            let piece = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
            is_long |= line.len() + piece.len() > self.line_max_bytes;
            if !is_long {
                line.extend_from_slice(piece);
            }
            let used = end.map_or(piece.len(), |end| end + 1);
            let at_end = available.is_empty();
            self.input.consume(used);
            self.bytes += used as u64;
            if at_end && line.is_empty() && !is_long {
                return Ok(None);
            }
            if end.is_some() || at_end {
                break;
            }
        }
        self.lines += 1;
        if is_long {
            return Err(BadRow::new(
                self.lines,
                format!("The line is longer than {} KiB.", self.line_max_bytes / 1_024),
            ));
        }
        Ok(Some(line))
    }

    /// The first line decides on the encoding and the separator.
    fn begin(&mut self, line: &mut Vec<u8>) -> Result<bool, BadRow> {
        if UTF16_MARKS.iter().any(|mark| line.starts_with(mark)) {
            self.stopped = true;
            return Err(BadRow::new(1, "The file is in UTF-16. Save it as CSV in UTF-8 and try again."));
        }
        if BINARY_STARTS.iter().any(|start| line.starts_with(start)) {
            self.stopped = true;
            return Err(BadRow::new(1, "This is no text file. Save the table as CSV and try again."));
        }
        if line.starts_with(UTF8_MARK) {
            line.drain(..UTF8_MARK.len());
        }
        // Excel writes its separator into a line of its own.
        if let [b's', b'e', b'p', b'=', separator, rest @ ..] = line.as_slice()
            && rest.iter().all(u8::is_ascii_whitespace)
        {
            self.separator = Some(*separator);
            return Ok(false);
        }
        self.separator = Some(separator_of(line));
        Ok(true)
    }

    /// Adds lines while a quote is open. If it is never closed, the row is its first line, and the others are rows again.
    fn close_quotes(&mut self, row: &mut Vec<u8>) -> Result<u64, BadRow> {
        let (first, mut lines) = (row.len(), Vec::new());
        while is_open(row) && lines.len() < ROW_MAX_LINES && row.len() < LINE_MAX_BYTES {
            let Some(line) = self.next_line()? else { break };
            row.push(b'\n');
            row.extend_from_slice(&line);
            lines.push(line);
        }
        if is_open(row) {
            row.truncate(first);
            lines.into_iter().rev().for_each(|line| self.ahead.push_front(line));
            return Ok(0);
        }
        Ok(lines.len() as u64)
    }

    fn next_row(&mut self) -> Result<Option<Row>, BadRow> {
        while let Some(mut line) = self.next_line()? {
            let number = self.lines - self.ahead.len() as u64;
            self.at = number;
            if self.separator.is_none() && !line.is_empty() && !self.begin(&mut line)? {
                continue;
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            self.close_quotes(&mut line)?;
            let cells = cells(&line, self.separator.unwrap_or(b','));
            return cells
                .map(|cells| Some(Row { line: number, cells }))
                .ok_or_else(|| BadRow::new(number, format!("The row has more than {ROW_MAX_CELLS} cells.")));
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row, BadRow>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.stopped {
            return None;
        }
        self.next_row().transpose()
    }
}

fn is_open(row: &[u8]) -> bool {
    row.iter().filter(|byte| **byte == b'"').count() % 2 == 1
}

/// The separator that occurs most often outside of quotes; the comma if none does.
fn separator_of(line: &[u8]) -> u8 {
    let mut quoted = false;
    let mut counts = [0_usize; SEPARATORS.len()];
    for byte in line {
        quoted ^= *byte == b'"';
        if !quoted && let Some(at) = SEPARATORS.iter().position(|separator| separator == byte) {
            counts[at] += 1;
        }
    }
    let most = SEPARATORS.iter().zip(counts).rev().max_by_key(|(_, count)| *count);
    most.map_or(b',', |(separator, _)| *separator)
}

/// The cells of a row, or nothing if there are too many.
fn cells(row: &[u8], separator: u8) -> Option<Vec<String>> {
    let mut reader = csv_core::ReaderBuilder::new().delimiter(separator).build();
    let mut text = vec![0; row.len() + 1];
    let mut ends = [0; ROW_MAX_CELLS];
    let (mut read, mut written, mut count) = (0, 0, 0);
    loop {
        let input = row.get(read..).unwrap_or_default();
        let (result, used, put, cells) = reader.read_record(input, text.get_mut(written..)?, ends.get_mut(count..)?);
        (read, written, count) = (read + used, written + put, count + cells);
        match result {
            csv_core::ReadRecordResult::InputEmpty => {}
            csv_core::ReadRecordResult::Record | csv_core::ReadRecordResult::End => break,
            csv_core::ReadRecordResult::OutputFull | csv_core::ReadRecordResult::OutputEndsFull => return None,
        }
    }
    let mut start = 0;
    let cells = ends.get(..count)?.iter().map(|end| {
        let cell = text.get(start..*end).unwrap_or_default();
        start = *end;
        decode(cell).trim().to_owned()
    });
    Some(cells.collect())
}

/// Each cell on its own: some phone systems write names in the encoding of the phone.
fn decode(cell: &[u8]) -> String {
    str::from_utf8(cell)
        .map_or_else(|_| encoding_rs::WINDOWS_1252.decode_without_bom_handling(cell).0.into_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8]) -> Vec<Result<Row, BadRow>> {
        Rows::new(text).collect()
    }

    fn cells_of(text: &[u8]) -> Vec<Vec<String>> {
        rows(text).into_iter().map(|row| row.unwrap().cells).collect()
    }

    #[test]
    fn separators_quotes_marks_and_line_ends_are_recognised() {
        let expected = [["a", "b,;", "c \"d\""], ["1", "", "3"]];
        for text in [
            "a,\"b,;\",\"c \"\"d\"\"\"\n1,,3\n",
            "\u{feff}a;\"b,;\";\"c \"\"d\"\"\"\r\n1;;3",
            "a\t\"b,;\"\t\"c \"\"d\"\"\"\r\n\r\n1\t\t3\r\n",
            "sep=;\r\na;\"b,;\";\"c \"\"d\"\"\"\r\n1;;3",
        ] {
            assert_eq!(cells_of(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn latin_1_is_read_beside_utf_8() {
        assert_eq!(cells_of(b"M\xfcller;1\nM\xc3\xbcller;2\n\x80;3"), [["Müller", "1"], ["Müller", "2"], ["€", "3"]]);
    }

    #[test]
    fn a_line_break_in_quotes_belongs_to_the_row_and_lines_are_still_counted() {
        let rows = rows(b"a,b\n\"x\ny\",2\nlast,3\n");
        let lines: Vec<_> = rows.iter().map(|row| row.as_ref().unwrap().line).collect();
        assert_eq!(lines, [1, 2, 4]);
        assert_eq!(rows[1].as_ref().unwrap().cells, ["x\ny", "2"]);
    }

    #[test]
    fn a_quote_that_is_never_closed_costs_its_own_line_only() {
        let mut text = b"a,b\n5\" pipe,\"x\n".to_vec();
        text.extend(b"1,2\n".repeat(50));
        text[8] = b'q';
        let rows: Vec<_> = rows(&text).into_iter().map(|row| row.unwrap()).collect();
        assert_eq!(rows.len(), 52);
        assert_eq!((rows[2].line, rows[51].line), (3, 52));
    }

    #[test]
    fn a_line_without_end_is_refused_without_being_held() {
        let mut text = b"a,b\n".to_vec();
        text.extend(vec![b'x'; LINE_MAX_BYTES + 1]);
        text.extend(b"\n1,2\n");
        let rows = rows(&text);
        assert_eq!(rows[1], Err(BadRow::new(2, "The line is longer than 64 KiB.")));
        assert_eq!(rows[2].as_ref().unwrap().line, 3);
        assert!(rows_of_many_cells().is_err());
    }

    fn rows_of_many_cells() -> Result<Row, BadRow> {
        rows(&b",".repeat(ROW_MAX_CELLS + 1)).remove(0)
    }

    #[test]
    fn utf_16_is_named() {
        let rows = rows(b"\xff\xfea\0,\0");
        assert_eq!(rows.len(), 1);
        assert!(rows[0].as_ref().unwrap_err().reason.contains("UTF-16"));
    }

    #[test]
    fn a_workbook_is_named_and_read_no_further() {
        let rows = rows(b"PK\x03\x04\0\0\n1,2\n3,4\n");
        assert_eq!(rows, [Err(BadRow::new(1, "This is no text file. Save the table as CSV and try again."))]);
    }

    proptest::proptest! {
        #[test]
        fn every_file_ends(text in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2_000)) {
            let count = Rows::new(text.as_slice()).count();
            proptest::prop_assert!(count <= text.len() + 1);
        }
    }
}
