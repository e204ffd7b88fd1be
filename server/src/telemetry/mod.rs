//! Logs and spans. Secrets never reach them: types that hold one hide it in their debug form, and requests are logged by
//! path alone, without query, headers or body.

#[cfg(feature = "otlp")]
mod otlp;

use std::io::{IsTerminal as _, stderr};

use tracing_subscriber::{
    EnvFilter, Layer as _, filter::ParseError, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};
use url::Url;

use crate::config::{Log, LogFormat};

/// Messages of libraries about servers that are not ours: a customer's bad certificate is the cause of a failed attempt.
const QUIET: &str = "rustls_platform_verifier=off";

/// Why logs or spans cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level cannot be read.
    #[error("--log: {0}")]
    Filter(#[from] ParseError),
    /// Spans cannot be exported.
    #[error("OFFHOOK_OTLP_ENDPOINT: {0}")]
    Otlp(String),
}

/// Exports spans for as long as it lives. Flush it before the process ends.
#[derive(Debug)]
#[must_use]
pub struct Exporter(#[cfg(feature = "otlp")] Option<opentelemetry_sdk::trace::SdkTracerProvider>);

/// Starts logging to stderr, and exporting spans to `otlp_endpoint` when there is one.
///
/// # Errors
/// [`TelemetryError`] naming the setting.
pub fn start(log: &Log, otlp_endpoint: Option<&Url>) -> Result<Exporter, TelemetryError> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", log.level))?;
    // If stderr is closed, log lines are lost and the server keeps running: reporting that would go to stderr, too.
    let lines = fmt::layer().with_writer(stderr).log_internal_errors(false);
    let lines = if stderr().is_terminal() { lines } else { lines.with_ansi(false) };
    let lines = match log.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    };
    let registry = tracing_subscriber::registry().with(filter).with(lines);
    #[cfg(feature = "otlp")]
    let (exporter, registry) = {
        let provider = otlp_endpoint.map(otlp::provider).transpose()?;
        (Exporter(provider.clone()), registry.with(provider.as_ref().map(otlp::layer)))
    };
    #[cfg(not(feature = "otlp"))]
    let exporter = Exporter();
    // A second start (in tests) keeps the first subscriber.
    let _ = registry.try_init();
    if otlp_endpoint.is_some() && cfg!(not(feature = "otlp")) {
        tracing::warn!("OFFHOOK_OTLP_ENDPOINT has no effect: this binary was built without the cargo feature `otlp`");
    }
    Ok(exporter)
}

impl Exporter {
    /// Sends the spans that are still buffered.
    pub async fn flush(self) {
        #[cfg(feature = "otlp")]
        if let Some(provider) = self.0 {
            otlp::shut_down(provider).await;
        }
    }
}
