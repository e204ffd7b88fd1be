//! The recovery form in the URL, and its defaults.

use domain::{
    UnixMs,
    endpoint::Endpoint,
    event::EventKind,
    query::{Writer, pairs},
    recover::{RATE_PER_S, RecoverForm, RecoveryScope},
    time::{DAY_MS, iso_utc},
};

/// Parses the form from a query string.
#[must_use]
pub fn from_query(query: &str) -> RecoverForm {
    let mut form = RecoverForm::default();
    for (key, value) in pairs(query) {
        match key.as_str() {
            "from" => form.from = value,
            "to" => form.to = value,
            "event" => form.events.push(value),
            "which" => form.which = value,
            "rate_per_s" => form.rate_per_s = value,
            _ => {}
        }
    }
    form
}

/// The query string of a form.
#[must_use]
pub fn to_query(form: &RecoverForm) -> String {
    let writer = Writer::default().with("from", &form.from).with("to", &form.to);
    let writer = form.events.iter().fold(writer, |writer, event| writer.with("event", event));
    writer.with("which", &form.which).with("rate_per_s", &form.rate_per_s).finish()
}

/// Fills in empty fields: the last 24 hours, and the events the endpoint is subscribed to. Those that announce calls have to be
/// chosen: by now, they would announce calls that have ended.
#[must_use]
pub fn filled_in(mut form: RecoverForm, endpoint: &Endpoint, now: UnixMs) -> RecoverForm {
    let or = |field: &mut String, value: String| {
        if field.is_empty() {
            *field = value;
        }
    };
    or(&mut form.from, local(now.plus_ms(-DAY_MS)));
    or(&mut form.which, RecoveryScope::default().as_str().to_owned());
    or(&mut form.rate_per_s, RATE_PER_S.to_string());
    if form.events.is_empty() {
        let chosen = endpoint.events.iter().filter(|kind| !kind.is_ring());
        form.events = chosen.map(|kind| kind.as_str().to_owned()).collect();
    }
    if form.events.is_empty() {
        form.events = vec![EventKind::CallProcessed.as_str().to_owned()];
    }
    form
}

/// The value of a `datetime-local` field, to the second, in UTC.
fn local(at: UnixMs) -> String {
    iso_utc(at).chars().take("2026-11-22T13:00:00".len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_survives_a_round_trip_through_the_url() {
        let form = RecoverForm {
            from: "2026-11-23T13:00:00".into(),
            to: "2026-11-23T14:10:00".into(),
            events: vec!["IncomingCall".into(), "CallProcessed".into()],
            which: "also_never_sent".into(),
            rate_per_s: "5".into(),
        };
        assert_eq!(from_query(&to_query(&form)), form);
        assert_eq!(to_query(&RecoverForm::default()), "");
    }
}
