//! The provider's support: sessions in which staff read one account, on the account's own record.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    account::Account,
    actor::Actor,
    audit::{Change, Record},
    error::{Error, FieldError, Result},
    id::{AccountId, EventId, SupportId, UserId},
    masking,
    query::pairs,
    time::{MINUTE_MS, UnixMs},
};

/// Shortest reason in characters: the customer reads it.
pub const REASON_MIN_CHARS: usize = 10;
/// Longest reason in characters.
pub const REASON_MAX_CHARS: usize = 500;
/// Longest ticket in characters.
pub const TICKET_MAX_CHARS: usize = 60;
/// How long a session may last, in minutes.
pub const SESSION_MINUTES: [u32; 3] = [15, 30, 60];
/// Shortest text that is looked for, in characters.
pub const FIND_MIN_CHARS: usize = 3;

/// What the form that starts a session holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportForm {
    /// Id of the account.
    #[serde(default)]
    pub account: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// The ticket that it belongs to.
    #[serde(default)]
    pub ticket: String,
    /// How long, in minutes.
    #[serde(default)]
    pub minutes: String,
    /// The page to begin with, below the account's; the search when empty.
    #[serde(default)]
    pub rest: String,
}

/// A form that has been checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grounds {
    /// Why.
    pub reason: String,
    /// The ticket.
    pub ticket: String,
    /// How long, in milliseconds.
    pub length_ms: i64,
}

impl SupportForm {
    /// Checks what was typed.
    ///
    /// # Errors
    /// `Invalid` with one entry per field that cannot be accepted.
    pub fn check(&self) -> Result<Grounds> {
        let (reason, ticket) = (self.reason.trim(), self.ticket.trim());
        let minutes = SESSION_MINUTES.into_iter().find(|minutes| minutes.to_string() == self.minutes);
        let reason_fits = (REASON_MIN_CHARS..=REASON_MAX_CHARS).contains(&reason.chars().count());
        let ticket_fits = (1..=TICKET_MAX_CHARS).contains(&ticket.chars().count());
        let complaints = [
            (!reason_fits).then(|| {
                FieldError::new(
                    "reason",
                    "Give the reason in 10 to 500 characters. The customer reads it in their audit log.",
                )
            }),
            (!ticket_fits).then(|| FieldError::new("ticket", "Give the ticket, in at most 60 characters.")),
            minutes.is_none().then(|| FieldError::new("minutes", "A session lasts 15, 30 or 60 minutes.")),
        ];
        let errors: Vec<_> = complaints.into_iter().flatten().collect();
        match minutes {
            Some(minutes) if errors.is_empty() => Ok(Grounds {
                reason: reason.to_owned(),
                ticket: ticket.to_owned(),
                length_ms: i64::from(minutes) * MINUTE_MS,
            }),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

/// One look into an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportSession {
    /// Id.
    pub id: SupportId,
    /// The agent.
    pub agent_id: UserId,
    /// E-mail address of the agent.
    pub agent: String,
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub account_name: String,
    /// Why.
    pub reason: String,
    /// The ticket.
    pub ticket: String,
    /// When it began.
    pub started_at: UnixMs,
    /// When it ends by itself.
    pub ends_at: UnixMs,
    /// When it did end.
    pub ended_at: Option<UnixMs>,
}

impl SupportSession {
    /// Whether the agent may look now.
    #[must_use]
    pub fn is_open(&self, now: UnixMs) -> bool {
        self.ended_at.is_none() && now < self.ends_at
    }
}

/// An account that was found, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The account.
    pub account: Account,
    /// What the text is there: `its name`, `a phone number of a call`.
    pub by: String,
    /// The page of what was found, below the account's; empty for the account itself.
    pub rest: String,
}

/// What a page of a support session shows, in words that the customer reads in their log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// Id of what was looked at.
    pub object: Option<String>,
    /// What it is: `the overview`, `a delivery`.
    pub page: &'static str,
    /// What was searched or filtered for, numbers masked.
    pub asked: Option<String>,
}

