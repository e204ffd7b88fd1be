//! The filter of the deliveries list. It lives in the URL, and parsing is the inverse of writing, so that a shared link
//! shows the same rows.

use crate::{
    cause::Cause,
    event_kind::EventKind,
    id::{EndpointId, JobId},
    query::{Writer, pairs},
    status::Status,
    time::{DAY_MS, HOUR_MS, UnixMs, iso_utc, parse_utc},
};

/// A time range that ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// The last hour.
    Hour,
    /// The last 24 hours.
    Day,
    /// The last seven days.
    Week,
}

impl Range {
    /// All ranges, shortest first.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Week];

    /// The name in the URL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Day => "24h",
            Self::Week => "7d",
        }
    }

    /// The label for display.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hour => "Last hour",
            Self::Day => "Last 24 hours",
            Self::Week => "Last 7 days",
        }
    }

    /// The length in milliseconds.
    #[must_use]
    pub const fn ms(self) -> i64 {
        match self {
            Self::Hour => HOUR_MS,
            Self::Day => DAY_MS,
            Self::Week => 7 * DAY_MS,
        }
    }
}

/// A filter for deliveries. The default matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Only these statuses; empty for all.
    pub statuses: Vec<Status>,
    /// Only these kinds; empty for all.
    pub kinds: Vec<EventKind>,
    /// Only this endpoint's deliveries.
    pub endpoint: Option<EndpointId>,
    /// Only deliveries whose latest failure has this cause.
    pub cause: Option<Cause>,
    /// Only this call's deliveries, by UUID.
    pub call: Option<String>,
    /// Only what this job has queued, and no later job since.
    pub job: Option<JobId>,
    /// Free text: a complete id, call UUID or phone number.
    pub text: Option<String>,
    /// Only tests, or only non-tests.
    pub test: Option<bool>,
    /// Accepted at or after this time.
    pub from: Option<UnixMs>,
    /// Accepted before this time.
    pub to: Option<UnixMs>,
    /// Accepted within this range; `from` and `to` take precedence.
    pub range: Option<Range>,
    /// Where the page starts, from the previous page.
    pub cursor: Option<String>,
    /// Number of rows; see [`crate::query::page_size`].
    pub limit: u32,
}

impl DeliveryFilter {
    /// Parses a query string. Unknown and invalid parameters are ignored, so that an old link shows rows, not an error.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        pairs(query).fold(Self::default(), |filter, (key, value)| filter.with(&key, &value))
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        match key {
            "status" => add_each(&mut self.statuses, value, Status::parse),
            "event" => add_each(&mut self.kinds, value, EventKind::parse),
            "endpoint" => self.endpoint = EndpointId::parse(value).ok(),
            "cause" => self.cause = Cause::parse(value),
            "call" => self.call = Some(value.to_ascii_lowercase()),
            "job" => self.job = JobId::parse(value).ok(),
            "q" => self.text = Some(value.to_owned()),
            "test" => self.test = matches!(value, "0" | "1").then_some(value == "1"),
            "from" => self.from = parse_utc(value),
            "to" => self.to = parse_utc(value),
            "range" => self.range = Range::ALL.into_iter().find(|range| range.as_str() == value),
            "cursor" => self.cursor = Some(value.to_owned()),
            "limit" => self.limit = value.parse().unwrap_or(0),
            _ => {}
        }
        self
    }

    /// The query string that parses to this filter, including the question mark; empty for all deliveries.
    #[must_use]
    pub fn to_query(&self) -> String {
        Writer::default()
            .with("status", join(&self.statuses, |s| s.as_str()))
            .with("event", join(&self.kinds, |k| k.as_str()))
            .with("endpoint", self.endpoint.as_ref().map_or("", EndpointId::as_str))
            .with("cause", self.cause.map_or("", Cause::code))
            .with("call", self.call.as_deref().unwrap_or_default())
            .with("job", self.job.as_ref().map_or("", JobId::as_str))
            .with("q", self.text.as_deref().unwrap_or_default())
            .with("test", self.test.map_or("", |only| if only { "1" } else { "0" }))
            .with("from", self.from.map(iso_utc).unwrap_or_default())
            .with("to", self.to.map(iso_utc).unwrap_or_default())
            .with("range", self.range.map_or("", Range::as_str))
            .page(self.cursor.as_deref(), self.limit)
            .finish()
    }

    /// The same filter on the first page.
    #[must_use]
    pub fn first_page(&self) -> Self {
        Self { cursor: None, ..self.clone() }
    }

    /// Whether the filter matches everything, apart from paging.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self { cursor: self.cursor.clone(), limit: self.limit, ..Self::default() }
    }

    /// The range of acceptance times: from (inclusive), to (exclusive).
    #[must_use]
    pub fn span(&self, now: UnixMs) -> (Option<UnixMs>, Option<UnixMs>) {
        let from = self.from.or_else(|| self.range.map(|range| now.plus_ms(-range.ms())));
        (from, self.to)
    }
}

fn add_each<T: PartialEq>(list: &mut Vec<T>, value: &str, parse: impl Fn(&str) -> Option<T>) {
    for item in value.split(',').filter_map(|name| parse(name.trim())) {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}

fn join<T: Copy>(list: &[T], name: impl Fn(T) -> &'static str) -> String {
    list.iter().map(|item| name(*item)).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*, sample::subsequence};

    use super::*;

    prop_compose! {
        fn any_filter()(
            statuses in subsequence(Status::ALL.to_vec(), 0..=8),
            kinds in subsequence(EventKind::ALL.to_vec(), 0..=3),
            endpoint in option::of(any::<u64>()),
            cause in option::of(0..Cause::ALL.len()),
            text in option::of("[!-~]([ -~]{0,20}[!-~])?"),
            job in option::of(any::<u64>()),
            call in option::of("[0-9a-f-]{36}"),
            test in option::of(any::<bool>()),
            from in option::of(0_i64..4_000_000_000_000),
            to in option::of(0_i64..4_000_000_000_000),
            range in option::of(0..3_usize),
            limit in 0_u32..300,
        ) -> DeliveryFilter {
            DeliveryFilter {
                statuses, kinds, text, call, test, limit,
                endpoint: endpoint.map(|n| EndpointId::new(UnixMs(1), u128::from(n))),
                job: job.map(|n| JobId::new(UnixMs(1), u128::from(n))),
                cause: cause.map(|at| Cause::ALL[at]),
                from: from.map(UnixMs), to: to.map(UnixMs),
                range: range.map(|at| Range::ALL[at]),
                cursor: None,
            }
        }
    }

    proptest! {
        #[test]
        fn a_shared_link_shows_the_same_rows(filter in any_filter()) {
            prop_assert_eq!(DeliveryFilter::parse(&filter.to_query()), filter);
        }

        #[test]
        fn no_query_string_breaks_the_page(query in ".{0,80}") {
            let _ = DeliveryFilter::parse(&query);
        }
    }

    #[test]
    fn checkboxes_and_commas_mean_the_same() {
        assert_eq!(
            DeliveryFilter::parse("status=failed&status=retrying"),
            DeliveryFilter::parse("?status=failed,retrying")
        );
        assert!(DeliveryFilter::parse("status=&q=&unknown=1").is_all());
    }
}
