//! The parts of a filter: each can be described and removed individually.

use domain::{filter::DeliveryFilter, id::EndpointId};

use crate::{
    components::{cause, filter_chips::Chip},
    zone::Zone,
};

/// One part of the delivery filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facet {
    /// Statuses.
    Status,
    /// Event types.
    Kind,
    /// The endpoint.
    Endpoint,
    /// The cause.
    Cause,
    /// The call.
    Call,
    /// The job.
    Job,
    /// Free text.
    Text,
    /// Only tests, or no tests.
    Test,
    /// The time range.
    Time,
}

impl Facet {
    /// All parts, in display order.
    pub const ALL: [Self; 9] = [
        Self::Status,
        Self::Kind,
        Self::Endpoint,
        Self::Cause,
        Self::Call,
        Self::Job,
        Self::Text,
        Self::Test,
        Self::Time,
    ];

    /// The filter without this part, reset to the first page.
    #[must_use]
    pub fn without(self, filter: &DeliveryFilter) -> DeliveryFilter {
        let mut rest = filter.first_page();
        match self {
            Self::Status => rest.statuses.clear(),
            Self::Kind => rest.kinds.clear(),
            Self::Endpoint => rest.endpoint = None,
            Self::Cause => rest.cause = None,
            Self::Call => rest.call = None,
            Self::Job => rest.job = None,
            Self::Text => rest.text = None,
            Self::Test => rest.test = None,
            Self::Time => (rest.range, rest.from, rest.to) = (None, None, None),
        }
        rest
    }

    /// The parts that this filter has.
    pub fn of(filter: &DeliveryFilter) -> impl Iterator<Item = Self> {
        let whole = filter.first_page();
        Self::ALL.into_iter().filter(move |facet| facet.without(&whole) != whole)
    }
}

/// What describing a filter needs besides the filter itself.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Endpoint IDs and names.
    pub endpoints: Vec<(EndpointId, String)>,
    /// The reader's time zone.
    pub zone: Zone,
}

impl Names {
    /// The name of an endpoint; its ID if it is no longer listed.
    fn endpoint(&self, id: &EndpointId) -> String {
        let found = self.endpoints.iter().find(|(known, _)| known == id);
        found.map_or_else(|| id.to_string(), |(_, name)| name.clone())
    }
}

/// A part of the filter in words: `status failed or retrying`.
#[must_use]
pub fn describe(facet: Facet, filter: &DeliveryFilter, names: &Names) -> String {
    let join = |list: Vec<String>| list.join(" or ");
    match facet {
        Facet::Status => format!("status {}", join(filter.statuses.iter().map(|s| s.label().to_lowercase()).collect())),
        Facet::Kind => format!("event {}", join(filter.kinds.iter().map(ToString::to_string).collect())),
        Facet::Endpoint => {
            format!("endpoint {}", filter.endpoint.as_ref().map(|id| names.endpoint(id)).unwrap_or_default())
        }
        Facet::Cause => format!("cause “{}”", filter.cause.map(cause::name).unwrap_or_default()),
        Facet::Call => format!("call {}", filter.call.as_deref().unwrap_or_default()),
        Facet::Job => "of one job".to_owned(),
        Facet::Text => format!("“{}”", filter.text.as_deref().unwrap_or_default()),
        Facet::Test if filter.test == Some(true) => "tests only".to_owned(),
        Facet::Test => "excluding tests".to_owned(),
        Facet::Time => time_words(filter, &names.zone),
    }
}

/// The time range in words. As in the filter itself, `from` takes precedence over the range.
fn time_words(filter: &DeliveryFilter, zone: &Zone) -> String {
    match (filter.from, filter.to, filter.range) {
        (Some(from), Some(to), _) => format!("{} to {}", zone.short(from), zone.short(to)),
        (Some(from), None, _) => format!("since {}", zone.short(from)),
        (None, Some(to), None) => format!("before {}", zone.short(to)),
        (None, Some(to), Some(range)) => format!("{}, before {}", range.label().to_lowercase(), zone.short(to)),
        (None, None, range) => range.map_or_else(String::new, |range| range.label().to_lowercase()),
    }
}

