//! From a request to what it reports.

use connect::http_in::{Mapper, Outcome, Received, Request, Response, Trial};
use domain::{
    connector::{Connector, ConnectorProblem, RawRequest},
    time::SECOND_MS,
};

use crate::mappings;

/// What a request reports.
pub(super) struct Reading {
    /// What became of each call in it that was understood, in order.
    pub(super) outcomes: Vec<Outcome>,
    /// Why not all of it was understood.
    pub(super) trouble: Option<Trouble>,
    /// What the phone system expects in response.
    pub(super) response: Option<Response>,
}

/// What is wrong with a request, without anything that it contains: this is shown to everyone who sees the connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) problem: ConnectorProblem,
    pub(super) detail: Option<String>,
}

impl Trouble {
    /// A rule matched, but these fields are missing or wrong.
    pub(super) fn of_fields<'a>(rule: Option<&str>, fields: impl Iterator<Item = &'a str>) -> Self {
        let fields = fields.collect::<Vec<_>>().join(", ");
        let detail =
            rule.map_or_else(|| format!("Fields: {fields}"), |rule| format!("Rule “{rule}”, fields: {fields}"));
        Self { problem: ConnectorProblem::NothingMatches, detail: Some(detail) }
    }
}

/// Reads a request. Everything that it took is dropped before anything is awaited, except the outcomes.
pub(super) fn request(connector: &Connector, mapper: &Mapper, raw: &RawRequest, body: &[u8]) -> Reading {
    let locale = mappings::locale(connector);
    let received =
        Received { identity: mappings::identity(connector), locale: &locale, at_s: raw.received_at.0 / SECOND_MS };
    let request = Request { query: &raw.query, content_type: Some(&raw.content_type), body };
    let mut reading = Reading { outcomes: Vec::new(), trouble: None, response: mapper.response };
    match mapper.apply(request, &received) {
        Ok(trials) => trials.for_each(|trial| reading.add(trial)),
        Err(message) => {
            reading.trouble = Some(Trouble { problem: ConnectorProblem::Malformed, detail: Some(message) });
        }
    }
    reading
}

impl Reading {
    fn add(&mut self, trial: Trial) {
        let trouble = match &trial.outcome {
            Outcome::Unmatched => Some(Trouble { problem: ConnectorProblem::NothingMatches, detail: None }),
            Outcome::Failed(errors) => {
                Some(Trouble::of_fields(trial.rule.as_deref(), errors.iter().map(|error| error.field.as_str())))
            }
            _ => None,
        };
        match trouble {
            Some(trouble) => self.trouble = Some(trouble),
            None => self.outcomes.push(trial.outcome),
        }
    }
}
