//! The endpoint form and its rules.

use serde::{Deserialize, Serialize};

use super::{
    ATTEMPT_TIMEOUT_MAX_MS, ATTEMPT_TIMEOUT_MIN_MS, ATTEMPT_TIMEOUT_MS, Endpoint, HEADER_KEPT, RATE_MAX_PER_S,
    header::{Header, check_headers, header_lines},
};
use crate::{
    error::{Error, FieldError, Result, noted, whole},
    event_kind::EventKind,
    name,
    secret::check_auth_token,
    target::TargetUrl,
    time::SECOND_MS,
};

/// The fields of the form, as a page shows them.
const ORDER: [&str; 7] = ["url", "events", "headers", "timeout_s", "rate_per_s", "auth_token", "name"];
const RATE_MESSAGE: &str = "Enter 1 to 1,000 events per second, or leave blank for no limit.";

/// The form for creating or editing an endpoint, as typed.
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
    /// Whether to send the details of events beside their payload.
    #[serde(default)]
    pub send_details: bool,
}

/// What an endpoint should be, before any rule is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointInput {
    /// URL.
    pub url: String,
    /// Kinds of events.
    pub events: Vec<EventKind>,
    /// Name; defaults to the host.
    pub name: String,
    /// Auth token, if one was chosen. Only used when the endpoint is created.
    pub auth_token: Option<String>,
    /// Custom headers. A value of [`HEADER_KEPT`] keeps the stored one.
    pub headers: Vec<Header>,
    /// Time limit in seconds, if not the default.
    pub timeout_s: Option<u32>,
    /// Maximum events per second, if limited.
    pub rate_per_s: Option<u32>,
    /// Whether to send call-start events however late.
    pub deliver_late: bool,
    /// Whether to send the details of events beside their payload.
    pub send_details: bool,
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
    /// Whether to send the details of events beside their payload.
    pub send_details: bool,
}

impl EndpointForm {
    /// The form with the endpoint's current settings.
    #[must_use]
    pub fn of(endpoint: &Endpoint) -> Self {
        let now = EndpointInput::of(endpoint);
        let line = |header: &Header| format!("{}: {}", header.name, header.value);
        let text = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        Self {
            url: now.url,
            events: now.events.iter().map(|kind| kind.as_str().to_owned()).collect(),
            name: now.name,
            auth_token: String::new(),
            headers: now.headers.iter().map(line).collect::<Vec<_>>().join("\n"),
            timeout_s: text(now.timeout_s),
            rate_per_s: text(now.rate_per_s),
            deliver_late: now.deliver_late,
            send_details: now.send_details,
        }
    }

    /// Reads the form.
    ///
    /// # Errors
    /// `Invalid` with one entry per field that cannot be read, or that breaks a rule.
    pub fn input(&self) -> Result<EndpointInput> {
        let mut wrong = Vec::new();
        let input = EndpointInput {
            url: self.url.clone(),
            events: noted(&mut wrong, event_kinds(&self.events)).unwrap_or_default(),
            name: self.name.clone(),
            auth_token: Some(self.auth_token.clone()).filter(|token| !token.is_empty()),
            headers: noted(&mut wrong, header_lines(&self.headers)).unwrap_or_default(),
            timeout_s: noted(&mut wrong, whole(&self.timeout_s, "timeout_s", &timeout_message())).flatten(),
            rate_per_s: noted(&mut wrong, whole(&self.rate_per_s, "rate_per_s", RATE_MESSAGE)).flatten(),
            deliver_late: self.deliver_late,
            send_details: self.send_details,
        };
        if wrong.is_empty() { Ok(input) } else { Err(Error::unread(wrong, input.check().err(), &ORDER)) }
    }
}

impl EndpointInput {
    /// The endpoint's current settings.
    #[must_use]
    pub fn of(endpoint: &Endpoint) -> Self {
        let kept = |name: &String| Header { name: name.clone(), value: HEADER_KEPT.to_owned() };
        Self {
            url: endpoint.url.as_str().to_owned(),
            events: endpoint.events.clone(),
            name: endpoint.name.clone(),
            auth_token: None,
            headers: endpoint.header_names.iter().map(kept).collect(),
            timeout_s: Some(endpoint.timeout_ms / SECOND_MS as u32),
            rate_per_s: endpoint.rate_per_s,
            deliver_late: endpoint.deliver_late,
            send_details: endpoint.send_details,
        }
    }

