//! Endpoints: create, update, pause, test, delete.

mod create;
mod delete;
mod summaries;
mod test_events;
mod test_lines;
mod validate;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use domain::{
    Error, UnixMs,
    actor::{Actor, Permission},
    audit::{AuditAction, AuditRecord, Change},
    endpoint::{
        CreatedEndpoint, Credentials, Duplicate, Endpoint, EndpointInput, EndpointState, EndpointSummary, Endpoints,
        HEADER_KEPT, Header, PauseReason, RATE_MAX_PER_S,
    },
    error::Result,
    event::EventKind,
    id::{AccountId, DeliveryId, EndpointId},
    payload::Payload,
    tally::{Tally, hour_of},
    time::SECOND_MS,
};

use crate::{
    Engine,
    credentials::{self, Open},
    delivery::cluster::ClusterMessage,
    store::{
        accounts,
        endpoints::{self, StoredEndpoint, tallies},
    },
};

#[async_trait]
impl Endpoints for Engine {
    async fn create_endpoint(
        &self,
        actor: &Actor,
        input: &EndpointInput,
        duplicate: Duplicate,
    ) -> Result<CreatedEndpoint> {
        let account = actor.account_if(Permission::WriteEndpoints)?;
        let new = self.checked(input).await?;
        self.add_endpoint(actor, account, new, duplicate).await
    }

    async fn endpoints(&self, actor: &Actor) -> Result<Vec<EndpointSummary>> {
        let account = actor.account_if(Permission::ReadEndpoints)?;
        let mut summaries = self.summaries(account).await?;
        let now = self.now();
        summaries.sort_by_key(|summary| !summary.endpoint.health.is_failing(now));
        let redactor = self.redactor(actor).await?;
        summaries.iter_mut().for_each(|summary| redactor.endpoint(summary));
        Ok(summaries)
    }

    async fn endpoint(&self, actor: &Actor, id: &EndpointId) -> Result<EndpointSummary> {
        let account = actor.account_if(Permission::ReadEndpoints)?;
        let mut summary = self.summary(self.stored(account, id).await?).await?;
        self.redactor(actor).await?.endpoint(&mut summary);
        Ok(summary)
    }

    async fn update_endpoint(
        &self,
        actor: &Actor,
        id: &EndpointId,
        input: &EndpointInput,
        version: Option<u32>,
    ) -> Result<Endpoint> {
        let account = actor.account_if(Permission::WriteEndpoints)?;
        refuse_deleted(&self.stored(account, id).await?.endpoint)?;
        let new = self.checked(input).await?;
        let mut tx = self.db().begin().await?;
        accounts::lock(&mut tx, account).await?;
        // Under the lock: a concurrent change may have moved it to another host.
        let stored = self.stored(account, id).await?;
        let headers = kept_headers(&credentials::open_or_internal(self.vault(), &stored)?, new.headers)?;
        let before = stored.endpoint.clone();
        let changed = Endpoint {
            name: new.name,
            url: new.url,
            events: new.events,
            timeout_ms: new.timeout_ms,
            rate_per_s: new.rate_per_s,
            deliver_late: new.deliver_late,
            send_details: new.send_details,
            header_names: headers.iter().map(|header| header.name.clone()).collect(),
            ..stored.endpoint
        };
        let sealed = credentials::seal_headers(self.vault(), account, id, &headers);
        if changed.url.canonical_host() != before.url.canonical_host() {
            self.refuse_too_many_at_host(&mut tx, account, &changed.url).await?;
        }
        if !endpoints::update(&mut tx, account, &changed, &sealed, version.unwrap_or(0)).await? {
            return Err(edit_conflict(id));
        }
        let entry = self.entry(actor, account, AuditAction::EndpointChanged).about(id.as_str(), &changed.name);
        self.record(&mut tx, entry.with(differences(&before, &changed))).await?;
        tx.commit_then(self.endpoint_changed(account, id)).await??;
        Ok(self.stored(account, id).await?.endpoint)
    }

    async fn pause_endpoint(&self, actor: &Actor, id: &EndpointId) -> Result<Endpoint> {
        self.set_state(actor, id, EndpointState::Paused, None).await
    }

