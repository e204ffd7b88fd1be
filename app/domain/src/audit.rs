//! The audit log: who did what, when and from where, with the values before and after. It never contains secrets.
//!
//! The log is append-only. Each record carries a hash that includes the record before it, so that a changed or removed
//! record is detected.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    actor::Actor,
    error::Result,
    id::AuditId,
    query::{Writer, pairs},
    time::{UnixMs, iso_utc, parse_utc},
};

macro_rules! actions {
    ($($name:ident => $code:literal, $summary:literal;)+) => {
        /// An action that the audit log records.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum AuditAction {
            $(#[doc = $summary] #[serde(rename = $code)] $name,)+
        }

        impl AuditAction {
            /// All actions.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

        /// The code in the database, exports and URLs: area, dot, action.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),+ }
            }

/// The text for display.
            #[must_use]
            pub const fn summary(self) -> &'static str {
                match self { $(Self::$name => $summary),+ }
            }
        }
    };
}

actions! {
    EndpointCreated => "endpoint.created", "Endpoint created";
    EndpointChanged => "endpoint.changed", "Endpoint changed";
    EndpointPaused => "endpoint.paused", "Endpoint paused";
    EndpointPausedGone => "endpoint.paused_gone", "Endpoint paused after it returned 410 Gone";
    EndpointResumed => "endpoint.resumed", "Endpoint resumed";
    EndpointFailing => "endpoint.failing", "Endpoint failing: all recent attempts failed";
    EndpointFailingOneDay => "endpoint.failing_one_day", "Endpoint failing for at least a day";
    EndpointFailingFourDays => "endpoint.failing_four_days", "Endpoint failing for at least four days; last warning, a day or more before it is disabled";
    EndpointDisabled => "endpoint.disabled", "Endpoint disabled after at least five days of failures; events are held";
    EndpointDeleted => "endpoint.deleted", "Endpoint deleted";
    EndpointTested => "endpoint.tested", "Test sent";
    CredentialsRevealed => "credentials.revealed", "Credentials revealed";
    TokenPrepared => "credentials.token_prepared", "Next auth token prepared";
    TokenTested => "credentials.token_tested", "Test sent with the next auth token";
    TokenScheduled => "credentials.token_scheduled", "Switch to the next auth token scheduled";
    TokenSwitched => "credentials.token_switched", "Switched to the next auth token";
    TokenUndone => "credentials.token_undone", "Switched back to the previous auth token";
    TokenRetired => "credentials.token_retired", "Previous auth token retired";
    TokenDropped => "credentials.token_dropped", "Auth token rotation cancelled";
    SecretRotated => "credentials.secret_rotated", "Signing secret rotated";
    SecretTested => "credentials.secret_tested", "Test sent with the new signing secret";
    SecretExtended => "credentials.secret_extended", "Signing secret overlap extended";
    SecretRetired => "credentials.secret_retired", "Previous signing secret retired";
    DeliveryResent => "delivery.resent", "Delivery resent";
    DeliveryCancelled => "delivery.cancelled", "Delivery cancelled";
    DeliveryRetried => "delivery.retried", "Delivery retried now";
    RetryStarted => "delivery.retry_started", "Retry of many deliveries started";
    ResendStarted => "delivery.resend_started", "Resend of many deliveries started";
    RecoveryStarted => "delivery.recovery_started", "Recovery started";
    RecoveryPaused => "delivery.recovery_paused", "Job paused";
    RecoveryResumed => "delivery.recovery_resumed", "Job resumed";
    RecoveryCancelled => "delivery.recovery_cancelled", "Job cancelled";
    ApiTokenCreated => "token.created", "API token created";
    ApiTokenRotated => "token.rotated", "API token rotated";
    ApiTokenRevoked => "token.revoked", "API token revoked";
    ConnectorCreated => "connector.created", "Connector created";
    ConnectorChanged => "connector.changed", "Connector changed";
    ConnectorPaused => "connector.paused", "Connector paused";
    ConnectorResumed => "connector.resumed", "Connector resumed";
    ConnectorSecretRotated => "connector.secret_rotated", "Connector secret rotated";
    ConnectorDeleted => "connector.deleted", "Connector deleted";
    ConnectorRoutesChanged => "connector.routes_changed", "Connector routes changed";
    ConnectorImportStarted => "connector.import_started", "Import of call records started";
    ConnectorImportCancelled => "connector.import_cancelled", "Import of call records cancelled";
    ConnectorDown => "connector.down", "Connector lost its phone system";
    ConnectorUp => "connector.up", "Connector connected again";
    MemberInvited => "member.invited", "Member invited";
    InviteWithdrawn => "member.invite_withdrawn", "Invitation withdrawn";
    MemberJoined => "member.joined", "Member joined";
    MemberChanged => "member.changed", "Member role changed";
    MemberRemoved => "member.removed", "Member removed";
    AccountCreated => "account.created", "Account created";
    AccountChanged => "account.changed", "Account settings changed";
    AccountSuspended => "account.suspended", "Account suspended";
    AccountRestored => "account.restored", "Account resumed";
    AccountRenamed => "account.renamed", "Account renamed by an operator";
    AccountLimited => "account.limited", "Account limits changed";
    SupportStarted => "support.started", "Support session started";
    SupportViewed => "support.viewed", "Support viewed a page";
    SupportRevealed => "support.revealed", "Support revealed a phone number";
    SupportEnded => "support.ended", "Support session ended";
    SignedIn => "person.signed_in", "Signed in";
    PasswordChanged => "person.password_changed", "Password changed";
    PasswordReset => "person.password_reset", "Password reset";
    SecondFactorOn => "person.second_factor_on", "Two-factor authentication turned on";
    SecondFactorOff => "person.second_factor_off", "Two-factor authentication turned off";
    SecondFactorReset => "person.second_factor_reset", "Two-factor authentication reset by an operator";
    RecoveryCodesRenewed => "person.recovery_codes_renewed", "Recovery codes regenerated";
    RecoveryCodeUsed => "person.recovery_code_used", "Signed in with a recovery code";
    EmailPreferencesChanged => "person.letters_changed", "Failure alerts by email turned on or off";
    SessionsEnded => "person.sessions_ended", "Other sessions signed out";
    StaffAdded => "installation.staff_added", "Staff member added";
    StaffRemoved => "installation.staff_removed", "Staff member removed";
    StaffInvited => "installation.staff_invited", "Staff member invited";
    StaffInviteWithdrawn => "installation.staff_invite_withdrawn", "Staff invitation withdrawn";
    StaffChanged => "installation.staff_changed", "Staff role changed";
    PolicyChanged => "installation.policy_changed", "Policy changed";
    ParkedRetried => "installation.parked_retried", "Parked item tried again";
    KeyRotated => "installation.key_rotated", "Instance key rotated";
}

