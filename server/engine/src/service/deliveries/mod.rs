//! Deliveries: list, show, resend, cancel.

mod bulk;
mod numbers;
mod recovery;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    Error,
    actor::{Actor, Permission},
    attempt::Attempt,
    audit::AuditAction,
    delivery::{
        ATTEMPTS_PAGE_MAX, ATTEMPTS_SHOWN, Deliveries, DeliveryCounts, DeliveryDetail, DeliveryRow, RESENDS_PER_HOUR,
        Status,
    },
    endpoint::EndpointState,
    error::Result,
    event::Page,
    filter::DeliveryFilter,
    id::{AccountId, DeliveryId},
    query::page_size,
    time::{HOUR_MS, wait_s},
};
use tokio::time::timeout_at;

use crate::{
    Engine, clock, credentials,
    delivery::cluster::ClusterMessage,
    store::{
        audit,
        db::Tx,
        deliveries::{
            self, list,
            ordering_keys::{self, OrderingKey},
        },
        endpoints::{self, StoredEndpoint},
        events,
    },
};

#[async_trait]
impl Deliveries for Engine {
    async fn deliveries(&self, actor: &Actor, filter: &DeliveryFilter) -> Result<Page<DeliveryRow>> {
        let account = actor.account_if(Permission::ReadDeliveries)?;
        let mut rows = list::page(self.db(), account, &self.wanted(account, filter).await?, self.now()).await?;
        let size = page_size(filter.limit) as usize;
        let next = (rows.len() > size).then(|| rows[size - 1].id.to_string());
        rows.truncate(size);
        self.finish_rows(account, &mut rows).await?;
        let redactor = self.redactor(actor).await?;
        rows.iter_mut().for_each(|row| redactor.delivery(row));
        Ok(Page { rows, next })
    }

    async fn delivery_counts(&self, actor: &Actor, filter: &DeliveryFilter) -> Result<DeliveryCounts> {
        let account = actor.account_if(Permission::ReadDeliveries)?;
        Ok(list::counts(self.db(), account, &self.wanted(account, filter).await?, self.now()).await?)
    }

    async fn delivery(&self, actor: &Actor, id: &DeliveryId, around: Option<u32>) -> Result<DeliveryDetail> {
        let account = actor.account_if(Permission::ReadDeliveries)?;
        let row = self.row(account, id).await?;
        let up_to = around.map_or(u32::MAX, |number| number.saturating_add(ATTEMPTS_SHOWN / 2).max(ATTEMPTS_SHOWN));
        let mut attempts = deliveries::attempts(self.db(), account, id, (up_to, ATTEMPTS_SHOWN)).await?;
        attempts.reverse();
        let event = events::one(self.db(), account, &row.event_id).await?;
        let (event, content) = event.ok_or(Error::Internal)?;
        let endpoint = endpoints::one(self.db(), account, &row.endpoint_id).await?.ok_or(Error::Internal)?;
        let mut detail = DeliveryDetail {
            attempts,
            event_timestamp: event.timestamp,
            payload: content.payload,
            details: content.details.filter(|_| endpoint.endpoint.send_details),
            endpoint_url: endpoint.endpoint.url.as_str().to_owned(),
            row,
        };
        let redactor = self.redactor(actor).await?;
        if redactor.redacts_credentials() {
            redactor.delivery_detail(&mut detail, &self.known_credentials(&endpoint)?);
        }
        Ok(detail)
    }

    async fn attempts(&self, actor: &Actor, id: &DeliveryId, before: Option<u32>, limit: u32) -> Result<Page<Attempt>> {
        let account = actor.account_if(Permission::ReadDeliveries)?;
        let row = self.row(account, id).await?;
        let size = page_size(limit).min(ATTEMPTS_PAGE_MAX);
        let up_to = before.map_or(u32::MAX, |number| number.saturating_sub(1));
        let mut rows = deliveries::attempts(self.db(), account, id, (up_to, size + 1)).await?;
        let more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let next = rows.last().filter(|_| more).map(|attempt| attempt.number.to_string());
        let redactor = self.redactor(actor).await?;
        if redactor.redacts_credentials() {
            let endpoint = endpoints::one(self.db(), account, &row.endpoint_id).await?.ok_or(Error::Internal)?;
            redactor.attempts(&mut rows, &self.known_credentials(&endpoint)?);
        }
        Ok(Page { rows, next })
    }

