//! First delivery and tests: forms that send an example event and wait for its first attempt.

use domain::delivery::DeliveryDetail;
use domain::endpoint::EndpointForm;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// A test that was sent; none while nothing was.
pub async fn load_try(acct: String, dlv: String) -> Result<Option<DeliveryDetail>, UiError> {
    use crate::ssr;
    let Ok(id) = domain::id::DeliveryId::parse(&dlv) else { return Ok(None) };
    Ok(Some(ssr::backend()?.delivery(&ssr::actor(&acct).await?, &id).await?))
}

/// The first page's form: creates the endpoint and sends it a test.
#[server(prefix = "/api", endpoint = "tries/start")]
pub async fn start(acct: String, form: EndpointForm, #[server(default)] duplicate: String) -> Result<(), UiError> {
    use crate::{links, ssr, ssr::first_try};
    let page = links::account(&acct, "start");
    ssr::form(&page, &form, async {
        let actor = ssr::actor(&acct).await?;
        let made = first_try::created(&actor, &form, &duplicate).await?;
        let query = first_try::test(&actor, &made.endpoint).await?;
        Ok(ssr::Done::to(page.clone() + &query).keeping(&made.credentials))
    })
    .await
}

/// The first page's other way: listens at the account's own test line and sends it a test.
#[server(prefix = "/api", endpoint = "tries/test-line")]
pub async fn use_test_line(acct: String) -> Result<(), UiError> {
    use crate::{links, ssr, ssr::first_try};
    let page = links::account(&acct, "start");
    ssr::form(&page, &(), async {
        let actor = ssr::actor(&acct).await?;
        let line = ssr::backend()?.use_test_line(&actor).await?;
        Ok(ssr::Done::to(page.clone() + &first_try::test(&actor, &line).await?))
    })
    .await
}

/// What the test page posts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestForm {
    /// Kind of event, by name.
    #[serde(default)]
    pub kind: String,
    /// The payload as edited.
    #[serde(default)]
    pub payload: String,
}

/// Sends an example event, edited or not, and keeps it on the page for the next one.
#[server(prefix = "/api", endpoint = "tries/send")]
pub async fn send_test(acct: String, ep: String, form: TestForm) -> Result<(), UiError> {
    use crate::{links, ssr, ssr::first_try};
    use domain::{id::EndpointId, payload::Payload};
    let page = links::endpoint(&acct, &ep, "test");
    ssr::form(&format!("{page}?type={}", domain::query::encode(&form.kind)), &form, async {
        let (actor, id) = (ssr::actor(&acct).await?, EndpointId::parse(&ep)?);
        actor.require(domain::actor::Permission::WriteEndpoints)?;
        // The example of the tab may have been edited into another event.
        let kind = Payload::parse(&form.payload)?.kind;
        let sent = ssr::backend()?.send_test(&actor, &id, kind, Some(&form.payload)).await?;
        let query = first_try::outcome(&actor, &sent).await?;
        Ok(ssr::Done::to(format!("{page}{query}&type={kind}")).keeping(&form))
    })
    .await
}