    async fn resume_endpoint(&self, actor: &Actor, id: &EndpointId, drain_per_s: Option<u32>) -> Result<Endpoint> {
        if drain_per_s.is_some_and(|rate| !(1..=RATE_MAX_PER_S).contains(&rate)) {
            return Err(Error::invalid("drain_per_s", "Enter a rate from 1 to 1,000 held events per second."));
        }
        self.set_state(actor, id, EndpointState::Active, drain_per_s).await
    }

    async fn delete_endpoint(&self, actor: &Actor, id: &EndpointId) -> Result<u32> {
        let account = actor.account_if(Permission::WriteEndpoints)?;
        let name = self.stored(account, id).await?.endpoint.name;
        let cancelled = self.mark_deleted(actor, account, id, &name).await?;
        Ok(u32::try_from(cancelled).unwrap_or(u32::MAX))
    }

    async fn send_test(
        &self,
        actor: &Actor,
        id: &EndpointId,
        kind: EventKind,
        payload: Option<&str>,
    ) -> Result<DeliveryId> {
        let account = actor.account_if(Permission::WriteEndpoints)?;
        let endpoint = self.stored(account, id).await?.endpoint;
        let payload = match payload {
            Some(edited) => require_kind(kind, Payload::parse(edited)?)?,
            None => Payload::parse(&self.example(kind))?,
        };
        self.post_test(account, &endpoint, payload, None).await
    }

    async fn reveal_credentials(&self, actor: &Actor, id: &EndpointId) -> Result<Credentials> {
        let account = actor.account_if(Permission::RevealCredentials)?;
        let stored = self.stored(account, id).await?;
        let open = credentials::revealed(self.vault(), &stored, self.now())?;
        // Recorded before it is revealed: what cannot be recorded is not revealed.
        let mut tx = self.db().begin().await?;
        let entry = self.entry(actor, account, AuditAction::CredentialsRevealed);
        self.record(&mut tx, entry.about(id.as_str(), &stored.endpoint.name)).await?;
        tx.commit().await?;
        Ok(open)
    }

    async fn endpoint_hours(&self, actor: &Actor, id: &EndpointId, since: UnixMs) -> Result<Vec<(UnixMs, Tally)>> {
        let account = actor.account_if(Permission::ReadEndpoints)?;
        self.stored(account, id).await?;
        Ok(tallies::of_endpoint(self.db(), account, id, hour_of(since)).await?)
    }

    async fn account_hours(&self, actor: &Actor, since: UnixMs) -> Result<Vec<(UnixMs, Tally)>> {
        let account = actor.account_if(Permission::ReadEndpoints)?;
        let mut hours: BTreeMap<UnixMs, Tally> = BTreeMap::new();
        for (_, hour, tally) in tallies::of_account(self.db(), account, hour_of(since)).await? {
            hours.entry(hour).or_default().merge(&tally);
        }
        Ok(hours.into_iter().collect())
    }

    async fn endpoint_log(&self, actor: &Actor, id: &EndpointId) -> Result<Vec<AuditRecord>> {
        let account = actor.account_if(Permission::ReadEndpoints)?;
        self.stored(account, id).await?;
        self.object_log(actor, account.as_str(), id.as_str()).await
    }

    async fn use_test_line(&self, actor: &Actor) -> Result<Endpoint> {
        let account = actor.account_if(Permission::WriteEndpoints)?;
        self.test_line_endpoint(actor, account).await
    }
}

impl Engine {
    pub(crate) async fn stored(&self, account: &AccountId, id: &EndpointId) -> Result<StoredEndpoint> {
        let stored = endpoints::one(self.db(), account, id).await?;
        stored.ok_or_else(|| Error::NotFound("Endpoint".into()))
    }

