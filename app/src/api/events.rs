//! Events and calls: loading.

use domain::{
    delivery::DeliveryRow,
    event::{EventDetail, EventRow, Page},
};
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// One page of the events that match a query string.
pub async fn list(acct: String, query: String) -> Result<Page<EventRow>, UiError> {
    use crate::{event_filter, ssr};
    Ok(ssr::backend()?.events(&ssr::actor(&acct).await?, &event_filter::parse(&query)).await?)
}

/// One event with its deliveries.
pub async fn show(acct: String, evt: String) -> Result<EventDetail, UiError> {
    use crate::ssr;
    let id = domain::id::EventId::parse(&evt).map_err(|_| UiError::not_found("Event"))?;
    Ok(ssr::backend()?.event(&ssr::actor(&acct).await?, &id).await?)
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Its events, oldest first.
    pub events: Vec<EventRow>,
    /// Their deliveries, oldest first.
    pub deliveries: Vec<DeliveryRow>,
}

/// A call's events and deliveries.
pub async fn show_call(acct: String, call: String) -> Result<Call, UiError> {
    use crate::{event_filter, ssr};
    let (actor, backend) = (ssr::actor(&acct).await?, ssr::backend()?);
    if !domain::payload::is_uuid(&call) {
        return Err(UiError::not_found("Call"));
    }
    let (events, deliveries) = event_filter::of_call(&call);
    let mut events = backend.events(&actor, &events).await?.rows;
    let mut deliveries = backend.deliveries(&actor, &deliveries).await?.rows;
    events.reverse();
    deliveries.reverse();
    if events.is_empty() { Err(UiError::not_found("Call")) } else { Ok(Call { events, deliveries }) }
}
