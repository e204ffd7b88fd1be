//! Recovery after an outage: the plan with its exact count, and the job that carries it out.

mod form;
pub mod job;
pub mod jobs;
pub mod plan;
mod results;

use domain::recover::{RecoveryRequest, RecoveryScope};

use crate::zone::Zone;

/// A time range: `23 Nov 13:00–14:10`, with both days if they differ.
fn span(wanted: &RecoveryRequest, zone: &Zone) -> String {
    let (from, to) = (zone.short(wanted.from), zone.short(wanted.to));
    if zone.day(wanted.from) == zone.day(wanted.to) {
        let clock: String = zone.clock(wanted.to).chars().take("14:10".len()).collect();
        format!("{from}–{clock}")
    } else {
        format!("{from} – {to}")
    }
}

/// `1,204 failed events`.
fn events(count: u32, which: RecoveryScope) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {}{plural}", crate::components::count_text::grouped(count), which.noun())
}

#[cfg(test)]
mod tests {
    use domain::{event::EventKind, time::parse_utc};

    use super::*;

    #[test]
    fn a_plan_is_described_in_words() {
        let at = |text| parse_utc(text).unwrap_or_default();
        let mut wanted = RecoveryRequest {
            from: at("2026-11-23T12:00Z"),
            to: at("2026-11-23T13:10Z"),
            kinds: EventKind::ALL.to_vec(),
            which: RecoveryScope::Failed,
            rate_per_s: 5,
        };
        let berlin = Zone::or_utc("Europe/Berlin");
        assert_eq!(span(&wanted, &berlin), "23 Nov 13:00–14:10");
        wanted.from = at("2026-11-22T12:00Z");
        assert_eq!(span(&wanted, &berlin), "22 Nov 13:00 – 23 Nov 14:10");
        assert_eq!(
            (events(1, RecoveryScope::Failed), events(1_204_000, RecoveryScope::Failed)),
            ("1 failed event".into(), "1,204,000 failed events".into())
        );
    }
}
