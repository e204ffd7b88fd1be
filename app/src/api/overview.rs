//! Loading the overview.

use domain::UnixMs;
use domain::call::{CallFilter, CallRow};
use domain::endpoint::EndpointSummary;
use domain::tally::Tally;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// The recent activity of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Its endpoints.
    pub endpoints: Vec<EndpointSummary>,
    /// Attempts by hour, for the last 24 hours.
    pub hours: Vec<(UnixMs, Tally)>,
    /// Its latest calls.
    pub latest: Vec<CallRow>,
}

/// The recent activity of the account.
pub async fn load_overview(acct: String) -> Result<Activity, UiError> {
    use crate::ssr;
    let (backend, actor) = (ssr::backend()?, ssr::actor(&acct).await?);
    let since = backend.clock().now().plus_ms(-domain::time::DAY_MS);
    let (endpoints, hours) = (backend.endpoints(&actor).await?, backend.account_hours(&actor, since).await?);
    let latest = CallFilter { limit: 8, ..CallFilter::default() };
    Ok(Activity { endpoints, hours, latest: backend.calls(&actor, &latest).await?.rows })
}
