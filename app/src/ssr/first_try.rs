//! Creating an endpoint and trying it out, as the first page and the form for endpoints both do.

use domain::actor::Actor;
use domain::endpoint::{CreatedEndpoint, Duplicate, Endpoint, EndpointForm};
use domain::event::EventKind;
use domain::id::DeliveryId;

use super::backend;
use crate::error::UiError;

/// How long a post waits for the first attempt, so that its page is complete without script, in milliseconds.
const WAIT_MS: u32 = 5_000;

/// Creates the endpoint; `duplicate` says `allow` where the person wants the same URL twice.
///
/// # Errors
/// As `create_endpoint` of the port.
pub async fn created(actor: &Actor, form: &EndpointForm, duplicate: &str) -> Result<CreatedEndpoint, UiError> {
    let duplicate = if duplicate == "allow" { Duplicate::Allow } else { Duplicate::Refuse };
    Ok(backend()?.create_endpoint(actor, form, duplicate).await?)
}

/// Sends the example of the first event that the endpoint picked and waits for the outcome of the first attempt.
/// Answers the query that shows it.
///
/// # Errors
/// As `send_test` of the port.
pub async fn test(actor: &Actor, endpoint: &Endpoint) -> Result<String, UiError> {
    let kind = endpoint.events.first().copied().unwrap_or(EventKind::IncomingCall);
    let sent = backend()?.send_test(actor, &endpoint.id, kind, None).await?;
    outcome(actor, &sent).await
}

/// Waits for the outcome of the first attempt and answers the query that shows it.
///
/// # Errors
/// As `delivery_after_first_try` of the port.
pub async fn outcome(actor: &Actor, sent: &DeliveryId) -> Result<String, UiError> {
    backend()?.delivery_after_first_try(actor, sent, WAIT_MS).await?;
    Ok(format!("?dlv={sent}"))
}
