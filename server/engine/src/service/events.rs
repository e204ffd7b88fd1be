//! Events: accept, list, show.

use async_trait::async_trait;
use domain::{
    Error,
    account::StorageLevel,
    actor::{Actor, Permission},
    error::Result,
    event::{Accepted, EventDetail, EventFilter, EventRow, Events, NewEvent, Page},
    filter::DeliveryFilter,
    id::{AccountId, EventId},
    query::page_size,
};

use crate::{
    Engine,
    context::Context,
    delivery::intake::Arriving,
    store::{accounts, deliveries, events},
};

/// Seconds after which an event may be tried again that was refused because its account stores too much: as often as
/// retention deletes something.
const STORAGE_RETRY_AFTER_S: u32 = 600;

/// Refuses what an account posts that stores far more than it may. It reads nothing: whoever is refused may try a thousand
/// times a second.
pub(super) fn refuse_full(context: &Context, account: Option<&AccountId>) -> Result<()> {
    let is_full = |account: &AccountId| context.storage.level(account.as_str()) == StorageLevel::Full;
    if account.is_some_and(is_full) { Err(storage_full()) } else { Ok(()) }
}

fn storage_full() -> Error {
    Error::LimitReached {
        detail: "This account stores far more than its limit, so nothing of this request was stored. Resume or delete endpoints \
                 whose events are waiting, or ask the provider for a higher limit; Settings show what is stored."
            .into(),
        retry_after_s: STORAGE_RETRY_AFTER_S,
    }
}

#[async_trait]
impl Events for Engine {
    async fn accept_event(&self, actor: &Actor, account: &AccountId, event: NewEvent) -> Result<Accepted> {
        actor.require(Permission::WriteEvents)?;
        // Not a platform's: a connector posts in order, and one account would hold up the calls of all others.
        refuse_full(self.context(), actor.account().ok())?;
        let arriving = Arriving { account: account.clone(), event, test_of: None, proof: None };
        self.intake().accept(arriving).await.map(|(accepted, _)| accepted)
    }

    async fn account_for_events(&self, actor: &Actor, named: Option<&str>) -> Result<AccountId> {
        actor.require(Permission::WriteEvents)?;
        let unknown = || Error::NotFound("Account".into());
        match (actor.account(), named) {
            (Ok(own), None) => Ok(own.clone()),
            (Ok(own), Some(named)) => {
                let account = self.account_named(named).await?.ok_or_else(unknown)?;
                if account == *own { Ok(account) } else { Err(unknown()) }
            }
            (Err(_), Some(named)) => self.account_named(named).await?.ok_or_else(unknown),
            (Err(_), None) => {
                Err(Error::invalid("account", "A platform token must specify the account by id or reference."))
            }
        }
    }

    async fn events(&self, actor: &Actor, filter: &EventFilter) -> Result<Page<EventRow>> {
        let account = actor.account_if(Permission::ReadEvents)?;
        let mut rows = events::list::page(self.db(), account, filter).await?;
        let size = page_size(filter.limit) as usize;
        let next = (rows.len() > size).then(|| rows[size - 1].0.clone());
        rows.truncate(size);
        let redactor = self.redactor(actor).await?;
        rows.iter_mut().for_each(|(_, row)| redactor.event(row));
        Ok(Page { rows: rows.into_iter().map(|(_, row)| row).collect(), next })
    }

    async fn event(&self, actor: &Actor, id: &EventId) -> Result<EventDetail> {
        let account = actor.account_if(Permission::ReadEvents)?;
        let found = events::one(self.db(), account, id).await?;
        let (event, content) = found.ok_or_else(|| Error::NotFound("Event".into()))?;
        let of_call = DeliveryFilter { call: Some(event.call_id.clone()), limit: 250, ..DeliveryFilter::default() };
        let rows =
            deliveries::list::page(self.db(), account, &self.wanted(account, &of_call).await?, self.now()).await?;
        let mut rows: Vec<_> = rows.into_iter().filter(|row| row.event_id == event.id).collect();
        rows.reverse();
        deliveries::add_attempt_marks(self.db(), account, &mut rows).await?;
        let mut detail = EventDetail { event, payload: content.payload, details: content.details, deliveries: rows };
        self.redactor(actor).await?.event_detail(&mut detail);
        Ok(detail)
    }
}

impl Engine {
    /// The account with this id or reference. Cached, since a platform names it with every event.
    async fn account_named(&self, named: &str) -> Result<Option<AccountId>> {
        // No reference has control characters, and PostgreSQL rejects NUL.
        if named.contains(char::is_control) {
            return Ok(None);
        }
        let now = self.now();
        if let Some(account) = self.auth_cache().accounts.get(named, now) {
            return Ok(Some(account));
        }
        let account = accounts::account(self.db(), named).await?.map(|account| account.id);
        if let Some(account) = &account {
            self.auth_cache().accounts.put(named.to_owned(), now, account);
        }
        Ok(account)
    }
}
