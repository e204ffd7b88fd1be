//! Endpoints: loading and forms.

use domain::UnixMs;
use domain::delivery::DeliveryRow;
use domain::endpoint::{Endpoint, EndpointForm, EndpointSummary};
use domain::tally::Tally;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// The account's endpoints.
pub async fn load_endpoints(acct: String) -> Result<Vec<EndpointSummary>, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.endpoints(&ssr::actor(&acct).await?).await?)
}

/// One endpoint and its latest 20 deliveries.
pub async fn load_endpoint(acct: String, ep: String) -> Result<(EndpointSummary, Vec<DeliveryRow>), UiError> {
    use crate::ssr;
    use domain::{filter::DeliveryFilter, id::EndpointId};
    let (actor, id) = (ssr::actor(&acct).await?, EndpointId::parse(&ep)?);
    let summary = ssr::backend()?.endpoint(&actor, &id).await?;
    let filter = DeliveryFilter { endpoint: Some(id), limit: 20, ..DeliveryFilter::default() };
    Ok((summary, ssr::backend()?.deliveries(&actor, &filter).await?.rows))
}

/// One endpoint, which may be deleted, without its deliveries.
pub async fn load_endpoint_of(acct: String, ep: String) -> Result<Endpoint, UiError> {
    use crate::ssr;
    let id = domain::id::EndpointId::parse(&ep)?;
    Ok(ssr::backend()?.endpoint(&ssr::actor(&acct).await?, &id).await?.endpoint)
}

/// The recent activity of an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointHistory {
    /// Attempts by hour, for the last 24 hours.
    pub hours: Vec<(UnixMs, Tally)>,
    /// Its audit log, newest first.
    pub log: Vec<domain::audit::AuditRecord>,
}

/// The recent activity of an endpoint.
pub async fn load_endpoint_history(acct: String, ep: String) -> Result<EndpointHistory, UiError> {
    use crate::ssr;
    let (actor, id, backend) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?, ssr::backend()?);
    let since = backend.clock().now().plus_ms(-domain::time::DAY_MS);
    let hours = backend.endpoint_hours(&actor, &id, since).await?;
    Ok(EndpointHistory { hours, log: backend.endpoint_log(&actor, &id).await? })
}

/// One endpoint, with the form to edit it.
pub async fn load_endpoint_form(acct: String, ep: String) -> Result<(Endpoint, EndpointForm), UiError> {
    use crate::ssr;
    let id = domain::id::EndpointId::parse(&ep)?;
    let endpoint = ssr::backend()?.endpoint(&ssr::actor(&acct).await?, &id).await?.endpoint;
    let form = EndpointForm::of(&endpoint);
    Ok((endpoint, form))
}

/// An edit: the form, and the version of the endpoint it is based on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The version it is based on.
    pub version: u32,
    /// The form.
    #[serde(flatten)]
    pub form: EndpointForm,
}

/// Creates an endpoint. `then=test` also sends a test; `duplicate=allow` permits a URL already in use.
#[server(prefix = "/api", endpoint = "endpoints/create")]
pub async fn create_endpoint(
    acct: String,
    form: EndpointForm,
    #[server(default)] then: String,
    #[server(default)] duplicate: String,
) -> Result<(), UiError> {
    use crate::{links, ssr, ssr::first_attempt};
    ssr::form(&links::account(&acct, "endpoints/new"), &form, async {
        let actor = ssr::actor(&acct).await?;
        let created = first_attempt::created(&actor, &form, &duplicate).await?;
        let test = if then == "test" { first_attempt::test(&actor, &created.endpoint).await? } else { String::new() };
        let page = links::endpoint(&acct, created.endpoint.id.as_str(), "");
        Ok(ssr::Done::to(page + &test)
            .keeping(&created.credentials)
            .saying(format!("{} created.", created.endpoint.name)))
    })
    .await
}

/// Updates an endpoint, unless another user changed it meanwhile. `then=test` also sends a test.
#[server(prefix = "/api", endpoint = "endpoints/update")]
pub async fn update_endpoint(
    acct: String,
    ep: String,
    version: u32,
    form: EndpointForm,
    #[server(default)] then: String,
) -> Result<(), UiError> {
    use crate::{links, ssr, ssr::first_attempt};
    let edit = Edit { version, form };
    ssr::form(&links::endpoint(&acct, &ep, "edit"), &edit, async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        let saved = ssr::backend()?.update_endpoint(&actor, &id, &edit.form.input()?, Some(version)).await?;
        let test = if then == "test" { first_attempt::test(&actor, &saved).await? } else { String::new() };
        Ok(ssr::Done::to(links::endpoint(&acct, &ep, "") + &test).saying("Saved. New events use these settings."))
    })
    .await
}

