//! Support: account search, support sessions, and the record of every page viewed.

use async_trait::async_trait;
use domain::{
    Error,
    account::Account,
    actor::{Actor, Permission, Who},
    audit::{AuditAction, Change},
    error::Result,
    event::EventRow,
    id::{AccountId, DeliveryId, EndpointId, EventId, SupportId, UserId, encode},
    masking,
    payload::is_uuid,
    phone_key::dialled,
    query::check_search,
    support::{
        CallParty, FIND_MIN_CHARS, FoundAccount, Support, SupportRecord, SupportRequest, SupportSession, SupportView,
    },
    time::DAY_MS,
};

use crate::{
    Engine,
    store::{
        accounts,
        audit::Entry,
        db::Tx,
        events,
        ops::support::{self, FindBy, Which},
    },
};

/// How far back phone numbers are searched.
const NUMBER_SPAN_MS: i64 = 30 * DAY_MS;
/// Fewest digits of a phone number.
const NUMBER_MIN_DIGITS: usize = 5;

#[async_trait]
impl Support for Engine {
    async fn find_accounts(&self, actor: &Actor, text: &str) -> Result<Vec<FoundAccount>> {
        agent(actor)?;
        let text = text.trim();
        if text.chars().count() < FIND_MIN_CHARS {
            return Err(Error::invalid("q", "Enter at least three characters of a name, phone number, host or id."));
        }
        check_search(text)?;
        let mut found: Vec<FoundAccount> = Vec::new();
        for (by, said, rest) in self.searches(text) {
            for account in support::find(self.db(), &by).await? {
                if found.iter().all(|one| one.account.id != account.id) {
                    found.push(FoundAccount { account, by: said.to_owned(), rest: rest.clone() });
                }
            }
        }
        Ok(found)
    }

    async fn account_for_support(&self, actor: &Actor, account: &AccountId) -> Result<Account> {
        agent(actor)?;
        let known = accounts::account(self.db(), account.as_str()).await?;
        known.ok_or_else(|| Error::NotFound("Account".into()))
    }

    async fn start_support(&self, actor: &Actor, request: &SupportRequest) -> Result<SupportSession> {
        let (user, name) = agent(actor)?;
        let account = self.account_for_support(actor, &request.account).await?;
        allowed(&account)?;
        request.check()?;
        self.background().support_sessions.end_expired().await?;
        if let Some(running) = self.running(user, &account.id).await? {
            return Ok(running);
        }
        let now = self.now();
        let session = SupportSession {
            id: self.new_id(SupportId::new),
            agent_id: user.clone(),
            agent: name.to_owned(),
            account: account.id.clone(),
            account_name: account.name,
            reason: request.reason.trim().to_owned(),
            ticket: request.ticket.trim().to_owned(),
            started_at: now,
            ends_at: now.plus_ms(i64::from(request.minutes) * domain::time::MINUTE_MS),
            ended_at: None,
        };
        let mut tx = self.db().begin().await?;
        support::add(&mut tx, &session).await?;
        let until = Change::noted("until at most", domain::time::iso_utc(session.ends_at));
        self.record(&mut tx, self.session_entry(actor, &session, AuditAction::SupportStarted).with([until])).await?;
        tx.commit().await?;
        Ok(session)
    }

    async fn end_support(&self, actor: &Actor, session: &SupportId) -> Result<SupportSession> {
        let (user, _) = agent(actor)?;
        let found = support::sessions(self.db(), Which::One(user, session)).await?.pop();
        let found = found.ok_or_else(|| Error::NotFound("Support session".into()))?;
        let mut tx = self.db().begin().await?;
        self.end_within(&mut tx, actor, &found, "manually").await?;
        tx.commit().await?;
        Ok(found)
    }

    async fn support_sessions(&self, actor: &Actor) -> Result<Vec<SupportSession>> {
        let (user, _) = agent(actor)?;
        self.background().support_sessions.end_expired().await?;
        Ok(support::sessions(self.db(), Which::Of(user)).await?)
    }

    async fn support_log(&self, actor: &Actor, before: Option<&str>) -> Result<Vec<SupportRecord>> {
        let (user, _) = agent(actor)?;
        Ok(support::log(self.db(), user, before).await?)
    }

    async fn support_actor(&self, actor: &Actor, account: &AccountId) -> Result<(Actor, Account, SupportSession)> {
        let (user, name) = agent(actor)?;
        let known = self.account_for_support(actor, account).await?;
        allowed(&known)?;
        let Some(session) = self.running(user, account).await?.filter(|session| session.is_open(self.now())) else {
            self.background().support_sessions.end_expired().await?;
            let said = format!("There is no support session for {}. It has ended, or was never started.", known.name);
            return Err(Error::Forbidden(said));
        };
        let who = Who::Support {
            user: user.clone(),
            name: name.to_owned(),
            account: account.clone(),
            session: session.id.clone(),
        };
        Ok((Actor { address: actor.address.clone(), ..Actor::new(who) }, known, session))
    }

    async fn record_support_view(&self, actor: &Actor, looked: SupportView) -> Result<()> {
        let session = self.session_of(actor).await?;
        let mut entry = self.session_entry(actor, &session, AuditAction::SupportViewed);
        if let Some(object) = &looked.object {
            entry = entry.about(object, "");
        }
        let mut tx = self.db().begin().await?;
        self.record(&mut tx, entry.with(looked.changes())).await?;
        Ok(tx.commit().await?)
    }

