//! Rules of the architecture and the style that a machine can check, as tests: `cargo test -p tidy`. Each complaint names
//! file and line.
//!
//! The crate depends on no other and reads source files as text. What the compiler and clippy check (docs on public items,
//! banned calls, reasons for exceptions) is not repeated.

#![cfg(test)]

mod arrows;
mod crates;
mod lengths;
mod modules;
mod phrases;
mod places;
mod shipped;
mod source;
