//! The `offhook` binary; see the library for everything.

use std::process::ExitCode;

/// An event's small pieces are made in one thread and dropped in another; the system's allocator locks for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    server::command::run().await
}
