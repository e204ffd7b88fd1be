//! What the overview loads.

use domain::UnixMs;
use domain::delivery::DeliveryRow;
use domain::endpoint::EndpointSummary;
use domain::tally::Tally;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// How an account stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its endpoints.
    pub endpoints: Vec<EndpointSummary>,
    /// What they did together by the hour, in the last 24.
    pub hours: Vec<(UnixMs, Tally)>,
    /// Its latest deliveries.
    pub latest: Vec<DeliveryRow>,
}

/// How the account stands.
pub async fn load_overview(acct: String) -> Result<Standing, UiError> {
    use crate::ssr;
    use domain::filter::DeliveryFilter;
    let (backend, actor) = (ssr::backend()?, ssr::actor(&acct).await?);
    let since = backend.clock().now().plus_ms(-domain::time::DAY_MS);
    let (endpoints, hours) = (backend.endpoints(&actor).await?, backend.account_hours(&actor, since).await?);
    let latest = DeliveryFilter { limit: 10, ..DeliveryFilter::default() };
    Ok(Standing { endpoints, hours, latest: backend.deliveries(&actor, &latest).await?.rows })
}
