//! Lists in pages, which are bounded in rows and in bytes.

use std::io;

use domain::Error;
use serde::Serialize;
use utoipa::ToSchema;

use crate::rest::problem::Problem;

/// Most bytes of the rows of a page. A single row may have more.
const PAGE_MAX_BYTES: usize = 2 * 1_024 * 1_024;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The rows.
    data: Vec<T>,
    /// Pass it as `cursor` for the next page; null on the last one.
    next: Option<String>,
}

impl<T: Serialize> List<T> {
    /// A page of these rows, or of as many as fit; `next` is for all of them, `cursor` for the page after a row.
    pub fn of<R>(rows: Vec<R>, next: Option<String>, cursor: impl Fn(&R) -> String, to_json: impl Fn(R) -> T) -> Self {
        let (mut data, mut last, mut bytes) = (Vec::with_capacity(rows.len()), None, 0);
        for row in rows {
            let at = cursor(&row);
            let row = to_json(row);
            bytes += json_bytes(&row);
            if bytes > PAGE_MAX_BYTES && !data.is_empty() {
                return Self { data, next: last };
            }
            data.push(row);
            last = Some(at);
        }
        Self { data, next }
    }

    /// A page of a list that is in memory: the rows after the one with the id `after`.
    ///
    /// # Errors
    /// 422 if there is no such row any more.
    pub fn paginated<R>(
        mut rows: Vec<R>,
        limit: u32,
        after: Option<&str>,
        id: impl Fn(&R) -> &str,
        to_json: impl Fn(R) -> T,
    ) -> Result<Self, Problem> {
        if let Some(after) = after {
            let Some(at) = rows.iter().position(|row| id(row) == after) else {
                let message = "This row no longer exists. Start again from the first page.";
                return Err(Error::invalid("cursor", message).into());
            };
            rows.drain(..=at);
        }
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(|row| id(row).to_owned());
        Ok(Self::of(rows, next, |row| id(row).to_owned(), to_json))
    }

    /// A page of rows that are never long: each has less than a kilobyte.
    pub const fn of_short(data: Vec<T>, next: Option<String>) -> Self {
        Self { data, next }
    }
}

/// How many bytes this has as JSON.
fn json_bytes(row: &impl Serialize) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // What cannot be written as JSON makes the response fail as a whole.
    let _ = serde_json::to_writer(&mut count, row);
    count.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages of these rows, read to the end: the lengths of each page's rows.
    fn pages(rows: &[String], limit: u32) -> Vec<Vec<usize>> {
        let (mut pages, mut after) = (Vec::new(), None::<String>);
        loop {
            let numbered: Vec<_> = rows.iter().enumerate().map(|(n, row)| (n.to_string(), row.clone())).collect();
            let page = List::paginated(numbered, limit, after.as_deref(), |row| &row.0, |row| row.1).unwrap();
            pages.push(page.data.iter().map(String::len).collect());
            after = page.next;
            if after.is_none() {
                return pages;
            }
        }
    }

    #[test]
    fn a_page_ends_before_the_row_that_would_make_it_too_large() {
        let third = PAGE_MAX_BYTES / 3;
        let rows = vec!["x".repeat(third); 5];
        assert_eq!(pages(&rows, 250), [vec![third; 2], vec![third; 2], vec![third]]);
        assert_eq!(pages(&rows, 1), vec![vec![third]; 5]);
    }

    #[test]
    fn a_row_that_is_too_large_has_a_page_of_its_own() {
        let large = 2 * PAGE_MAX_BYTES;
        assert_eq!(
            pages(&["x".repeat(large), "y".repeat(large), "z".to_owned()], 250),
            [vec![large], vec![large], vec![1]]
        );
    }

    #[test]
    fn short_rows_are_paged_by_their_number() {
        assert_eq!(pages(&vec!["x".to_owned(); 4], 2), [[1, 1], [1, 1]]);
        assert_eq!(pages(&[], 2), [Vec::<usize>::new()]);
    }
}
