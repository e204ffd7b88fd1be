//! The connector form and its rules.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{
    Connector, ConnectorOwner, MAPPING_MAX_BYTES, TRUNK_MAX_CHARS, TRUNKS_MAX,
    system::{System, Way},
};
use crate::{
    country::{Country, country},
    error::{Error, FieldError, Result, noted},
    name,
};

/// The field of the AMI's address.
pub const AMI_ADDRESS_FIELD: &str = "ami_address";
/// The fields of the form, as a page shows them.
const ORDER: [&str; 9] =
    ["name", "system", "way", "country", "time_zone", "trunks", AMI_ADDRESS_FIELD, "mapping", "identity"];
/// Longest identity in characters.
const IDENTITY_MAX_CHARS: usize = 120;

/// The form for creating or editing a connector, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorForm {
    /// Name.
    #[serde(default)]
    pub name: String,
    /// Name of the phone system. Only used when it is created.
    #[serde(default)]
    pub system: String,
    /// Name of the way; the recommended one if empty. Only used when it is created.
    #[serde(default)]
    pub way: String,
    /// Code of the country; may be empty.
    #[serde(default)]
    pub country: String,
    /// Name of the time zone; may be empty.
    #[serde(default)]
    pub time_zone: String,
    /// Trunks, one per line.
    #[serde(default)]
    pub trunks: String,
    /// Whether calls between extensions are reported.
    #[serde(default)]
    pub include_internal: bool,
    /// Address of the AMI.
    #[serde(default)]
    pub ami_address: String,
    /// Mapping as JSON.
    #[serde(default)]
    pub mapping: String,
    /// What distinguishes the phone system; may be empty. Only used when it is created.
    #[serde(default)]
    pub identity: String,
}

/// What a connector should be, before any rule is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorInput {
    /// Name.
    pub name: String,
    /// Phone system.
    pub system: System,
    /// How it is connected.
    pub way: Way,
    /// Where national numbers are dialled.
    pub country: Option<Country>,
    /// What its times without a zone mean.
    pub time_zone: Option<String>,
    /// Trunks.
    pub trunks: Vec<String>,
    /// Whether calls between extensions are reported.
    pub include_internal: bool,
    /// Address of the AMI.
    pub ami_address: Option<String>,
    /// Mapping as JSON.
    pub mapping: Option<String>,
    /// What distinguishes the phone system; its id by default.
    pub identity: Option<String>,
}

/// Input that passed every rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewConnector(pub ConnectorInput);

impl ConnectorForm {
    /// The form with the connector's current settings.
    #[must_use]
    pub fn of(connector: &Connector) -> Self {
        Self {
            name: connector.name.clone(),
            system: connector.system.as_str().to_owned(),
            way: connector.way.as_str().to_owned(),
            country: connector.country.map(String::from).unwrap_or_default(),
            time_zone: connector.time_zone.clone().unwrap_or_default(),
            trunks: connector.trunks.join("\n"),
            include_internal: connector.include_internal,
            ami_address: connector.ami_address.clone().unwrap_or_default(),
            mapping: connector.mapping.clone().unwrap_or_default(),
            identity: connector.identity.clone(),
        }
    }

    /// Reads the form.
    ///
    /// # Errors
    /// `Invalid` with one entry per field that cannot be read.
    pub fn input(&self) -> Result<ConnectorInput> {
        let mut wrong = Vec::new();
        let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let system = noted(&mut wrong, system(&self.system));
        let recommended = system.and_then(|system| system.ways().first().copied());
        let way = match self.way.trim() {
            "" => recommended,
            typed => noted(&mut wrong, way(typed)),
        };
        let country = noted(&mut wrong, country(&self.country, "country")).flatten();
        let (Some(system), Some(way), true) = (system, way, wrong.is_empty()) else {
            return Err(Error::Invalid(wrong));
        };
        Ok(ConnectorInput {
            name: self.name.clone(),
            system,
            way,
            country,
            time_zone: some(&self.time_zone),
            trunks: self.trunks.lines().filter_map(some).collect(),
            include_internal: self.include_internal,
            ami_address: some(&self.ami_address),
            mapping: some(&self.mapping),
            identity: some(&self.identity),
        })
    }
}

