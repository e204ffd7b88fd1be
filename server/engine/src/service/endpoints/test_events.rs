//! Test events, which are sent to one endpoint only.

use domain::{
    Error,
    details::Details,
    endpoint::{Endpoint, EndpointState},
    error::Result,
    event::{EventKind, NewEvent},
    id::{AccountId, DeliveryId},
    payload::Payload,
    rotation::Credential,
};

use crate::{Engine, delivery::intake::Arriving, random, service::endpoints::refuse_deleted};

/// A test shows where details are, if the endpoint asks for them.
fn example_details(endpoint: &Endpoint, payload: &Payload) -> Option<Details> {
    let example = payload.kind.example_details().filter(|_| endpoint.send_details)?;
    Details::parse(example).ok().flatten()
}

impl Engine {
    /// Sends a test event to an active endpoint. A test of a credential uses the next one.
    pub(crate) async fn post_test(
        &self,
        account: &AccountId,
        endpoint: &Endpoint,
        payload: Payload,
        proof: Option<Credential>,
    ) -> Result<DeliveryId> {
        refuse_deleted(endpoint)?;
        if endpoint.state != EndpointState::Active {
            let detail = "This endpoint is not active. Resume it, then send the test.";
            return Err(Error::Conflict { detail: detail.into(), existing: None });
        }
        let event = NewEvent { id: None, details: example_details(endpoint, &payload), payload, timestamp: None };
        let arriving = Arriving { account: account.clone(), event, test_of: Some(endpoint.id.clone()), proof };
        let (_, deliveries) = self.intake().accept(arriving).await?;
        DeliveryId::parse(deliveries.first().map_or("", String::as_str))
    }

    /// The example payload with a unique call id, so that tests do not queue behind each other.
    pub(crate) fn example(&self, kind: EventKind) -> String {
        let random: [u16; 8] = random::any();
        let [a, b, c, d, e, f, g, h] = random;
        let call = format!("{a:04x}{b:04x}-{c:04x}-4{:03x}-a{:03x}-{f:04x}{g:04x}{h:04x}", d & 0xfff, e & 0xfff);
        let (start, end) = kind.example().split_once("\"call_id\":\"").unwrap_or((kind.example(), ""));
        format!("{start}\"call_id\":\"{call}{}", end.get(36..).unwrap_or_default())
    }
}