    async fn resend(&self, actor: &Actor, id: &DeliveryId) -> Result<()> {
        let account = actor.account_if(Permission::WriteDeliveries)?;
        let row = self.row(account, id).await?;
        self.refuse_resend(account, &row).await?;
        let now = self.now();
        let mut tx = self.db().begin().await?;
        let resent = deliveries::resend(&mut tx, account, id, ordering_key(&row), now).await?;
        if !resent && !deliveries::retry_now(&mut tx, account, id, now).await? {
            drop(tx);
            // The endpoint may have been deleted since.
            self.refuse_resend(account, &row).await?;
            return Err(not_ended(&self.row(account, id).await?));
        }
        self.limit_retries(&mut tx, account, id, AuditAction::DeliveryResent).await?;
        self.record(&mut tx, self.entry(actor, account, AuditAction::DeliveryResent).about(id.as_str(), "")).await?;
        Ok(tx.commit_then(self.wake(account)).await?)
    }

    async fn retry_delivery(&self, actor: &Actor, id: &DeliveryId) -> Result<()> {
        let account = actor.account_if(Permission::WriteDeliveries)?;
        let row = self.row(account, id).await?;
        if row.status == Status::Held {
            return Err(held());
        }
        let now = self.now();
        let mut tx = self.db().begin().await?;
        if !deliveries::retry_now(&mut tx, account, id, now).await? {
            return Err(not_waiting(&row));
        }
        self.limit_retries(&mut tx, account, id, AuditAction::DeliveryRetried).await?;
        self.record(&mut tx, self.entry(actor, account, AuditAction::DeliveryRetried).about(id.as_str(), "")).await?;
        Ok(tx.commit_then(self.wake(account)).await?)
    }

    async fn cancel_delivery(&self, actor: &Actor, id: &DeliveryId) -> Result<()> {
        let account = actor.account_if(Permission::WriteDeliveries)?;
        let row = self.row(account, id).await?;
        let now = self.now();
        let mut tx = self.db().begin().await?;
        ordering_keys::lock(&mut tx, [ordering_key(&row)]).await?;
        if !deliveries::cancel(&mut tx, account, id, now).await? {
            let detail = if row.status.is_final() {
                "This delivery has already ended, so it can't be cancelled."
            } else {
                "This delivery is being sent. Try again in a moment."
            };
            return Err(Error::Conflict { detail: detail.into(), existing: None });
        }
        ordering_keys::promote_next(&mut tx, &[ordering_key(&row)], None, now).await?;
        self.record(&mut tx, self.entry(actor, account, AuditAction::DeliveryCancelled).about(id.as_str(), "")).await?;
        Ok(tx.commit_then(self.wake(account)).await?)
    }

    async fn wait_for_first_attempt(&self, actor: &Actor, id: &DeliveryId, wait_ms: u32) -> Result<DeliveryDetail> {
        let account = actor.account_if(Permission::ReadDeliveries)?;
        let mut changes = self.changes();
        let until = clock::stopwatch() + Duration::from_millis(u64::from(wait_ms));
        loop {
            let row = self.row(account, id).await?;
            let ended = row.status.is_final() || matches!(row.status, Status::Held | Status::Retrying);
            let attempted = ended || row.attempts > row.attempts_before;
            if attempted || timeout_at(until, changes.recv()).await.is_err() {
                return self.delivery(actor, id, None).await;
            }
        }
    }
}

/// The delivery's ordering key.
fn ordering_key(row: &DeliveryRow) -> OrderingKey {
    OrderingKey { endpoint_id: row.endpoint_id.to_string(), call_id: row.call_id.clone() }
}

/// The error for retrying what a paused endpoint or a suspended account holds.
pub(super) fn held() -> Error {
    let detail = "Nothing is sent while the endpoint is paused or disabled, or the account is suspended. Resume the endpoint: \
                  waiting events are sent then.";
    Error::Conflict { detail: detail.into(), existing: None }
}

