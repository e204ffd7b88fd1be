//! Test events: forms that send an example event and wait for its first attempt.

use domain::delivery::DeliveryDetail;
use domain::endpoint::EndpointForm;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// The delivery of a test; none if `dlv` is not a delivery ID.
pub async fn load_test(acct: String, dlv: String) -> Result<Option<DeliveryDetail>, UiError> {
    use crate::ssr;
    let Ok(id) = domain::id::DeliveryId::parse(&dlv) else { return Ok(None) };
    Ok(Some(ssr::backend()?.delivery(&ssr::actor(&acct).await?, &id, None).await?))
}

/// The form of the start page: creates an endpoint and sends a test.
#[server(prefix = "/api", endpoint = "tries/start")]
pub async fn start(acct: String, form: EndpointForm, #[server(default)] duplicate: String) -> Result<(), UiError> {
    use crate::{links, ssr, ssr::first_attempt};
    let page = links::account(&acct, "start");
    ssr::form(&page, &form, async {
        let actor = ssr::actor(&acct).await?;
        let created = first_attempt::created(&actor, &form, &duplicate).await?;
        let query = first_attempt::test(&actor, &created.endpoint).await?;
        Ok(ssr::Done::to(page.clone() + &query).keeping(&created.credentials))
    })
    .await
}

/// The alternative on the start page: creates an endpoint for the test line and sends a test.
#[server(prefix = "/api", endpoint = "tries/test-line")]
pub async fn use_test_line(acct: String) -> Result<(), UiError> {
    use crate::{links, ssr, ssr::first_attempt};
    let page = links::account(&acct, "start");
    ssr::form(&page, &(), async {
        let actor = ssr::actor(&acct).await?;
        let line = ssr::backend()?.use_test_line(&actor).await?;
        Ok(ssr::Done::to(page.clone() + &first_attempt::test(&actor, &line).await?))
    })
    .await
}

/// Sends an example event to an endpoint after something was fixed, and shows the result on its page.
#[server(prefix = "/api", endpoint = "tries/again")]
pub async fn test_again(acct: String, ep: String) -> Result<(), UiError> {
    use crate::{links, ssr, ssr::first_attempt};
    let page = links::endpoint(&acct, &ep, "");
    ssr::form(&page, &(), async {
        let (actor, id) = (ssr::actor(&acct).await?, domain::id::EndpointId::parse(&ep)?);
        let endpoint = ssr::backend()?.endpoint(&actor, &id).await?.endpoint;
        Ok(ssr::Done::to(page.clone() + &first_attempt::test(&actor, &endpoint).await?))
    })
    .await
}

/// The form of the test page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestForm {
    /// Name of the event type.
    #[serde(default)]
    pub kind: String,
    /// The edited payload.
    #[serde(default)]
    pub payload: String,
}

/// Sends an example event and keeps the payload on the page for the next one.
#[server(prefix = "/api", endpoint = "tries/send")]
pub async fn send_test(acct: String, ep: String, form: TestForm) -> Result<(), UiError> {
    use crate::{links, ssr, ssr::first_attempt};
    use domain::{id::EndpointId, payload::Payload};
    let page = links::endpoint(&acct, &ep, "test");
    ssr::form(&format!("{page}?type={}", domain::query::encode(&form.kind)), &form, async {
        let (actor, id) = (ssr::actor(&acct).await?, EndpointId::parse(&ep)?);
        actor.require(domain::actor::Permission::WriteEndpoints)?;
        // The payload may have been edited to another event type.
        let kind = Payload::parse(&form.payload)?.kind;
        let sent = ssr::backend()?.send_test(&actor, &id, kind, Some(&form.payload)).await?;
        let query = first_attempt::outcome(&actor, &sent).await?;
        Ok(ssr::Done::to(format!("{page}{query}&type={kind}")).keeping(&form))
    })
    .await
}
