//! Recovering: what would be resent, and the jobs that do it.

use domain::{
    Error,
    endpoint::EndpointSummary,
    recover::{Job, Plan, RecoverForm},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// What the page shows before anything happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prospect {
    /// The endpoint.
    pub summary: EndpointSummary,
    /// The form, its empty fields filled in.
    pub form: RecoverForm,
    /// What would happen, or why it cannot.
    pub plan: Result<Plan, Error>,
    /// The endpoint's latest jobs.
    pub jobs: Vec<Job>,
}

/// What would be resent, by a form whose beginning is a day ago unless it says so.
pub async fn load_prospect(acct: String, ep: String, form: RecoverForm) -> Result<Prospect, UiError> {
    use crate::ssr;
    let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
    let backend = ssr::backend()?;
    let summary = backend.endpoint(&actor, &id).await?;
    let form = crate::pages::recover::filled_in(form, &summary.endpoint, backend.clock().now());
    let plan = backend.plan_recovery(&actor, &id, &form).await;
    let jobs = backend.jobs(&actor, Some(&id)).await?;
    Ok(Prospect { summary, form, plan, jobs })
}

/// Starts a job.
#[server(prefix = "/api", endpoint = "recover/start")]
pub async fn start_recovery(acct: String, ep: String, form: RecoverForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    let back = links::endpoint(&acct, &ep, "recover") + &crate::pages::recover::to_query(&form);
    ssr::form(&back, &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        let job = ssr::backend()?.start_recovery(&actor, &id, &form).await?;
        Ok(ssr::Done::to(links::job(&acct, job.id.as_str())).saying("The job goes on when you close this page."))
    })
    .await
}

/// One job.
pub async fn load_job(acct: String, job: String) -> Result<Job, UiError> {
    use crate::ssr;
    let id = domain::id::JobId::parse(&job)?;
    Ok(ssr::backend()?.job(&ssr::actor(&acct).await?, &id).await?)
}

/// The account's latest jobs.
pub async fn load_jobs(acct: String) -> Result<Vec<Job>, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.jobs(&ssr::actor(&acct).await?, None).await?)
}

/// Halts a job, lets it go on, or ends it: `turn` is `pause`, `resume` or `cancel`.
#[server(prefix = "/api", endpoint = "recover/turn")]
pub async fn turn_job(acct: String, job: String, turn: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::job(&acct, &job), &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::JobId::parse(&job)?);
        let backend = ssr::backend()?;
        let (_, said) = match turn.as_str() {
            "pause" => (backend.pause_job(&actor, &id).await?, "Paused. Resume it when you like."),
            "resume" => (backend.resume_job(&actor, &id).await?, "Resumed."),
            "cancel" => (backend.cancel_job(&actor, &id).await?, "Cancelled. What was resent already still goes out."),
            _ => return Err(UiError::Unreadable),
        };
        Ok(ssr::Done::to(links::job(&acct, &job)).saying(said))
    })
    .await
}
