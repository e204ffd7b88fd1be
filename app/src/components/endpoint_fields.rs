//! The fields of an endpoint, for every form that has them.

use domain::endpoint::EndpointForm;
use domain::event::EventKind;
use leptos::prelude::*;

use super::checkbox_group::{CheckboxGroup, Choice};
use super::field::{Field, Lines, Tick};
use crate::flash::Flash;

/// The form that a page begins with: what was typed if that was refused, else what is stored.
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
    }
}

/// The form of an endpoint that does not exist yet: every event is ticked.
#[must_use]
pub fn fresh() -> EndpointForm {
    EndpointForm { events: EventKind::ALL.map(|kind| kind.as_str().to_owned()).to_vec(), ..EndpointForm::default() }
}

/// Where events go.
#[component]
pub fn UrlField(
    /// The URL.
    value: String,
) -> impl IntoView {
    view! {
        <Field name="url" label="URL" kind="url" value=value required=true first=true autocomplete="url"
            hint="Where we send events, as POST with JSON. For example https://crm.acme.example/calls"/>
    }
}

/// Which events go there.
#[component]
pub fn EventsField(
    /// Names of those that are ticked.
    ticked: Vec<String>,
) -> impl IntoView {
    let choices = EventKind::ALL.map(|kind| Choice {
        value: kind.as_str(),
        label: kind.as_str(),
        meaning: kind.meaning(),
        checked: ticked.iter().any(|name| name == kind.as_str()),
    });
    view! { <CheckboxGroup name="events" label="Events" choices=choices.to_vec()/> }
}

/// The time limit in whole seconds that an endpoint has unless it sets its own.
const DEFAULT_TIMEOUT_S: &str = "15";

/// What few endpoints need.
#[component]
pub fn AdvancedFields(
    /// What they begin with.
    form: EndpointForm,
) -> impl IntoView {
    const FIELDS: [&str; 3] = ["headers", "timeout_s", "rate_per_s"];
    let flash = use_context::<Flash>().unwrap_or_default();
    let used = !form.headers.is_empty()
        || !form.rate_per_s.is_empty()
        || !["", DEFAULT_TIMEOUT_S].contains(&form.timeout_s.as_str())
        || form.deliver_late;
    let open = used || FIELDS.iter().any(|field| flash.error(field).is_some());
    view! {
        <details class="border-t border-line pt-3" open=open>
            <summary class="min-h-6 font-semibold">"Advanced: headers, time limit, rate, late delivery"</summary>
            <div class="mt-4 grid gap-5">
                <Lines name="headers" label="Custom headers" value=form.headers
                    hint="One a line, as Name: value. Values are stored encrypted and shown as dots; dots left in place keep the value."/>
                <Field name="timeout_s" label="Time limit in seconds" kind="text" value=form.timeout_s
                    hint="1 to 30. Without a number we wait 15 s for the whole answer."/>
                <Field name="rate_per_s" label="At most this many events per second" value=form.rate_per_s
                    hint="1 to 1,000. Without a number there is no limit."/>
                <Tick name="deliver_late" label="Deliver calls late as well" checked=form.deliver_late
                    hint="IncomingCall and OutgoingCall are news: we give up after a minute. Tick this to have them tried for three days, like CallProcessed."/>
            </div>
        </details>
    }
}

#[cfg(test)]
mod tests {
    use domain::FieldError;

    use super::*;

    #[test]
    fn the_default_time_limit_is_the_engines() {
        assert_eq!(DEFAULT_TIMEOUT_S, (domain::endpoint::ATTEMPT_TIMEOUT_MS / 1_000).to_string());
    }

    #[test]
    fn what_was_refused_comes_back_as_it_was_typed() {
        let typed = [("url", "x"), ("events", "CallProcessed"), ("deliver_late", "true")];
        let typed = typed.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let flash = Flash { errors: vec![FieldError::new("url", "No.")], typed, ..Flash::default() };
        let form = typed_or(&flash, fresh());
        assert_eq!((form.url.as_str(), form.events.len(), form.deliver_late), ("x", 1, true));
        assert_eq!(typed_or(&Flash::default(), fresh()).events.len(), 3);
    }
}
