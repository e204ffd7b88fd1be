//! Browser sessions in the engine's store.
//!
//! Two requests of one browser may change its session at the same time: two tabs, each with its own message. So a session
//! is loaded with a copy of itself, and saving it applies to the stored one what this request has changed, and nothing else.

use std::{collections::HashMap, sync::Arc};

use app::ssr::{ADDRESS_KEY, AGENT_KEY, USER_KEY};
use async_trait::async_trait;
use axum::response::{IntoResponse as _, Response};
use domain::UnixMs;
use engine::{
    Engine,
    store::users::sessions::{Owner, Stored},
};
use serde_json::Value;
use time::Duration;
use tower_sessions::{
    Expiry, Session, SessionManagerLayer, SessionStore,
    cookie::SameSite,
    session::{self, Id, Record},
    session_store::{Error, Result},
};

use crate::{app_state::AppState, plain_error::PlainError};

/// A session ends after this time without a request.
const INACTIVITY: Duration = Duration::hours(12);
/// A session's expiry is extended at most this often, so that most page views write nothing.
const TOUCH_AFTER: Duration = Duration::minutes(10);
/// Key of the copy that a session is loaded with; it is never stored.
const LOADED_KEY: &str = "as_loaded";
/// The cookie over http.
const COOKIE: &str = "offhook";
/// The cookie over https: browsers reject this prefix without `Secure`, for another path, or from a subdomain.
const COOKIE_HTTPS: &str = "__Host-offhook";
/// Seconds after which to try again when a session cannot be saved.
const RETRY_AFTER_S: u32 = 5;
/// How often a new id is generated when one is taken, which is all but impossible with 128 random bits.
const ID_ATTEMPTS_MAX: usize = 3;

/// Sessions in the engine's store.
#[derive(Clone)]
pub struct Sessions {
    engine: Arc<Engine>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

/// The layer that adds a session to each browser request.
#[must_use]
pub fn layer(state: &AppState) -> SessionManagerLayer<Sessions> {
    SessionManagerLayer::new(Sessions { engine: Arc::clone(&state.engine) })
        .with_name(if state.is_https() { COOKIE_HTTPS } else { COOKIE })
        .with_secure(state.is_https())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(INACTIVITY))
        // Reading a page counts as activity.
        .with_always_save(true)
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        record.data.remove(LOADED_KEY);
        for _ in 0..ID_ATTEMPTS_MAX {
            let (id, data, owner) = (record.id.to_string(), text(record)?, owner(record));
            let created = self.engine.create_session(stored(record, &id, &data, owner.as_ref())).await;
            if created.map_err(backend_error)? {
                return remember(record);
            }
            record.id = Id::default();
        }
        Err(Error::Backend("no free session id".to_owned()))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let (own, loaded) = split(record);
        if own.data == loaded.data && own.expiry_date - loaded.expiry_date < TOUCH_AFTER {
            return Ok(());
        }
        let merge = |current: &str| {
            let current: Record = serde_json::from_str(current).ok()?;
            let merged = merged(&loaded, &own, current);
            Some((text(&merged).ok()?, expires_at(&merged), owner(&merged)))
        };
        match self.engine.update_session(&own.id.to_string(), merge).await {
            // Only its expiry would have changed: no reason to refuse a page while the disk is full.
            Err(domain::Error::Unavailable { .. }) if own.data == loaded.data => Ok(()),
            updated => updated.map_err(backend_error),
        }
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(text) = self.engine.load_session(&id.to_string()).await.map_err(backend_error)? else {
            return Ok(None);
        };
        let mut record: Record = serde_json::from_str(&text).map_err(|error| Error::Decode(error.to_string()))?;
        remember(&mut record)?;
        Ok(Some(record))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.engine.delete_session(&id.to_string()).await.map_err(backend_error)
    }
}

/// Adds a copy of the session to itself. An empty one stays empty: it differs from none by all that is in it.
fn remember(record: &mut Record) -> Result<()> {
    if !record.data.is_empty() {
        // As text: a session's id is larger than a number may be in a JSON value.
        let copy = Value::String(text(record)?);
        record.data.insert(LOADED_KEY.to_owned(), copy);
    }
    Ok(())
}

/// The session without its copy, and the copy.
fn split(record: &Record) -> (Record, Record) {
    let mut own = record.clone();
    let copy = own.data.remove(LOADED_KEY);
    let copy = copy.as_ref().and_then(Value::as_str).and_then(|copy| serde_json::from_str(copy).ok());
    let empty = Record { data: HashMap::default(), ..own.clone() };
    (own, copy.unwrap_or(empty))
}

