//! Routing: which account a call of a platform connector belongs to, and the table that says so.

use std::collections::{BTreeMap, HashSet};

use domain::{
    Error,
    actor::{Actor, Permission},
    audit::{AuditAction, Change},
    connector::{
        Connector, ConnectorOwner,
        route::{self, CallRoute, Destination, NewRoute, Pattern, ROUTES_MAX, Route, RoutesChanged},
    },
    error::{FieldError, Result},
    event::Page,
    id::ConnectorId,
    query::page_size,
    time::MINUTE_MS,
};

use super::not_found;
use crate::{
    Engine,
    store::connectors::{
        self,
        routes::{self, RouteRow},
        state, unrouted,
    },
};

/// How often it is noted that a connector has reported a call, in milliseconds.
const EVENT_NOTED_MS: i64 = MINUTE_MS;
/// Routes written by one transaction.
const STEP_ROWS: usize = 500;
/// Most accounts that are reported as unknown.
const COMPLAINTS_MAX: usize = 20;

impl Engine {
    /// Which account a call goes to: that of the connector, or by the call's route. One without a route is noted.
    pub(super) async fn destination(
        &self,
        actor: &Actor,
        id: &ConnectorId,
        call: Option<&CallRoute>,
    ) -> Result<Destination> {
        actor.require(Permission::WriteEvents)?;
        let call = routed_by(actor, call)?;
        let connector = self.posting_connector(actor, id).await?;
        if connector.paused_at.is_some() {
            return Ok(Destination::Paused);
        }
        self.note_event(&connector).await?;
        let Some(call) = call else { return Ok(Destination::Account(actor.account()?.clone())) };
        let e164 = |number: &str| self.config().numbers.e164(number, connector.country);
        let candidates = call.candidates(e164);
        let found = routes::matching(self.db(), id, &candidates).await?;
        if let Some(account) = route::best(&candidates, &found) {
            return Ok(Destination::Account(account.clone()));
        }
        let number = call.label(e164);
        let mut tx = self.db().begin().await?;
        unrouted::note(&mut tx, id, &number, self.now()).await?;
        tx.commit().await?;
        Ok(Destination::Unrouted(number))
    }

    /// A connector of the actor's account or of the platform, for which the actor posts events. Cached, since it is named with
    /// every event.
    async fn posting_connector(&self, actor: &Actor, id: &ConnectorId) -> Result<Connector> {
        let owner =
            actor.account().map_or(ConnectorOwner::Platform, |account| ConnectorOwner::Account(account.clone()));
        let now = self.now();
        if let Some(connector) = self.auth_cache().connectors.get(id.as_str(), now) {
            return if connector.owner == owner { Ok(connector) } else { Err(not_found()) };
        }
        let stored = connectors::one(self.db(), &owner, id).await?;
        let connector = stored.ok_or_else(not_found)?.connector;
        self.auth_cache().connectors.put(id.to_string(), now, &connector);
        Ok(connector)
    }

    /// Notes that a connector without a connection has reported a call, at most once a minute: it has no other sign of life.
    async fn note_event(&self, connector: &Connector) -> Result<()> {
        let now = self.now();
        let lately = connector.state.last_event_at.is_some_and(|at| now.since_ms(at) < EVENT_NOTED_MS);
        if lately || connector.way.is_connected(connector.system) {
            return Ok(());
        }
        let mut tx = self.db().begin().await?;
        state::set_last_event(&mut tx, &connector.id, now).await?;
        Ok(tx.commit_then(self.forget_connector(&connector.id)).await?)
    }

