//! What the overview loads.

use domain::delivery::DeliveryRow;
use domain::endpoint::EndpointSummary;
use leptos::prelude::*;

use crate::error::UiError;

/// The account's endpoints and its latest deliveries.
#[server(prefix = "/api", endpoint = "overview")]
pub async fn load_overview(acct: String) -> Result<(Vec<EndpointSummary>, Vec<DeliveryRow>), UiError> {
    use crate::ssr;
    use domain::filter::DeliveryFilter;
    let (backend, actor) = (ssr::backend()?, ssr::actor(&acct).await?);
    let latest = DeliveryFilter { limit: 10, ..DeliveryFilter::default() };
    Ok((backend.endpoints(&actor).await?, backend.deliveries(&actor, &latest).await?.rows))
}
