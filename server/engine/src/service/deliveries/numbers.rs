//! The spellings in which a searched phone number may have been sent.

use domain::{error::Result, filter::DeliveryFilter, id::AccountId, phone};

use crate::{
    Engine,
    store::{
        accounts,
        deliveries::list::{Wanted, wanted_number},
        events::phone_index,
    },
};

impl Engine {
    /// What a filter searches for. The account's country decides national spellings.
    pub(in crate::service) async fn wanted<'a>(
        &self,
        account: &AccountId,
        filter: &'a DeliveryFilter,
    ) -> Result<Wanted<'a>> {
        let Some(number) = wanted_number(filter) else { return Ok(Wanted { filter, spellings: Vec::new() }) };
        let mut spellings = phone_index::spellings(number);
        let country = accounts::account(self.db(), account.as_str()).await?.and_then(|found| found.settings.country);
        let numbers = &*self.config().numbers;
        if let Some((country, e164)) = country.and_then(|country| Some((country, numbers.e164(number, Some(country))?)))
        {
            spellings.extend(phone::spellings(&e164));
            spellings.extend(numbers.national(&e164, country));
            spellings.sort_unstable();
            spellings.dedup();
        }
        Ok(Wanted { filter, spellings })
    }
}
