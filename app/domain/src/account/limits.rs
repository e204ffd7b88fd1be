//! What an account may use: defaults for every account, which operators change for single ones.

use serde::{Deserialize, Serialize};

use super::{RETENTION_MAX_DAYS, StorageLevel};
use crate::error::{Error, FieldError, Result, noted, whole};

/// A limit of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Endpoints.
    Endpoints,
    /// Endpoints with the same host: each event may cost that host as many requests.
    EndpointsPerHost,
    /// Events per second from all of the account's own API tokens, on each node. Platform tokens don't count.
    EventsPerS,
    /// Members, and people who are invited.
    Members,
    /// API tokens that work.
    Tokens,
    /// Days that data is kept.
    RetentionDays,
    /// Megabytes of payloads and responses.
    StoredMb,
}

impl Limit {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 7] = [
        Self::Endpoints,
        Self::EndpointsPerHost,
        Self::EventsPerS,
        Self::Members,
        Self::Tokens,
        Self::RetentionDays,
        Self::StoredMb,
    ];

    /// Its field in forms.
    #[must_use]
    pub const fn field(self) -> &'static str {
        self.facts().0
    }

    /// Its name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.facts().1
    }

    /// What applies unless an operator has changed it.
    #[must_use]
    pub const fn default(self) -> u32 {
        self.facts().2
    }

    /// The most that an operator may allow.
    #[must_use]
    pub const fn most(self) -> u32 {
        self.facts().3
    }

    const fn facts(self) -> (&'static str, &'static str, u32, u32) {
        match self {
            Self::Endpoints => ("endpoints_max", "Endpoints", 500, 5_000),
            Self::EndpointsPerHost => ("endpoints_per_host_max", "Endpoints at one host", 50, 5_000),
            Self::EventsPerS => ("events_per_s", "Events per second", 1_000, 50_000),
            Self::Members => ("members_max", "Members", 200, 10_000),
            Self::Tokens => ("tokens_max", "API tokens", 200, 1_000),
            Self::RetentionDays => ("retention_max_days", "Retention (days)", RETENTION_MAX_DAYS, RETENTION_MAX_DAYS),
            Self::StoredMb => ("stored_mb_max", "Stored payloads and responses (MB)", 10_000, 1_000_000),
        }
    }
}

/// The limits that operators have changed for one account. `None` means the default applies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits([Option<u32>; Limit::ALL.len()]);

impl Limits {
    /// What an operator has set.
    #[must_use]
    pub const fn changed(self, limit: Limit) -> Option<u32> {
        self.0[limit as usize]
    }

    /// What applies.
    #[must_use]
    pub fn of(self, limit: Limit) -> u32 {
        self.changed(limit).unwrap_or(limit.default())
    }

    /// With this limit changed, or back at its default.
    #[must_use]
    pub const fn with(mut self, limit: Limit, to: Option<u32>) -> Self {
        self.0[limit as usize] = to;
        self
    }

    /// The longest retention in days, within the installation's.
    #[must_use]
    pub fn retention_days(self, most_days: u32) -> u32 {
        self.of(Limit::RetentionDays).min(most_days)
    }

    /// Checks the bounds. Retention may be shorter than the installation's maximum, not longer.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn check(self, most_days: u32) -> Result<Self> {
        let complaint = |limit: Limit| {
            let most = if limit == Limit::RetentionDays { most_days } else { limit.most() };
            let is_wrong = self.changed(limit).is_some_and(|n| !(1..=most).contains(&n));
            let message = format!("Enter a number from 1 to {most}, or leave blank for the default.");
            is_wrong.then(|| FieldError::new(limit.field(), message))
        };
        let complaints: Vec<_> = Limit::ALL.into_iter().filter_map(complaint).collect();
        if complaints.is_empty() { Ok(self) } else { Err(Error::Invalid(complaints)) }
    }
}

/// The form for an account's limits. An empty field means the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitsForm {
    /// [`Limit::Endpoints`].
    pub endpoints_max: String,
    /// [`Limit::EndpointsPerHost`].
    pub endpoints_per_host_max: String,
    /// [`Limit::EventsPerS`].
    pub events_per_s: String,
    /// [`Limit::Members`].
    pub members_max: String,
    /// [`Limit::Tokens`].
    pub tokens_max: String,
    /// [`Limit::RetentionDays`].
    pub retention_max_days: String,
    /// [`Limit::StoredMb`].
    pub stored_mb_max: String,
}

impl LimitsForm {
    /// The form prefilled with these limits.
    #[must_use]
    pub fn of(limits: Limits) -> Self {
        let mut form = Self::default();
        for limit in Limit::ALL {
            *form.text_mut(limit) = limits.changed(limit).map(|n| n.to_string()).unwrap_or_default();
        }
        form
    }

