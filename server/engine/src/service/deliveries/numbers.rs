//! What a search for a phone number looks for.

use std::sync::Arc;

use domain::{error::Result, filter::DeliveryFilter, id::AccountId};

use crate::{
    Engine,
    store::{
        accounts,
        deliveries::list::{Wanted, wanted_number},
        events::{asked_number::TypedNumber, phone_index::Stream, phone_search::NumberSearch},
    },
};

impl Engine {
    /// What a filter searches for.
    pub(in crate::service) async fn wanted<'a>(
        &self,
        account: &AccountId,
        filter: &'a DeliveryFilter,
    ) -> Result<Wanted<'a>> {
        let Some(text) = wanted_number(filter) else { return Ok(Wanted { filter, number: None }) };
        Ok(Wanted { filter, number: Some(self.number_search(account, text).await?) })
    }

    /// A number as the account's country reads it.
    pub(in crate::service) async fn number_search(&self, account: &AccountId, text: &str) -> Result<NumberSearch> {
        let country = accounts::account(self.db(), account.as_str()).await?.and_then(|found| found.settings.country);
        let asked = self.typed_number(text).in_country(country);
        let recent = asked.recent(self.db(), account, Stream::Deliveries).await?;
        let recent_unsent = asked.recent(self.db(), account, Stream::Unsent).await?;
        Ok(NumberSearch { asked, recent, recent_unsent })
    }

    /// A number as someone typed it.
    pub(in crate::service) fn typed_number(&self, text: &str) -> TypedNumber {
        TypedNumber { text: text.to_owned(), numbers: Arc::clone(&self.config().numbers) }
    }
}
