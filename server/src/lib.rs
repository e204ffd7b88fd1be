//! The `offhook` binary: configuration, router, sessions, REST, command line, wiring.
//!
//! Architecture invariant: no rule of the product is here and no SQL. Doors turn requests into calls of
//! [`domain::Backend`] and answers into pages, JSON or lines; the engine decides.

pub mod audit_export;
pub mod client_ip;
pub mod command;
pub mod config;
pub mod csrf;
pub mod health;
pub mod listen;
pub mod live;
pub mod mail;
pub mod metrics;
pub mod pages;
pub mod person;
pub mod rate_limit;
pub mod request_id;
pub mod rest;
pub mod room;
pub mod secret_key;
pub mod security_headers;
pub mod session_store;
pub mod site;
pub mod telemetry;
pub mod test_line;
pub mod time_limit;
pub mod web;
