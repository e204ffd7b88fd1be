//! How an endpoint comes to an account: one at a time, so that what is decided by those it has holds when it is added.

use domain::{
    Error, UnixMs,
    actor::Actor,
    audit::{Change, Deed},
    endpoint::{CreatedEndpoint, Duplicate, Endpoint, EndpointState, HEADER_KEPT, Header, Health, NewEndpoint},
    error::Result,
    event::EventKind,
    id::{AccountId, EndpointId},
    target::TargetUrl,
};

use crate::credentials::{self, Open};
use crate::{
    Engine,
    store::{accounts, db::Tx, endpoints, endpoints::StoredEndpoint},
};

impl Engine {
    /// Adds an endpoint at a URL of the customer's own.
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
        self.refuse_too_many(&mut tx, account).await?;
        if duplicate == Duplicate::Refuse
            && let Some((existing, name)) = endpoints::by_url(&mut tx, account, &stored.endpoint.url).await?
        {
            let detail = format!("The endpoint {name} has this URL already; each event would arrive twice.");
            return Err(Error::Conflict { detail, existing: Some(existing) });
        }
        self.put(tx, actor, &stored).await?;
        Ok(CreatedEndpoint { endpoint: stored.endpoint, credentials: open.shown() })
    }

    /// The account's endpoint at its test line, added when it is asked for first.
    pub(super) async fn own_test_line(&self, actor: &Actor, account: &AccountId) -> Result<Endpoint> {
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
        };
        let (stored, _) = self.prepare(account, new, true)?;
        let mut tx = self.db().begin().await?;
        accounts::lock(&mut tx, account).await?;
        if let Some(id) = endpoints::test_line(&mut tx, account).await? {
            drop(tx);
            return Ok(self.stored(account, &EndpointId::parse(&id)?).await?.endpoint);
        }
        self.refuse_too_many(&mut tx, account).await?;
        self.put(tx, actor, &stored).await?;
        Ok(stored.endpoint)
    }

    /// An endpoint with its credentials, as it will be stored.
    fn prepare(&self, account: &AccountId, new: NewEndpoint, test_line: bool) -> Result<(StoredEndpoint, Open)> {
        let id = self.new_id(EndpointId::new);
        let headers = kept_headers_none(new.headers.clone())?;
        let open = Open::new(new.auth_token.clone(), headers);
        let sealed = credentials::seal(self.vault(), account, &id, &open);
        let stored = StoredEndpoint {
            account: account.clone(),
            endpoint: fresh(id, new, test_line, self.now()),
            sealed,
            last_failure: None,
            suspended: false,
            token_rotation: None,
            secret_rotation: None,
        };
        Ok((stored, open))
    }

    async fn put(&self, mut tx: Tx, actor: &Actor, stored: &StoredEndpoint) -> Result<()> {
        let account = &stored.account;
        endpoints::add(&mut tx, stored, self.now()).await?;
        let (id, name) = (stored.endpoint.id.as_str(), &stored.endpoint.name);
        let entry = self.entry(actor, account, Deed::EndpointCreated).about(id, name);
        self.note(&mut tx, entry.with([Change::noted("URL", stored.endpoint.url.as_str())])).await?;
        Ok(tx.commit().await?)
    }

    async fn refuse_too_many(&self, tx: &mut Tx, account: &AccountId) -> Result<()> {
        let limits = accounts::account(self.db(), account.as_str()).await?;
        let most = limits.ok_or_else(|| Error::NotFound("Account".into()))?.limits.endpoints();
        if endpoints::count(tx, account).await? < i64::from(most) {
            return Ok(());
        }
        let most = domain::time::counted(i64::from(most), "endpoint");
        let detail = format!("This account has at most {most}. Delete one, or ask your provider for more.");
        Err(Error::Conflict { detail, existing: None })
    }
}

fn fresh(id: EndpointId, new: NewEndpoint, test_line: bool, now: UnixMs) -> Endpoint {
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
        header_names: new.headers.into_iter().map(|header| header.name).collect(),
        test_line,
        version: 1,
        created_at: now,
    }
}

fn kept_headers_none(typed: Vec<Header>) -> Result<Vec<Header>> {
    match typed.iter().find(|header| header.value == HEADER_KEPT) {
        Some(header) => Err(Error::invalid("headers", format!("Type the value of {}.", header.name))),
        None => Ok(typed),
    }
}
