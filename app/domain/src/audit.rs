//! The audit log: who did what, when, from where, and what it was before and after. Never a secret itself.
//!
//! Records are only ever added. Each carries the hash of the one before it, so that a record that was changed or
//! taken out shows.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    actor::Actor,
    error::Result,
    id::AuditId,
    query::{Writer, pairs},
    time::{UnixMs, iso_utc, parse_utc},
};

macro_rules! deeds {
    ($($name:ident => $code:literal, $words:literal;)+) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Deed {
            $(#[doc = $words] #[serde(rename = $code)] $name,)+
        }

        impl Deed {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name in the database, in exports and in URLs: the area, a dot, and the deed.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

            /// What people read.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => $words),+ }
            }
        }
    };
}

deeds! {
    EndpointCreated => "endpoint.created", "Endpoint created";
    EndpointChanged => "endpoint.changed", "Endpoint changed";
    EndpointPaused => "endpoint.paused", "Endpoint paused";
    EndpointPausedGone => "endpoint.paused_gone", "Endpoint paused because it answered 410 Gone";
    EndpointResumed => "endpoint.resumed", "Endpoint resumed";
    EndpointFailing => "endpoint.failing", "Endpoint failing: its latest attempts have all failed";
    EndpointFailingOneDay => "endpoint.failing_one_day", "Endpoint failing for a day";
    EndpointFailingFourDays => "endpoint.failing_four_days", "Endpoint failing for four days; it will be disabled tomorrow";
    EndpointDisabled => "endpoint.disabled", "Endpoint disabled after five days of failures; events are held";
    EndpointDeleted => "endpoint.deleted", "Endpoint deleted";
    EndpointTested => "endpoint.tested", "Test sent";
    CredentialsRevealed => "credentials.revealed", "Credentials revealed";
    TokenPrepared => "credentials.token_prepared", "Next auth token prepared";
    TokenTested => "credentials.token_tested", "Test sent with the next auth token";
    TokenScheduled => "credentials.token_scheduled", "Switch to the next auth token scheduled";
    TokenSwitched => "credentials.token_switched", "Switched to the next auth token";
    TokenUndone => "credentials.token_undone", "Switched back to the earlier auth token";
    TokenRetired => "credentials.token_retired", "Earlier auth token retired";
    TokenDropped => "credentials.token_dropped", "Rotation of the auth token given up";
    SecretRotated => "credentials.secret_rotated", "Signing secret rotated";
    SecretTested => "credentials.secret_tested", "Test sent with the new signing secret";
    SecretExtended => "credentials.secret_extended", "Overlap of signing secrets extended";
    SecretRetired => "credentials.secret_retired", "Earlier signing secret retired";
    DeliveryResent => "delivery.resent", "Delivery sent again";
    DeliveryCancelled => "delivery.cancelled", "Delivery cancelled";
    RecoveryStarted => "delivery.recovery_started", "Recovering started";
    RecoveryPaused => "delivery.recovery_paused", "Recovering paused";
    RecoveryResumed => "delivery.recovery_resumed", "Recovering resumed";
    RecoveryCancelled => "delivery.recovery_cancelled", "Recovering cancelled";
    ApiTokenCreated => "token.created", "API token created";
    ApiTokenRotated => "token.rotated", "API token rotated";
    ApiTokenRevoked => "token.revoked", "API token revoked";
    MemberInvited => "member.invited", "Member invited";
    InviteWithdrawn => "member.invite_withdrawn", "Invitation withdrawn";
    MemberJoined => "member.joined", "Member joined";
    MemberChanged => "member.changed", "Member's role changed";
    MemberRemoved => "member.removed", "Member removed";
    AccountCreated => "account.created", "Account created";
    AccountChanged => "account.changed", "Account settings changed";
    AccountSuspended => "account.suspended", "Account suspended";
    AccountRestored => "account.restored", "Account resumed";
    AccountRenamed => "account.renamed", "Account renamed by the operator";
    AccountLimited => "account.limited", "Account limits changed";
    SupportStarted => "support.started", "Support session started";
    SupportViewed => "support.viewed", "Support looked at a page";
    SupportRevealed => "support.revealed", "Support revealed a phone number";
    SupportEnded => "support.ended", "Support session ended";
    SignedIn => "person.signed_in", "Signed in";
    PasswordChanged => "person.password_changed", "Password changed";
    PasswordReset => "person.password_reset", "Password reset";
    SecondFactorOn => "person.second_factor_on", "Second factor switched on";
    SecondFactorOff => "person.second_factor_off", "Second factor switched off";
    SecondFactorReset => "person.second_factor_reset", "Second factor taken away by an operator";
    RecoveryCodesRenewed => "person.recovery_codes_renewed", "New recovery codes made";
    RecoveryCodeUsed => "person.recovery_code_used", "Signed in with a recovery code";
    LettersChanged => "person.letters_changed", "Letters about endpoints that fail switched on or off";
    SessionsEnded => "person.sessions_ended", "Other sessions ended";
    StaffAdded => "installation.staff_added", "Staff added";
    StaffRemoved => "installation.staff_removed", "Staff removed";
    StaffInvited => "installation.staff_invited", "Staff invited";
    StaffInviteWithdrawn => "installation.staff_invite_withdrawn", "Invitation of staff withdrawn";
    StaffChanged => "installation.staff_changed", "Role of staff changed";
    PolicyChanged => "installation.policy_changed", "Policy changed";
    KeyRotated => "installation.key_rotated", "Instance key rotated";
}