    async fn set_state(
        &self,
        actor: &Actor,
        id: &EndpointId,
        state: EndpointState,
        drain_per_s: Option<u32>,
    ) -> Result<Endpoint> {
        let account = actor.account_if(Permission::WriteEndpoints)?;
        let endpoint = self.stored(account, id).await?.endpoint;
        refuse_deleted(&endpoint)?;
        let reason = (state == EndpointState::Paused).then_some(PauseReason::User);
        let resumes = state == EndpointState::Active && endpoint.state != state;
        let flush = if resumes { self.flush(actor, account, &endpoint, drain_per_s).await? } else { None };
        let mut tx = self.db().begin().await?;
        // Before the endpoint: the order of locks.
        let flush = match flush {
            Some(job) if self.add_retry(account, &mut tx, &job).await? => Some(job),
            _ => None,
        };
        if endpoints::set_state(&mut tx, account, id, state, reason, self.now()).await? {
            let active = state == EndpointState::Active;
            let action = if active { AuditAction::EndpointResumed } else { AuditAction::EndpointPaused };
            let drain = drain_per_s.map(|rate| Change::noted("held events per second", rate.to_string()));
            let entry = self.entry(actor, account, action).about(id.as_str(), &endpoint.name).with(drain);
            self.record(&mut tx, entry).await?;
        }
        if state == EndpointState::Active {
            endpoints::reset_health(&mut tx, account, id, drain_per_s).await?;
        }
        if let Some(job) = &flush {
            self.record_retry(actor, account, &mut tx, job).await?;
        }
        let (changed, woken) = (self.endpoint_changed(account, id), self.job_changed(account));
        tx.commit_then(async move {
            woken.await;
            changed.await
        })
        .await??;
        Ok(self.stored(account, id).await?.endpoint)
    }

    /// After the commit: releases leased deliveries of the endpoint, so that they are claimed again with its new settings.
    pub(crate) fn endpoint_changed(
        &self,
        account: &AccountId,
        id: &EndpointId,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        let (sender, id, woken) = (Arc::clone(self.sender()), id.to_string(), self.wake(account));
        async move {
            sender.release_endpoint(&id).await?;
            sender.broadcast(ClusterMessage::Endpoint(id)).await;
            woken.await;
            Ok(())
        }
    }
}

/// What an update changed. Header values are credentials, so only their names are recorded.
fn differences(before: &Endpoint, after: &Endpoint) -> Vec<Change> {
    let events = |of: &Endpoint| of.events.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    let rate = |of: &Endpoint| of.rate_per_s.map_or_else(|| "none".to_owned(), |rate| format!("{rate}/s"));
    let seconds = |of: &Endpoint| format!("{} s", i64::from(of.timeout_ms) / SECOND_MS);
    let yes = |is: bool| if is { "yes" } else { "no" };
    let changes = [
        Change::between("URL", before.url.as_str(), after.url.as_str()),
        Change::between("events", events(before), events(after)),
        Change::between("name", &*before.name, &*after.name),
        Change::between("header names", before.header_names.join(", "), after.header_names.join(", ")),
        Change::between("time limit", seconds(before), seconds(after)),
        Change::between("rate limit", rate(before), rate(after)),
        Change::between("deliver anyway", yes(before.deliver_late), yes(after.deliver_late)),
        Change::between("details", yes(before.send_details), yes(after.send_details)),
    ];
    changes.into_iter().flatten().collect()
}

/// Replaces header values that were not retyped by the stored ones.
fn kept_headers(open: &Open, typed: Vec<Header>) -> Result<Vec<Header>> {
    let keep = |header: Header| {
        if header.value != HEADER_KEPT {
            return Ok(header);
        }
        let stored = open.headers.iter().find(|stored| stored.name.eq_ignore_ascii_case(&header.name));
        let stored = stored.ok_or_else(|| Error::invalid("headers", format!("Enter a value for {}.", header.name)))?;
        Ok(Header { name: header.name, value: stored.value.clone() })
    };
    typed.into_iter().map(keep).collect()
}

pub(crate) fn refuse_deleted(endpoint: &Endpoint) -> Result<()> {
    if endpoint.state == EndpointState::Deleted {
        return Err(Error::Conflict { detail: "This endpoint was deleted.".into(), existing: None });
    }
    Ok(())
}

/// A payload names its event; the given kind must match it.
fn require_kind(kind: EventKind, payload: Payload) -> Result<Payload> {
    if payload.kind == kind {
        return Ok(payload);
    }
    let says = format!("The payload has a different event, {}. Select that event or change the payload.", payload.kind);
    Err(Error::invalid("event", says))
}

fn edit_conflict(id: &EndpointId) -> Error {
    Error::Conflict {
        detail: "Someone else changed this endpoint while you were editing it. Review the changes, then save again."
            .into(),
        existing: Some(id.to_string()),
    }
}