    /// What was entered for a limit.
    #[must_use]
    pub const fn text(&self, limit: Limit) -> &String {
        match limit {
            Limit::Endpoints => &self.endpoints_max,
            Limit::EndpointsPerHost => &self.endpoints_per_host_max,
            Limit::EventsPerS => &self.events_per_s,
            Limit::Members => &self.members_max,
            Limit::Tokens => &self.tokens_max,
            Limit::RetentionDays => &self.retention_max_days,
            Limit::StoredMb => &self.stored_mb_max,
        }
    }

    const fn text_mut(&mut self, limit: Limit) -> &mut String {
        match limit {
            Limit::Endpoints => &mut self.endpoints_max,
            Limit::EndpointsPerHost => &mut self.endpoints_per_host_max,
            Limit::EventsPerS => &mut self.events_per_s,
            Limit::Members => &mut self.members_max,
            Limit::Tokens => &mut self.tokens_max,
            Limit::RetentionDays => &mut self.retention_max_days,
            Limit::StoredMb => &mut self.stored_mb_max,
        }
    }

    /// Reads the form.
    ///
    /// # Errors
    /// `Invalid` for a field that is not a number.
    pub fn input(&self) -> Result<Limits> {
        let (mut wrong, message) = (Vec::new(), "Enter a whole number, or leave blank for the default.");
        let limits = Limit::ALL.into_iter().fold(Limits::default(), |limits, limit| {
            limits.with(limit, noted(&mut wrong, whole(self.text(limit), limit.field(), message)).flatten())
        });
        if wrong.is_empty() { Ok(limits) } else { Err(Error::Invalid(wrong)) }
    }
}

/// What an account uses of its limits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountUsage {
    /// Endpoints.
    pub endpoints: u32,
    /// The host with most endpoints, and how many they are.
    pub busiest_host: Option<(String, u32)>,
    /// Members.
    pub members: u32,
    /// People who are invited.
    pub invited: u32,
    /// API tokens that work.
    pub tokens: u32,
    /// Megabytes of payloads and responses.
    pub stored_mb: u32,
    /// The same, compared with the limit.
    pub storage: StorageLevel,
}

impl AccountUsage {
    /// Counts hosts.
    #[must_use]
    pub fn busiest(hosts: impl IntoIterator<Item = String>) -> Option<(String, u32)> {
        let mut counts = std::collections::BTreeMap::<String, u32>::new();
        hosts.into_iter().for_each(|host| *counts.entry(host).or_default() += 1);
        counts.into_iter().rev().max_by_key(|(_, count)| *count)
    }

    /// The use of a limit; none for rates and times.
    #[must_use]
    pub fn of(&self, limit: Limit) -> Option<u32> {
        match limit {
            Limit::Endpoints => Some(self.endpoints),
            Limit::EndpointsPerHost => Some(self.busiest_host.as_ref().map_or(0, |(_, count)| *count)),
            Limit::Members => Some(self.members + self.invited),
            Limit::Tokens => Some(self.tokens),
            Limit::StoredMb => Some(self.stored_mb),
            Limit::EventsPerS | Limit::RetentionDays => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(error: &Error) -> Vec<&str> {
        error.fields().iter().map(|error| error.field.as_str()).collect()
    }

    #[test]
    fn a_limit_is_within_its_bounds_or_blank() {
        let form = LimitsForm {
            endpoints_max: "0".into(),
            events_per_s: "50,001".into(),
            members_max: "10001".into(),
            retention_max_days: "31".into(),
            ..LimitsForm::default()
        };
        let wrong = form.input().unwrap().check(30).unwrap_err();
        assert_eq!(fields(&wrong), ["endpoints_max", "events_per_s", "members_max", "retention_max_days"]);
        let form = LimitsForm { events_per_s: "2,000".into(), ..LimitsForm::default() };
        let limits = form.input().unwrap().check(30).unwrap();
        assert_eq!(
            (limits.of(Limit::Endpoints), limits.of(Limit::EventsPerS), limits.retention_days(30)),
            (500, 2_000, 30)
        );
        assert_eq!(LimitsForm::of(limits).input(), Ok(limits));
        assert_eq!(limits.with(Limit::EventsPerS, None), Limits::default());
    }

    #[test]
    fn each_limit_has_its_place() {
        for (at, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit as usize, at);
            assert!(limit.default() <= limit.most());
        }
    }

    #[test]
    fn the_busiest_host_has_most_endpoints() {
        let hosts = ["b.example", "a.example", "b.example"].map(str::to_owned);
        assert_eq!(AccountUsage::busiest(hosts), Some(("b.example".to_owned(), 2)));
        assert_eq!(AccountUsage::busiest([]), None);
    }
}