impl Deed {
    /// The deed of that name.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|deed| deed.as_str() == code)
    }

    /// Its area: the part before the dot.
    #[must_use]
    pub fn area(self) -> &'static str {
        self.as_str().split_once('.').map_or("", |(area, _)| area)
    }
}

/// Areas that an account's log can be narrowed to, with what people read.
pub const AREAS: [(&str, &str); 7] = [
    ("endpoint", "Endpoints"),
    ("credentials", "Credentials"),
    ("delivery", "Deliveries"),
    ("token", "API tokens"),
    ("member", "Members"),
    ("account", "Account"),
    ("support", "Support access"),
];

/// Areas that the installation's log can be narrowed to.
pub const INSTALLATION_AREAS: [(&str, &str); 4] = [
    ("installation", "Staff and policies"),
    ("account", "Accounts"),
    ("token", "Platform tokens"),
    ("person", "Sign-in and passwords"),
];

/// What people read for an area of either log.
#[must_use]
pub fn area_words(area: &str) -> &'static str {
    let mut all = AREAS.iter().chain(&INSTALLATION_AREAS);
    all.find(|(code, _)| *code == area).map_or("", |(_, words)| words)
}

/// One value that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What it is called.
    pub what: String,
    /// What it was; none when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it is now; none when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl Change {
    /// A change; none when both are the same.
    #[must_use]
    pub fn between(what: &str, before: impl Into<String>, after: impl Into<String>) -> Option<Self> {
        let (before, after): (String, String) = (before.into(), after.into());
        (before != after).then(|| Self { what: what.to_owned(), before: some(before), after: some(after) })
    }

    /// Something that is true of the deed rather than a change.
    #[must_use]
    pub fn noted(what: &str, value: impl Into<String>) -> Self {
        Self { what: what.to_owned(), before: None, after: Some(value.into()) }
    }
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Id.
    pub id: AuditId,
    /// When.
    pub at: UnixMs,
    /// Id of the person or token; none for the command line, and when it happened by itself.
    pub who_id: Option<String>,
    /// Who it was, as people read it; none when it happened by itself.
    pub who: Option<String>,
    /// The client's address; none for the command line, and when it happened by itself.
    pub address: Option<String>,
    /// What was done.
    pub deed: Deed,
    /// Id of what it was done to.
    pub object_id: Option<String>,
    /// Its name at that time.
    pub object: Option<String>,
    /// What changed.
    pub changes: Vec<Change>,
    /// Hash of this record and the one before it, in hexadecimal.
    pub hash: String,
}

