//! What nodes on one Postgres send each other by LISTEN and NOTIFY: work that is due, endpoints that changed, accounts
//! whose deliveries changed. It only saves time: every node also polls now and then.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::{UnixMs, id::AccountId};
use tokio::sync::broadcast;

use crate::store::{
    db::{Db, Dialect},
    postgres,
};

/// An account's changes are announced at most this often, in milliseconds.
const ANNOUNCE_EVERY_MS: i64 = 500;
/// Accounts remembered for it.
const ANNOUNCED_MAX: usize = 10_000;
/// Changes a slow listener may fall behind before it only learns that it did.
const CHANGES_MAX: usize = 1_024;

/// A message to the other nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClusterMessage {
    /// Something is due that no node has leased.
    Due,
    /// This endpoint was paused, resumed, changed or deleted.
    Endpoint(String),
    /// Deliveries of this account changed.
    Account(String),
    /// This account was suspended, or its suspension ended.
    Suspension(String),
    /// This user, or the session with this handle, may have lost access.
    Access(String),
    /// A policy was set.
    Policies,
}

impl ClusterMessage {
    fn text(&self) -> String {
        match self {
            Self::Due => "due".to_owned(),
            Self::Endpoint(id) => format!("endpoint {id}"),
            Self::Account(id) => format!("account {id}"),
            Self::Suspension(id) => format!("suspension {id}"),
            Self::Access(who) => format!("access {who}"),
            Self::Policies => "policies".to_owned(),
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            None if text == "due" => Some(Self::Due),
            None if text == "policies" => Some(Self::Policies),
            Some(("suspension", id)) => Some(Self::Suspension(id.to_owned())),
            Some(("access", who)) => Some(Self::Access(who.to_owned())),
            Some(("endpoint", id)) => Some(Self::Endpoint(id.to_owned())),
            Some(("account", id)) => Some(Self::Account(id.to_owned())),
            _ => None,
        }
    }

    pub(super) async fn send(&self, db: &Db) {
        send_all(db, std::slice::from_ref(self)).await;
    }
}

async fn send_all(db: &Db, messages: &[ClusterMessage]) {
    let texts: Vec<String> = messages.iter().map(ClusterMessage::text).collect();
    if let Err(error) = postgres::notify(db, &texts).await {
        tracing::debug!(%error, "the other nodes could not be notified; they poll");
    }
}

/// Accounts whose deliveries changed, for this node's pages and for the other nodes.
pub(super) struct Changes {
    here: broadcast::Sender<AccountId>,
    announced: Mutex<HashMap<String, UnixMs>>,
}

impl Default for Changes {
    fn default() -> Self {
        Self { here: broadcast::channel(CHANGES_MAX).0, announced: Mutex::default() }
    }
}

impl Changes {
    pub(super) fn subscribe(&self) -> broadcast::Receiver<AccountId> {
        self.here.subscribe()
    }

    /// Publishes each account once on this node; having no listener is no error. Returns them.
    pub(super) fn publish(&self, accounts: impl IntoIterator<Item = String>) -> Vec<String> {
        let mut accounts: Vec<String> = accounts.into_iter().collect();
        accounts.sort_unstable();
        accounts.dedup();
        for account in accounts.iter().filter_map(|id| AccountId::parse(id).ok()) {
            let _ = self.here.send(account);
        }
        accounts
    }

    /// Announces these accounts to the other nodes, each at most twice a second.
    pub(super) async fn announce(&self, db: &Db, accounts: Vec<String>, now: UnixMs) {
        if db.dialect == Dialect::Sqlite {
            return;
        }
        let due = accounts.into_iter().filter(|account| self.may_announce(account, now));
        let messages: Vec<ClusterMessage> = due.map(ClusterMessage::Account).collect();
        if !messages.is_empty() {
            send_all(db, &messages).await;
        }
    }

    fn may_announce(&self, account: &str, now: UnixMs) -> bool {
        let mut announced = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        if announced.len() >= ANNOUNCED_MAX {
            announced.clear();
        }
        let recently = announced.get(account).is_some_and(|at| now.since_ms(*at).abs() < ANNOUNCE_EVERY_MS);
        if !recently {
            announced.insert(account.to_owned(), now);
        }
        !recently
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_parsed_as_it_was_sent() {
        let suspension = ClusterMessage::Suspension("acct_1".into());
        let account = ClusterMessage::Account("acct_1".into());
        for message in [
            ClusterMessage::Due,
            ClusterMessage::Endpoint("ep_1".into()),
            account,
            suspension,
            ClusterMessage::Access("usr_1".into()),
            ClusterMessage::Policies,
        ] {
            assert_eq!(ClusterMessage::parse(&message.text()), Some(message));
        }
        assert_eq!(ClusterMessage::parse("something else"), None);
    }
}
