//! Which Asterisk is connected. Two that connect with the same credentials replace each other again and again.

use domain::{UnixMs, connector::ConnectorProblem, time::MINUTE_MS};
use serde::{Deserialize, Serialize};

/// How long it is shown that two are connected in turns, in milliseconds.
const SHOWN_MS: i64 = 10 * MINUTE_MS;

/// The Asterisk that is connected, and the one before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Systems {
    current: Option<System>,
    former: Option<System>,
    /// When the former one last returned.
    returned_at: Option<UnixMs>,
}

/// An Asterisk that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct System {
    /// When it started, in its own words.
    pub boot: String,
    /// Its name.
    pub name: String,
}

impl Systems {
    /// This one is connected. Returns whether it is another one than before, or the same after a restart.
    pub(super) fn connected(&mut self, now: UnixMs, system: System) -> bool {
        let is_same = |known: &Option<System>| known.as_ref().is_some_and(|known| known.boot == system.boot);
        if is_same(&self.current) {
            return false;
        }
        // After a restart, the time of its start is a new one. What returns has never been away.
        if is_same(&self.former) {
            self.returned_at = Some(now);
        }
        self.former = self.current.replace(system);
        self.former.is_some()
    }

    /// Says that two are connected in turns, if they are.
    pub(super) fn problem(&self, now: UnixMs) -> Option<(ConnectorProblem, String)> {
        self.returned_at.filter(|at| now.since_ms(*at) < SHOWN_MS)?;
        let (current, former) = (self.current.as_ref()?, self.former.as_ref()?);
        let detail = format!("{} and {} connect with the same ID and secret", former.name, current.name);
        Some((ConnectorProblem::TwoSystems, detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(boot: &str) -> System {
        System { boot: boot.to_owned(), name: format!("pbx-{boot}") }
    }

    #[test]
    fn one_that_is_restarted_or_replaced_is_not_two() {
        let mut systems = Systems::default();
        assert!(!systems.connected(UnixMs(0), system("1")), "the first");
        assert!(!systems.connected(UnixMs(1), system("1")), "it connects again");
        assert!(systems.connected(UnixMs(2), system("2")) && systems.connected(UnixMs(3), system("3")));
        assert_eq!(systems.problem(UnixMs(3)), None);
    }

    #[test]
    fn two_in_turns_are_named_until_only_one_is_left() {
        let mut systems = Systems::default();
        for (at, boot) in [(0, "1"), (1, "2"), (2, "1")] {
            systems.connected(UnixMs(at), system(boot));
        }
        let (problem, detail) = systems.problem(UnixMs(3)).unwrap();
        assert_eq!(problem, ConnectorProblem::TwoSystems);
        assert!(detail.contains("pbx-1 and pbx-2") || detail.contains("pbx-2 and pbx-1"), "{detail}");
        assert!(!systems.connected(UnixMs(4), system("1")));
        assert_eq!(systems.problem(UnixMs(2 + SHOWN_MS)), None);
    }
}
