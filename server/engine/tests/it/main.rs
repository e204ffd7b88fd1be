//! The engine's promises, each on SQLite and on Postgres, with a clock moved by hand and a real receiver.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop where it fails")]

mod accounts;
mod audit;
mod batches;
mod bed;
mod causes;
mod chance;
mod checkpoints;
mod clocks;
mod cluster;
mod endpoints;
mod faults;
mod health;
mod keys;
mod list_work;
mod lists;
mod nodes;
mod numbers;
mod operate;
mod order;
mod people;
mod policies;
mod receiver;
mod recover;
mod recovery;
mod retention;
mod room;
mod rotation;
mod rotation_everywhere;
mod second_factor;
mod sending;
mod staffing;
mod states;
mod support;
mod tokens;
mod walks;
