//! What keeps the events of a connector from being stored, as it is logged.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::connector::OpenConnector;
use engine::clock::stopwatch;
use tokio::time::Instant;

/// The same trouble of the same connector is logged again after this.
const LOG_AGAIN: Duration = Duration::from_secs(5 * 60);

/// What keeps the events of a connector from being stored. It is logged when it begins, not for each event.
#[derive(Debug, Default)]
pub struct Troubles(Mutex<HashMap<(u16, Outlook), Instant>>);

/// What becomes of an event that was not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outlook {
    /// It is tried again.
    Waits,
    /// It is lost.
    Lost,
}

impl Troubles {
    /// Logs it without numbers, unless it was logged a while ago.
    pub fn log(&self, open: &OpenConnector, status: u16, outlook: Outlook) {
        if !self.is_new(status, outlook) {
            return;
        }
        let connector = &open.connector.id;
        match outlook {
            Outlook::Waits => {
                tracing::warn!(%connector, status, "what a connector reports can't be stored; trying again until it can");
            }
            Outlook::Lost => tracing::warn!(%connector, status, "what a connector reports is refused, and lost"),
        }
    }

    /// Whether it has not been logged for a while.
    fn is_new(&self, status: u16, outlook: Outlook) -> bool {
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = logged.get(&(status, outlook)).is_none_or(|at| at.elapsed() >= LOG_AGAIN);
        if is_new {
            logged.insert((status, outlook), stopwatch());
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_trouble_of_many_events_is_logged_once() {
        let troubles = Troubles::default();
        let waiting = (0..100).filter(|_| troubles.is_new(429, Outlook::Waits)).count();
        assert_eq!(
            (waiting, troubles.is_new(503, Outlook::Waits), troubles.is_new(429, Outlook::Lost)),
            (1, true, true)
        );
    }
}
