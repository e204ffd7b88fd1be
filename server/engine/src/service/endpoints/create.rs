//! Creates endpoints, under a lock on their account, so that its limits are checked reliably.

use domain::{
    Error, UnixMs,
    account::Limit,
    actor::Actor,
    audit::{AuditAction, Change},
    endpoint::{CreatedEndpoint, Duplicate, Endpoint, EndpointState, HEADER_KEPT, Header, Health, NewEndpoint},
    error::Result,
    event::EventKind,
    id::{AccountId, EndpointId},
    target::TargetUrl,
    time::counted,
};

use crate::{
    Engine,
    credentials::{self, Open},
    store::{
        accounts,
        db::Tx,
        endpoints::{self, StoredEndpoint},
    },
};

impl Engine {
    /// Creates an endpoint for a customer's URL.
    pub(super) async fn add_endpoint(
        &self,
        actor: &Actor,
        account: &AccountId,
        new: NewEndpoint,
        duplicate: Duplicate,
    ) -> Result<CreatedEndpoint> {
        let (stored, open) = self.prepare(account, new, false)?;
        let mut tx = self.db().begin().await?;
        accounts::lock(&mut tx, account).await?;
        self.refuse_too_many_endpoints(&mut tx, account).await?;
        if duplicate == Duplicate::Refuse
            && let Some((existing, name)) = endpoints::by_url(&mut tx, account, &stored.endpoint.url).await?
        {
            let detail = format!("The endpoint {name} already has this URL. Each event would be delivered twice.");
            return Err(Error::Conflict { detail, existing: Some(existing) });
        }
        self.refuse_too_many_at_host(&mut tx, account, &stored.endpoint.url).await?;
        self.insert(tx, actor, &stored).await?;
        Ok(CreatedEndpoint { endpoint: stored.endpoint, credentials: open.shown() })
    }

    /// The account's test line endpoint, created on first use.
    pub(super) async fn test_line_endpoint(&self, actor: &Actor, account: &AccountId) -> Result<Endpoint> {
        let (key, _) = self.ensure_line(account).await?;
        let new = NewEndpoint {
            url: TargetUrl::stored(self.line_url(&key)),
            events: EventKind::ALL.to_vec(),
            name: "Test line".to_owned(),
            auth_token: None,
            headers: Vec::new(),
            timeout_ms: domain::endpoint::ATTEMPT_TIMEOUT_MS,
            rate_per_s: None,
            deliver_late: false,
            send_details: false,
        };
        let (stored, _) = self.prepare(account, new, true)?;
        let mut tx = self.db().begin().await?;
        accounts::lock(&mut tx, account).await?;
        if let Some(id) = endpoints::test_line(&mut tx, account).await? {
            drop(tx);
            return Ok(self.stored(account, &EndpointId::parse(&id)?).await?.endpoint);
        }
        self.refuse_too_many_endpoints(&mut tx, account).await?;
        self.insert(tx, actor, &stored).await?;
        Ok(stored.endpoint)
    }

    /// Builds an endpoint with its credentials, ready to insert.
    fn prepare(&self, account: &AccountId, new: NewEndpoint, test_line: bool) -> Result<(StoredEndpoint, Open)> {
        let id = self.new_id(EndpointId::new);
        let headers = require_header_values(new.headers.clone())?;
        let open = Open::new(new.auth_token.clone(), headers);
        let sealed = credentials::seal(self.vault(), account, &id, &open);
        let stored = StoredEndpoint {
            account: account.clone(),
            endpoint: new_endpoint(id, new, test_line, self.now()),
            sealed,
            last_failure: None,
            suspended: false,
            throttled_until: None,
            token_rotation: None,
            secret_rotation: None,
        };
        Ok((stored, open))
    }

    async fn insert(&self, mut tx: Tx, actor: &Actor, stored: &StoredEndpoint) -> Result<()> {
        let account = &stored.account;
        endpoints::add(&mut tx, stored, self.now()).await?;
        let (id, name) = (stored.endpoint.id.as_str(), &stored.endpoint.name);
        let entry = self.entry(actor, account, AuditAction::EndpointCreated).about(id, name);
        self.record(&mut tx, entry.with([Change::noted("URL", stored.endpoint.url.as_str())])).await?;
        Ok(tx.commit().await?)
    }

    async fn refuse_too_many_endpoints(&self, tx: &mut Tx, account: &AccountId) -> Result<()> {
        let most = self.limits_of(Some(account)).await?.of(Limit::Endpoints);
        if endpoints::count(tx, account).await? < i64::from(most) {
            return Ok(());
        }
        let most = counted(i64::from(most), "endpoint");
        let detail = format!("This account is limited to {most}. Delete one, or ask your provider to raise the limit.");
        Err(Error::Conflict { detail, existing: None })
    }

    /// Each event may cost a host as many requests as the account has endpoints there.
    pub(super) async fn refuse_too_many_at_host(
        &self,
        tx: &mut Tx,
        account: &AccountId,
        url: &TargetUrl,
    ) -> Result<()> {
        let (most, host) = (self.limits_of(Some(account)).await?.of(Limit::EndpointsPerHost), url.canonical_host());
        let there = endpoints::hosts(tx, account).await?.into_iter().filter(|other| *other == host).count();
        if there < most as usize {
            return Ok(());
        }
        let most = counted(i64::from(most), "endpoint");
        let detail = format!(
            "This account is limited to {most} at {host}. Delete one, or ask your provider to raise the limit."
        );
        Err(Error::Conflict { detail, existing: None })
    }
}

fn new_endpoint(id: EndpointId, new: NewEndpoint, test_line: bool, now: UnixMs) -> Endpoint {
    Endpoint {
        id,
        name: new.name,
        url: new.url,
        events: new.events,
        state: EndpointState::Active,
        pause_reason: None,
        state_since: now,
        health: Health::default(),
        timeout_ms: new.timeout_ms,
        rate_per_s: new.rate_per_s,
        drain_per_s: None,
        deliver_late: new.deliver_late,
        send_details: new.send_details,
        header_names: new.headers.into_iter().map(|header| header.name).collect(),
        test_line,
        version: 1,
        created_at: now,
    }
}

fn require_header_values(typed: Vec<Header>) -> Result<Vec<Header>> {
    match typed.iter().find(|header| header.value == HEADER_KEPT) {
        Some(header) => Err(Error::invalid("headers", format!("Enter a value for {}.", header.name))),
        None => Ok(typed),
    }
}
