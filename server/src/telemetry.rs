//! The log: to stderr, as text or JSON. Secrets never reach it: types that hold one hide it in their debug form, and
//! requests are logged by path alone, without query, headers or body.

use std::io::stderr;

use tracing_subscriber::{EnvFilter, filter::ParseError, fmt};

use crate::config::{Log, LogFormat};

/// Complaints of libraries about what is not ours: a customer's bad certificate is an attempt's cause, not our error.
const QUIET: &str = "rustls_platform_verifier=off";

/// Starts the log.
///
/// # Errors
/// When the level cannot be read.
pub fn start(log: &Log) -> Result<(), ParseError> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", log.level))?;
    // When nobody reads the log any more, that alone must not stop us: complaints about it would go to stderr, too.
    let lines = fmt().with_env_filter(filter).with_writer(stderr).log_internal_errors(false);
    // A second start (in tests) leaves the first one's.
    let _ = match log.format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}
