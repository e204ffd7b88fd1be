//! What support sees of what belongs to a customer: numbers with their middle hidden, and no credentials.

use domain::{
    actor::{Actor, Who},
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

/// Hides what an actor need not see; nothing for the account's own people and programs.
pub(super) struct Discretion {
    /// The numbers that are shown in full all the same; none where nothing is hidden.
    shown: Option<Vec<String>>,
}

impl Engine {
    /// What this actor need not see.
    pub(super) async fn discretion(&self, actor: &Actor) -> Result<Discretion> {
        let shown = match &actor.who {
            Who::Support { account, session, .. } => Some(support::revealed(self.db(), account, session).await?),
            _ if actor.sees_masked() => Some(Vec::new()),
            _ => None,
        };
        Ok(Discretion { shown })
    }
}

impl Discretion {
    fn number(&self, number: &mut String) {
        if self.shown.as_ref().is_some_and(|shown| !shown.contains(number)) {
            *number = masking::number(number);
        }
    }

    fn text(&self, text: &mut String, credentials: &[&str]) {
        let Some(shown) = &self.shown else { return };
        for credential in credentials.iter().filter(|credential| credential.len() >= CREDENTIAL_MIN_BYTES) {
            *text = text.replace(credential, DOTS);
        }
        *text = masking::text_but(&masking::credentials(text), &|number| shown.iter().any(|one| one == number));
    }

    fn payload(&self, payload: &mut Option<String>) {
        if let (Some(shown), Some(json)) = (&self.shown, payload.as_mut()) {
            *json = masking::json_but(json, &|number| shown.iter().any(|one| one == number));
        }
    }

    /// Whether anything is hidden at all.
    pub(super) const fn hides(&self) -> bool {
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
        if !self.hides() {
            return;
        }
        self.delivery(&mut detail.row);
        self.payload(&mut detail.payload);
        detail.endpoint_url = masking::url(&detail.endpoint_url);
        for attempt in &mut detail.attempts {
            attempt.url = masking::url(&attempt.url);
            self.text(&mut attempt.response_head, credentials);
            self.text(&mut attempt.response_body, credentials);
        }
    }

    pub(super) fn endpoint(&self, summary: &mut EndpointSummary) {
        if !self.hides() {
            return;
        }
        summary.endpoint.url = TargetUrl::stored(masking::url(summary.endpoint.url.as_str()));
        DOTS.clone_into(&mut summary.auth_token_masked);
        DOTS.clone_into(&mut summary.signing_secret_masked);
    }
}
