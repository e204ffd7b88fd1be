//! The store: SQL and rows, in a folder per noun. A row type is private to its file, which converts it to domain types.
//!
//! Architecture invariant: the store has no business rules, and no transaction stays open across the network.
//! Functions take an open [`db::Db`] or [`db::Tx`] and the time; services decide.

pub mod accounts;
pub mod alerts;
pub mod audit;
mod columns;
mod conditions;
pub mod config;
pub mod connectors;
pub mod credentials;
pub mod db;
pub mod deliveries;
pub(crate) mod direct;
pub mod emails;
pub mod endpoints;
pub mod error;
pub mod events;
pub(crate) mod members;
mod migrations;
pub mod nodes;
mod open;
mod open_file;
pub mod ops;
pub(crate) mod postgres;
pub(crate) mod probe;
mod purge;
mod row_values;
pub mod spool;
pub mod sql;
pub mod sqlite;
mod turns;
pub mod users;
