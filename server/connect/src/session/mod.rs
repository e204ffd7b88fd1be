//! What the sessions with all phone systems share: each is a state machine without I/O and clock, bytes and times in, bytes and
//! batches out. [`crate::link`] connects one to a socket.
//!
//! | file | concept |
//! | --- | --- |
//! | `journal` | calls, events and gaps, and what of it is to be saved |
//! | `batch` | what is saved in one transaction |
//! | `endpoints` | what an administrator chooses the trunks from |
//! | `pbx_clock` | the phone system's clock |
//! | `interruption` | how a connection ends without the phone system's doing |
//! | `pulse` | whether the phone system is alive |

mod batch;
mod endpoints;
mod interruption;
mod journal;
mod pbx_clock;
mod pulse;

use domain::{
    UnixMs,
    connector::{ConnectorProblem, StateReport},
    time::{MINUTE_MS, SECOND_MS},
};

pub use self::{
    batch::{Batch, Observed},
    interruption::Interruption,
    pulse::{DEAD_MS, PING_AFTER_MS},
};
pub(crate) use self::{
    endpoints::Endpoints,
    journal::Journal,
    pbx_clock::PbxClock,
    pulse::{Phase, Pulse, Tick},
};
use crate::call::{CallRecord, Calls, Snapshot};

/// How often the channels are compared, in milliseconds.
pub const COMPARE_EVERY_MS: i64 = 5 * MINUTE_MS;
/// How often [`Session::tick`] has to be called, in milliseconds.
pub const TICK_MS: i64 = 250;
/// How often it is saved that the phone system is observed, while nothing happens, in milliseconds.
pub const OBSERVED_EVERY_MS: i64 = 5 * SECOND_MS;

/// Longest detail of a problem, in characters.
const DETAIL_MAX_CHARS: usize = 200;

/// What was saved by an earlier session.
#[derive(Debug, Default)]
pub struct Saved {
    /// Open calls.
    pub calls: Snapshot,
    /// How far it had observed the phone system; `None` if there was no earlier session.
    pub observed: Option<Observed>,
}

/// Why a connection is of no use, as a sentence that says what to do.
pub trait Failure: std::fmt::Display + Clone + PartialEq + From<Interruption> + Send {
    /// How it is reported.
    fn problem(&self) -> ConnectorProblem;

    /// Whether trying again soon is no use: an administrator has to change something.
    fn needs_administrator(&self) -> bool {
        !matches!(self.problem(), ConnectorProblem::Unreachable)
    }
}

/// A session with a phone system.
pub trait Session: Send {
    /// Why a connection is of no use.
    type Failure: Failure;
    /// The phone system's name, in sentences.
    const SYSTEM: &'static str;

    /// There is a connection.
    fn connected(&mut self, now: UnixMs);
    /// There is no connection any more, or it could not be made.
    fn disconnected(&mut self, now: UnixMs, why: Self::Failure);
    /// Bytes arrived.
    ///
    /// # Errors
    /// Why the connection is of no use: close it.
    fn received(&mut self, now: UnixMs, bytes: &[u8]) -> Result<(), Self::Failure>;
    /// Time passes: call it every [`TICK_MS`].
    ///
    /// # Errors
    /// Why the connection is of no use: close it.
    fn tick(&mut self, now: UnixMs) -> Result<(), Self::Failure>;
    /// The bytes to send.
    fn take_outgoing(&mut self) -> Vec<u8>;
    /// Since when call records are needed, on the phone system's clock, if they are: pass them to [`Self::records`].
    fn wants_records(&self) -> Option<UnixMs>;
    /// Call records of the gap; none if there is no file.
    fn records(&mut self, now: UnixMs, records: Vec<CallRecord>);
    /// What has to be saved, if anything. Save it before the next is taken.
    fn take_batch(&mut self, now: UnixMs) -> Option<Batch>;
    /// What has to be saved at the end, when a session is stopped.
    fn last_batch(&mut self, now: UnixMs) -> Option<Batch>;
    /// How many events wait to be saved.
    fn unsaved(&self) -> usize;
    /// Its state. The delay is not known here.
    fn report(&self) -> StateReport;
}

/// A text of the phone system that may be shown: without control characters, at most this many characters.
pub(crate) fn printable(text: &str, max_chars: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(max_chars).collect()
}

/// What the reports of all sessions say of calls and problems. What a session knows of its connection is added to it.
pub(crate) fn report(calls: &Calls, problem: Option<(ConnectorProblem, String)>) -> StateReport {
    let (problem, text) = problem.unzip();
    StateReport {
        calls_open: u32::try_from(calls.open()).unwrap_or(u32::MAX),
        problem,
        detail: text.map(|text| detail(&text)),
        ..StateReport::default()
    }
}

/// A problem as it is reported.
fn detail(text: &str) -> String {
    printable(text, DETAIL_MAX_CHARS)
}

/// The problem of a clock that is off by this much.
pub(crate) fn clock_problem(system: &str, ahead_s: i64) -> (ConnectorProblem, String) {
    let direction = if ahead_s > 0 { "ahead" } else { "behind" };
    let text =
        format!("{system}'s clock is {} s {direction}. Set it with NTP. Times of events are corrected.", ahead_s.abs());
    (ConnectorProblem::ClockOff, text)
}
