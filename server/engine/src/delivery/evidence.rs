//! What is kept of responses, and counts towards what their accounts store.

use domain::{
    UnixMs,
    account::StorageLevel,
    id::{DeliveryId, decode},
};

use crate::{
    storage::{Added, Storage},
    store::deliveries::outcomes::AttemptRow,
};

/// The attempt without its response, if its account stores more than it may.
pub(super) fn within_limit(storage: &Storage, mut row: AttemptRow) -> AttemptRow {
    if storage.level(&row.account_id) >= StorageLevel::Over {
        row.response_cut |= i64::from(!row.response_head.is_empty() || !row.response_body.is_empty());
        (row.response_head, row.response_body) = (String::new(), String::new());
    }
    row
}

/// What these attempts add to the hours of their events, with which they will be deleted.
pub(super) fn added(rows: Vec<AttemptRow>, now: UnixMs) -> Vec<Added> {
    let added = |row: AttemptRow| {
        let accepted = row.delivery_id.strip_prefix(DeliveryId::PREFIX).and_then(decode);
        let bytes = row.response_head.len() + row.response_body.len();
        Added { account: row.account_id, at: accepted.map_or(now, |(at, _)| at), bytes }
    };
    rows.into_iter().map(added).filter(|added| added.bytes > 0).collect()
}
