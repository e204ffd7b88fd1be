//! The endpoint form and its rules.

use serde::{Deserialize, Serialize};

use super::{
    ATTEMPT_TIMEOUT_MAX_MS, ATTEMPT_TIMEOUT_MIN_MS, ATTEMPT_TIMEOUT_MS, RATE_MAX_PER_S,
    header::{Header, headers},
};
use crate::{
    error::{Error, FieldError, Result},
    event_kind::EventKind,
    name,
    secret::check_auth_token,
    target::TargetUrl,
    time::SECOND_MS,
};

/// The form for creating or editing an endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointForm {
    /// URL as typed.
    #[serde(default)]
    pub url: String,
    /// Names of the kinds of events.
    #[serde(default)]
    pub events: Vec<String>,
    /// Name; defaults to the host.
    #[serde(default)]
    pub name: String,
    /// Auth token; generated if empty. Only used when the endpoint is created.
    #[serde(default)]
    pub auth_token: String,
    /// Custom headers, one `Name: value` per line.
    #[serde(default)]
    pub headers: String,
    /// Time limit in whole seconds; empty for the default.
    #[serde(default)]
    pub timeout_s: String,
    /// Events per second; empty for no limit.
    #[serde(default)]
    pub rate_per_s: String,
    /// Whether to send call-start events however late.
    #[serde(default)]
    pub deliver_late: bool,
}

/// An endpoint form that passed every rule that needs neither network nor database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEndpoint {
    /// The URL.
    pub url: TargetUrl,
    /// The subscribed kinds, in [`EventKind::ALL`]'s order.
    pub events: Vec<EventKind>,
    /// Name; never empty.
    pub name: String,
    /// Auth token, if one was chosen.
    pub auth_token: Option<String>,
    /// Custom headers.
    pub headers: Vec<Header>,
    /// Time limit of an attempt in milliseconds.
    pub timeout_ms: u32,
    /// Maximum events per second.
    pub rate_per_s: Option<u32>,
    /// Whether to send call-start events however late.
    pub deliver_late: bool,
}

impl EndpointForm {
    /// Checks the form.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn check(&self) -> Result<NewEndpoint> {
        let mut errors = Vec::new();
        let url = noted(&mut errors, TargetUrl::parse(&self.url).map_err(|message| FieldError::new("url", message)));
        let events = noted(&mut errors, self.picked());
        let headers = noted(&mut errors, headers(&self.headers)).unwrap_or_default();
        let (least_s, most_s) = (ATTEMPT_TIMEOUT_MIN_MS / 1_000, ATTEMPT_TIMEOUT_MAX_MS / 1_000);
        let timeout_message = format!("Enter a timeout of {least_s} to {most_s} seconds.");
        let timeout = noted(&mut errors, whole(&self.timeout_s, "timeout_s", least_s, most_s, &timeout_message));
        let rate_message = "Enter 1 to 1,000 events per second, or leave blank for no limit.";
        let rate = noted(&mut errors, whole(&self.rate_per_s, "rate_per_s", 1, RATE_MAX_PER_S, rate_message));
        let auth_token = Some(self.auth_token.clone()).filter(|token| !token.is_empty());
        if let Some(Err(error)) = auth_token.as_deref().map(check_auth_token) {
            errors.extend_from_slice(error.fields());
        }
        let name = noted(&mut errors, name::checked_if_any("name", &self.name)).unwrap_or_default();
        let (Some(url), Some(events), true) = (url, events, errors.is_empty()) else {
            return Err(Error::Invalid(errors));
        };
        Ok(NewEndpoint {
            name: if name.is_empty() { url.host() } else { name },
            url,
            events,
            auth_token,
            headers,
            timeout_ms: timeout.flatten().map_or(ATTEMPT_TIMEOUT_MS, |s| s * SECOND_MS as u32),
            rate_per_s: rate.flatten(),
            deliver_late: self.deliver_late,
        })
    }

    fn picked(&self) -> std::result::Result<Vec<EventKind>, FieldError> {
        if let Some(unknown) = self.events.iter().find(|name| EventKind::parse(name).is_none()) {
            let message = format!("Unknown event {unknown:?}. Choose IncomingCall, OutgoingCall or CallProcessed.");
            return Err(FieldError::new("events", message));
        }
        let picked: Vec<_> =
            EventKind::ALL.into_iter().filter(|kind| self.events.iter().any(|name| name == kind.as_str())).collect();
        if picked.is_empty() {
            return Err(FieldError::new("events", "Choose at least one event."));
        }
        Ok(picked)
    }
}

fn noted<T>(errors: &mut Vec<FieldError>, result: std::result::Result<T, FieldError>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}

fn whole(
    text: &str,
    field: &str,
    least: u32,
    most: u32,
    message: &str,
) -> std::result::Result<Option<u32>, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<u32>() {
        Ok(n) if (least..=most).contains(&n) => Ok(Some(n)),
        _ => Err(FieldError::new(field, message)),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::HEADER_KEPT, *};

    fn form() -> EndpointForm {
        EndpointForm {
            url: "https://crm.acme.example/calls".into(),
            events: vec!["CallProcessed".into(), "IncomingCall".into()],
            ..EndpointForm::default()
        }
    }

    #[test]
    fn an_endpoint_is_named_after_its_host_and_its_events_are_in_order() {
        let new = form().check().unwrap();
        assert_eq!(new.name, "crm.acme.example");
        assert_eq!(new.events, [EventKind::IncomingCall, EventKind::CallProcessed]);
        assert_eq!((new.timeout_ms, new.rate_per_s), (ATTEMPT_TIMEOUT_MS, None));
    }

    #[test]
    fn every_invalid_field_is_reported_at_once() {
        let wrong = EndpointForm {
            timeout_s: "31".into(),
            rate_per_s: "fast".into(),
            headers: "Host: x".into(),
            auth_token: "a\u{7}".into(),
            name: "x".repeat(121),
            ..EndpointForm::default()
        };
        let error = wrong.check().unwrap_err();
        let fields: Vec<_> = error.fields().iter().map(|e| e.field.as_str()).collect();
        assert_eq!(fields, ["url", "events", "headers", "timeout_s", "rate_per_s", "auth_token", "name"]);
    }

    #[test]
    fn custom_headers_cannot_break_out_or_replace_ours() {
        for wrong in ["X-A", "X A: b", "Webhook-Id: x", "offhook-event: x", "X-A: ä", "X-A: 1\nx-a: 2", ": x"] {
            assert!(EndpointForm { headers: wrong.into(), ..form() }.check().is_err(), "{wrong}");
        }
        let kept = EndpointForm { headers: format!("X-Key: {HEADER_KEPT}\n\nAuthorization: Bearer x:y"), ..form() };
        assert_eq!(kept.check().unwrap().headers[1].value, "Bearer x:y");
    }
}
