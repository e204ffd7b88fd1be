//! Letters to an account's admins when an endpoint changed by itself: failing, disabled, paused by a 410. Each of them may
//! switch them off.
//!
//! They go out after the commit of what they tell. A letter that cannot be written or taken is given up: the same stands
//! in the endpoint's history and on its page, and deliveries never wait for mail.

use std::sync::Arc;

use domain::{
    audit::Deed,
    endpoint::Endpoint,
    id::{AccountId, EndpointId},
};
use url::Url;

use crate::{
    mail::{Email, Enqueued, Mail},
    store::{accounts, endpoints, error::StoreResult, letters},
};

use super::Sender;

/// Something that an endpoint did by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Happened {
    pub(super) deed: Deed,
    pub(super) account: String,
    pub(super) endpoint: String,
    pub(super) name: String,
}

/// How letters leave, and where their links lead.
pub struct Alerts {
    /// Takes letters to people.
    pub mail: Arc<dyn Mail>,
    /// Where the world reaches this installation.
    pub public_url: Url,
}

/// Tells the admins of what has happened and is committed.
pub(super) async fn tell(sender: &Sender, happened: Vec<Happened>) {
    for one in happened {
        match written(sender, &one).await {
            Ok(letters) => post(sender, &one, letters),
            Err(error) => tracing::warn!(%error, endpoint = one.endpoint, "no letter about this endpoint"),
        }
    }
}

fn post(sender: &Sender, about: &Happened, letters: Vec<Email>) {
    let refused =
        letters.into_iter().filter(|letter| sender.alerts.mail.post(letter.clone()) == Enqueued::Full).count();
    if refused > 0 {
        tracing::warn!(
            refused,
            endpoint = about.endpoint,
            "too much mail waits; letters about this endpoint are dropped"
        );
    }
}

/// One for each admin who wants it. None about the account's own test line, whose answers somebody chose.
async fn written(sender: &Sender, about: &Happened) -> StoreResult<Vec<Email>> {
    let ids = (AccountId::parse(&about.account), EndpointId::parse(&about.endpoint));
    let (Ok(account_id), Ok(endpoint_id)) = ids else { return Ok(Vec::new()) };
    let account = accounts::account(&sender.db, account_id.as_str()).await?;
    let stored = endpoints::one(&sender.db, &account_id, &endpoint_id).await?;
    let (Some(account), Some(stored)) = (account, stored) else { return Ok(Vec::new()) };
    if stored.endpoint.test_line {
        return Ok(Vec::new());
    }
    let page = |path: &str| sender.alerts.public_url.join(path).map(String::from).unwrap_or_default();
    let own = page(&format!("a/{account_id}/endpoints/{endpoint_id}"));
    let why = stored.last_failure.map(|failure| failure.sentence(sender.now()));
    let Some((subject, text)) = words(about.deed, &stored.endpoint, &account.name, why.as_deref(), &own) else {
        return Ok(Vec::new());
    };
    let text = format!("{text}\nYou may switch off letters like this one:\n{}\n", page("me/security#letters"));
    let readers = letters::readers(&sender.db, &account_id).await?;
    Ok(readers.into_iter().map(|to| Email { to, subject: subject.clone(), text: text.clone() }).collect())
}

/// Subject and text; none for what needs no letter.
fn words(deed: Deed, endpoint: &Endpoint, account: &str, why: Option<&str>, page: &str) -> Option<(String, String)> {
    let (name, host) = (&endpoint.name, endpoint.url.host());
    let goes_on = "Offhook goes on trying, and nothing is lost.";
    let (what, next) = match deed {
        Deed::EndpointFailing => {
            ("is failing", format!("{goes_on} After five days without a success it is disabled and its events are held."))
        }
        Deed::EndpointFailingOneDay => (
            "has been failing for a day",
            format!("{goes_on} In four days it is disabled, if nothing gets through until then; its events are then held."),
        ),
        Deed::EndpointFailingFourDays => (
            "has been failing for four days",
            format!("{goes_on} In a day it is disabled, if nothing gets through until then; its events are then held."),
        ),
        Deed::EndpointDisabled => (
            "is disabled",
            "Nothing has got through for five days, so Offhook has stopped trying. Its events are held, none is dropped: \
             when your server answers again, resume it."
                .to_owned(),
        ),
        Deed::EndpointPausedGone => (
            "is paused",
            "Your server answered 410 Gone, which asks Offhook to stop. Its events are held, none is dropped: resume it if \
             that was not meant, or delete it."
                .to_owned(),
        ),
        _ => return None,
    };
    let latest = why.map(|why| format!("The latest failure: {why}.\n\n")).unwrap_or_default();
    let text = format!(
        "The endpoint {name} ({host}) of {account} {what}.\n\n{latest}{next}\n\nWhat failed, and what to do:\n{page}\n"
    );
    Some((format!("{name} {what}"), text))
}
