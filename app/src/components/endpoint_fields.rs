//! The fields shared by all endpoint forms.

use domain::endpoint::EndpointForm;
use domain::event::EventKind;
use leptos::prelude::*;

use super::checkbox_group::{CheckboxGroup, Choice};
use super::field::{Checkbox, Field, Lines};
use crate::flash::Flash;

/// The initial form values: the rejected input if there is any, otherwise the stored values.
#[must_use]
pub fn typed_or(flash: &Flash, stored: EndpointForm) -> EndpointForm {
    if !flash.refused() {
        return stored;
    }
    let text = |field| flash.value(field).unwrap_or_default().to_owned();
    EndpointForm {
        url: text("url"),
        events: flash.values("events"),
        name: text("name"),
        auth_token: text("auth_token"),
        headers: text("headers"),
        timeout_s: text("timeout_s"),
        rate_per_s: text("rate_per_s"),
        deliver_late: flash.value("deliver_late") == Some("true"),
        send_details: flash.value("send_details") == Some("true"),
    }
}

/// The form for a new endpoint, with all events selected.
#[must_use]
pub fn blank_form() -> EndpointForm {
    EndpointForm { events: EventKind::ALL.map(|kind| kind.as_str().to_owned()).to_vec(), ..EndpointForm::default() }
}

/// The target URL.
#[component]
pub fn UrlField(
    /// The URL.
    value: String,
) -> impl IntoView {
    view! {
        <Field name="url" label="URL" kind="url" value=value required=true first=true autocomplete="url"
            hint="We send events here as JSON in POST requests. For example https://crm.acme.example/calls"/>
    }
}

/// The subscribed events.
#[component]
pub fn EventsField(
    /// Names of the selected events.
    selected: Vec<String>,
) -> impl IntoView {
    let choices = EventKind::ALL.map(|kind| Choice {
        value: kind.as_str().into(),
        label: kind.as_str().into(),
        meaning: kind.meaning(),
        checked: selected.iter().any(|name| name == kind.as_str()),
    });
    view! { <CheckboxGroup name="events" label="Events" choices=choices.to_vec()/> }
}

/// Default timeout in seconds.
const DEFAULT_TIMEOUT_S: &str = "15";

/// Settings that few endpoints need.
#[component]
pub fn AdvancedFields(
    /// Initial values.
    form: EndpointForm,
    /// Whether they are shown even if none is used.
    #[prop(optional)]
    open: bool,
) -> impl IntoView {
    const FIELDS: [&str; 3] = ["headers", "timeout_s", "rate_per_s"];
    let flash = use_context::<Flash>().unwrap_or_default();
    let used = !form.headers.is_empty()
        || !form.rate_per_s.is_empty()
        || !["", DEFAULT_TIMEOUT_S].contains(&form.timeout_s.as_str())
        || form.deliver_late
        || form.send_details;
    let open = open || used || FIELDS.iter().any(|field| flash.error(field).is_some());
    view! {
        <details class="border-t border-line pt-3" open=open>
            <summary class="min-h-6 font-semibold">"Advanced: headers, timeout, rate limit, late delivery, details"</summary>
            <div class="mt-4 grid gap-5">
                <Lines name="headers" label="Custom headers" value=form.headers
                    hint="One per line, as Name: value. Values are encrypted and shown as dots; leave the dots to keep a value."/>
                <Field name="timeout_s" label="Timeout (seconds)" kind="text" value=form.timeout_s
                    hint="1 to 30. How long we wait for the complete response. Defaults to 15."/>
                <Field name="rate_per_s" label="Rate limit (events per second)" value=form.rate_per_s
                    hint="1 to 1,000. No limit if left blank."/>
                <Checkbox name="deliver_late" label="Deliver call-start events late" checked=form.deliver_late
                    hint="By default we stop retrying IncomingCall and OutgoingCall after a minute, because they are out of date by then. Select this to retry them for three days, like CallProcessed."/>
                <Checkbox name="send_details" label="Send details" checked=form.send_details
                    hint="Adds an object named details after the payload, with what your phone system knows beyond it, such as how a call ended and how long it rang. Events without details are sent as before."/>
            </div>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use domain::FieldError;

    use super::*;

    #[test]
    fn the_default_timeout_matches_the_engine() {
        assert_eq!(DEFAULT_TIMEOUT_S, (domain::endpoint::ATTEMPT_TIMEOUT_MS / 1_000).to_string());
    }

    #[test]
    fn rejected_input_is_restored() {
        let typed = [("url", "x"), ("events", "CallProcessed"), ("deliver_late", "true"), ("send_details", "true")];
        let typed = typed.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let flash = Flash { errors: vec![FieldError::new("url", "No.")], typed, ..Flash::default() };
        let form = typed_or(&flash, blank_form());
        assert_eq!((form.url.as_str(), form.events.len(), form.deliver_late, form.send_details), ("x", 1, true, true));
        assert_eq!(typed_or(&Flash::default(), blank_form()).events.len(), 3);
    }
}