/// The whole filter in words: `status failed, event IncomingCall, last 24 hours`.
#[must_use]
pub fn sentence(filter: &DeliveryFilter, names: &Names) -> String {
    Facet::of(filter).map(|facet| describe(facet, filter, names)).collect::<Vec<_>>().join(", ")
}

/// A chip for each active filter value; `base` is the path of the list.
#[must_use]
pub fn chips(filter: &DeliveryFilter, names: &Names, base: &str) -> Vec<Chip> {
    let href = |rest: DeliveryFilter| format!("{base}{}", rest.first_page().to_query());
    let statuses = filter.statuses.iter().map(|status| {
        let rest = filter.statuses.iter().copied().filter(|other| other != status).collect();
        Chip { label: status.label().to_owned(), href: href(DeliveryFilter { statuses: rest, ..filter.clone() }) }
    });
    let kinds = filter.kinds.iter().map(|kind| {
        let rest = filter.kinds.iter().copied().filter(|other| other != kind).collect();
        Chip { label: kind.to_string(), href: href(DeliveryFilter { kinds: rest, ..filter.clone() }) }
    });
    let others = Facet::of(filter).filter(|facet| !matches!(facet, Facet::Status | Facet::Kind));
    let others =
        others.map(|facet| Chip { label: capital(&describe(facet, filter, names)), href: href(facet.without(filter)) });
    statuses.chain(kinds).chain(others).collect()
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use domain::UnixMs;

    use super::*;

    fn described(query: &str) -> String {
        let names = Names { endpoints: vec![(EndpointId::new(UnixMs(0), 1), "CRM".into())], zone: Zone::default() };
        sentence(&DeliveryFilter::parse(query), &names)
    }

    #[test]
    fn a_filter_is_described_in_words() {
        assert_eq!(
            described("status=failed,retrying&event=IncomingCall&range=24h"),
            "status failed or retrying, event IncomingCall, last 24 hours"
        );
        let endpoint = EndpointId::new(UnixMs(0), 1);
        assert_eq!(
            described(&format!("endpoint={endpoint}&cause=tls_expired&test=0")),
            "endpoint CRM, cause “Certificate expired”, excluding tests"
        );
        assert_eq!(
            described("q=0120&from=2026-11-22T13:00Z&to=2026-11-22T14:00Z"),
            "“0120”, 22 Nov 13:00 to 22 Nov 14:00"
        );
        assert_eq!(described("limit=10&cursor=x"), "");
    }

    #[test]
    fn each_part_can_be_removed_individually() {
        let filter = DeliveryFilter::parse("status=failed&event=IncomingCall&range=7d&from=2026-11-22T13:00Z&cursor=x");
        let rest: Vec<String> = Facet::of(&filter).map(|facet| facet.without(&filter).to_query()).collect();
        assert_eq!(rest.len(), 3);
        assert!(rest[0].starts_with("?event=IncomingCall&from=") && !rest[0].contains("cursor"));
        assert_eq!(rest[2], "?status=failed&event=IncomingCall");
    }

    #[test]
    fn a_chip_removes_one_status_and_keeps_the_other() {
        let filter = DeliveryFilter::parse("status=failed,retrying&range=24h&cursor=x");
        let chips = chips(&filter, &Names::default(), "/a/x/deliveries");
        let labels: Vec<_> = chips.iter().map(|chip| chip.label.as_str()).collect();
        assert_eq!(labels, ["Failed", "Retrying", "Last 24 hours"]);
        assert_eq!(chips[0].href, "/a/x/deliveries?status=retrying&range=24h");
        assert_eq!(chips[2].href, "/a/x/deliveries?status=failed%2Cretrying");
    }
}
