//! Events and calls: loading.

use domain::{
    call::{CallDetail, CallFilter, CallRow},
    event::{EventDetail, EventRow, Page},
};

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

/// One page of the calls that match a query string.
pub async fn list_calls(acct: String, query: String) -> Result<Page<CallRow>, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.calls(&ssr::actor(&acct).await?, &CallFilter::parse(&query)).await?)
}

/// A call with its events and deliveries.
pub async fn show_call(acct: String, call: String) -> Result<CallDetail, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.call(&ssr::actor(&acct).await?, &call).await?)
}
