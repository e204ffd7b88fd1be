//! A list of all channels, while it arrives.

use domain::UnixMs;

use crate::{
    asterisk::ami::{self, Message},
    call::{ChannelRow, ListingMark},
};

/// A list that was requested.
#[derive(Debug)]
pub(super) struct Listing {
    pub mark: ListingMark,
    pub requested_at: UnixMs,
    pub rows: Vec<ChannelRow>,
    /// Rows that arrived, whether they can be used or not.
    arrived: usize,
}

/// Whether a list is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completeness {
    /// It is.
    Complete,
    /// Rows are missing: a call whose channel is missing must not be taken for ended.
    RowsMissing,
}

impl Listing {
    pub(super) const fn new(mark: ListingMark, requested_at: UnixMs) -> Self {
        Self { mark, requested_at, rows: Vec::new(), arrived: 0 }
    }

    /// Takes a row.
    pub(super) fn row(&mut self, message: &Message) {
        self.arrived += 1;
        self.rows.extend(ami::channel_row(message));
    }

    /// Compares with the number of rows that Asterisk states at the end.
    pub(super) fn completeness(&self, end: &Message) -> Completeness {
        let stated = end.get("ListItems").and_then(|items| items.parse::<usize>().ok());
        if stated.is_none_or(|stated| stated <= self.arrived) {
            Completeness::Complete
        } else {
            Completeness::RowsMissing
        }
    }
}