    /// One page of routes, by pattern.
    pub(super) async fn page_of_routes(
        &self,
        id: &ConnectorId,
        text: &str,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<Route>> {
        let size = page_size(limit);
        let mut rows = routes::list(self.db(), id, (text, cursor.unwrap_or_default()), size + 1).await?;
        let more = rows.len() > size as usize;
        rows.truncate(size as usize);
        let next = rows.last().filter(|_| more).map(|route| route.pattern.as_str().to_owned());
        Ok(Page { rows, next })
    }

    /// Replaces a table of routes in steps: first what is new or changed, then what is gone. So no call that has a route in
    /// both tables is without one in between.
    pub(super) async fn replace_table(
        &self,
        actor: &Actor,
        connector: &Connector,
        new: Vec<NewRoute>,
    ) -> Result<RoutesChanged> {
        let wanted = self.resolved(connector, new).await?;
        let present = routes::all(self.db(), &connector.id).await?;
        let write: Vec<RouteRow> = wanted
            .iter()
            .filter(|(pattern, account)| present.get(*pattern) != Some(account))
            .map(|(pattern, account)| row(connector, pattern, account))
            .collect();
        let gone: Vec<String> = present.keys().filter(|pattern| !wanted.contains_key(*pattern)).cloned().collect();
        let added = write.iter().filter(|row| !present.contains_key(&row.pattern)).count();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let changed =
            RoutesChanged { added: count(added), changed: count(write.len() - added), removed: count(gone.len()) };
        if changed == RoutesChanged::default() {
            return Ok(changed);
        }
        let mut tx = self.db().begin().await?;
        let noted = |what, n: u32| Change::noted(what, n.to_string());
        let changes =
            [noted("added", changed.added), noted("changed", changed.changed), noted("removed", changed.removed)];
        let entry = self.connector_entry(actor, connector, AuditAction::ConnectorRoutesChanged);
        self.record(&mut tx, entry.with(changes)).await?;
        tx.commit().await?;
        for rows in write.chunks(STEP_ROWS) {
            let mut tx = self.db().begin().await?;
            routes::set(&mut tx, rows).await?;
            tx.commit().await?;
        }
        for patterns in gone.chunks(STEP_ROWS) {
            let mut tx = self.db().begin().await?;
            routes::remove(&mut tx, &connector.id, patterns).await?;
            tx.commit().await?;
        }
        Ok(changed)
    }

    /// Adds or changes one route.
    pub(super) async fn set_one_route(&self, actor: &Actor, connector: &Connector, new: NewRoute) -> Result<()> {
        let called = new.account.clone();
        let resolved = self.resolved(connector, vec![new]).await?;
        let Some((pattern, account)) = resolved.into_iter().next() else { return Err(Error::Internal) };
        let mut tx = self.db().begin().await?;
        let entry = self.connector_entry(actor, connector, AuditAction::ConnectorRoutesChanged);
        self.record(&mut tx, entry.with([Change::noted(&pattern, called)])).await?;
        routes::set(&mut tx, &[row(connector, &pattern, &account)]).await?;
        if routes::count(&mut tx, &connector.id).await? > i64::try_from(ROUTES_MAX).unwrap_or(i64::MAX) {
            let detail = "A connector has at most 100,000 routes. Remove some, or replace numbers by prefixes.";
            return Err(Error::Conflict { detail: detail.into(), existing: None });
        }
        unrouted::remove(&mut tx, &connector.id, &pattern).await?;
        Ok(tx.commit().await?)
    }

    /// Removes one route.
    pub(super) async fn remove_one_route(&self, actor: &Actor, connector: &Connector, pattern: &Pattern) -> Result<()> {
        let mut tx = self.db().begin().await?;
        let change = Change { what: pattern.as_str().to_owned(), before: Some("route".to_owned()), after: None };
        let entry = self.connector_entry(actor, connector, AuditAction::ConnectorRoutesChanged);
        // First, as whoever adds a route: two that are added at once are counted one after the other.
        self.record(&mut tx, entry.with([change])).await?;
        if routes::remove(&mut tx, &connector.id, &[pattern.as_str().to_owned()]).await? == 0 {
            return Err(Error::NotFound("Route".into()));
        }
        Ok(tx.commit().await?)
    }

    /// Account ids by pattern, with complete numbers in E.164.
    async fn resolved(&self, connector: &Connector, new: Vec<NewRoute>) -> Result<BTreeMap<String, String>> {
        if new.len() > ROUTES_MAX {
            return Err(Error::TooLarge("A connector has at most 100,000 routes.".to_owned()));
        }
        let names: HashSet<&str> = new.iter().map(|route| route.account.as_str()).collect();
        let names: Vec<&str> = names.into_iter().filter(|name| !name.contains(char::is_control)).collect();
        let accounts = routes::accounts(self.db(), &names).await?;
        let (mut table, mut errors) = (BTreeMap::new(), Vec::new());
        for NewRoute { pattern, account } in new {
            let pattern = String::from(pattern.normalised(&*self.config().numbers, connector.country));
            let complaint = match accounts.get(&account) {
                None => Some(format!("{pattern}: there is no account {account:?}.")),
                Some(id) => {
                    let before = table.insert(pattern.clone(), id.clone());
                    before.filter(|before| before != id).map(|_| format!("{pattern} has two accounts."))
                }
            };
            errors.extend(complaint.map(|message| FieldError::new("routes", message)));
            if errors.len() >= COMPLAINTS_MAX {
                break;
            }
        }
        if errors.is_empty() { Ok(table) } else { Err(Error::Invalid(errors)) }
    }
}

/// The route that decides the account; none if the actor's token does.
fn routed_by<'a>(actor: &Actor, call: Option<&'a CallRoute>) -> Result<Option<&'a CallRoute>> {
    match (actor.account(), call) {
        (Ok(_), Some(_)) => {
            let message = "A token of an account posts the events of that account. Leave the route out.";
            Err(Error::invalid("route", message))
        }
        (Ok(_), None) => Ok(None),
        (Err(_), Some(call)) => call.check().map(|()| Some(call)),
        (Err(_), None) => Err(Error::invalid("route", "A connector of the platform needs the route of the call.")),
    }
}

fn row(connector: &Connector, pattern: &str, account: &str) -> RouteRow {
    RouteRow { connector_id: connector.id.to_string(), pattern: pattern.to_owned(), account_id: account.to_owned() }
}
