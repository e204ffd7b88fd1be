//! How long to wait before the next connection.

use domain::{
    UnixMs,
    connector::ConnectorProblem,
    time::{MINUTE_MS, SECOND_MS},
};

use crate::session::Failure;

/// The first wait, in milliseconds.
const FIRST_MS: i64 = SECOND_MS / 2;
/// The longest wait for a phone system that restarts, in milliseconds: what happens meanwhile is a gap.
const LONGEST_MS: i64 = 5 * SECOND_MS;
/// The wait while an administrator has to change something, in milliseconds.
const ADMINISTRATOR_MS: i64 = 15 * SECOND_MS;

/// The wait after something was sent that is not the protocol, in milliseconds: reading it costs time for nothing.
const PROTOCOL_MS: i64 = MINUTE_MS;
/// A connection that lasted this long works, in milliseconds: one that breaks at once again and again does not.
const STEADY_MS: i64 = 30 * SECOND_MS;

/// Waits grow from one failure to the next.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    latest_ms: i64,
    /// Since when there is a connection that may turn out to work.
    since: Option<UnixMs>,
}

impl Backoff {
    /// The wait after this failure.
    pub(super) fn after(&mut self, failure: &impl Failure) -> i64 {
        let grown_ms = self.latest_ms.saturating_mul(2).clamp(FIRST_MS, LONGEST_MS);
        (self.latest_ms, self.since) = (grown_ms, None);
        match failure.problem() {
            ConnectorProblem::Malformed => PROTOCOL_MS,
            _ if failure.needs_administrator() => ADMINISTRATOR_MS,
            _ => grown_ms,
        }
    }

    /// The phone system is being followed. After a while, it works.
    pub(super) fn follows(&mut self, now: UnixMs) {
        let since = *self.since.get_or_insert(now);
        if now.since_ms(since) >= STEADY_MS {
            self.latest_ms = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{asterisk::session::Failure, session::Interruption};

    #[test]
    fn waits_double_up_to_five_seconds_and_begin_again_once_a_connection_lasts() {
        let mut backoff = Backoff::default();
        let waits = [(); 6].map(|()| backoff.after(&Failure::from(Interruption::Silent)));
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 5_000, 5_000]);
        for now in [UnixMs(0), UnixMs(STEADY_MS - 1)] {
            backoff.follows(now);
        }
        assert_eq!(backoff.after(&Failure::from(Interruption::Closed)), 5_000, "a mere connection is no success");
        for now in [UnixMs(STEADY_MS), UnixMs(2 * STEADY_MS)] {
            backoff.follows(now);
        }
        assert_eq!(backoff.after(&Failure::from(Interruption::Closed)), 500);
    }

    #[test]
    fn what_an_administrator_has_to_change_waits_longer_and_what_is_no_protocol_longest() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.after(&Failure::WrongSecret), 15_000);
        for failure in [Failure::NotAmi, Failure::Endless] {
            assert_eq!(backoff.after(&failure), 60_000);
        }
    }
}
