//! Redacts what an actor may not see: from support, phone numbers and all credentials; from users who may not reveal
//! credentials, those that an endpoint's server echoed in its response.

use domain::{
    actor::{Actor, Permission, Who},
    attempt::Attempt,
    call::CallRow,
    delivery::{DeliveryDetail, DeliveryRow},
    endpoint::EndpointSummary,
    error::Result,
    event::{EventDetail, EventRow},
    masking,
    target::TargetUrl,
};

use crate::{Engine, store::ops::support};

/// Replaces a credential.
const DOTS: &str = "••••••••";
/// Shorter values are not redacted: they would match everywhere.
const CREDENTIAL_MIN_BYTES: usize = 4;

/// Redacts what an actor may not see.
pub(super) struct Redactor {
    /// The numbers that are shown in full. `None` if no numbers are masked.
    shown: Option<Vec<String>>,
    /// Whether credentials in responses are redacted.
    credentials: bool,
}

impl Engine {
    /// The redactor for this actor.
    pub(super) async fn redactor(&self, actor: &Actor) -> Result<Redactor> {
        let shown = match &actor.who {
            Who::Support { account, session, .. } => Some(support::revealed(self.db(), account, session).await?),
            _ if actor.sees_masked_numbers() => Some(Vec::new()),
            _ => None,
        };
        Ok(Redactor { shown, credentials: !actor.may(Permission::RevealCredentials) })
    }
}

impl Redactor {
    fn number(&self, number: &mut String) {
        if self.shown.as_ref().is_some_and(|shown| !shown.contains(number)) {
            *number = masking::number(number);
        }
    }

    /// Redacts part of a response.
    fn response(&self, text: &mut String, credentials: &[String]) {
        if !self.credentials {
            return;
        }
        for credential in credentials.iter().filter(|credential| credential.len() >= CREDENTIAL_MIN_BYTES) {
            *text = text.replace(credential, DOTS);
        }
        *text = masking::credentials(text);
        if let Some(shown) = &self.shown {
            *text = masking::text_but(text, &|number| shown.iter().any(|one| one == number));
        }
    }

    /// Redacts a payload, or details.
    fn json(&self, json: &mut Option<String>) {
        if let (Some(shown), Some(json)) = (&self.shown, json.as_mut()) {
            *json = masking::json_but(json, &|number| shown.iter().any(|one| one == number));
        }
    }

    /// Whether credentials in responses are redacted.
    pub(super) const fn redacts_credentials(&self) -> bool {
        self.credentials
    }

    /// Whether the actor is from outside the account.
    const fn is_outside(&self) -> bool {
        self.shown.is_some()
    }

    pub(super) fn delivery(&self, row: &mut DeliveryRow) {
        self.number(&mut row.caller);
        self.number(&mut row.callee);
    }

    pub(super) fn event(&self, row: &mut EventRow) {
        self.number(&mut row.caller);
        self.number(&mut row.callee);
    }

    pub(super) fn call(&self, row: &mut CallRow) {
        self.number(&mut row.caller);
        self.number(&mut row.callee);
    }

    pub(super) fn event_detail(&self, detail: &mut EventDetail) {
        self.event(&mut detail.event);
        self.json(&mut detail.payload);
        self.json(&mut detail.details);
        detail.deliveries.iter_mut().for_each(|row| self.delivery(row));
    }

    /// `credentials` are those of the endpoint: its server may have echoed them.
    pub(super) fn delivery_detail(&self, detail: &mut DeliveryDetail, credentials: &[String]) {
        self.attempts(&mut detail.attempts, credentials);
        if !self.is_outside() {
            return;
        }
        self.delivery(&mut detail.row);
        self.json(&mut detail.payload);
        self.json(&mut detail.details);
        detail.endpoint_url = masking::url(&detail.endpoint_url);
    }

    /// As [`Self::delivery_detail`].
    pub(super) fn attempts(&self, attempts: &mut [Attempt], credentials: &[String]) {
        for attempt in attempts {
            self.response(&mut attempt.response_head, credentials);
            self.response(&mut attempt.response_body, credentials);
            if self.is_outside() {
                attempt.url = masking::url(&attempt.url);
            }
        }
    }

    pub(super) fn endpoint(&self, summary: &mut EndpointSummary) {
        if !self.is_outside() {
            return;
        }
        summary.endpoint.url = TargetUrl::stored(masking::url(summary.endpoint.url.as_str()));
        DOTS.clone_into(&mut summary.auth_token_masked);
        DOTS.clone_into(&mut summary.signing_secret_masked);
    }
}