impl AuditAction {
    /// The action with that code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == code)
    }

    /// The part of the code before the dot.
    #[must_use]
    pub fn area(self) -> &'static str {
        self.as_str().split_once('.').map_or("", |(area, _)| area)
    }
}

/// The areas an account's log can be filtered by, with their labels.
pub const AREAS: [(&str, &str); 8] = [
    ("endpoint", "Endpoints"),
    ("credentials", "Credentials"),
    ("delivery", "Deliveries"),
    ("connector", "Connectors"),
    ("token", "API tokens"),
    ("member", "Members"),
    ("account", "Account"),
    ("support", "Support access"),
];

/// The areas the installation's log can be filtered by, with their labels.
pub const OPS_AREAS: [(&str, &str); 5] = [
    ("installation", "Staff and policies"),
    ("account", "Accounts"),
    ("connector", "Platform connectors"),
    ("token", "Platform tokens"),
    ("person", "Sign-in and security"),
];

/// The label of an area of either log.
#[must_use]
pub fn area_label(area: &str) -> &'static str {
    let mut all = AREAS.iter().chain(&OPS_AREAS);
    all.find(|(code, _)| *code == area).map_or("", |(_, label)| label)
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

    /// A detail of the action that is not a change.
    #[must_use]
    pub fn noted(what: &str, value: impl Into<String>) -> Self {
        Self { what: what.to_owned(), before: None, after: Some(value.into()) }
    }
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// One record of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Id.
    pub id: AuditId,
    /// Its position in the log: pages begin before one.
    pub position: i64,
    /// When.
    pub at: UnixMs,
    /// Id of the user or token; `None` for the command line and for Offhook itself.
    pub who_id: Option<String>,
    /// Display name of the actor; `None` for Offhook itself.
    pub who: Option<String>,
    /// The client's IP address; `None` for the command line and for Offhook itself.
    pub address: Option<String>,
    /// An action that the audit log records.
    pub action: AuditAction,
    /// Id of the object.
    pub object_id: Option<String>,
    /// The object's name at that time.
    pub object: Option<String>,
    /// The values that changed.
    pub changes: Vec<Change>,
    /// Hash over this record and the one before it, in hexadecimal.
    pub hash: String,
}

