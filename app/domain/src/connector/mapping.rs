//! The port for mappings: how requests of an HTTP connector become events. Crate `connect` has the rules, which pages do not
//! depend on.

use serde::{Deserialize, Serialize};

use super::{Connector, ConnectorInput, ConnectorOwner, RawRequest, Way};
use crate::error::{Error, Result};

/// A mapping to start from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingPreset {
    /// Its name; that of its phone system, where there is one.
    pub name: String,
    /// What people call the phone system.
    pub title: String,
    /// Whether it was checked against the vendor's own documentation.
    pub documented: bool,
    /// What to know before using it.
    pub note: String,
    /// Where the format is described.
    pub sources: Vec<String>,
    /// The mapping as JSON.
    pub json: String,
}

/// A mapping, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingForm {
    /// JSON.
    #[serde(default)]
    pub mapping: String,
}

/// What a mapping makes of one call in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRun {
    /// The result as a sentence.
    pub summary: String,
    /// Whether the request was understood: it gives an event, or a rule says that it is of no interest.
    pub understood: bool,
    /// Name of the rule that matched.
    pub rule: Option<String>,
    /// The fields of that rule.
    pub fields: Vec<DryRunField>,
}

/// A field of a dry run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DryRunField {
    /// Its name.
    pub name: String,
    /// The fields of the request that its template looked at, with their values; `None` for one that the request lacks.
    pub inputs: Vec<(String, Option<String>)>,
    /// Its value, or a sentence that says why there is none.
    pub value: std::result::Result<String, String>,
}

/// Checking mappings and trying them. Pure: nothing is stored or sent.
pub trait Mappings: Send + Sync + 'static {
    /// All presets.
    fn presets(&self) -> Vec<MappingPreset>;
    /// A new HTTP connector begins with the preset of its phone system, unless it has a mapping of its own.
    ///
    /// # Errors
    /// As [`Self::check`].
    fn with_preset(&self, input: ConnectorInput) -> Result<ConnectorInput> {
        self.check_of(&input)?;
        if input.way != Way::Http || input.mapping.is_some() {
            return Ok(input);
        }
        let preset = self.presets().into_iter().find(|preset| preset.name == input.system.as_str());
        Ok(ConnectorInput { mapping: preset.map(|preset| preset.json), ..input })
    }
    /// Checks the mapping of a connector, if it has one. All that is wrong is reported at once.
    ///
    /// # Errors
    /// As [`Self::check`], and what else is wrong with the settings.
    fn check_of(&self, input: &ConnectorInput) -> Result<()> {
        let Some(Err(error)) = input.mapping.as_ref().map(|mapping| self.check(mapping)) else { return Ok(()) };
        let others = input.check(&ConnectorOwner::Platform).err();
        let others = others.iter().flat_map(Error::fields).filter(|other| other.field != "mapping");
        Err(Error::Invalid(others.chain(error.fields()).cloned().collect()))
    }
    /// Checks a mapping.
    ///
    /// # Errors
    /// `Invalid` in the field `mapping`, naming the rule and what is wrong with it.
    fn check(&self, mapping: &str) -> Result<()>;
    /// What a mapping makes of a request to this connector, one result for each call in it.
    ///
    /// # Errors
    /// As [`Self::check`]; `Invalid` in the field `request` for a request that can't be read at all.
    fn dry_run(&self, connector: &Connector, mapping: &str, request: &RawRequest) -> Result<Vec<DryRun>>;
}
