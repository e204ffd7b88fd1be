//! Support sessions: the provider's staff read one account, recorded in the account's own audit log.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    account::Account,
    actor::Actor,
    audit::{AuditRecord, Change},
    error::{Error, FieldError, Result, whole},
    id::{AccountId, EventId, SupportId, UserId},
    masking,
    query::pairs,
    time::UnixMs,
};

/// Minimum length of the reason in characters. The customer reads it.
pub const REASON_MIN_CHARS: usize = 10;
/// Maximum length of the reason in characters.
pub const REASON_MAX_CHARS: usize = 500;
/// Maximum length of the ticket reference in characters.
const TICKET_MAX_CHARS: usize = 60;
/// The durations a session can have, in minutes.
pub const SESSION_MINUTES: [u32; 3] = [15, 30, 60];
/// Minimum length of a search text in characters.
pub const FIND_MIN_CHARS: usize = 3;

/// The form for starting a session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportForm {
    /// Id of the account.
    #[serde(default)]
    pub account: String,
    /// The reason.
    #[serde(default)]
    pub reason: String,
    /// The ticket reference.
    #[serde(default)]
    pub ticket: String,
    /// Duration in minutes.
    #[serde(default)]
    pub minutes: String,
    /// The path of the first page below the account's; empty for the search.
    #[serde(default)]
    pub rest: String,
}

/// The session to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportRequest {
    /// The account.
    pub account: AccountId,
    /// The reason.
    pub reason: String,
    /// The ticket reference.
    pub ticket: String,
    /// Duration in minutes.
    pub minutes: u32,
}

impl SupportForm {
    /// Reads the form.
    ///
    /// # Errors
    /// `NotFound` for the account; `Invalid` with one entry per invalid field.
    pub fn input(&self) -> Result<SupportRequest> {
        let minutes = whole(&self.minutes, "minutes", "").ok().flatten();
        let (reason, ticket) = (self.reason.trim().to_owned(), self.ticket.trim().to_owned());
        // No session lasts 0 minutes, so the check reports it.
        let minutes = minutes.unwrap_or_default();
        Ok(SupportRequest { account: AccountId::parse(&self.account)?, reason, ticket, minutes })
    }
}

impl SupportRequest {
    /// Checks the rules.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn check(&self) -> Result<()> {
        let reason_fits = (REASON_MIN_CHARS..=REASON_MAX_CHARS).contains(&self.reason.trim().chars().count());
        let ticket_fits = (1..=TICKET_MAX_CHARS).contains(&self.ticket.trim().chars().count());
        let complaints = [
            (!reason_fits).then(|| {
                FieldError::new(
                    "reason",
                    "Enter a reason of 10 to 500 characters. The customer sees it in their audit log.",
                )
            }),
            (!ticket_fits).then(|| FieldError::new("ticket", "Enter the ticket, in at most 60 characters.")),
            (!SESSION_MINUTES.contains(&self.minutes))
                .then(|| FieldError::new("minutes", "Choose 15, 30 or 60 minutes.")),
        ];
        let errors: Vec<_> = complaints.into_iter().flatten().collect();
        if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
    }
}

/// A support session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportSession {
    /// Id.
    pub id: SupportId,
    /// The support agent.
    pub agent_id: UserId,
    /// Email address of the agent.
    pub agent: String,
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub account_name: String,
    /// The reason.
    pub reason: String,
    /// The ticket reference.
    pub ticket: String,
    /// When it started.
    pub started_at: UnixMs,
    /// When it expires.
    pub ends_at: UnixMs,
    /// When it ended, if it was ended early.
    pub ended_at: Option<UnixMs>,
}

impl SupportSession {
    /// Whether the session is open.
    #[must_use]
    pub fn is_open(&self, now: UnixMs) -> bool {
        self.ended_at.is_none() && now < self.ends_at
    }
}

/// An account found by a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundAccount {
    /// The account.
    pub account: Account,
    /// What matched: `its name`, `a phone number of a call`.
    pub by: String,
    /// The path of the match below the account's page; empty for the account itself.
    pub rest: String,
}

/// A page viewed in a support session, as recorded in the customer's audit log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SupportView {
    /// Id of the object viewed.
    pub object: Option<String>,
    /// The page: `the overview`, `a delivery`.
    pub page: &'static str,
    /// The search or filter, with phone numbers masked.
    pub asked: Option<String>,
}

