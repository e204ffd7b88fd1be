//! What people write: rules that say which request is which event, and a template for each field. Checked when it is saved,
//! with an error for each field.

use std::collections::BTreeMap;

use domain::error::FieldError;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{condition::Condition, response::Response, template::Template};
use crate::moment;

/// The form of mappings that this version reads.
pub const VERSION: u32 = 1;
/// Largest mapping, in bytes of JSON.
pub const MAPPING_MAX_BYTES: usize = 64 * 1_024;
const RULES_MAX: usize = 50;
const CONDITIONS_MAX: usize = 10;
const NAME_MAX_CHARS: usize = 100;

/// A mapping as it is stored and edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// [`VERSION`].
    pub version: u32,
    /// The part of the request that describes the call, such as `data.payload`: its fields can be named without it. If it is
    /// a list, each entry is a call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// What the phone system expects in response, if it is not nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Response>,
    /// The time zone of the phone system, such as `Europe/London`: what its times without a zone mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The first rule whose conditions hold decides.
    pub rules: Vec<Rule>,
}

/// Which requests are which event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What people call it, as in “incoming call”.
    pub name: String,
    /// All of these must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// What the request reports.
    pub event: Kind,
    /// A template for each field ([`Field`]).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// What a request reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A call from outside has been received.
    Incoming,
    /// A call to the outside has been initiated.
    Outgoing,
    /// A call has been answered: nothing is sent, but the duration is counted from here if the end of the call has none.
    Answered,
    /// A call has ended.
    Processed,
    /// Nothing of interest.
    Ignore,
}

/// What a template can be given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// What the call is called in the phone system: the same in all requests about it.
    Key,
    /// The number of the caller.
    Caller,
    /// The number called.
    Callee,
    /// The extension that took part: whoever answered an incoming call, or made an outgoing one.
    Extension,
    /// The mailbox that a message was left in.
    VoicemailBox,
    /// When it happened, as a Unix time; else when the request came in.
    Timestamp,
    /// When the call began, for the end of a call that has no time of its own.
    Start,
    /// When the call was answered, for the end of a call that has no duration.
    Answer,
    /// `incoming`, `outgoing` or `internal`.
    Direction,
    /// A call status of the contract, or `by_answer`: answered if that was reported before, else not answered.
    Status,
    /// Whole seconds of talk.
    Duration,
    /// What the call cost.
    Cost,
    /// `yes` if the caller withheld the number.
    Withheld,
    /// What it is routed by, if it is not the number called.
    Dialled,
    /// What it is routed by, if it is not the caller of an outgoing call.
    Presented,
    /// The context of the dialplan, for routing.
    Context,
    /// A finer status, for endpoints that receive details.
    Result,
    /// Seconds of ringing, for endpoints that receive details.
    Ring,
    /// Cause of the hang-up (Q.850), for endpoints that receive details.
    Cause,
}

impl Field {
    /// The field with this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
    }

    /// Its name in a mapping.
    #[must_use]
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
    }
}

impl Kind {
    /// The fields without which there is no such event.
    #[must_use]
    pub fn required(self) -> &'static [Field] {
        match self {
            Self::Incoming | Self::Outgoing => &[Field::Key, Field::Caller, Field::Callee],
            Self::Answered => &[Field::Key],
            Self::Processed => &[Field::Key, Field::Status],
            Self::Ignore => &[],
        }
    }

    /// The fields that it may have beside those.
    #[must_use]
    pub fn optional(self) -> &'static [Field] {
        use Field::{
            Answer, Callee, Caller, Cause, Context, Cost, Dialled, Direction, Duration, Extension, Presented, Result,
            Ring, Start, Timestamp, VoicemailBox, Withheld,
        };
        match self {
            Self::Incoming => &[Timestamp, Withheld, Dialled],
            Self::Outgoing => &[Timestamp, Withheld, Presented, Extension, Context],
            Self::Answered => &[Timestamp, Extension],
            Self::Processed => &[
                Caller,
                Callee,
                Extension,
                VoicemailBox,
                Start,
                Answer,
                Timestamp,
                Direction,
                Duration,
                Cost,
                Withheld,
                Dialled,
                Presented,
                Context,
                Result,
                Ring,
                Cause,
            ],
            Self::Ignore => &[],
        }
    }
}

/// A mapping whose templates are parsed.
#[derive(Debug, Clone)]
pub struct Mapper {
    pub(super) root: Option<String>,
    pub(super) rules: Vec<ParsedRule>,
    /// What the phone system expects in response.
    pub response: Option<Response>,
    /// Its time zone.
    pub zone: Option<TimeZone>,
}

/// A rule whose templates are parsed.
#[derive(Debug, Clone)]
pub(super) struct ParsedRule {
    pub(super) name: String,
    pub(super) when: Vec<Condition>,
    pub(super) event: Kind,
    pub(super) fields: BTreeMap<Field, Template>,
}

impl Mapping {
    /// Reads a mapping from JSON.
    ///
    /// # Errors
    /// One that names the place in the JSON.
    pub fn parse(json: &str) -> Result<Self, FieldError> {
        let wrong = |message: String| FieldError::new("mapping", message);
        if json.len() > MAPPING_MAX_BYTES {
            return Err(wrong(format!("A mapping has at most {} KiB.", MAPPING_MAX_BYTES / 1_024)));
        }
        serde_json::from_str(json).map_err(|error| wrong(format!("This is no mapping: {error}.")))
    }

