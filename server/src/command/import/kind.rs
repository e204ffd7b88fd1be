//! What kind of file it is.

use clap::Args;
use connect::{
    call::{InternalCalls, PhoneSystem, Settings},
    event::Identity,
    http_in::Locale,
    moment,
    number::Country,
    records::{Columns, Format, PRESETS, TablePreset},
};
use serde::Deserialize;

use crate::command::{CommandError, connect::without_technology};

/// The preset whose rows are folded to calls.
const ASTERISK: &str = "asterisk";

/// How a file is read.
#[derive(Debug, Args)]
pub(super) struct Kind {
    /// What wrote the file: asterisk (Master.csv), 3cx, freeswitch or grandstream.
    #[arg(long, value_name = "PRESET", conflicts_with = "columns", required_unless_present = "columns")]
    preset: Option<String>,
    /// Which column is what, by number or by name: caller=2,callee=3,start=1,duration=8; also answer, end, status, direction,
    /// extension, id, cost, and statuses=ANSWERED:answered;BUSY:busy.
    #[arg(long, value_name = "COLUMNS")]
    columns: Option<String>,
    /// Where national numbers are dialled [default: the country of the connector].
    #[arg(long, value_name = "CODE")]
    country: Option<String>,
    /// The time zone of the file's times, such as Europe/London [default: UTC]. Asterisk states times in its call IDs.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// The phone system's name, from which call IDs are derived [default: that of the connector, or pbx].
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// For Asterisk, an endpoint that leads outside, as in PJSIP/<NAME>-00000001; once for each [default: those of the
    /// connector].
    #[arg(long = "trunk", value_name = "NAME")]
    trunks: Vec<String>,
    /// For Asterisk, import calls between extensions, too.
    #[arg(long)]
    internal: bool,
}

/// What a connector knows of its phone system.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct OfConnector {
    pub(super) account: Option<String>,
    identity: String,
    country: Option<String>,
    trunks: Vec<String>,
    include_internal: bool,
}

impl Kind {
    /// The format, with what the connector knows.
    pub(super) fn format(&self, connector: Option<&OfConnector>) -> Result<Format, CommandError> {
        let name = self.name.as_deref().or_else(|| connector.map(|connector| connector.identity.as_str()));
        let (name, identity) = (name.unwrap_or("pbx"), Identity::new(name.unwrap_or("pbx")));
        let locale = self.locale(connector)?;
        if let Some(columns) = &self.columns {
            return Ok(Format::Columns(
                Box::new(columns.parse::<Columns>().map_err(CommandError::Usage)?),
                identity,
                locale,
            ));
        }
        match self.preset.as_deref().unwrap_or_default() {
            ASTERISK => self.asterisk(name, connector).map(Format::Asterisk),
            preset => {
                let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
                let names = names.join(", ");
                let unknown =
                    || CommandError::Usage(format!("there is no preset {preset:?}; there are {ASTERISK}, {names}"));
                Ok(Format::Preset(TablePreset::find(preset).ok_or_else(unknown)?, identity, locale))
            }
        }
    }

    fn asterisk(&self, name: &str, connector: Option<&OfConnector>) -> Result<Settings, CommandError> {
        let known = connector.map(|connector| connector.trunks.clone()).unwrap_or_default();
        let trunks = if self.trunks.is_empty() { known } else { self.trunks.clone() };
        if trunks.is_empty() {
            let message =
                "name the endpoints that lead outside with --trunk, or a connector that knows them with --connector";
            return Err(CommandError::Usage(message.to_owned()));
        }
        let reports = self.internal || connector.is_some_and(|connector| connector.include_internal);
        let internal = if reports { InternalCalls::Report } else { InternalCalls::Ignore };
        Ok(Settings {
            phone_system: PhoneSystem::Asterisk,
            system: name.to_owned(),
            trunks: trunks.iter().map(|name| without_technology(name).to_owned()).collect(),
            internal,
        })
    }

    fn locale(&self, connector: Option<&OfConnector>) -> Result<Locale, CommandError> {
        let code = self.country.clone().or_else(|| connector.and_then(|connector| connector.country.clone()));
        let country = code.map(|code| code.to_ascii_uppercase().parse::<Country>()).transpose();
        let country = country.map_err(|error| CommandError::Usage(format!("--country: {error}")))?;
        let zone = moment::zone(&self.zone).map_err(|error| CommandError::Usage(format!("--zone: {error}")))?;
        Ok(Locale { country, zone: Some(zone) })
    }
}