/// The stored session with the changes that lead from the loaded one to this one.
fn merged(loaded: &Record, own: &Record, mut current: Record) -> Record {
    for (key, value) in &own.data {
        let before = loaded.data.get(key);
        if before != Some(value) {
            let stored = current.data.get(key).cloned();
            current.data.insert(key.clone(), merged_value(before, value, stored));
        }
    }
    current.data.retain(|key, _| own.data.contains_key(key) || !loaded.data.contains_key(key));
    current.expiry_date = current.expiry_date.max(own.expiry_date);
    current
}

/// Lists are merged item by item, so that neither of two requests loses what it added. Anything else is replaced.
fn merged_value(before: Option<&Value>, own: &Value, stored: Option<Value>) -> Value {
    let (Value::Array(own), Some(Value::Array(stored))) = (own, stored) else { return own.clone() };
    let before = before.and_then(Value::as_array).cloned().unwrap_or_default();
    let mut list: Vec<Value> = stored.into_iter().filter(|item| own.contains(item) || !before.contains(item)).collect();
    let added: Vec<&Value> = own.iter().filter(|item| !before.contains(item) && !list.contains(item)).collect();
    let added: Vec<Value> = added.into_iter().cloned().collect();
    list.extend(added);
    Value::Array(list)
}

/// Saves what the request changed in its session. The layer would do so as well, and respond to a failure with an empty 500;
/// this says why.
pub async fn save(session: &Session, response: Response) -> Response {
    // A server error changes no session.
    if response.status().is_server_error() || !session.is_modified() || session.is_empty().await {
        return response;
    }
    match session.save().await {
        Ok(()) => response,
        Err(error) => {
            tracing::warn!(%error, "a session could not be saved");
            let why = "Your session can't be saved, so you can't sign in or submit forms now.";
            PlainError::from(unavailable(why, error)).into_response()
        }
    }
}

/// The error for a request whose session could not be loaded or saved.
pub fn unavailable(why: &str, error: session::Error) -> domain::Error {
    let detail = match error {
        session::Error::Store(Error::Backend(detail)) => format!("{why} {detail}"),
        _ => why.to_owned(),
    };
    domain::Error::Unavailable { detail, retry_after_s: RETRY_AFTER_S }
}

fn text(record: &Record) -> Result<String> {
    serde_json::to_string(record).map_err(|error| Error::Encode(error.to_string()))
}

fn stored<'a>(record: &Record, id: &'a str, data: &'a str, owner: Option<&'a Owner>) -> Stored<'a> {
    Stored { id, data, expires: expires_at(record), owner }
}

/// Who is signed in, as recorded at sign-in.
fn owner(record: &Record) -> Option<Owner> {
    let value = |key: &str| record.data.get(key).and_then(|text| text.as_str()).map(str::to_owned);
    let user = value(USER_KEY)?;
    Some(Owner { user, agent: value(AGENT_KEY).unwrap_or_default(), address: value(ADDRESS_KEY).unwrap_or_default() })
}

fn expires_at(record: &Record) -> UnixMs {
    UnixMs(record.expiry_date.unix_timestamp().saturating_mul(1_000))
}

fn backend_error(error: domain::Error) -> Error {
    Error::Backend(error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(data: &Value) -> Record {
        let data = serde_json::from_value(data.clone()).unwrap();
        Record { id: Id(1), data, expiry_date: time::OffsetDateTime::UNIX_EPOCH }
    }

    fn merge(loaded: &Value, own: &Value, stored: &Value) -> Value {
        json!(merged(&record(loaded), &record(own), record(stored)).data)
    }

    #[test]
    fn two_requests_each_keep_what_they_changed() {
        let (loaded, stored) = (json!({ "user": "a", "unsent": 1 }), json!({ "user": "a", "unsent": 1, "pending": 2 }));
        assert_eq!(merge(&loaded, &json!({ "user": "b" }), &stored), json!({ "user": "b", "pending": 2 }));
    }

    #[test]
    fn lists_get_the_items_of_both_and_lose_those_that_either_has_taken() {
        let list = |items: &[u32]| json!({ "flashes": items });
        assert_eq!(merge(&list(&[1, 2]), &list(&[2, 3]), &list(&[1, 2, 4])), list(&[2, 4, 3]));
        assert_eq!(merge(&json!({}), &list(&[3]), &list(&[4])), list(&[4, 3]));
        assert_eq!(merge(&list(&[1]), &list(&[1, 3]), &list(&[1, 3])), list(&[1, 3]), "saved twice");
    }
}