/// The error for retrying a delivery that waits for no retry.
fn not_waiting(row: &DeliveryRow) -> Error {
    let detail = match row.status {
        status if status.is_final() => "This delivery has ended, so there is nothing to retry. You can resend it.",
        Status::Sending => "This delivery is being sent.",
        _ => "This delivery waits for an earlier event of its call and is sent right after it.",
    };
    Error::Conflict { detail: detail.into(), existing: None }
}

/// The error for resending a delivery that will be sent anyway.
fn not_ended(row: &DeliveryRow) -> Error {
    let detail = if row.status == Status::Sending {
        "This delivery is being sent. Wait for its outcome. If it fails, you can resend it."
    } else {
        "This delivery is waiting for its turn and will be sent automatically. There is nothing to resend."
    };
    Error::Conflict { detail: detail.into(), existing: None }
}

impl Engine {
    async fn row(&self, account: &AccountId, id: &DeliveryId) -> Result<DeliveryRow> {
        let row = deliveries::one(self.db(), account, id).await?;
        let mut rows = vec![row.ok_or_else(|| Error::NotFound("Delivery".into()))?];
        self.mark_sending(&mut rows);
        rows.pop().ok_or(Error::Internal)
    }

    /// Adds what the store's rows do not have: attempt marks, and which deliveries are being sent.
    pub(super) async fn finish_rows(&self, account: &AccountId, rows: &mut [DeliveryRow]) -> Result<()> {
        deliveries::add_attempt_marks(self.db(), account, rows).await?;
        self.mark_sending(rows);
        Ok(())
    }

    fn mark_sending(&self, rows: &mut [DeliveryRow]) {
        let queues = self.sender().queues();
        for row in rows.iter_mut().filter(|row| !row.status.is_final() && queues.is_sending(row.id.as_str())) {
            row.status = Status::Sending;
        }
    }

    /// The endpoint's credentials, which its server may have echoed.
    fn known_credentials(&self, endpoint: &StoredEndpoint) -> Result<Vec<String>> {
        let shown = credentials::revealed(self.vault(), endpoint, self.now())?;
        let open = credentials::open_or_internal(self.vault(), endpoint)?;
        let rotating = [shown.other_auth_token, shown.earlier_signing_secret].into_iter().flatten();
        let headers = open.headers.into_iter().map(|header| header.value);
        Ok(headers.chain([shown.auth_token, shown.signing_secret]).chain(rotating).collect())
    }

    /// A resend costs the receiver a request, and us an attempt's row.
    async fn limit_retries(
        &self,
        tx: &mut Tx,
        account: &AccountId,
        id: &DeliveryId,
        action: AuditAction,
    ) -> Result<()> {
        let (what, since) = ((account, id.as_str()), self.now().plus_ms(1 - HOUR_MS));
        let earlier = audit::nth_latest(tx, what, action, since, RESENDS_PER_HOUR).await?;
        let Some(first) = earlier else { return Ok(()) };
        let done = if action == AuditAction::DeliveryRetried { "retried" } else { "resent" };
        let detail = format!("This delivery was {done} {RESENDS_PER_HOUR} times within an hour. Try again later.");
        Err(Error::LimitReached { detail, retry_after_s: wait_s(first.since_ms(since)) })
    }

    async fn refuse_resend(&self, account: &AccountId, row: &DeliveryRow) -> Result<()> {
        let conflict = |detail: &str| Err(Error::Conflict { detail: detail.to_owned(), existing: None });
        let endpoint = endpoints::one(self.db(), account, &row.endpoint_id).await?;
        if endpoint.is_none_or(|stored| stored.endpoint.state == EndpointState::Deleted) {
            return conflict("This delivery's endpoint was deleted, so it can't be resent.");
        }
        let event = events::one(self.db(), account, &row.event_id).await?;
        if event.is_none_or(|(_, content)| content.payload.is_none()) {
            return conflict("This delivery's payload is past its retention, so it can't be resent.");
        }
        Ok(())
    }

    /// After the commit: wakes the sender, for a delivery of this account may be due now.
    pub(super) fn wake(&self, account: &AccountId) -> impl Future<Output = ()> + Send + use<> {
        let (sender, account) = (Arc::clone(self.sender()), account.to_string());
        async move {
            sender.wake_at(sender.now());
            sender.broadcast(ClusterMessage::Due).await;
            sender.changed([account]).await;
        }
    }
}
