//! What is hidden from whom: from support the middle of numbers and all credentials, and from all who may not have
//! credentials shown to them those that an endpoint's server has said back.

use domain::{
    actor::{Actor, Permission, Who},
    delivery::{DeliveryDetail, DeliveryRow},
    endpoint::EndpointSummary,
    error::Result,
    event::{EventDetail, EventRow},
    masking,
    target::TargetUrl,
};

use crate::{Engine, store::support};

/// What stands for a credential.
const DOTS: &str = "••••••••";
/// Shorter values are looked for nowhere: they would be found everywhere.
const CREDENTIAL_MIN_BYTES: usize = 4;

/// Hides what an actor need not see.
pub(super) struct Redactor {
    /// The numbers that are shown in full all the same; none where no number is hidden.
    shown: Option<Vec<String>>,
    /// Whether credentials are hidden that a server has said back.
    credentials: bool,
}

impl Engine {
    /// What this actor need not see.
    pub(super) async fn discretion(&self, actor: &Actor) -> Result<Redactor> {
        let shown = match &actor.who {
            Who::Support { account, session, .. } => Some(support::revealed(self.db(), account, session).await?),
            _ if actor.sees_masked() => Some(Vec::new()),
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

    /// What a server has answered.
    fn answer(&self, text: &mut String, credentials: &[&str]) {
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

    fn payload(&self, payload: &mut Option<String>) {
        if let (Some(shown), Some(json)) = (&self.shown, payload.as_mut()) {
            *json = masking::json_but(json, &|number| shown.iter().any(|one| one == number));
        }
    }

    /// Whether credentials are hidden that a server has said back.
    pub(super) const fn hides_credentials(&self) -> bool {
        self.credentials
    }

    /// Whether this is somebody from outside the account, who sees no more than they need.
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

    pub(super) fn event_detail(&self, detail: &mut EventDetail) {
        self.event(&mut detail.event);
        self.payload(&mut detail.payload);
        detail.deliveries.iter_mut().for_each(|row| self.delivery(row));
    }

    /// `credentials` are those of the endpoint: its server may have said them back.
    pub(super) fn delivery_detail(&self, detail: &mut DeliveryDetail, credentials: &[&str]) {
        for attempt in &mut detail.attempts {
            self.answer(&mut attempt.response_head, credentials);
            self.answer(&mut attempt.response_body, credentials);
        }
        if !self.is_outside() {
            return;
        }
        self.delivery(&mut detail.row);
        self.payload(&mut detail.payload);
        detail.endpoint_url = masking::url(&detail.endpoint_url);
        detail.attempts.iter_mut().for_each(|attempt| attempt.url = masking::url(&attempt.url));
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
