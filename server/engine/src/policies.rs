//! The policies that are in force: what operators set in the database, over what the environment says.

use std::sync::{Arc, PoisonError, RwLock};

use domain::installation::policy::PolicyName;
use ipnet::IpNet;

use crate::{
    Config,
    store::{
        db::Db,
        error::StoreResult,
        ops::policies::{self, SetPolicy},
    },
};

/// What the environment says.
#[derive(Debug, Clone)]
pub struct EnvDefaults {
    /// Networks that endpoints may have besides public ones.
    pub egress_allow: Vec<IpNet>,
    /// Whether anybody may sign up.
    pub sign_up_open: bool,
    /// Most days that an account may keep what belongs to it.
    pub retention_max_days: u32,
}

impl From<&Config> for EnvDefaults {
    fn from(config: &Config) -> Self {
        Self {
            egress_allow: config.egress_allow.clone(),
            sign_up_open: config.sign_up_open,
            retention_max_days: config.retention_max_days,
        }
    }
}

impl EnvDefaults {
    /// The same as a policy's text.
    pub(crate) fn text(&self, name: PolicyName) -> String {
        match name {
            PolicyName::EgressAllow => self.egress_allow.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            PolicyName::SignUp => if self.sign_up_open { "open" } else { "invite" }.to_owned(),
            PolicyName::RetentionMaxDays => self.retention_max_days.to_string(),
            PolicyName::Contact => String::new(),
        }
    }
}

/// What is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Current {
    /// Networks that endpoints may have besides public ones.
    pub(crate) egress_allow: Vec<IpNet>,
    /// Whether anybody may sign up.
    pub(crate) sign_up_open: bool,
    /// Most days that an account may keep what belongs to it.
    pub(crate) retention_max_days: u32,
    /// Whom the people of an account ask.
    pub(crate) contact: String,
}

impl Current {
    fn of(given: &EnvDefaults, set: &[SetPolicy]) -> Self {
        let text = |name: PolicyName| {
            let stored = set.iter().find(|policy| policy.name == name.as_str());
            stored.map_or_else(|| given.text(name), |policy| policy.value.clone())
        };
        // Only what was checked is stored; should it not be readable all the same, the environment decides.
        let networks: Option<Vec<IpNet>> = text(PolicyName::EgressAllow)
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(network)
            .collect();
        Self {
            egress_allow: networks.unwrap_or_else(|| given.egress_allow.clone()),
            sign_up_open: text(PolicyName::SignUp) == "open",
            retention_max_days: text(PolicyName::RetentionMaxDays).parse().unwrap_or(given.retention_max_days),
            contact: text(PolicyName::Contact),
        }
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok()
}

/// The policies as this node last read them.
#[derive(Debug)]
pub(crate) struct InForce {
    pub(crate) given: EnvDefaults,
    current: RwLock<Arc<Current>>,
}

impl InForce {
    pub(crate) fn new(given: EnvDefaults) -> Self {
        let current = RwLock::new(Arc::new(Current::of(&given, &[])));
        Self { given, current }
    }

    /// What is in force, as far as this node knows.
    pub(crate) fn now(&self) -> Arc<Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads what is set.
    pub(crate) async fn read(&self, db: &Db) -> StoreResult<Arc<Current>> {
        let current = Arc::new(Current::of(&self.given, &policies::all(db).await?));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current.clone();
        Ok(current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_goes_before_the_environment() {
        let given = EnvDefaults {
            egress_allow: "127.0.0.0/8".parse().into_iter().collect(),
            sign_up_open: true,
            retention_max_days: 365,
        };
        let set = |name: PolicyName, value: &str| SetPolicy {
            name: name.as_str().into(),
            value: value.into(),
            set_ms: 0,
            set_by: String::new(),
        };
        assert_eq!(Current::of(&given, &[]).egress_allow, given.egress_allow);
        let stored = [set(PolicyName::EgressAllow, "10.0.0.0/8, fd00:1::/64"), set(PolicyName::SignUp, "invite")];
        let current = Current::of(&given, &stored);
        assert_eq!((current.egress_allow.len(), current.sign_up_open, current.retention_max_days), (2, false, 365));
        assert!(Current::of(&given, &[set(PolicyName::EgressAllow, "")]).egress_allow.is_empty());
        assert_eq!(given.text(PolicyName::EgressAllow), "127.0.0.0/8");
    }
}
