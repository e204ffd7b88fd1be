//! Endpoint summaries for lists and pages. A list needs as many queries as a single endpoint.

use std::collections::HashMap;

use domain::{
    UnixMs,
    endpoint::EndpointSummary,
    error::Result,
    id::AccountId,
    tally::{Tally, hour_of},
    time::DAY_MS,
};

use crate::{
    Engine, credentials,
    store::{
        deliveries::backlog,
        endpoints::{self, StoredEndpoint, tallies},
    },
};

impl Engine {
    /// Summaries of the account's endpoints by name, without deleted ones.
    pub(super) async fn summaries(&self, account: &AccountId) -> Result<Vec<EndpointSummary>> {
        let mut days: HashMap<String, Tally> = HashMap::new();
        for (endpoint, _, hour) in tallies::of_account(self.db(), account, self.a_day_ago()).await? {
            days.entry(endpoint).or_default().merge(&hour);
        }
        let waiting: HashMap<String, u32> = backlog::of_account(self.db(), account).await?.into_iter().collect();
        let summary = |stored: StoredEndpoint| {
            let id = stored.endpoint.id.as_str();
            let day = days.get(id).copied().unwrap_or_default();
            let waiting = waiting.get(id).copied().unwrap_or_default();
            self.summary_of(stored, &day, waiting)
        };
        Ok(endpoints::of_account(self.db(), account).await?.into_iter().map(summary).collect())
    }

    /// Summary of one endpoint.
    pub(super) async fn summary(&self, stored: StoredEndpoint) -> Result<EndpointSummary> {
        let (account, id) = (&stored.account, &stored.endpoint.id);
        let mut day = Tally::default();
        for (_, hour) in tallies::of_endpoint(self.db(), account, id, self.a_day_ago()).await? {
            day.merge(&hour);
        }
        let waiting = backlog::of_endpoint(self.db(), account, id).await?;
        Ok(self.summary_of(stored, &day, waiting))
    }

    fn a_day_ago(&self) -> UnixMs {
        hour_of(self.now().plus_ms(-DAY_MS))
    }

    fn summary_of(&self, stored: StoredEndpoint, day: &Tally, waiting: u32) -> EndpointSummary {
        EndpointSummary {
            auth_token_masked: credentials::token_masked(&stored, self.now()),
            suspended: stored.suspended,
            throttled_until: stored.throttled_until.filter(|until| *until > self.now()),
            endpoint: stored.endpoint,
            waiting,
            delivered_24h: u32::try_from(day.delivered).unwrap_or(u32::MAX),
            failed_24h: u32::try_from(day.failed).unwrap_or(u32::MAX),
            p95_ms: day.durations.percentile_ms(95),
            failure: stored.last_failure,
            signing_secret_masked: stored.sealed.secret_masked,
        }
    }
}