/// Which records to list. The default lists all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only this area; see [`AREAS`] and [`INSTALLATION_AREAS`].
    pub area: Option<String>,
    /// Only by whom this id or name belongs to.
    pub who: Option<String>,
    /// Only about what this id belongs to.
    pub object: Option<String>,
    /// At this moment or later.
    pub from: Option<UnixMs>,
    /// Before this moment.
    pub to: Option<UnixMs>,
    /// Where the page begins, from the page before.
    pub cursor: Option<String>,
    /// How many rows; see [`crate::query::page_size`].
    pub limit: u32,
}

impl AuditFilter {
    /// Reads a query string. What it does not understand is left out.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        pairs(query).fold(Self::default(), |mut filter, (key, value)| {
            match key.as_str() {
                "area" => filter.area = (!area_words(&value).is_empty()).then_some(value),
                "who" => filter.who = Some(value),
                "object" => filter.object = Some(value),
                "from" => filter.from = parse_utc(&value),
                "to" => filter.to = parse_utc(&value),
                "cursor" => filter.cursor = Some(value),
                "limit" => filter.limit = value.parse().unwrap_or(0),
                _ => {}
            }
            filter
        })
    }

    /// The query string that reads back as this filter.
    #[must_use]
    pub fn to_query(&self) -> String {
        Writer::default()
            .with("area", self.area.as_deref().unwrap_or_default())
            .with("who", self.who.as_deref().unwrap_or_default())
            .with("object", self.object.as_deref().unwrap_or_default())
            .with("from", self.from.map(iso_utc).unwrap_or_default())
            .with("to", self.to.map(iso_utc).unwrap_or_default())
            .page(self.cursor.as_deref(), self.limit)
            .finish()
    }
}

/// One page of records, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// The records.
    pub rows: Vec<Record>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
}

/// The audit log: the part of the port that shows it.
#[async_trait]
pub trait Audit {
    /// The account's records under a filter, newest first.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not read it.
    async fn audit(&self, actor: &Actor, filter: &AuditFilter) -> Result<AuditPage>;
    /// The installation's records under a filter, newest first.
    ///
    /// # Errors
    /// `Forbidden` for whoever is no operator.
    async fn installation_audit(&self, actor: &Actor, filter: &AuditFilter) -> Result<AuditPage>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_reads_back_as_it_was_written() {
        let query = "?area=credentials&who=usr_1&object=ep_1&from=2026-11-22T13%3A00%3A00Z&limit=20";
        let filter = AuditFilter::parse(query);
        assert_eq!(AuditFilter::parse(&filter.to_query()), filter);
        assert_eq!(filter.area.as_deref(), Some("credentials"));
        assert_eq!(AuditFilter::parse("?area=nonsense").area, None);
    }

    #[test]
    fn every_deed_has_a_name_of_its_own_that_reads_back() {
        let names: std::collections::HashSet<_> = Deed::ALL.iter().map(|deed| deed.as_str()).collect();
        assert_eq!(names.len(), Deed::ALL.len());
        assert!(Deed::ALL.iter().all(|deed| Deed::parse(deed.as_str()) == Some(*deed) && !deed.area().is_empty()));
        assert!(
            AREAS.iter().chain(&INSTALLATION_AREAS).all(|(area, _)| Deed::ALL.iter().any(|deed| deed.area() == *area))
        );
    }

    #[test]
    fn a_value_that_stayed_is_no_change() {
        assert_eq!(Change::between("name", "a", "a"), None);
        let change = Change::between("name", "", "b");
        assert_eq!(change, Some(Change { what: "name".into(), before: None, after: Some("b".into()) }));
    }
}