/// A filter for records. The default matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only this area; see [`AREAS`] and [`OPS_AREAS`].
    pub area: Option<String>,
    /// Only by the actor with this id or name.
    pub who: Option<String>,
    /// Only about the object with this id.
    pub object: Option<String>,
    /// At or after this time.
    pub from: Option<UnixMs>,
    /// Before this time.
    pub to: Option<UnixMs>,
    /// Where the page starts, from the previous page.
    pub cursor: Option<String>,
    /// Number of rows; see [`crate::query::page_size`].
    pub limit: u32,
}

impl AuditFilter {
    /// Parses a query string. Unknown and invalid parameters are ignored.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        pairs(query).fold(Self::default(), |mut filter, (key, value)| {
            match key.as_str() {
                "area" => filter.area = (!area_label(&value).is_empty()).then_some(value),
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

    /// The query string that parses to this filter.
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
    pub rows: Vec<AuditRecord>,
    /// Where the next page starts; `None` on the last page.
    pub next: Option<String>,
}

/// Reading the audit log.
#[async_trait]
pub trait Audit {
    /// The account's records that match the filter, newest first.
    ///
    /// # Errors
    /// `Forbidden` without permission to read it.
    async fn audit(&self, actor: &Actor, filter: &AuditFilter) -> Result<AuditPage>;
    /// The installation's records that match the filter, newest first.
    ///
    /// # Errors
    /// `Forbidden` unless the actor is an operator.
    async fn ops_audit(&self, actor: &Actor, filter: &AuditFilter) -> Result<AuditPage>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_round_trips_through_its_query_string() {
        let query = "?area=credentials&who=usr_1&object=ep_1&from=2026-11-22T13%3A00%3A00Z&limit=20";
        let filter = AuditFilter::parse(query);
        assert_eq!(AuditFilter::parse(&filter.to_query()), filter);
        assert_eq!(filter.area.as_deref(), Some("credentials"));
        assert_eq!(AuditFilter::parse("?area=nonsense").area, None);
    }

    #[test]
    fn every_action_has_a_unique_code_that_parses_back() {
        let names: std::collections::HashSet<_> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
        assert_eq!(names.len(), AuditAction::ALL.len());
        assert!(
            AuditAction::ALL
                .iter()
                .all(|action| AuditAction::parse(action.as_str()) == Some(*action) && !action.area().is_empty())
        );
        assert!(
            AREAS
                .iter()
                .chain(&OPS_AREAS)
                .all(|(area, _)| AuditAction::ALL.iter().any(|action| action.area() == *area))
        );
    }

    #[test]
    fn an_unchanged_value_is_not_a_change() {
        assert_eq!(Change::between("name", "a", "a"), None);
        let change = Change::between("name", "", "b");
        assert_eq!(change, Some(Change { what: "name".into(), before: None, after: Some("b".into()) }));
    }
}
