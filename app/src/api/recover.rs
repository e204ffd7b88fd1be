//! Recovery and retries: previews and jobs.

use domain::{
    Error,
    endpoint::EndpointSummary,
    recover::{RecoverForm, RecoveryJob, RecoveryPlan},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// What a recovery would do, before it starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryPreview {
    /// The endpoint.
    pub summary: EndpointSummary,
    /// The form, with defaults for empty fields.
    pub form: RecoverForm,
    /// The plan, or why there is none.
    pub plan: Result<RecoveryPlan, Error>,
    /// The endpoint's latest jobs.
    pub jobs: Vec<RecoveryJob>,
}

/// Previews a recovery; by default of the last 24 hours.
pub async fn load_recovery_preview(acct: String, ep: String, form: RecoverForm) -> Result<RecoveryPreview, UiError> {
    use crate::ssr;
    let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
    let backend = ssr::backend()?;
    let summary = backend.endpoint(&actor, &id).await?;
    let form = crate::recover_form::filled_in(form, &summary.endpoint, backend.clock().now());
    let plan = match form.input() {
        Ok(input) => backend.plan_recovery(&actor, &id, &input).await,
        Err(error) => Err(error),
    };
    let jobs = backend.jobs(&actor, Some(&id)).await?;
    Ok(RecoveryPreview { summary, form, plan, jobs })
}

/// Starts a recovery job.
#[server(prefix = "/api", endpoint = "recover/start")]
pub async fn start_recovery(acct: String, ep: String, form: RecoverForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    let back = links::endpoint(&acct, &ep, "recover") + &crate::recover_form::to_query(&form);
    ssr::form(&back, &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        let job = ssr::backend()?.start_recovery(&actor, &id, &form.input()?).await?;
        Ok(ssr::Done::to(links::job(&acct, job.id.as_str())).saying("You can close this page; the job keeps running."))
    })
    .await
}

/// Sends everything now that waits for the endpoint. If a job already does, shows that one.
#[server(prefix = "/api", endpoint = "endpoints/retry")]
pub async fn retry_endpoint(acct: String, ep: String, #[server(default)] rate: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::endpoint(&acct, &ep, ""), &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        match ssr::backend()?.retry_endpoint(&actor, &id, rate.parse().ok()).await {
            Err(Error::Conflict { existing: Some(job), .. }) => {
                Ok(ssr::Done::to(links::job(&acct, &job)).saying("This job already sends what is waiting."))
            }
            job => Ok(ssr::Done::to(links::job(&acct, job?.id.as_str()))
                .saying("You can close this page; the job keeps running.")),
        }
    })
    .await
}

/// The endpoint's job that is sending what waits, if one is running.
pub async fn load_running_retry(acct: String, ep: String) -> Result<Option<RecoveryJob>, UiError> {
    use crate::ssr;
    use domain::recover::JobAction;
    let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
    let jobs = ssr::backend()?.jobs(&actor, Some(&id)).await?;
    Ok(jobs.into_iter().find(|job| job.action == JobAction::Retry && !job.state.is_final()))
}

/// Selected deliveries, and what can be done to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkPreview {
    /// How many can be retried now, or why that can't be counted.
    pub retry: Result<u32, Error>,
    /// How many can be resent, likewise.
    pub resend: Result<u32, Error>,
    /// IDs and names of the account's endpoints, to describe the filter.
    pub endpoints: Vec<(domain::id::EndpointId, String)>,
}

/// The deliveries of a query string: the selected ones, each as `id`, otherwise all that match its filter.
fn selection(query: &str) -> Result<domain::recover::BulkSelection, UiError> {
    use domain::{filter::DeliveryFilter, id::DeliveryId, query::pairs, recover::BulkSelection};
    let ids: Result<Vec<_>, _> =
        pairs(query).filter(|(key, _)| key == "id").map(|(_, id)| DeliveryId::parse(&id)).collect();
    let ids = ids?;
    // Nothing selected is nothing, not everything.
    let selects = pairs(query).any(|(key, _)| key == "selected");
    Ok(if ids.is_empty() && !selects {
        BulkSelection::Matching(DeliveryFilter::parse(query).first_page())
    } else {
        BulkSelection::Listed(ids)
    })
}

/// Previews what can be done to the deliveries of a query string.
pub async fn load_bulk_preview(acct: String, query: String) -> Result<BulkPreview, UiError> {
    use crate::ssr;
    use domain::recover::BulkAction;
    let (actor, backend, selection) = (ssr::actor(&acct).await?, ssr::backend()?, selection(&query)?);
    let retry = backend.plan_bulk(&actor, BulkAction::Retry, &selection).await.map(|plan| plan.count);
    let resend = backend.plan_bulk(&actor, BulkAction::Resend, &selection).await.map(|plan| plan.count);
    let endpoints = backend.endpoints(&actor).await?.into_iter().map(|known| (known.endpoint.id, known.endpoint.name));
    Ok(BulkPreview { retry, resend, endpoints: endpoints.collect() })
}

/// Retries or resends the deliveries of a query string: `turn` is `retry` or `resend`.
#[server(prefix = "/api", endpoint = "deliveries/bulk")]
pub async fn start_bulk(
    acct: String,
    query: String,
    turn: String,
    #[server(default)] rate: String,
) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::recover::BulkAction;
    ssr::form(&links::bulk(&acct, &query), &(), async {
        let (actor, selection) = (ssr::actor(&acct).await?, selection(&query)?);
        actor.require(domain::actor::Permission::WriteDeliveries)?;
        let action = match turn.as_str() {
            "retry" => BulkAction::Retry,
            "resend" => BulkAction::Resend,
            _ => return Err(UiError::Unreadable),
        };
        let job = ssr::backend()?.start_bulk(&actor, action, &selection, rate.parse().ok()).await?;
        Ok(ssr::Done::to(links::job(&acct, job.id.as_str())).saying("You can close this page; the job keeps running."))
    })
    .await
}

/// One job.
pub async fn load_job(acct: String, job: String) -> Result<RecoveryJob, UiError> {
    use crate::ssr;
    let id = domain::id::JobId::parse(&job)?;
    Ok(ssr::backend()?.job(&ssr::actor(&acct).await?, &id).await?)
}

/// The account's latest jobs.
pub async fn load_jobs(acct: String) -> Result<Vec<RecoveryJob>, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.jobs(&ssr::actor(&acct).await?, None).await?)
}

/// Pauses, resumes or cancels a job: `turn` is `pause`, `resume` or `cancel`.
#[server(prefix = "/api", endpoint = "recover/turn")]
pub async fn control_job(acct: String, job: String, turn: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::job(&acct, &job), &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::JobId::parse(&job)?);
        let backend = ssr::backend()?;
        let (_, message) = match turn.as_str() {
            "pause" => (backend.pause_job(&actor, &id).await?, "Paused. You can resume it at any time."),
            "resume" => (backend.resume_job(&actor, &id).await?, "Resumed."),
            "cancel" => {
                (backend.cancel_job(&actor, &id).await?, "Cancelled. Events already resent are still delivered.")
            }
            _ => return Err(UiError::Unreadable),
        };
        Ok(ssr::Done::to(links::job(&acct, &job)).saying(message))
    })
    .await
}