    async fn reveal_number(&self, actor: &Actor, event: &EventId, party: CallParty) -> Result<()> {
        let session = self.session_of(actor).await?;
        let found = events::one(self.db(), &session.account, event).await?;
        let (row, _) = found.ok_or_else(|| Error::NotFound("Event".into()))?;
        let number = number(&row, party);
        let mut tx = self.db().begin().await?;
        support::reveal(&mut tx, &session.account, &session.id, number).await?;
        let entry = self.session_entry(actor, &session, AuditAction::SupportRevealed).about(event.as_str(), "");
        self.record(&mut tx, entry.with([Change::noted(party.as_str(), masking::number(number))])).await?;
        Ok(tx.commit().await?)
    }
}

fn number(row: &EventRow, party: CallParty) -> &str {
    match party {
        CallParty::Caller => &row.caller,
        CallParty::Callee => &row.callee,
    }
}

/// The user and name of a support agent.
fn agent(actor: &Actor) -> Result<(&UserId, &str)> {
    actor.require(Permission::UseSupport)?;
    match &actor.who {
        Who::Staff { user, name, .. } => Ok((user, name)),
        _ => Err(domain::actor::refused_to_user(Permission::UseSupport)),
    }
}

fn allowed(account: &Account) -> Result<()> {
    if account.settings.support_access {
        return Ok(());
    }
    let said =
        format!("{} does not allow support access. Ask an account admin to enable it in Settings.", account.name);
    Err(Error::Forbidden(said))
}

impl Engine {
    /// The searches that fit a text: what it matched, in words, and the page that shows it.
    fn searches(&self, text: &str) -> Vec<(FindBy, &'static str, String)> {
        let owned = text.to_owned();
        if EndpointId::parse(text).is_ok() {
            return vec![(FindBy::Endpoint(owned), "endpoint id", format!("endpoints/{text}"))];
        }
        if DeliveryId::parse(text).is_ok() {
            return vec![(FindBy::Delivery(owned), "delivery id", format!("deliveries/{text}"))];
        }
        if is_uuid(text) {
            let call = text.to_ascii_lowercase();
            return vec![(FindBy::Call(call.clone()), "call id", format!("calls/{call}"))];
        }
        let mut searches = vec![(FindBy::Account(owned.clone()), "account id or reference", String::new())];
        if EventId::parse(text).is_ok() {
            let rest = format!("events/{}", domain::query::encode(text));
            searches.push((FindBy::Event(owned.clone()), "event id", rest));
        }
        if dialled(text).is_some_and(|digits| digits.len() >= NUMBER_MIN_DIGITS) {
            let since = encode(self.now().plus_ms(-NUMBER_SPAN_MS), 0);
            let rest = format!("deliveries?q={}", domain::query::encode(text));
            searches.push((FindBy::Number(self.typed_number(text), since), "phone number of a call", rest));
        }
        searches.push((FindBy::Name(owned), "account name", String::new()));
        if text.contains('.') && !text.contains(char::is_whitespace) {
            searches.push((FindBy::Host(host(text)), "endpoint host", "endpoints".to_owned()));
        }
        searches
    }

    async fn running(&self, user: &UserId, account: &AccountId) -> Result<Option<SupportSession>> {
        Ok(support::sessions(self.db(), Which::Running(user, account)).await?.pop())
    }

    /// The open session of a support actor.
    async fn session_of(&self, actor: &Actor) -> Result<SupportSession> {
        let Who::Support { user, session, .. } = &actor.who else {
            return Err(domain::actor::refused_to_user(Permission::UseSupport));
        };
        let found = support::sessions(self.db(), Which::One(user, session)).await?.pop();
        let open = found.filter(|session| session.is_open(self.now()));
        open.ok_or_else(|| Error::Forbidden("This support session has ended.".into()))
    }

    /// A record in the log of a session's account, with ticket and reason.
    fn session_entry(&self, actor: &Actor, session: &SupportSession, action: AuditAction) -> Entry {
        let why = [Change::noted("ticket", &session.ticket), Change::noted("reason", &session.reason)];
        let who = Who::Support {
            user: session.agent_id.clone(),
            name: session.agent.clone(),
            account: session.account.clone(),
            session: session.id.clone(),
        };
        let support = Actor { address: actor.address.clone(), ..Actor::new(who) };
        self.entry(&support, &session.account, action).about(session.id.as_str(), "").with(why)
    }

    /// Ends a session and records it, unless it has ended already.
    pub(crate) async fn end_within(&self, tx: &mut Tx, by: &Actor, session: &SupportSession, how: &str) -> Result<()> {
        if support::end(tx, session.account.as_str(), session.id.as_str(), self.now()).await? {
            let why = [Change::noted("ticket", &session.ticket), Change::noted("ended", how)];
            let agent = Change::noted("agent", &session.agent);
            let entry = self.entry(by, &session.account, AuditAction::SupportEnded).about(session.id.as_str(), "");
            self.record(tx, entry.with(why).with([agent])).await?;
        }
        Ok(())
    }
}

/// The host of a text that may be a URL.
fn host(text: &str) -> String {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned()
}
