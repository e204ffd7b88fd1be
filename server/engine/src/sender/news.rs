//! What nodes on one Postgres tell each other, by LISTEN and NOTIFY: work that is due, endpoints that changed,
//! accounts whose deliveries changed. Only speed rests on it: every node also looks by itself now and then.

use std::sync::{Arc, PoisonError};

use super::Sender;
use crate::{
    clock,
    store::{db::Dialect, error::StoreResult, postgres},
};

/// An account's changes are told at most this often, in milliseconds.
const TELL_EVERY_MS: i64 = 500;
/// Accounts that are remembered for it.
const TOLD_MAX: usize = 10_000;
/// Rest before a lost connection is made again, in milliseconds.
const RECONNECT_MS: u64 = 1_000;

/// A message to the other nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Something is due that no node has in hand.
    Due,
    /// This endpoint was paused, resumed, changed or deleted.
    Endpoint(String),
    /// Deliveries of this account changed.
    Account(String),
    /// This account was suspended, or is so no longer.
    Suspension(String),
    /// A policy was set.
    Policies,
}

impl News {
    fn text(&self) -> String {
        match self {
            Self::Due => "due".to_owned(),
            Self::Endpoint(id) => format!("endpoint {id}"),
            Self::Account(id) => format!("account {id}"),
            Self::Suspension(id) => format!("suspension {id}"),
            Self::Policies => "policies".to_owned(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            None if text == "due" => Some(Self::Due),
            None if text == "policies" => Some(Self::Policies),
            Some(("suspension", id)) => Some(Self::Suspension(id.to_owned())),
            Some(("endpoint", id)) => Some(Self::Endpoint(id.to_owned())),
            Some(("account", id)) => Some(Self::Account(id.to_owned())),
            _ => None,
        }
    }
}

impl Sender {
    /// Tells the other nodes; on SQLite there are none. A message that is lost costs only time.
    pub(crate) async fn tell(&self, news: News) {
        if let Err(error) = postgres::notify(&self.db, &news.text()).await {
            tracing::debug!(%error, "the other nodes were not told; they will see by themselves");
        }
    }

    /// Tells the other nodes of accounts whose deliveries changed, each at most twice a second.
    pub(crate) async fn tell_accounts(&self, accounts: Vec<String>) {
        if self.db.dialect == Dialect::Sqlite {
            return;
        }
        let now = self.now();
        for account in accounts {
            let lately = {
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                if told.len() >= TOLD_MAX {
                    told.clear();
                }
                let lately = told.get(&account).is_some_and(|at| now.since_ms(*at).abs() < TELL_EVERY_MS);
                if !lately {
                    told.insert(account.clone(), now);
                }
                lately
            };
            if !lately {
                self.tell(News::Account(account)).await;
            }
        }
    }

    async fn heard(&self, news: News) {
        match news {
            News::Due => self.wake_at(self.now()),
            News::Endpoint(id) => {
                if let Err(error) = self.release_endpoint(&id).await {
                    tracing::warn!(%error, "an endpoint changed, and what is in hand for it could not be let go of");
                }
                self.wake_at(self.now());
            }
            News::Account(id) => {
                self.changed([id]);
            }
            News::Suspension(id) => {
                if let Err(error) = self.release_account(&id).await {
                    tracing::warn!(%error, "an account was suspended, and what is in hand for it could not be let go of");
                }
                self.wake_at(self.now());
            }
            News::Policies => {
                if let Err(error) = self.read_policies().await {
                    tracing::warn!(%error, "a policy changed and could not be read; looking again soon");
                }
            }
        }
    }
}

/// Listens until the sender stops: first by `ears`, which heard from before the node began to work.
pub(crate) async fn run(sender: Arc<Sender>, ears: postgres::ClusterListener) {
    let mut ears = Some(ears);
    while !sender.is_stopping() {
        if let Err(error) = listen(&sender, ears.take()).await {
            tracing::warn!(%error, "lost touch with the other nodes; listening again");
        }
        clock::sleep_ms(RECONNECT_MS).await;
    }
}

async fn listen(sender: &Sender, ears: Option<postgres::ClusterListener>) -> StoreResult<()> {
    let ears = if ears.is_some() { ears } else { postgres::listener(&sender.db).await? };
    let Some(mut listener) = ears else { return Ok(()) };
    // Whatever was said before is unknown: look now that nothing more can be missed.
    sender.wake_at(sender.now());
    while !sender.is_stopping() {
        let message = listener.recv().await?;
        if let Some(news) = News::parse(message.payload()) {
            sender.heard(news).await;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_is_heard() {
        let suspension = News::Suspension("acct_1".into());
        let account = News::Account("acct_1".into());
        for news in [News::Due, News::Endpoint("ep_1".into()), account, suspension, News::Policies] {
            assert_eq!(News::parse(&news.text()), Some(news));
        }
        assert_eq!(News::parse("something else"), None);
    }
}
