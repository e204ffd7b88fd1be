//! Which channels are calls: what the command line says overrides what was chosen in the dashboard.

use connect::call::{InternalCalls, PhoneSystem, Settings};

use crate::connector::offhook::Registered;

/// What the command line says.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub phone_system: PhoneSystem,
    pub name: Option<String>,
    /// The name of this machine.
    pub machine: String,
    /// Endpoints that lead outside; none to use those chosen in the dashboard.
    pub trunks: Vec<String>,
    pub internal: bool,
}

impl Given {
    /// The settings, together with how the server knows the connector, if it has an ID.
    pub(super) fn settings(&self, registered: Option<&Registered>) -> Settings {
        let identity = registered.map(|registered| registered.identity.clone()).filter(|identity| !identity.is_empty());
        let chosen = registered.map(|registered| registered.trunks.as_slice()).unwrap_or_default();
        let trunks = if self.trunks.is_empty() { chosen } else { &self.trunks };
        let reports_internal = self.internal || registered.is_some_and(|registered| registered.include_internal);
        Settings {
            phone_system: self.phone_system,
            system: self.name.clone().or(identity).unwrap_or_else(|| self.machine.clone()),
            trunks: trunks.iter().map(|name| without_technology(name).to_owned()).collect(),
            internal: if reports_internal { InternalCalls::Report } else { InternalCalls::Ignore },
        }
    }

    /// Whether the trunks are chosen in the dashboard.
    pub(super) const fn needs_registered(&self) -> bool {
        self.trunks.is_empty()
    }
}

/// `PJSIP/provider` is the trunk `provider`.
pub(in crate::command) fn without_technology(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::offhook::Owner;

    #[test]
    fn the_command_line_overrides_the_dashboard() {
        let registered = Registered {
            owner: Owner::Account,
            identity: "con_1".to_owned(),
            trunks: vec!["chosen".to_owned()],
            include_internal: true,
        };
        let given = Given {
            phone_system: PhoneSystem::Asterisk,
            name: None,
            machine: "pbx".to_owned(),
            trunks: Vec::new(),
            internal: false,
        };
        let trunks = |settings: &Settings| settings.trunks.iter().cloned().collect::<Vec<_>>();
        let chosen = given.settings(Some(&registered));
        assert_eq!((chosen.system.as_str(), trunks(&chosen)), ("con_1", vec!["chosen".to_owned()]));
        assert_eq!((chosen.internal, given.settings(None).system.as_str()), (InternalCalls::Report, "pbx"));
        let given = Given { name: Some("mine".to_owned()), trunks: vec!["PJSIP/a".to_owned()], ..given };
        let settings = given.settings(Some(&registered));
        assert_eq!((settings.system.as_str(), trunks(&settings)), ("mine", vec!["a".to_owned()]));
    }
}
