//! What connectors report, as JSON: their state, and gaps.

use domain::{
    Error, FieldError, UnixMs,
    connector::{ConnectorProblem, Gap, GapReason, StateReport},
    time::{iso_utc, parse_utc},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rest::problem::Problem;

/// What a connector reports about itself, every 30 seconds and whenever it changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StateRequest {
    /// Whether it is connected to its phone system.
    connected: bool,
    /// When it last saw an event of the phone system.
    #[serde(default)]
    last_event_at: Option<String>,
    /// Calls in progress.
    #[serde(default)]
    calls_open: u32,
    /// Milliseconds from an event of the phone system to the response here.
    #[serde(default)]
    lag_ms: Option<u32>,
    /// The version of the phone system, at most 80 characters.
    #[serde(default)]
    system_version: Option<String>,
    /// What is wrong: `unreachable`, `wrong_secret`, `missing_permission`, `too_old`, `unknown_trunk`, `clock_off`, `duplicate`,
    /// `two_systems`, `malformed`, `spool_full`, `too_many_calls` or `nothing_matches`.
    #[serde(default)]
    problem: Option<String>,
    /// What is wrong in particular, at most 200 characters.
    #[serde(default)]
    detail: Option<String>,
    /// Endpoints of the phone system that had calls, at most 200; none to keep those reported before.
    #[serde(default)]
    seen: Vec<String>,
    /// The run of the program that reports, at most 40 characters: the same in all its reports, and another one after a restart.
    /// Two that take turns are the problem `duplicate`.
    #[serde(default)]
    run: Option<String>,
}

impl StateRequest {
    /// The report.
    ///
    /// # Errors
    /// 422 for an unknown problem, and for a time that is none.
    pub fn report(self) -> Result<StateReport, Problem> {
        let unknown = || FieldError::new("problem", "This problem does not exist.");
        let problem = self.problem.map(|code| ConnectorProblem::parse(&code).ok_or_else(unknown)).transpose();
        Ok(StateReport {
            connected: self.connected,
            last_event_at: self.last_event_at.map(|at| time(&at, "last_event_at")).transpose()?,
            calls_open: self.calls_open,
            lag_ms: self.lag_ms,
            system_version: self.system_version,
            problem: problem.map_err(Error::from)?,
            detail: self.detail,
            seen: self.seen,
            run: self.run,
        })
    }
}

fn time(text: &str, field: &str) -> Result<UnixMs, Problem> {
    let wrong = || Error::invalid(field, "Enter a time such as 2026-01-31T09:30:00Z.");
    Ok(parse_utc(text).ok_or_else(wrong)?)
}

/// A time in which a connector did not see its phone system, and what was done about the calls in it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GapJson {
    /// When it began. A later report with the same time replaces this one.
    #[schema(example = "2026-01-31T09:30:00Z")]
    from: String,
    /// When it ended; null while it lasts.
    #[serde(default)]
    to: Option<String>,
    /// `connection_lost`, `pbx_restart`, `connector_restart`, `spool_full` or `other`.
    reason: String,
    /// Calls that were open before and had ended after it.
    #[serde(default)]
    calls_closed: u32,
    /// Of the calls in it, those whose end was found in call records.
    #[serde(default)]
    filled: u32,
    /// Of the calls in it, those whose end is not known.
    #[serde(default)]
    incomplete: u32,
}

impl GapJson {
    /// The gap.
    ///
    /// # Errors
    /// 422 for an unknown reason, and for a time that is none.
    pub fn gap(&self) -> Result<Gap, Problem> {
        let unknown = || Error::invalid("reason", "This reason does not exist.");
        Ok(Gap {
            from: time(&self.from, "from")?,
            to: self.to.as_ref().map(|to| time(to, "to")).transpose()?,
            reason: GapReason::parse(&self.reason).ok_or_else(unknown)?,
            calls_closed: self.calls_closed,
            filled: self.filled,
            incomplete: self.incomplete,
        })
    }
}

impl From<Gap> for GapJson {
    fn from(gap: Gap) -> Self {
        Self {
            from: iso_utc(gap.from),
            to: gap.to.map(iso_utc),
            reason: gap.reason.as_str().to_owned(),
            calls_closed: gap.calls_closed,
            filled: gap.filled,
            incomplete: gap.incomplete,
        }
    }
}
