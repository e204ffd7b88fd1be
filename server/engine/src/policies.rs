//! The policies that apply: what operators set in the database overrides the environment.

use std::sync::{Arc, PoisonError, RwLock};

use domain::{account::SignUpPolicy, ops::policy::PolicyName};
use ipnet::IpNet;

use crate::store::{
    db::Db,
    error::StoreResult,
    ops::policies::{self, SetPolicy},
};

/// Policies of the environment.
#[derive(Debug, Clone)]
pub(crate) struct EnvDefaults {
    /// Networks that endpoints may be in besides public ones.
    pub egress_allow: Vec<IpNet>,
    /// Who may sign up.
    pub sign_up: SignUpPolicy,
    /// Longest retention of an account, in days.
    pub retention_max_days: u32,
}

impl EnvDefaults {
    /// A policy of the environment as text.
    pub(crate) fn text(&self, name: PolicyName) -> String {
        match name {
            PolicyName::EgressAllow => self.egress_allow.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            PolicyName::SignUp => self.sign_up.as_str().to_owned(),
            PolicyName::RetentionMaxDays => self.retention_max_days.to_string(),
            PolicyName::Contact => String::new(),
        }
    }
}

/// The policies that apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Current {
    /// Networks that endpoints may be in besides public ones.
    pub(crate) egress_allow: Vec<IpNet>,
    /// Who may sign up.
    pub(crate) sign_up: SignUpPolicy,
    /// Longest retention of an account, in days.
    pub(crate) retention_max_days: u32,
    /// The support contact of all accounts.
    pub(crate) contact: String,
}

impl Current {
    fn of(env: &EnvDefaults, set: &[SetPolicy]) -> Self {
        let text = |name: PolicyName| {
            let stored = set.iter().find(|policy| policy.name == name.as_str());
            stored.map_or_else(|| env.text(name), |policy| policy.value.clone())
        };
        // Only valid values are stored; should one be unreadable all the same, the environment applies.
        let networks: Option<Vec<IpNet>> = text(PolicyName::EgressAllow)
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(network)
            .collect();
        Self {
            egress_allow: networks.unwrap_or_else(|| env.egress_allow.clone()),
            sign_up: SignUpPolicy::parse(&text(PolicyName::SignUp)).unwrap_or(env.sign_up),
            retention_max_days: text(PolicyName::RetentionMaxDays).parse().unwrap_or(env.retention_max_days),
            contact: text(PolicyName::Contact),
        }
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok()
}

/// The policies as this node last read them.
#[derive(Debug)]
pub(crate) struct ActivePolicies {
    pub(crate) env: EnvDefaults,
    current: RwLock<Arc<Current>>,
}

impl ActivePolicies {
    pub(crate) fn new(env: EnvDefaults) -> Self {
        let current = RwLock::new(Arc::new(Current::of(&env, &[])));
        Self { env, current }
    }

    /// The policies that apply, as far as this node knows.
    pub(crate) fn now(&self) -> Arc<Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads them from the database.
    pub(crate) async fn read(&self, db: &Db) -> StoreResult<Arc<Current>> {
        let current = Arc::new(Current::of(&self.env, &policies::all(db).await?));
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current.clone();
        Ok(current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_policy_overrides_the_environment() {
        let env = EnvDefaults {
            egress_allow: "127.0.0.0/8".parse().into_iter().collect(),
            sign_up: SignUpPolicy::Open,
            retention_max_days: 365,
        };
        let set = |name: PolicyName, value: &str| SetPolicy {
            name: name.as_str().into(),
            value: value.into(),
            set_ms: 0,
            set_by: String::new(),
        };
        assert_eq!(Current::of(&env, &[]).egress_allow, env.egress_allow);
        let stored = [set(PolicyName::EgressAllow, "10.0.0.0/8, fd00:1::/64"), set(PolicyName::SignUp, "invite")];
        let current = Current::of(&env, &stored);
        assert_eq!(
            (current.egress_allow.len(), current.sign_up, current.retention_max_days),
            (2, SignUpPolicy::Invite, 365)
        );
        assert!(Current::of(&env, &[set(PolicyName::EgressAllow, "")]).egress_allow.is_empty());
        assert_eq!(env.text(PolicyName::EgressAllow), "127.0.0.0/8");
    }
}
