//! Browser sessions in the engine's store.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use app::ssr::{ADDRESS_KEY, AGENT_KEY, USER_KEY};
use async_trait::async_trait;
use axum::response::{IntoResponse as _, Response};
use domain::UnixMs;
use engine::{
    Engine,
    store::users::sessions::{Owner, Stored},
};
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
/// How many sessions are cached as they were last read.
const CACHE_MAX: usize = 1_000;
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
    cache: Arc<Mutex<HashMap<Id, Record>>>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

/// The layer that adds a session to each browser request.
#[must_use]
pub fn layer(state: &AppState) -> SessionManagerLayer<Sessions> {
    SessionManagerLayer::new(Sessions { engine: Arc::clone(&state.engine), cache: Arc::default() })
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
        for _ in 0..ID_ATTEMPTS_MAX {
            let (id, data, owner) = (record.id.to_string(), text(record)?, owner(record));
            let created = self.engine.create_session(stored(record, &id, &data, owner.as_ref())).await;
            if created.map_err(backend_error)? {
                self.cache(record);
                return Ok(());
            }
            record.id = Id::default();
        }
        Err(Error::Backend("no free session id".to_owned()))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        if self.is_unchanged(record) {
            return Ok(());
        }
        let (id, data, owner) = (record.id.to_string(), text(record)?, owner(record));
        match self.engine.save_session(stored(record, &id, &data, owner.as_ref())).await {
            Ok(()) => self.cache(record),
            // Only its expiry would have changed: no reason to refuse a page while the disk is full.
            Err(domain::Error::Unavailable { .. }) if self.has_data_of(record) => {}
            Err(error) => return Err(backend_error(error)),
        }
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(text) = self.engine.load_session(&id.to_string()).await.map_err(backend_error)? else {
            return Ok(None);
        };
        let record: Record = serde_json::from_str(&text).map_err(|error| Error::Decode(error.to_string()))?;
        self.cache(&record);
        Ok(Some(record))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.lock().remove(id);
        self.engine.delete_session(&id.to_string()).await.map_err(backend_error)
    }
}

impl Sessions {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Id, Record>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self, record: &Record) {
        let mut cache = self.lock();
        if cache.len() >= CACHE_MAX {
            cache.clear();
        }
        cache.insert(record.id, record.clone());
    }

    /// Whether the store has the same data, and nearly the same expiry.
    fn is_unchanged(&self, record: &Record) -> bool {
        self.lock()
            .get(&record.id)
            .is_some_and(|cached| cached.data == record.data && record.expiry_date - cached.expiry_date < TOUCH_AFTER)
    }

    fn has_data_of(&self, record: &Record) -> bool {
        self.lock().get(&record.id).is_some_and(|cached| cached.data == record.data)
    }
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
            let detail = match error {
                session::Error::Store(Error::Backend(detail)) => detail,
                _ => String::new(),
            };
            let detail = format!("Your session can't be saved, so you can't sign in or submit forms now. {detail}");
            PlainError::from(domain::Error::Unavailable { detail, retry_after_s: RETRY_AFTER_S }).into_response()
        }
    }
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
