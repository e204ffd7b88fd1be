//! Deliveries: loading, resending, cancelling.

use domain::{
    delivery::{DeliveryCounts, DeliveryDetail, DeliveryRow},
    endpoint::EndpointSummary,
    event::Page,
    id::EndpointId,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// Data of the delivery list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryList {
    /// The rows of this page.
    pub page: Page<DeliveryRow>,
    /// The counts across all pages.
    pub counts: DeliveryCounts,
    /// IDs and names of the account's endpoints, for the filter.
    pub endpoints: Vec<(EndpointId, String)>,
}

/// One page of the deliveries that match a query string.
pub async fn list(acct: String, query: String) -> Result<DeliveryList, UiError> {
    use crate::ssr;
    let (actor, backend) = (ssr::actor(&acct).await?, ssr::backend()?);
    let filter = domain::filter::DeliveryFilter::parse(&query);
    let page = backend.deliveries(&actor, &filter).await?;
    let counts = backend.delivery_counts(&actor, &filter).await?;
    let endpoints = backend.endpoints(&actor).await?.into_iter().map(|known| (known.endpoint.id, known.endpoint.name));
    Ok(DeliveryList { page, counts, endpoints: endpoints.collect() })
}

/// Maximum number of filters counted at once: one for each part of the filter.
const COUNTS_MAX: usize = 9;

/// How many deliveries match each of these query strings, in the same order.
pub async fn count(acct: String, queries: Vec<String>) -> Result<Vec<u32>, UiError> {
    use crate::ssr;
    let (actor, backend) = (ssr::actor(&acct).await?, ssr::backend()?);
    let mut matching = Vec::new();
    for query in queries.iter().take(COUNTS_MAX) {
        let filter = domain::filter::DeliveryFilter::parse(query);
        matching.push(backend.delivery_counts(&actor, &filter).await?.matching);
    }
    Ok(matching)
}

/// One delivery with its latest attempts, or with those around the one with this number.
pub async fn show(acct: String, dlv: String, around: Option<u32>) -> Result<DeliveryDetail, UiError> {
    use crate::ssr;
    let id = domain::id::DeliveryId::parse(&dlv)?;
    Ok(ssr::backend()?.delivery(&ssr::actor(&acct).await?, &id, around).await?)
}

/// One delivery with the current state of its endpoint.
pub async fn show_with_endpoint(acct: String, dlv: String) -> Result<(DeliveryDetail, EndpointSummary), UiError> {
    use crate::ssr;
    let id = domain::id::DeliveryId::parse(&dlv)?;
    let (actor, backend) = (ssr::actor(&acct).await?, ssr::backend()?);
    let detail = backend.delivery(&actor, &id, None).await?;
    let endpoint = backend.endpoint(&actor, &detail.row.endpoint_id).await?;
    Ok((detail, endpoint))
}

/// Resends a delivery.
#[server(prefix = "/api", endpoint = "deliveries/resend")]
pub async fn resend(acct: String, dlv: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::delivery(&acct, &dlv);
    ssr::form(&format!("{page}/resend"), &(), async {
        let id = domain::id::DeliveryId::parse(&dlv)?;
        ssr::backend()?.resend(&ssr::actor(&acct).await?, &id).await?;
        Ok(ssr::Done::to(page.clone()).saying("Queued for resending. The next attempt will appear here."))
    })
    .await
}

/// Sends a delivery now that waits for a retry. Returns to its page, or to the list with this query string.
#[server(prefix = "/api", endpoint = "deliveries/retry")]
pub async fn retry(acct: String, dlv: String, #[server(default)] list: Option<String>) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = match &list {
        Some(query) => links::account(&acct, "deliveries") + &domain::filter::DeliveryFilter::parse(query).to_query(),
        None => links::delivery(&acct, &dlv),
    };
    ssr::form(&page, &(), async {
        let id = domain::id::DeliveryId::parse(&dlv)?;
        ssr::backend()?.retry_delivery(&ssr::actor(&acct).await?, &id).await?;
        Ok(ssr::Done::to(page.clone()).saying("Retrying now. The result appears here."))
    })
    .await
}

/// Cancels a waiting delivery.
#[server(prefix = "/api", endpoint = "deliveries/cancel")]
pub async fn cancel(acct: String, dlv: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::delivery(&acct, &dlv);
    ssr::form(&page, &(), async {
        let id = domain::id::DeliveryId::parse(&dlv)?;
        ssr::backend()?.cancel_delivery(&ssr::actor(&acct).await?, &id).await?;
        Ok(ssr::Done::to(page.clone()).saying("Cancelled. It won't be sent unless you resend it."))
    })
    .await
}
