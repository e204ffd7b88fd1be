//! Spans by OTLP over HTTP (protobuf).

use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
use opentelemetry::{KeyValue, trace::TracerProvider as _};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracer, SdkTracerProvider},
};
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use super::TelemetryError;
use crate::http_client;

const SERVICE_NAME: &str = "offhook";
/// Time limit of one export.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest response of a collector that is read, in bytes.
const RESPONSE_MAX_BYTES: usize = 64 * 1_024;

/// Exports spans in batches, from a thread of its own.
pub(super) fn provider(endpoint: &Url) -> Result<SdkTracerProvider, TelemetryError> {
    let client = http_client::new().map_err(|error| TelemetryError::Otlp(error.to_string()))?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client { client, runtime: Handle::current() })
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(EXPORT_TIMEOUT)
        .with_endpoint(traces_url(endpoint))
        .build()
        .map_err(|error| TelemetryError::Otlp(error.to_string()))?;
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let resource = Resource::builder().with_service_name(SERVICE_NAME).with_attribute(version).build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

pub(super) fn layer<S>(provider: &SdkTracerProvider) -> OpenTelemetryLayer<S, SdkTracer>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer().with_tracer(provider.tracer(SERVICE_NAME))
}

/// A base URL gets the path that the OTLP specification names; any other is used unchanged.
fn traces_url(endpoint: &Url) -> String {
    let mut url = endpoint.clone();
    if url.path() == "/" {
        url.set_path("/v1/traces");
    }
    url.into()
}

/// Sends what is buffered. The SDK blocks until its thread has finished.
pub(super) async fn shut_down(provider: SdkTracerProvider) {
    match tokio::task::spawn_blocking(move || provider.shutdown()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "some spans were not exported"),
        Err(error) => tracing::error!(%error, "exporting spans panicked"),
    }
}

#[derive(Debug)]
struct Client {
    client: http_client::HttpClient,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sending = self.client.request(request.map(Full::new));
        let exchange = async {
            let (head, body) = sending.await?.into_parts();
            let body = Limited::new(body, RESPONSE_MAX_BYTES).collect().await?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        // The SDK polls this on its own thread, where tokio's sockets and timers do not work.
        self.runtime.spawn(async { tokio::time::timeout(EXPORT_TIMEOUT, exchange).await }).await??
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_gets_the_standard_path() {
        let url = |text: &str| traces_url(&text.parse().unwrap());
        assert_eq!(url("http://collector:4318"), "http://collector:4318/v1/traces");
        assert_eq!(url("https://acme.example/otlp/v1/traces"), "https://acme.example/otlp/v1/traces");
    }
}