/// A phone system by name.
///
/// # Errors
/// An error of the field `system`.
fn system(name: &str) -> std::result::Result<System, FieldError> {
    System::parse(name.trim()).ok_or_else(|| FieldError::new("system", "Choose a phone system."))
}

fn way(name: &str) -> std::result::Result<Way, FieldError> {
    Way::parse(name).ok_or_else(|| FieldError::new("way", "Choose how the phone system is connected."))
}

impl ConnectorInput {
    /// The connector's current settings.
    #[must_use]
    pub fn of(connector: &Connector) -> Self {
        Self {
            name: connector.name.clone(),
            system: connector.system,
            way: connector.way,
            country: connector.country,
            time_zone: connector.time_zone.clone(),
            trunks: connector.trunks.clone(),
            include_internal: connector.include_internal,
            ami_address: connector.ami_address.clone(),
            mapping: connector.mapping.clone(),
            identity: Some(connector.identity.clone()),
        }
    }

    /// Checks every rule that needs neither network nor database.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn check(&self, owner: &ConnectorOwner) -> Result<NewConnector> {
        let mut errors = Vec::new();
        let name = noted(&mut errors, name::checked("name", &self.name)).unwrap_or_default();
        noted(&mut errors, self.check_way(owner));
        noted(&mut errors, check_zone(self.time_zone.as_deref()));
        noted(&mut errors, check_trunks(&self.trunks));
        let ami_address = noted(&mut errors, self.checked_ami_address()).flatten();
        let mapping = noted(&mut errors, self.checked_mapping()).flatten();
        let identity = self.identity.as_deref().unwrap_or_default();
        if identity.chars().count() > IDENTITY_MAX_CHARS || identity.chars().any(char::is_control) {
            errors.push(FieldError::new("identity", "Enter at most 120 printable characters."));
        }
        if errors.is_empty() {
            return Ok(NewConnector(Self { name, ami_address, mapping, ..self.clone() }));
        }
        errors.sort_by_key(|error| ORDER.iter().position(|field| *field == error.field));
        Err(Error::Invalid(errors))
    }

    fn check_way(&self, owner: &ConnectorOwner) -> std::result::Result<(), FieldError> {
        if !self.system.ways().contains(&self.way) {
            let message = format!("{} can't be connected in this way.", self.system.label());
            return Err(FieldError::new("way", message));
        }
        // The server would dial whatever address an account names, inside the operator's network.
        if self.way == Way::Ami && owner.account().is_some() {
            let message = "Only operators can let the server connect to an AMI. Run the connector beside the phone \
                           system, or let Asterisk connect to this server.";
            return Err(FieldError::new("way", message));
        }
        Ok(())
    }

    fn checked_ami_address(&self) -> std::result::Result<Option<String>, FieldError> {
        if self.way != Way::Ami {
            let other = self.ami_address.as_ref().map(|_| "Only AMI uses an address. Leave this empty.");
            return other.map_or(Ok(None), |message| Err(FieldError::new(AMI_ADDRESS_FIELD, message)));
        }
        let address: Option<SocketAddr> = self.ami_address.as_deref().and_then(|text| text.parse().ok());
        // AMI is plain text, the secret included.
        match address.filter(|address| address.ip().is_loopback() && address.port() != 0) {
            Some(address) => Ok(Some(address.to_string())),
            None => Err(FieldError::new(
                AMI_ADDRESS_FIELD,
                "Enter an address of this machine, such as 127.0.0.1:5038: AMI is not encrypted.",
            )),
        }
    }

    fn checked_mapping(&self) -> std::result::Result<Option<String>, FieldError> {
        let Some(mapping) = &self.mapping else { return Ok(None) };
        if self.way != Way::Http {
            return Err(FieldError::new("mapping", "Only HTTP requests use a mapping. Leave this empty."));
        }
        if mapping.len() > MAPPING_MAX_BYTES {
            return Err(FieldError::new("mapping", "A mapping has at most 16 KiB."));
        }
        match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(mapping) {
            Ok(_) => Ok(Some(mapping.clone())),
            Err(error) => Err(FieldError::new("mapping", format!("The mapping must be a JSON object: {error}."))),
        }
    }
}

