//! Creating an endpoint and testing it, shared by the start page and the endpoint forms.

use domain::actor::Actor;
use domain::endpoint::{CreatedEndpoint, Duplicate, Endpoint, EndpointForm};
use domain::event::EventKind;
use domain::id::DeliveryId;

use super::backend;
use crate::error::UiError;

/// How long a POST waits for the first attempt, so that the next page is complete without script, in milliseconds.
const WAIT_MS: u32 = 5_000;

/// Creates the endpoint. If `duplicate` is `allow`, the URL may already be in use.
///
/// # Errors
/// As `create_endpoint` of the port.
pub async fn created(actor: &Actor, form: &EndpointForm, duplicate: &str) -> Result<CreatedEndpoint, UiError> {
    let duplicate = if duplicate == "allow" { Duplicate::Allow } else { Duplicate::Refuse };
    Ok(backend()?.create_endpoint(actor, &form.input()?, duplicate).await?)
}

/// Sends an example of the endpoint's first subscribed event and waits for the first attempt. Returns the query string
/// that shows the result.
///
/// # Errors
/// As `send_test` of the port.
pub async fn test(actor: &Actor, endpoint: &Endpoint) -> Result<String, UiError> {
    let kind = endpoint.events.first().copied().unwrap_or(EventKind::IncomingCall);
    let sent = backend()?.send_test(actor, &endpoint.id, kind, None).await?;
    outcome(actor, &sent).await
}

/// Waits for the first attempt. Returns the query string that shows the result.
///
/// # Errors
/// As `wait_for_first_attempt` of the port.
pub async fn outcome(actor: &Actor, sent: &DeliveryId) -> Result<String, UiError> {
    backend()?.wait_for_first_attempt(actor, sent, WAIT_MS).await?;
    Ok(format!("?dlv={sent}"))
}
