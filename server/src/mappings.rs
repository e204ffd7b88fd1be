//! Mappings of HTTP connectors, behind the port that pages use.

use connect::{
    event::Identity,
    http_in::{FieldTrial, Locale, Mapper, Mapping, Outcome, Received, Request, Trial, presets::PRESETS},
    moment,
};
use domain::{
    Error,
    connector::{Connector, DryRun, DryRunField, MappingPreset, Mappings, RawRequest},
    error::{FieldError, Result},
    time::SECOND_MS,
};

use crate::phone_numbers;

/// Most calls of one request that a dry run shows.
const CALLS_SHOWN: usize = 20;

/// The rules of crate `connect`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConnectMappings;

/// Parses a mapping.
///
/// # Errors
/// `Invalid` in the field `mapping`, naming the rule and what is wrong with it.
pub(crate) fn compile(mapping: &str) -> Result<Mapper> {
    let wrong = |error: FieldError| FieldError::new("mapping", format!("{}: {}", error.field, error.message));
    let compiled = Mapping::parse(mapping)?.compile();
    compiled.map_err(|errors| Error::Invalid(errors.into_iter().map(wrong).collect()))
}

/// What mappings and call record files know of a connector: its country and time zone. Those of a mapping or a file come first.
pub(crate) fn locale(connector: &Connector) -> Locale {
    // One that this version doesn't know is like none: a time without a zone is then not understood.
    let zone = connector.time_zone.as_deref().and_then(|name| moment::zone(name).ok());
    Locale { country: phone_numbers::country(connector.country), zone }
}

/// The namespace of a connector's calls.
pub(crate) fn identity(connector: &Connector) -> Identity {
    Identity::new(&connector.identity)
}

impl Mappings for ConnectMappings {
    fn presets(&self) -> Vec<MappingPreset> {
        let preset = |preset: &connect::http_in::Preset| MappingPreset {
            name: preset.name.to_owned(),
            title: preset.title.to_owned(),
            documented: preset.documented,
            note: preset.note.to_owned(),
            sources: preset.sources.iter().map(|source| (*source).to_owned()).collect(),
            json: preset.json().to_owned(),
        };
        PRESETS.iter().map(preset).collect()
    }

    fn check(&self, mapping: &str) -> Result<()> {
        compile(mapping).map(drop)
    }

    fn dry_run(&self, connector: &Connector, mapping: &str, request: &RawRequest) -> Result<Vec<DryRun>> {
        let locale = locale(connector);
        let received =
            Received { identity: identity(connector), locale: &locale, at_s: request.received_at.0 / SECOND_MS };
        let raw = Request {
            query: &request.query,
            content_type: Some(request.content_type.as_str()),
            body: request.body.as_bytes(),
        };
        let mapper = compile(mapping)?;
        let trials = mapper.apply(raw, &received).map_err(|message| Error::invalid("request", message))?;
        Ok(trials.take(CALLS_SHOWN).map(dry_run).collect())
    }
}

fn dry_run(trial: Trial) -> DryRun {
    DryRun {
        summary: trial.summary(),
        understood: !matches!(trial.outcome, Outcome::Unmatched | Outcome::Failed(_)),
        rule: trial.rule,
        fields: trial.fields.into_iter().map(field).collect(),
    }
}

fn field(trial: FieldTrial) -> DryRunField {
    DryRunField { name: trial.field.name(), inputs: trial.inputs, value: trial.value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_can_be_saved_and_a_wrong_mapping_names_its_rule() {
        let presets = ConnectMappings.presets();
        assert_eq!(presets.len(), PRESETS.len());
        for preset in presets {
            assert_eq!(ConnectMappings.check(&preset.json), Ok(()), "{}", preset.name);
            assert!(preset.json.len() <= domain::connector::MAPPING_MAX_BYTES, "{}", preset.name);
        }
        let wrong = r#"{"version":1,"rules":[{"name":"x","event":"incoming","fields":{"key":"{a"}}]}"#;
        let error = ConnectMappings.check(wrong).unwrap_err();
        assert!(error.fields().iter().all(|error| error.field == "mapping"));
        assert!(error.to_string().contains("rules.0.fields.key: A brace is opened but not closed."), "{error}");
        assert!(ConnectMappings.check("{").is_err());
    }
}