/// Sends events to the URL that the server redirected to from now on, and tests it.
#[server(prefix = "/api", endpoint = "endpoints/use-url")]
pub async fn use_url(acct: String, ep: String, version: u32, url: String) -> Result<(), UiError> {
    use crate::{links, ssr, ssr::first_attempt};
    let page = links::endpoint(&acct, &ep, "");
    ssr::form(&page, &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        let backend = ssr::backend()?;
        let stored = backend.endpoint(&actor, &id).await?.endpoint;
        let form = EndpointForm { url: url.clone(), ..EndpointForm::of(&stored) };
        let saved = backend.update_endpoint(&actor, &id, &form.input()?, Some(version)).await?;
        let query = first_attempt::test(&actor, &saved).await?;
        Ok(ssr::Done::to(page.clone() + &query).saying(format!("Events are now sent to {}.", saved.url.as_str())))
    })
    .await
}

/// Pauses the endpoint: its events are held.
#[server(prefix = "/api", endpoint = "endpoints/pause")]
pub async fn pause_endpoint(acct: String, ep: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::endpoint(&acct, &ep, "");
    ssr::form(&page, &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        let paused = ssr::backend()?.pause_endpoint(&actor, &id).await?;
        Ok(ssr::Done::to(&page).saying(format!("{} is paused. Its events wait until you resume it.", paused.name)))
    })
    .await
}

/// Resumes the endpoint.
#[server(prefix = "/api", endpoint = "endpoints/resume")]
pub async fn resume_endpoint(acct: String, ep: String, #[server(default)] drain: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::endpoint(&acct, &ep, "");
    ssr::form(&page, &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        let active = ssr::backend()?.resume_endpoint(&actor, &id, drain.parse().ok()).await?;
        let rate = drain.parse::<u32>().map_or_else(|_| String::new(), |rate| format!(", up to {rate} per second"));
        let message = format!("{} is active again. What was waiting is sent now, oldest first{rate}.", active.name);
        Ok(ssr::Done::to(&page).saying(message))
    })
    .await
}

/// Deletes the endpoint and drops its waiting events.
#[server(prefix = "/api", endpoint = "endpoints/delete")]
pub async fn delete_endpoint(acct: String, ep: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::endpoint(&acct, &ep, "delete"), &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        let name = ssr::backend()?.endpoint(&actor, &id).await?.endpoint.name;
        let dropped =
            domain::time::counted(i64::from(ssr::backend()?.delete_endpoint(&actor, &id).await?), "waiting event");
        let message = format!("Endpoint {name} deleted. {dropped} dropped. Past deliveries stay available.");
        Ok(ssr::Done::to(links::account(&acct, "endpoints")).saying(message))
    })
    .await
}

/// Shows the credentials in full, once.
#[server(prefix = "/api", endpoint = "endpoints/reveal")]
pub async fn reveal_credentials(acct: String, ep: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    let page = links::endpoint(&acct, &ep, "");
    ssr::form(&page, &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        ssr::require_fresh_sign_in().await?;
        let credentials = ssr::backend()?.reveal_credentials(&actor, &id).await?;
        Ok(ssr::Done::to(format!("{page}#credentials")).keeping(&credentials))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `server_fn` 0.8.13 parses form bodies: not strict, because browsers encode brackets.
    fn read<T: serde::de::DeserializeOwned>(body: &str) -> Result<T, serde_qs::Error> {
        serde_qs::Config::new(5, false).deserialize_str(body)
    }

    #[test]
    fn a_browser_form_is_parsed_into_one_struct() {
        let body = "acct=acct_1&form%5Burl%5D=https%3A%2F%2Fa.example%2Fx+y&form%5Bevents%5D%5B%5D=IncomingCall\
            &form%5Bevents%5D%5B%5D=CallProcessed&form%5Bheaders%5D=A%3A+1%0D%0AB%3A+2&form%5Bdeliver_late%5D=true&then=test";
        let read = read::<CreateEndpoint>(body).unwrap();
        assert_eq!(read.form.url, "https://a.example/x y");
        assert_eq!(read.form.events, ["IncomingCall", "CallProcessed"]);
        assert_eq!(read.form.headers, "A: 1\r\nB: 2");
        assert!(read.form.deliver_late);
        assert_eq!((read.then.as_str(), read.duplicate.as_str()), ("test", ""));
    }

    #[test]
    fn unchecked_checkboxes_are_absent_from_the_form() {
        let read = read::<UpdateEndpoint>("acct=a&ep=e&version=7&form%5Burl%5D=x").unwrap();
        assert_eq!((read.version, read.form.events.len(), read.form.deliver_late), (7, 0, false));
    }
}
