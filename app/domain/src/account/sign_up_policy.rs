//! Who may create an account.

use serde::{Deserialize, Serialize};

/// Who may create an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignUpPolicy {
    /// Anyone who reaches the site.
    Open,
    /// Whoever uses a browser on the server's own machine.
    Local,
    /// Only those who were invited.
    Invite,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestOrigin {
    /// Directly from the server's own machine.
    ThisMachine,
    /// From anywhere else, or through a proxy.
    Elsewhere,
}

impl SignUpPolicy {
    /// All of them, the strictest first.
    pub const ALL: [Self; 3] = [Self::Invite, Self::Local, Self::Open];

    /// The name in the database, in forms and in the environment.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Local => "local",
            Self::Invite => "invite",
        }
    }

    /// The policy with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == name)
    }

    /// The title for display.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Open => "Open to everyone",
            Self::Local => "Open on this machine only",
            Self::Invite => "By invitation",
        }
    }

    /// What it means, in whole sentences.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Open => "Anyone who can reach this site can create an account.",
            Self::Local => {
                "Only someone with a browser on the server's own machine can create an account. Everyone else needs an \
                 invitation."
            }
            Self::Invite => "Only invited users can join. Operators create accounts; admins invite members to theirs.",
        }
    }

    /// Whether someone may create an account whose request comes from there.
    #[must_use]
    pub const fn admits(self, from: RequestOrigin) -> bool {
        match self {
            Self::Open => true,
            Self::Local => matches!(from, RequestOrigin::ThisMachine),
            Self::Invite => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_created_from_where_the_policy_allows() {
        use RequestOrigin::{Elsewhere, ThisMachine};
        let admitted = |policy: SignUpPolicy| (policy.admits(ThisMachine), policy.admits(Elsewhere));
        assert_eq!(admitted(SignUpPolicy::Open), (true, true));
        assert_eq!(admitted(SignUpPolicy::Local), (true, false));
        assert_eq!(admitted(SignUpPolicy::Invite), (false, false));
        assert!(SignUpPolicy::ALL.iter().all(|policy| SignUpPolicy::parse(policy.as_str()) == Some(*policy)));
    }
}
