//! How long to wait before the next connection.

use domain::time::SECOND_MS;

use crate::session::Failure;

/// The first wait, in milliseconds.
const FIRST_MS: i64 = SECOND_MS / 2;
/// The longest wait for a phone system that restarts, in milliseconds: what happens meanwhile is a gap.
const LONGEST_MS: i64 = 5 * SECOND_MS;
/// The wait while an administrator has to change something, in milliseconds.
const ADMINISTRATOR_MS: i64 = 15 * SECOND_MS;

/// Waits grow from one failure to the next.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    latest_ms: i64,
}

impl Backoff {
    /// The wait after this failure.
    pub(super) fn after(&mut self, failure: &impl Failure) -> i64 {
        let grown_ms = self.latest_ms.saturating_mul(2).clamp(FIRST_MS, LONGEST_MS);
        self.latest_ms = grown_ms;
        if failure.needs_administrator() { ADMINISTRATOR_MS } else { grown_ms }
    }

    /// It works.
    pub(super) const fn reset(&mut self) {
        self.latest_ms = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{asterisk::session::Failure, session::Interruption};

    #[test]
    fn waits_double_up_to_five_seconds_and_begin_again_after_a_success() {
        let mut backoff = Backoff::default();
        let waits = [(); 6].map(|()| backoff.after(&Failure::from(Interruption::Silent)));
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 5_000, 5_000]);
        backoff.reset();
        assert_eq!(backoff.after(&Failure::from(Interruption::Closed)), 500);
        assert_eq!(backoff.after(&Failure::WrongSecret), 15_000);
    }
}
