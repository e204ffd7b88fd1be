//! Policies of the installation: settings in the browser that override environment variables.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::{
    account::SignUpPolicy,
    error::{Error, Result},
    time::{UnixMs, counted},
};

/// Maximum number of networks the egress guard may allow.
const NETWORKS_MAX: usize = 100;
/// Maximum retention an operator may allow, in days.
const RETENTION_DAYS_MAX: u32 = 36_500;
/// Maximum length of the support contact, in characters.
const CONTACT_MAX_CHARS: usize = 200;

/// A policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyName {
    /// Private networks that endpoints may use.
    EgressAllow,
    /// Who may create an account.
    SignUp,
    /// Maximum retention of accounts, in days.
    RetentionMaxDays,
    /// Support contact shown to members.
    Contact,
}

impl PolicyName {
    /// All policies, in display order.
    pub const ALL: [Self; 4] = [Self::EgressAllow, Self::SignUp, Self::RetentionMaxDays, Self::Contact];

    /// The name in the database and in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EgressAllow => "egress_allow",
            Self::SignUp => "sign_up",
            Self::RetentionMaxDays => "retention_max_days",
            Self::Contact => "contact",
        }
    }

    /// The policy with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == name)
    }

    /// The policy with that name.
    ///
    /// # Errors
    /// `NotFound`
    pub fn named(name: &str) -> Result<Self> {
        Self::parse(name).ok_or_else(|| Error::NotFound("Policy".to_owned()))
    }

    /// The title for display.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::EgressAllow => "Allowed private networks",
            Self::SignUp => "Sign-up",
            Self::RetentionMaxDays => "Maximum retention",
            Self::Contact => "Support contact",
        }
    }

    /// The environment variable that applies if the policy is not set.
    #[must_use]
    pub const fn variable(self) -> Option<&'static str> {
        match self {
            Self::EgressAllow => Some("OFFHOOK_EGRESS_ALLOW"),
            Self::SignUp => Some("OFFHOOK_SIGN_UP"),
            Self::RetentionMaxDays => Some("OFFHOOK_RETENTION_MAX_DAYS"),
            Self::Contact => None,
        }
    }

    /// Checks a value and returns it as it is stored.
    ///
    /// # Errors
    /// `Invalid` for the field named after the policy.
    pub fn check(self, value: &str) -> Result<String> {
        let value = value.trim();
        let wrong = |message: String| Err(Error::invalid(self.as_str(), message));
        match self {
            Self::EgressAllow => networks(value).map(|all| listed(&all)).or_else(wrong),
            Self::SignUp if SignUpPolicy::parse(value).is_some() => Ok(value.to_owned()),
            Self::SignUp => wrong("Choose who may create an account.".to_owned()),
            Self::RetentionMaxDays => match value.parse::<u32>() {
                Ok(days @ 1..=RETENTION_DAYS_MAX) => Ok(days.to_string()),
                _ => wrong("Enter 1 to 36,500 days.".to_owned()),
            },
            Self::Contact if value.chars().count() > CONTACT_MAX_CHARS || value.chars().any(char::is_control) => {
                wrong("Enter one line of at most 200 characters.".to_owned())
            }
            Self::Contact => Ok(value.to_owned()),
        }
    }

    /// What a valid value means, in whole sentences.
    #[must_use]
    pub fn meaning(self, value: &str) -> Vec<String> {
        match self {
            Self::EgressAllow => egress_meaning(value),
            Self::SignUp => {
                vec![SignUpPolicy::parse(value).unwrap_or(SignUpPolicy::Invite).meaning().to_owned()]
            }
            Self::RetentionMaxDays => {
                let days = counted(value.parse().unwrap_or(0), "day");
                vec![format!(
                    "No account keeps payloads, events or deliveries for longer than {days}. Older data is deleted within \
                     minutes, even if an account chose a longer retention. Unsent events are kept."
                )]
            }
            Self::Contact if value.is_empty() => {
                vec!["Members of a suspended account see: Ask your provider.".to_owned()]
            }
            Self::Contact => vec![format!("Members of a suspended account see: Ask your provider: {value}.")],
        }
    }
}

/// A policy with the value in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The policy.
    pub name: PolicyName,
    /// The value in force.
    pub value: String,
    /// The value of the environment variable, or its default.
    pub given: String,
    /// When and by whom it was set; `None` if the environment variable applies.
    pub set: Option<(UnixMs, String)>,
}

impl Policy {
    /// The confirmation after it was set.
    #[must_use]
    pub fn confirmation(&self) -> String {
        let title = self.name.title();
        match self.set {
            Some(_) => format!("{title} saved. Applies immediately, on other nodes within seconds."),
            None => format!("{title} cleared. The environment variable applies again."),
        }
    }
}

