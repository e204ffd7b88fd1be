//! Black-box tests over HTTP and on the command line. Folders and files mirror the routes.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops where it fails")]

mod api_v1;
mod ari;
mod attacks;
mod audit;
mod browser;
mod command;
mod connect;
mod connect_in;
mod connect_pages;
mod crash;
mod database_away;
mod deployment;
mod fault_run;
mod full_disk;
mod headers;
mod health;
mod live;
mod mail;
mod ops;
mod pgbouncer;
mod policy;
mod postgres;
mod receiver;
mod record_files;
mod rotation_load;
mod second_factor;
mod secrets;
mod sign_in;
mod support;
mod test_app;
mod test_line;
mod two_nodes;
mod users;
