//! The reader's time zone, and how times are formatted.

use domain::{
    UnixMs,
    query::{Writer, pairs},
    time::iso_utc,
};
use jiff::tz::TimeZone;

/// A valid time zone of the IANA database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Default for Zone {
    fn default() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }
}

impl Zone {
    /// The zone of that name, if it exists.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let rules = TimeZone::get(name).ok()?;
        Some(Self { name: rules.iana_name().unwrap_or(name).to_owned(), rules })
    }

    /// The zone of that name, or UTC.
    #[must_use]
    pub fn or_utc(name: &str) -> Self {
        Self::parse(name).unwrap_or_default()
    }

    /// The name: `Europe/Berlin`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Names of all zones, sorted by region.
    #[must_use]
    pub fn names() -> Vec<String> {
        let mut names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        names.retain(|name| name == "UTC" || name.contains('/') && !name.starts_with("Etc/"));
        names.sort();
        names
    }

    /// The time in this zone; none outside the calendar.
    #[must_use]
    pub fn at(&self, moment: UnixMs) -> Option<jiff::Zoned> {
        let moment = jiff::Timestamp::from_millisecond(moment.0).ok()?;
        Some(moment.to_zoned(self.rules.clone()))
    }

    /// Parses the value of a `datetime-local` field. When a clock change repeats an hour, the first one is meant.
    #[must_use]
    pub fn moment(&self, local: &str) -> Option<UnixMs> {
        let local: jiff::civil::DateTime = local.trim().parse().ok()?;
        Some(UnixMs(local.to_zoned(self.rules.clone()).ok()?.timestamp().as_millisecond()))
    }

    /// The value for a `datetime-local` field, to the second: `2026-11-23T14:03:22`.
    #[must_use]
    pub fn local(&self, moment: UnixMs) -> String {
        self.formatted(moment, "%Y-%m-%dT%H:%M:%S")
    }

    fn formatted(&self, moment: UnixMs, format: &str) -> String {
        self.at(moment).map(|at| at.strftime(format).to_string()).unwrap_or_default()
    }

    /// Time of day for lists: `14:03:22`.
    #[must_use]
    pub fn clock(&self, moment: UnixMs) -> String {
        self.formatted(moment, "%H:%M:%S")
    }

    /// Day for the headers of lists: `Mon 23 Nov 2026`.
    #[must_use]
    pub fn day(&self, moment: UnixMs) -> String {
        self.formatted(moment, "%a %-d %b %Y")
    }

    /// Day and minute for sentences: `23 Nov 14:03`.
    #[must_use]
    pub fn short(&self, moment: UnixMs) -> String {
        self.formatted(moment, "%-d %b %H:%M")
    }

    /// Date, time and zone for details: `Mon 23 Nov 2026, 14:03:22.418 CET`.
    #[must_use]
    pub fn full(&self, moment: UnixMs) -> String {
        self.formatted(moment, "%a %-d %b %Y, %H:%M:%S%.3f %Z")
    }

    /// The offset from UTC at that time: `UTC+1`, `UTC−3:30`, `UTC`.
    #[must_use]
    pub fn offset(&self, moment: UnixMs) -> String {
        let seconds = self.at(moment).map_or(0, |at| at.offset().seconds());
        let (sign, minutes) = (if seconds < 0 { '−' } else { '+' }, seconds.unsigned_abs() / 60);
        match (minutes / 60, minutes % 60) {
            (0, 0) => "UTC".to_owned(),
            (hours, 0) => format!("UTC{sign}{hours}"),
            (hours, rest) => format!("UTC{sign}{hours}:{rest:02}"),
        }
    }
}

/// Converts the local times `from` and `to` of a query to UTC, using its `zone`, which is removed. Links on the
/// resulting page then mean the same in every time zone.
#[must_use]
pub fn in_utc(query: &str) -> String {
    let Some(zone) = pairs(query).find(|(key, _)| key == "zone").map(|(_, name)| Zone::or_utc(&name)) else {
        return query.to_owned();
    };
    let written = pairs(query).filter(|(key, _)| key != "zone").fold(Writer::default(), |writer, (key, value)| {
        let moment = matches!(&*key, "from" | "to").then(|| zone.moment(&value)).flatten();
        writer.with(&key, moment.map_or(value, iso_utc))
    });
    written.finish().trim_start_matches('?').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T13:03:22.418Z.
    const MOMENT: UnixMs = UnixMs(1_795_439_002_418);

    #[test]
    fn an_unknown_zone_falls_back_to_utc() {
        assert_eq!(Zone::parse("Europe/Atlantis"), None);
        assert_eq!(Zone::or_utc("../../etc/passwd").name(), "UTC");
        assert_eq!(Zone::default().full(MOMENT), "Mon 23 Nov 2026, 13:03:22.418 UTC");
    }

    #[test]
    fn local_times_of_a_form_are_parsed_in_its_zone() {
        let query = "status=failed&from=2026-11-23T14%3A03&to=nonsense&zone=Europe%2FBerlin";
        assert_eq!(in_utc(query), "status=failed&from=2026-11-23T13%3A03%3A00.000Z&to=nonsense");
        assert_eq!(in_utc("from=2026-11-23T14%3A03"), "from=2026-11-23T14%3A03");
        let berlin = Zone::or_utc("Europe/Berlin");
        assert_eq!(berlin.local(MOMENT), "2026-11-23T14:03:22");
        assert_eq!(berlin.moment(&berlin.local(MOMENT)), Some(UnixMs(1_795_439_002_000)));
    }

    #[test]
    fn times_are_formatted_in_the_requested_zone() {
        let berlin = Zone::or_utc("Europe/Berlin");
        assert_eq!(berlin.full(MOMENT), "Mon 23 Nov 2026, 14:03:22.418 CET");
        assert_eq!((berlin.clock(MOMENT), berlin.short(MOMENT)), ("14:03:22".into(), "23 Nov 14:03".into()));
        assert_eq!(berlin.offset(MOMENT), "UTC+1");
        assert_eq!(Zone::or_utc("America/St_Johns").offset(MOMENT), "UTC−3:30");
        assert_eq!(berlin.moment("2026-11-23T14:03"), Some(UnixMs(1_795_438_980_000)));
        assert_eq!(berlin.moment("tomorrow"), None);
        assert!(Zone::names().iter().any(|name| name == "Europe/Berlin"));
    }
}