impl SupportView {
    /// The page at a path below the account's, such as `deliveries/dlv_…`, with its query.
    #[must_use]
    pub fn at(path: &str, query: &str) -> Self {
        let mut parts = path.trim_matches('/').split('/');
        let (area, id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (page, one) = match area {
            "endpoints" => ("the endpoints", "an endpoint"),
            "deliveries" => ("the deliveries", "a delivery"),
            "events" => ("the calls and events", "an event"),
            "calls" => ("a call", "a call"),
            "connectors" => ("the connectors", "a connector"),
            "find" => ("the search", "the search"),
            _ => ("the overview", "the overview"),
        };
        let asked = pairs(query).filter(|(key, _)| !matches!(key.as_str(), "cursor" | "trail" | "limit"));
        let asked =
            asked.map(|(key, value)| format!("{key}: {}", masking::text(&value))).collect::<Vec<_>>().join(", ");
        Self {
            object: Some(pairs(&format!("id={id}")).map(|(_, id)| id).collect::<String>()).filter(|id| !id.is_empty()),
            page: if id.is_empty() { page } else { one },
            asked: Some(asked).filter(|asked| !asked.is_empty()),
        }
    }

    /// The details for the audit record.
    #[must_use]
    pub fn changes(self) -> Vec<Change> {
        let asked = self.asked.map(|asked| Change::noted("filter", asked));
        std::iter::once(Change::noted("page", self.page)).chain(asked).collect()
    }
}

/// One of the two parties of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallParty {
    /// The caller.
    Caller,
    /// The callee.
    Callee,
}

impl CallParty {
    /// The name in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Callee => "callee",
        }
    }

    /// The party with that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Caller, Self::Callee].into_iter().find(|party| party.as_str() == name)
    }
}

/// An audit record of an agent's own activity, with the account whose log contains it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportRecord {
    /// The account's name.
    pub account_name: String,
    /// The record.
    pub record: AuditRecord,
}

/// Support sessions. The actor is staff, except where it is stated to be
/// support inside a session.
#[async_trait]
pub trait Support {
    /// Finds accounts by name, phone number, endpoint host, or an id of any kind.
    ///
    /// # Errors
    /// `Forbidden` unless the actor is support, `Invalid` for a text that is too short.
    async fn find_accounts(&self, actor: &Actor, text: &str) -> Result<Vec<FoundAccount>>;
    /// An account before a session starts: its name, and whether it allows one.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    async fn account_for_support(&self, actor: &Actor, account: &AccountId) -> Result<Account>;
    /// Starts a session, or returns the one that is already open for this account.
    ///
    /// # Errors
    /// `Invalid` per field, `Forbidden` if the account does not allow support access.
    async fn start_support(&self, actor: &Actor, request: &SupportRequest) -> Result<SupportSession>;
    /// Ends the agent's own session. No effect if it has ended.
    ///
    /// # Errors
    /// `NotFound` for another agent's session.
    async fn end_support(&self, actor: &Actor, session: &SupportId) -> Result<SupportSession>;
    /// The agent's own sessions, newest first.
    ///
    /// # Errors
    /// `Forbidden` unless the actor is support.
    async fn support_sessions(&self, actor: &Actor) -> Result<Vec<SupportSession>>;
    /// Audit records about the agent from all accounts, newest first, older than the record `before`.
    ///
    /// # Errors
    /// `Forbidden` unless the actor is support.
    async fn support_log(&self, actor: &Actor, before: Option<&str>) -> Result<Vec<SupportRecord>>;
    /// The agent as an actor in the account, by their open session.
    ///
    /// # Errors
    /// `Forbidden` if no session is open, or the account no longer allows support access.
    async fn support_actor(&self, actor: &Actor, account: &AccountId) -> Result<(Actor, Account, SupportSession)>;
    /// Records that support inside a session views a page.
    ///
    /// # Errors
    /// `Forbidden` for any other actor.
    async fn record_support_view(&self, actor: &Actor, looked: SupportView) -> Result<()>;
    /// Reveals one phone number of an event to support inside a session, until the session ends.
    ///
    /// # Errors
    /// `NotFound` for another account's event, `Forbidden` for any other actor.
    async fn reveal_number(&self, actor: &Actor, event: &EventId, party: CallParty) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_needs_a_reason_a_ticket_and_a_duration() {
        let account = AccountId::new(UnixMs(1), 1).to_string();
        let form = SupportForm { account: account.clone(), reason: "  too short ".into(), ..SupportForm::default() };
        let fields: Vec<_> =
            form.input().unwrap().check().unwrap_err().fields().iter().map(|e| e.field.clone()).collect();
        assert_eq!(fields, ["reason", "ticket", "minutes"]);
        let form = SupportForm {
            account,
            reason: "Calls do not arrive".into(),
            ticket: "4711".into(),
            minutes: "30".into(),
            ..SupportForm::default()
        };
        assert_eq!(form.input().unwrap().check(), Ok(()));
        assert!(SupportForm { minutes: "600".into(), ..form }.input().unwrap().check().is_err());
    }

    #[test]
    fn a_view_is_described_with_masked_numbers() {
        let view = SupportView::at("deliveries", "q=%2B441202901222&cursor=dlv_1");
        assert_eq!((view.page, view.object.as_deref()), ("the deliveries", None));
        assert_eq!(view.asked.as_deref(), Some("q: +4412 ••• 222"));
        let view = SupportView::at("deliveries/dlv_1/attempts/2", "");
        assert_eq!((view.page, view.object.as_deref(), view.asked), ("a delivery", Some("dlv_1"), None));
        assert_eq!(SupportView::at("", "").page, "the overview");
    }
}
