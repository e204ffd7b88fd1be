//! The `offhook` binary; see the library for everything.

use std::process::ExitCode;

/// The small allocations of an event are freed by another thread than the one that made them, where the system allocator
/// takes a lock.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    server::command::run().await
}
