//! The `offhook` binary: configuration, router, sessions, REST, command line, wiring.
//!
//! Architecture invariant: this crate has no rule of the product and no SQL. It turns requests into calls of
//! [`domain::Backend`], and results into pages, JSON or lines; the engine decides.

pub mod admission;
pub mod ami;
pub mod app_state;
pub mod ari;
pub mod audit_export;
pub mod body_guard;
pub mod body_timeout;
pub mod client_ip;
pub mod command;
pub mod config;
pub mod connect_in;
pub mod connector;
pub mod connector_calls;
pub mod connector_events;
pub mod connector_posts;
pub mod csrf;
pub mod fair_budget;
pub mod health;
pub mod http_client;
pub mod http_metrics;
pub mod ingress;
pub mod known_host;
pub mod listen;
pub mod live;
pub mod live_ops;
pub mod local;
pub mod mail;
pub mod mappings;
pub mod measure;
pub mod metrics;
pub mod pages;
pub mod phone_numbers;
pub mod phone_systems;
pub mod plain_error;
pub mod plain_path;
pub mod process_metrics;
pub mod rate_limit;
pub mod request_body;
pub mod request_span;
pub mod rest;
pub mod rest_client;
pub mod secret_key;
pub mod security_headers;
pub mod session_store;
pub mod site;
pub mod starting;
pub mod state_reports;
pub mod telemetry;
pub mod test_line;
pub mod time_limit;
pub mod user;
pub mod web;