fn check_zone(name: Option<&str>) -> std::result::Result<(), FieldError> {
    if name.is_none_or(|name| jiff::tz::TimeZone::get(name).is_ok()) {
        return Ok(());
    }
    Err(FieldError::new("time_zone", "Enter a time zone such as Europe/London or UTC, or leave it blank."))
}

fn check_trunks(trunks: &[String]) -> std::result::Result<(), FieldError> {
    let fits = |trunk: &String| {
        let chars = trunk.chars().count();
        !trunk.trim().is_empty() && chars <= TRUNK_MAX_CHARS && !trunk.chars().any(char::is_control)
    };
    if trunks.len() <= TRUNKS_MAX && trunks.iter().all(fits) {
        return Ok(());
    }
    Err(FieldError::new("trunks", "Enter at most 50 trunks, each of 1 to 80 characters."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::AccountId, time::UnixMs};

    fn form(system: &str, way: &str) -> ConnectorForm {
        ConnectorForm { name: "pbx-1".into(), system: system.into(), way: way.into(), ..ConnectorForm::default() }
    }

    fn fields(result: Result<NewConnector>) -> Vec<String> {
        result.unwrap_err().fields().iter().map(|error| error.field.clone()).collect()
    }

    #[test]
    fn a_phone_system_is_connected_in_the_recommended_way_by_default() {
        for (system, way) in [("asterisk", Way::Beside), ("kamailio", Way::Beside), ("3cx", Way::Http)] {
            assert_eq!(form(system, "").input().unwrap().way, way);
        }
        assert_eq!(fields(form("kamailio", "ari").input().unwrap().check(&ConnectorOwner::Platform)), ["way"]);
    }

    #[test]
    fn only_operators_let_the_server_dial_and_only_its_own_machine() {
        let account = ConnectorOwner::Account(AccountId::new(UnixMs(1), 1));
        let at =
            |address: &str| ConnectorForm { ami_address: address.into(), ..form("asterisk", "ami") }.input().unwrap();
        assert_eq!(fields(at("127.0.0.1:5038").check(&account)), ["way"]);
        assert!(at("127.0.0.1:5038").check(&ConnectorOwner::Platform).is_ok());
        for wrong in ["", "10.0.0.1:5038", "localhost:5038", "127.0.0.1", "127.0.0.1:0"] {
            assert_eq!(fields(at(wrong).check(&ConnectorOwner::Platform)), [AMI_ADDRESS_FIELD], "{wrong}");
        }
    }

    #[test]
    fn every_invalid_field_is_reported_at_once() {
        let wrong_form = ConnectorForm {
            name: String::new(),
            time_zone: "Mars/Base".into(),
            trunks: "x".repeat(81),
            mapping: "[]".into(),
            identity: "x".repeat(121),
            ..form("other", "http")
        };
        let wrong = fields(wrong_form.input().unwrap().check(&ConnectorOwner::Platform));
        assert_eq!(wrong, ["name", "time_zone", "trunks", "mapping", "identity"]);
        let other =
            ConnectorForm { mapping: "{}".into(), ami_address: "127.0.0.1:5038".into(), ..form("other", "files") };
        let wrong = fields(other.input().unwrap().check(&ConnectorOwner::Platform));
        assert_eq!(wrong, [AMI_ADDRESS_FIELD, "mapping"], "settings of other ways are not ignored");
        let form = ConnectorForm { country: "UK".into(), ..ConnectorForm::default() };
        let unread: Vec<_> = form.input().unwrap_err().fields().iter().map(|error| error.field.clone()).collect();
        assert_eq!(unread, ["system", "country"]);
    }
}