    /// Sets the kinds of events by their names.
    ///
    /// # Errors
    /// `Invalid` for an unknown name, with an entry for each other invalid field.
    pub fn with_events(mut self, names: &[String]) -> Result<Self> {
        match event_kinds(names) {
            Ok(kinds) => self.events = kinds,
            Err(unknown) => return Err(Error::unread(vec![unknown], self.check().err(), &ORDER)),
        }
        Ok(self)
    }

    /// Checks every rule that needs neither network nor database.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn check(&self) -> Result<NewEndpoint> {
        let mut errors = Vec::new();
        let url = noted(&mut errors, TargetUrl::parse(&self.url).map_err(|message| FieldError::new("url", message)));
        if self.events.is_empty() {
            errors.push(FieldError::new("events", "Choose at least one event."));
        }
        noted(&mut errors, check_headers(&self.headers));
        let (least_s, most_s) = (ATTEMPT_TIMEOUT_MIN_MS / 1_000, ATTEMPT_TIMEOUT_MAX_MS / 1_000);
        if self.timeout_s.is_some_and(|seconds| !(least_s..=most_s).contains(&seconds)) {
            errors.push(FieldError::new("timeout_s", timeout_message()));
        }
        if self.rate_per_s.is_some_and(|rate| !(1..=RATE_MAX_PER_S).contains(&rate)) {
            errors.push(FieldError::new("rate_per_s", RATE_MESSAGE));
        }
        if let Some(Err(error)) = self.auth_token.as_deref().map(check_auth_token) {
            errors.extend_from_slice(error.fields());
        }
        let name = noted(&mut errors, name::checked_if_any("name", &self.name)).unwrap_or_default();
        let (Some(url), true) = (url, errors.is_empty()) else { return Err(Error::Invalid(errors)) };
        Ok(NewEndpoint {
            name: if name.is_empty() { url.host() } else { name },
            url,
            events: EventKind::ALL.into_iter().filter(|kind| self.events.contains(kind)).collect(),
            auth_token: self.auth_token.clone(),
            headers: self.headers.clone(),
            timeout_ms: self.timeout_s.map_or(ATTEMPT_TIMEOUT_MS, |s| s * SECOND_MS as u32),
            rate_per_s: self.rate_per_s,
            deliver_late: self.deliver_late,
            send_details: self.send_details,
        })
    }
}

/// Kinds of events by name.
fn event_kinds(names: &[String]) -> std::result::Result<Vec<EventKind>, FieldError> {
    let kind = |name: &String| {
        let message = || format!("Unknown event {name:?}. Choose IncomingCall, OutgoingCall or CallProcessed.");
        EventKind::parse(name).ok_or_else(|| FieldError::new("events", message()))
    };
    names.iter().map(kind).collect()
}

fn timeout_message() -> String {
    format!("Enter a timeout of {} to {} seconds.", ATTEMPT_TIMEOUT_MIN_MS / 1_000, ATTEMPT_TIMEOUT_MAX_MS / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> EndpointForm {
        EndpointForm {
            url: "https://crm.acme.example/calls".into(),
            events: vec!["CallProcessed".into(), "IncomingCall".into()],
            ..EndpointForm::default()
        }
    }

    #[test]
    fn an_endpoint_is_named_after_its_host_and_its_events_are_in_order() {
        let new = form().input().unwrap().check().unwrap();
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
        let error = wrong.input().unwrap_err();
        let fields: Vec<_> = error.fields().iter().map(|e| e.field.as_str()).collect();
        assert_eq!(fields, ["url", "events", "headers", "timeout_s", "rate_per_s", "auth_token", "name"]);
    }

    #[test]
    fn custom_headers_cannot_break_out_or_replace_ours() {
        for wrong in ["X-A", "X A: b", "Webhook-Id: x", "offhook-event: x", "X-A: ä", "X-A: 1\nx-a: 2", ": x"] {
            assert!(
                EndpointForm { headers: wrong.into(), ..form() }.input().and_then(|input| input.check()).is_err(),
                "{wrong}"
            );
        }
        let kept = EndpointForm { headers: format!("X-Key: {HEADER_KEPT}\n\nAuthorization: Bearer x:y"), ..form() };
        assert_eq!(kept.input().unwrap().check().unwrap().headers[1].value, "Bearer x:y");
    }
}