    /// Checks the mapping and parses its templates.
    ///
    /// # Errors
    /// One for each field that is wrong, such as `rules.0.fields.caller`.
    pub fn compile(&self) -> Result<Mapper, Vec<FieldError>> {
        let mut errors = Vec::new();
        if self.version != VERSION {
            errors.push(FieldError::new("version", format!("The version of mappings is {VERSION}.")));
        }
        if self.rules.is_empty() || self.rules.len() > RULES_MAX {
            errors.push(FieldError::new("rules", format!("A mapping has 1 to {RULES_MAX} rules.")));
        }
        let zone = self.zone.as_deref().map(moment::zone).transpose();
        let zone = zone.unwrap_or_else(|message| {
            errors.push(FieldError::new("zone", message));
            None
        });
        let rules = self.rules.iter().take(RULES_MAX).enumerate();
        let rules: Vec<_> = rules.map(|(at, rule)| rule.compile(&format!("rules.{at}"), &mut errors)).collect();
        if errors.is_empty() {
            let root = self.root.clone().filter(|root| !root.is_empty());
            return Ok(Mapper { root, rules, response: self.response, zone });
        }
        Err(errors)
    }
}

impl Rule {
    fn compile(&self, path: &str, errors: &mut Vec<FieldError>) -> ParsedRule {
        if self.name.trim().is_empty() || self.name.chars().count() > NAME_MAX_CHARS {
            let message = format!("Give the rule a name of at most {NAME_MAX_CHARS} characters.");
            errors.push(FieldError::new(format!("{path}.name"), message));
        }
        if self.when.len() > CONDITIONS_MAX {
            let message = format!("A rule has at most {CONDITIONS_MAX} conditions.");
            errors.push(FieldError::new(format!("{path}.when"), message));
        }
        for (at, condition) in self.when.iter().take(CONDITIONS_MAX).enumerate() {
            if let Some(message) = condition.complaint() {
                errors.push(FieldError::new(format!("{path}.when.{at}"), message));
            }
        }
        let fields = self.templates(path, errors);
        for field in self.event.required().iter().filter(|field| !self.fields.contains_key(&field.name())) {
            errors.push(FieldError::new(
                format!("{path}.fields.{}", field.name()),
                "This field is required for this event.",
            ));
        }
        ParsedRule { name: self.name.clone(), when: self.when.clone(), event: self.event, fields }
    }

    fn templates(&self, path: &str, errors: &mut Vec<FieldError>) -> BTreeMap<Field, Template> {
        let mut fields = BTreeMap::new();
        for (name, text) in &self.fields {
            let allowed = Field::parse(name)
                .filter(|field| self.event.required().contains(field) || self.event.optional().contains(field));
            let template = match allowed {
                None => Err("This event has no such field.".to_owned()),
                Some(field) => field.template(text).map(|template| (field, template)),
            };
            match template {
                Ok((field, template)) => {
                    fields.insert(field, template);
                }
                Err(message) => errors.push(FieldError::new(format!("{path}.fields.{name}"), message)),
            }
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(json: &str) -> Result<Mapper, Vec<FieldError>> {
        Mapping::parse(json).unwrap().compile()
    }

    #[test]
    fn all_errors_of_a_mapping_are_reported_with_their_fields() {
        let errors = compile(
            r#"{"version":2,"zone":"Mars/Base","rules":[
                {"name":"","event":"incoming","when":[{"field":"a"},{"field":"","present":true},{"field":"b","is":[]}],
                 "fields":{"caller":"{from","cost":"{x}","nonsense":"{y}","callee":"{to}"}},
                {"name":"end","event":"processed","fields":{"key":"{id}"}}]}"#,
        )
        .unwrap_err();
        let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(
            fields,
            [
                "version",
                "zone",
                "rules.0.name",
                "rules.0.when.0",
                "rules.0.when.1",
                "rules.0.when.2",
                "rules.0.fields.caller",
                "rules.0.fields.cost",
                "rules.0.fields.nonsense",
                "rules.0.fields.key",
                "rules.1.fields.status",
            ]
        );
    }

    #[test]
    fn a_mapping_has_bounds() {
        let rule = r#"{"name":"x","event":"ignore"}"#;
        let many = vec![rule; RULES_MAX + 1].join(",");
        assert!(compile(&format!(r#"{{"version":1,"rules":[{many}]}}"#)).is_err());
        assert!(compile(r#"{"version":1,"rules":[]}"#).is_err());
        assert!(Mapping::parse(&" ".repeat(MAPPING_MAX_BYTES + 1)).is_err());
        assert!(Mapping::parse(r#"{"version":1,"rules":[],"code":"rm"}"#).unwrap_err().message.contains("code"));
    }

    #[test]
    fn a_mapping_survives_storage() {
        let json =
            r#"{"version":1,"root":"data","rules":[{"name":"x","when":[{"field":"a","is":["b"]}],"event":"ignore"}]}"#;
        assert_eq!(serde_json::to_string(&Mapping::parse(json).unwrap()).unwrap(), json);
    }

    #[test]
    fn fields_have_the_names_of_mappings() {
        assert_eq!(Field::VoicemailBox.name(), "voicemail_box");
        assert_eq!(Field::parse("voicemail_box"), Some(Field::VoicemailBox));
        assert_eq!(Field::parse("nonsense"), None);
    }
}
