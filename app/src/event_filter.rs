//! The event filter in the URL.

use domain::{
    event::{EventFilter, EventKind},
    query::{Writer, pairs},
};

/// Parses a query string. Unknown parameters and values are ignored.
#[must_use]
pub fn parse(query: &str) -> EventFilter {
    let mut filter = EventFilter::default();
    for (key, value) in pairs(query) {
        match key.as_str() {
            "event" => add(&mut filter.kinds, &value),
            "call" => filter.call = Some(value.to_ascii_lowercase()),
            "not_sent" => filter.not_sent = value == "1",
            "cursor" => filter.cursor = Some(value),
            _ => {}
        }
    }
    filter
}

fn add(kinds: &mut Vec<EventKind>, names: &str) {
    for kind in names.split(',').filter_map(EventKind::parse) {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
}

/// The query string of this filter.
#[must_use]
pub fn write(filter: &EventFilter) -> String {
    let kinds: Vec<_> = filter.kinds.iter().map(|kind| kind.as_str()).collect();
    Writer::default()
        .with("event", kinds.join(","))
        .with("call", filter.call.as_deref().unwrap_or_default())
        .with("not_sent", if filter.not_sent { "1" } else { "" })
        .with("cursor", filter.cursor.as_deref().unwrap_or_default())
        .finish()
}

/// Whether nothing is filtered, apart from paging.
#[must_use]
pub fn is_all(filter: &EventFilter) -> bool {
    filter.kinds.is_empty() && filter.call.is_none() && !filter.not_sent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_survives_a_round_trip_through_the_url() {
        let written = "?event=IncomingCall%2CCallProcessed&call=2f53&not_sent=1&cursor=x";
        assert_eq!(write(&parse(written)), written);
        assert_eq!(parse("event=IncomingCall&event=CallProcessed").kinds.len(), 2);
        assert!(is_all(&parse("event=Nothing&cursor=x&not_sent=0")));
    }
}