impl Looked {
    /// What stands at this address below the account's: `deliveries/dlv_…?q=…`.
    #[must_use]
    pub fn at(rest: &str) -> Self {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut parts = path.trim_matches('/').split('/');
        let (area, id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (page, one) = match area {
            "endpoints" => ("the endpoints", "an endpoint"),
            "deliveries" => ("the deliveries", "a delivery"),
            "events" => ("the calls and events", "an event"),
            "calls" => ("a call", "a call"),
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

    /// What stands in the log.
    #[must_use]
    pub fn changes(self) -> Vec<Change> {
        let asked = self.asked.map(|asked| Change::noted("asked for", asked));
        std::iter::once(Change::noted("page", self.page)).chain(asked).collect()
    }
}

/// One of the two numbers of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// Who calls.
    Caller,
    /// Who is called.
    Callee,
}

impl Party {
    /// The name in a form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Callee => "callee",
        }
    }

    /// The party of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Caller, Self::Callee].into_iter().find(|party| party.as_str() == name)
    }
}

/// A record of an agent's own doings, with the account in whose log it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportRecord {
    /// The account's name.
    pub account_name: String,
    /// The record.
    pub record: Record,
}

/// Support: the part of the port for the provider's staff. The first argument is staff everywhere, but where it says
/// that it is support inside of a session.
#[async_trait]
pub trait Support {
    /// Accounts that a text leads to: a name, a phone number, the host of an endpoint, or an id of any kind.
    ///
    /// # Errors
    /// `Forbidden` for whoever is not support, `Invalid` for a text that is too short.
    async fn find_accounts(&self, actor: &Actor, text: &str) -> Result<Vec<Found>>;
    /// An account before a session: its name, and whether it allows one.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    async fn account_for_support(&self, actor: &Actor, account: &AccountId) -> Result<Account>;
    /// Starts a session. One that runs there already is answered instead of a second.
    ///
    /// # Errors
    /// `Invalid` per field, `Forbidden` when the account does not allow it.
    async fn start_support(&self, actor: &Actor, form: &SupportForm) -> Result<SupportSession>;
    /// Ends the agent's own session; one that has ended stays so.
    ///
    /// # Errors
    /// `NotFound` for another's.
    async fn end_support(&self, actor: &Actor, session: &SupportId) -> Result<SupportSession>;
    /// The agent's own sessions, newest first.
    ///
    /// # Errors
    /// `Forbidden` for whoever is not support.
    async fn support_sessions(&self, actor: &Actor) -> Result<Vec<SupportSession>>;
    /// What stands about the agent in the logs of all accounts, newest first, older than the record `before`.
    ///
    /// # Errors
    /// `Forbidden` for whoever is not support.
    async fn support_log(&self, actor: &Actor, before: Option<&str>) -> Result<Vec<SupportRecord>>;
    /// The agent as an actor inside of the account, by the session that runs there.
    ///
    /// # Errors
    /// `Forbidden` when none runs, or the account does not allow it any more.
    async fn supporting(&self, actor: &Actor, account: &AccountId) -> Result<(Actor, Account, SupportSession)>;
    /// Records that support inside of a session looks at a page.
    ///
    /// # Errors
    /// `Forbidden` for anybody else.
    async fn support_looks(&self, actor: &Actor, looked: Looked) -> Result<()>;
    /// Shows one number of an event to support inside of a session, until that ends.
    ///
    /// # Errors
    /// `NotFound` for another account's event, `Forbidden` for anybody else.
    async fn reveal_number(&self, actor: &Actor, event: &EventId, party: Party) -> Result<()>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_needs_a_reason_a_ticket_and_a_length() {
        let form = SupportForm { reason: "  too short ".into(), ..SupportForm::default() };
        let fields: Vec<_> = form.check().unwrap_err().fields().iter().map(|e| e.field.clone()).collect();
        assert_eq!(fields, ["reason", "ticket", "minutes"]);
        let form = SupportForm {
            reason: "Calls do not arrive".into(),
            ticket: "4711".into(),
            minutes: "30".into(),
            ..SupportForm::default()
        };
        assert_eq!(form.check().unwrap().length_ms, 30 * MINUTE_MS);
        assert!(SupportForm { minutes: "600".into(), ..form }.check().is_err());
    }

    #[test]
    fn a_look_is_told_in_words_without_numbers() {
        let looked = Looked::at("deliveries?q=%2B441202901222&cursor=dlv_1");
        assert_eq!((looked.page, looked.object.as_deref()), ("the deliveries", None));
        assert_eq!(looked.asked.as_deref(), Some("q: +4412 ••• 222"));
        let looked = Looked::at("deliveries/dlv_1/attempts/2");
        assert_eq!((looked.page, looked.object.as_deref(), looked.asked), ("a delivery", Some("dlv_1"), None));
        assert_eq!(Looked::at("").page, "the overview");
    }
}