/// A network in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Parses a network. A single address is a network of one address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
            None => most,
        };
        (prefix <= most).then(|| Self { address, prefix }.cut())
    }

    /// The address with the host bits cleared.
    fn cut(self) -> Self {
        let address = match self.address {
            IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & ones_v4(self.prefix))),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & ones_v6(self.prefix))),
        };
        Self { address, ..self }
    }

    fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => {
                Self { address, prefix: self.prefix }.cut() == self
            }
            _ => false,
        }
    }

    fn bits(self) -> u8 {
        if self.address.is_ipv4() { 32 - self.prefix } else { 128 - self.prefix }
    }

    fn size(self) -> String {
        match self.bits() {
            0 => "one address".to_owned(),
            bits @ 1..=32 => format!("{} addresses", super::health::grouped(1 << bits)),
            bits => format!("2^{bits} addresses"),
        }
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

fn ones_v4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(u32::from(32 - prefix)).unwrap_or(0)
}

fn ones_v6(prefix: u8) -> u128 {
    u128::MAX.checked_shl(u32::from(128 - prefix)).unwrap_or(0)
}

/// Parses a list of networks, separated by commas or white space.
fn networks(text: &str) -> std::result::Result<Vec<Network>, String> {
    let parts = text.split([',', ' ', '\t', '\r', '\n']).filter(|part| !part.is_empty());
    let wrong = |part: &str| format!("{part} is not a network. Use CIDR notation such as 10.20.0.0/16 or fd00:1::/64.");
    let mut all: Vec<Network> = Vec::new();
    for part in parts {
        let network = Network::parse(part).ok_or_else(|| wrong(part))?;
        if !all.contains(&network) {
            all.push(network);
        }
    }
    if all.len() > NETWORKS_MAX { Err("Enter at most 100 networks.".to_owned()) } else { Ok(all) }
}

fn listed(all: &[Network]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn egress_meaning(value: &str) -> Vec<String> {
    let all = networks(value).unwrap_or_default();
    if all.is_empty() {
        return vec!["Endpoints can use public addresses only.".to_owned()];
    }
    let each = all.iter().map(|network| format!("{network} ({})", network.size())).collect::<Vec<_>>().join(", ");
    let first = format!("Endpoints can use public addresses and addresses in {each}.");
    std::iter::once(first).chain(all.iter().filter_map(|network| danger(*network))).collect()
}

/// A warning if the network gives customers access to something sensitive.
fn danger(network: Network) -> Option<String> {
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let metadata = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));
    if network.prefix == 0 {
        Some(format!("{network} contains every address: this turns the egress guard off."))
    } else if network.contains(metadata) {
        Some(format!(
            "{network} contains 169.254.169.254, the metadata service where clouds hand out the machine's credentials."
        ))
    } else if loopback.into_iter().any(|address| network.contains(address)) {
        Some(format!("{network} is this machine itself: customers could call any service on it."))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_checked_and_normalised() {
        let check = |text| PolicyName::EgressAllow.check(text);
        assert_eq!(check(" 10.20.3.4/16,\n192.168.7.5 10.20.0.0/16 ").unwrap(), "10.20.0.0/16, 192.168.7.5/32");
        assert_eq!(check("").unwrap(), "");
        assert_eq!(check("fd00:1::5/64").unwrap(), "fd00:1::/64");
        for wrong in ["10.0.0.0/33", "10.0.0/8", "acme.example", "10.0.0.0/+8", "::/129", "10.0.0.0/"] {
            let error = check(wrong).unwrap_err();
            assert_eq!(error.fields()[0].field, "egress_allow", "{wrong}");
        }
    }

    #[test]
    fn a_preview_warns_about_dangerous_networks() {
        let means = |text: &str| PolicyName::EgressAllow.meaning(text).join(" ");
        assert_eq!(means(""), "Endpoints can use public addresses only.");
        assert!(means("10.20.0.0/16").ends_with("10.20.0.0/16 (65,536 addresses)."));
        assert!(means("127.0.0.0/8").contains("this machine itself"));
        assert!(means("::1/128").contains("(one address). ::1/128 is this machine itself"));
        assert!(means("169.254.0.0/16").contains("the metadata service"));
        assert!(means("0.0.0.0/0").contains("turns the egress guard off"));
    }

    #[test]
    fn every_policy_refuses_invalid_values() {
        for (name, wrong) in [
            (PolicyName::SignUp, "everybody"),
            (PolicyName::RetentionMaxDays, "0"),
            (PolicyName::RetentionMaxDays, "36501"),
            (PolicyName::Contact, "a\nb"),
        ] {
            assert_eq!(name.check(wrong).unwrap_err().fields()[0].field, name.as_str());
        }
        assert_eq!(PolicyName::RetentionMaxDays.check(" 30 ").unwrap(), "30");
        assert!(PolicyName::ALL.iter().all(|name| PolicyName::parse(name.as_str()) == Some(*name)));
    }
}
