//! Recovery: previews and jobs.

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
