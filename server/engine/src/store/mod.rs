//! The store: SQL and rows. One file per noun; a row type is private to its file and turns into domain types there.
//!
//! Architecture invariant: no rule of the product stands here, and no transaction stays open across the network.
//! Functions take an open [`db::Db`] or [`db::Tx`] and the time; services decide.

pub mod accounts;
pub mod audit;
pub(crate) mod checkpoints;
pub mod cleaning;
mod columns;
mod conditions;
pub(crate) mod copies;
pub mod db;
pub mod deliveries;
pub mod endpoints;
pub mod error;
pub mod events;
pub mod invitations;
pub mod jobs;
pub mod left_behind;
pub mod letters;
pub mod listing;
pub mod members;
pub mod nodes;
mod number_search;
pub mod numbers;
pub mod operate;
pub mod outcomes;
pub mod policies;
pub(crate) mod postgres;
pub(crate) mod probe;
pub mod recover;
pub mod recover_work;
pub mod resets;
pub mod rotations;
pub mod sealed;
pub mod second_factors;
pub mod sessions;
pub mod sql;
pub mod sqlite;
pub mod staff;
pub mod support;
pub mod tallies;
pub mod test_lines;
pub mod tokens;
pub mod waiting;

/// Accounts that are suspended: what belongs to them is held. One text, so that every place derives it alike; walks an
/// index of the few there are.
macro_rules! suspended {
    () => {
        "(SELECT id FROM accounts WHERE suspended_ms IS NOT NULL)"
    };
}
pub(crate) use suspended;

/// A list of ids as the JSON that `{list $n}` reads.
pub(crate) fn json_list<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    serde_json::Value::from_iter(ids).to_string()
}
