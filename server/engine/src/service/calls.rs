//! Calls: list and show.

use std::collections::HashSet;

use async_trait::async_trait;
use domain::{
    Error,
    actor::{Actor, Permission},
    call::{CallDetail, CallFilter, CallRow, Calls},
    error::Result,
    event::Page,
    filter::DeliveryFilter,
    id::AccountId,
    payload::is_uuid,
    query::{PAGE_MAX_ROWS, page_size},
};

use crate::{
    Engine,
    store::{
        deliveries,
        events::{
            call_candidates::{self, Walk},
            call_rows,
        },
    },
};

/// Candidates that are read at a time when not every one may be shown.
const STEP_CANDIDATES: u32 = 200;
/// Most candidates that are read for a page: the next page continues from there.
const CANDIDATES_MAX: usize = 1_000;
/// After every place.
const NEWEST: &str = "~";

#[async_trait]
impl Calls for Engine {
    async fn calls(&self, actor: &Actor, filter: &CallFilter) -> Result<Page<CallRow>> {
        let account = actor.account_if(Permission::ReadEvents)?;
        let text = filter.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let mut page = match self.call_named(account, text).await? {
            Some(call) => self.one_call(account, filter, &call).await?,
            None => {
                let walk = match text {
                    Some(text) => Walk::Number(self.number_search(account, text).await?),
                    None => Walk::by(filter.outcome),
                };
                self.walk(account, filter, &walk).await?
            }
        };
        let redactor = self.redactor(actor).await?;
        page.rows.iter_mut().for_each(|row| redactor.call(row));
        Ok(page)
    }

    async fn call(&self, actor: &Actor, call_id: &str) -> Result<CallDetail> {
        let account = actor.account_if(Permission::ReadEvents)?;
        let call_id = call_id.to_ascii_lowercase();
        let not_found = || Error::NotFound("Call".into());
        if !is_uuid(&call_id) {
            return Err(not_found());
        }
        let mut loaded = call_rows::load(self.db(), account, &[&call_id]).await?;
        let call = loaded.remove(&call_id).ok_or_else(not_found)?;
        let row = call.row().ok_or_else(not_found)?;
        let filter = DeliveryFilter { call: Some(call_id), limit: PAGE_MAX_ROWS, ..DeliveryFilter::default() };
        let wanted = self.wanted(account, &filter).await?;
        let mut deliveries = deliveries::list::page(self.db(), account, &wanted, self.now()).await?;
        deliveries.truncate(PAGE_MAX_ROWS as usize);
        deliveries.reverse();
        deliveries::add_attempt_marks(self.db(), account, &mut deliveries).await?;
        let mut detail = CallDetail { row, events: call.events, deliveries };
        let redactor = self.redactor(actor).await?;
        redactor.call(&mut detail.row);
        detail.events.iter_mut().for_each(|event| redactor.event(event));
        detail.deliveries.iter_mut().for_each(|delivery| redactor.delivery(delivery));
        Ok(detail)
    }
}

impl Engine {
    /// The call that a text names by its own id, or by that of an event or a delivery.
    async fn call_named(&self, account: &AccountId, text: Option<&str>) -> Result<Option<String>> {
        let Some(text) = text else { return Ok(None) };
        if is_uuid(text) {
            return Ok(Some(text.to_ascii_lowercase()));
        }
        if text.starts_with("dlv_") {
            return Ok(call_rows::of_delivery(self.db(), account, text).await?);
        }
        Ok(call_rows::of_event(self.db(), account, text).await?)
    }

    async fn one_call(&self, account: &AccountId, filter: &CallFilter, call: &str) -> Result<Page<CallRow>> {
        let loaded = call_rows::load(self.db(), account, &[call]).await?;
        let row = loaded.get(call).and_then(call_rows::LoadedCall::row).filter(|row| filter.accepts(row));
        Ok(Page { rows: row.into_iter().collect(), next: None })
    }

    /// Reads candidates until the page is full, they end, or there were very many. A call counts at its own place only, so it is
    /// on one page however often the walk meets it.
    async fn walk(&self, account: &AccountId, filter: &CallFilter, walk: &Walk) -> Result<Page<CallRow>> {
        let size = page_size(filter.limit) as usize;
        let all = matches!(walk, Walk::All) && filter.is_all();
        let step = if all { page_size(filter.limit) + 1 } else { STEP_CANDIDATES };
        let (mut rows, mut read, mut shown) = (Vec::new(), 0, HashSet::new());
        let mut before = filter.cursor.clone().unwrap_or_else(|| NEWEST.to_owned());
        loop {
            let found = call_candidates::next(self.db(), account, walk, &before, step).await?;
            let calls: HashSet<&str> = found.iter().map(|found| found.call_id.as_str()).collect();
            let loaded = call_rows::load(self.db(), account, &calls.into_iter().collect::<Vec<_>>()).await?;
            for candidate in &found {
                let call = loaded.get(&candidate.call_id);
                let here = call.filter(|call| walk.place(call).as_ref() == Some(&candidate.place));
                let row = here.and_then(call_rows::LoadedCall::row).filter(|row| filter.accepts(row));
                if let Some(row) = row.filter(|row| shown.insert(row.call_id.clone())) {
                    if rows.len() == size {
                        return Ok(Page { rows, next: Some(before) });
                    }
                    rows.push(row);
                }
                before.clone_from(&candidate.place);
            }
            read += found.len();
            if found.len() < step as usize {
                return Ok(Page { rows, next: None });
            }
            if read >= CANDIDATES_MAX {
                return Ok(Page { rows, next: Some(before) });
            }
        }
    }
}
