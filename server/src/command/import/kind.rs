//! What kind of file it is.

use clap::Args;
use connect::{http_in::Locale, moment, number::Country, records::Format};
use serde::Deserialize;

use crate::{
    command::{CommandError, connect::without_technology},
    records::{NO_TRUNKS, PhoneSystem},
};

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
    /// The time zone of the file's times, such as Europe/London [default: that of the connector, or UTC]. Asterisk states times
    /// in its call IDs.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
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
    time_zone: Option<String>,
    trunks: Vec<String>,
    include_internal: bool,
}

impl Kind {
    /// The format, with what the connector knows.
    pub(super) fn format(&self, connector: Option<&OfConnector>) -> Result<Format, CommandError> {
        let system = self.phone_system(connector)?;
        if let Some(columns) = &self.columns {
            return Ok(system.columns(columns.parse().map_err(CommandError::Usage)?));
        }
        system.preset(self.preset.as_deref().unwrap_or_default()).map_err(|message| {
            let how = "name them with --trunk, or a connector that knows them with --connector";
            CommandError::Usage(if message == NO_TRUNKS { format!("{message} {how}") } else { message })
        })
    }

    fn phone_system(&self, connector: Option<&OfConnector>) -> Result<PhoneSystem, CommandError> {
        let known = connector.cloned().unwrap_or_default();
        let named = self.name.clone().or_else(|| connector.map(|connector| connector.identity.clone()));
        let trunks = if self.trunks.is_empty() { known.trunks } else { self.trunks.clone() };
        Ok(PhoneSystem {
            identity: named.unwrap_or_else(|| "pbx".to_owned()),
            locale: self.locale(known.country, known.time_zone)?,
            trunks: trunks.iter().map(|name| without_technology(name).to_owned()).collect(),
            include_internal: self.internal || known.include_internal,
        })
    }

    fn locale(&self, country: Option<String>, zone: Option<String>) -> Result<Locale, CommandError> {
        let code = self.country.clone().or(country);
        let country = code.map(|code| code.to_ascii_uppercase().parse::<Country>()).transpose();
        let country = country.map_err(|error| CommandError::Usage(format!("--country: {error}")))?;
        let zone = moment::zone(self.zone.as_deref().or(zone.as_deref()).unwrap_or("UTC"));
        Ok(Locale { country, zone: Some(zone.map_err(|error| CommandError::Usage(format!("--zone: {error}")))?) })
    }
}
