//! Browser sessions, kept in the engine's store.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use app::ssr::{ADDRESS_KEY, AGENT_KEY, USER_KEY};
use async_trait::async_trait;
use domain::UnixMs;
use engine::{
    Engine,
    store::users::sessions::{Owner, Stored},
};
use time::Duration;
use tower_sessions::{
    Expiry, SessionManagerLayer, SessionStore,
    cookie::SameSite,
    session::{Id, Record},
    session_store::{Error, Result},
};

use crate::room::Room;

/// A session ends after this time without a request.
const INACTIVITY: Duration = Duration::hours(12);
/// A session is only written to say that it is in use after this time: a page view alone costs the store nothing.
const TOUCH_AFTER: Duration = Duration::minutes(10);
/// How many sessions are remembered as they were read.
const READ_MAX: usize = 1_000;
/// The cookie, where browsers come by http.
const COOKIE: &str = "offhook";
/// The same by https: browsers then refuse it without `Secure`, for another path, or from a subdomain.
const COOKIE_HTTPS: &str = "__Host-offhook";
/// How often a new id is drawn when one is taken; 128 random bits never are.
const ID_DRAWS_MAX: usize = 3;

/// Sessions in the engine's store.
#[derive(Clone)]
pub struct Sessions {
    engine: Arc<Engine>,
    read: Arc<Mutex<HashMap<Id, Record>>>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

/// The layer that gives each browser request its session.
#[must_use]
pub fn layer(room: &Room) -> SessionManagerLayer<Sessions> {
    SessionManagerLayer::new(Sessions { engine: Arc::clone(&room.engine), read: Arc::default() })
        .with_name(if room.is_https() { COOKIE_HTTPS } else { COOKIE })
        .with_secure(room.is_https())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_expiry(Expiry::OnInactivity(INACTIVITY))
        // Reading a page counts as activity.
        .with_always_save(true)
}

#[async_trait]
impl SessionStore for Sessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        for _ in 0..ID_DRAWS_MAX {
            let (id, data, owner) = (record.id.to_string(), text(record)?, owner(record));
            let created = self.engine.create_session(stored(record, &id, &data, owner.as_ref())).await;
            if created.map_err(lost)? {
                return Ok(());
            }
            record.id = Id::default();
        }
        Err(Error::Backend("no free session id".to_owned()))
    }

    async fn save(&self, record: &Record) -> Result<()> {
        if self.is_as_read(record) {
            return Ok(());
        }
        let (id, data, owner) = (record.id.to_string(), text(record)?, owner(record));
        self.engine.save_session(stored(record, &id, &data, owner.as_ref())).await.map_err(lost)?;
        self.remember(record);
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(text) = self.engine.load_session(&id.to_string()).await.map_err(lost)? else { return Ok(None) };
        let record: Record = serde_json::from_str(&text).map_err(|error| Error::Decode(error.to_string()))?;
        self.remember(&record);
        Ok(Some(record))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.lock().remove(id);
        self.engine.delete_session(&id.to_string()).await.map_err(lost)
    }
}

impl Sessions {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Id, Record>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, record: &Record) {
        let mut read = self.lock();
        if read.len() >= READ_MAX {
            read.clear();
        }
        read.insert(record.id, record.clone());
    }

    /// Whether the store holds the same, and nearly the same time to live.
    fn is_as_read(&self, record: &Record) -> bool {
        self.lock()
            .get(&record.id)
            .is_some_and(|read| read.data == record.data && record.expiry_date - read.expiry_date < TOUCH_AFTER)
    }
}

fn text(record: &Record) -> Result<String> {
    serde_json::to_string(record).map_err(|error| Error::Encode(error.to_string()))
}

fn stored<'a>(record: &Record, id: &'a str, data: &'a str, owner: Option<&'a Owner>) -> Stored<'a> {
    Stored { id, data, expires: expires_at(record), owner }
}

/// Who is signed in, as signing in wrote it down.
fn owner(record: &Record) -> Option<Owner> {
    let said = |key: &str| record.data.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    let user = said(USER_KEY)?;
    Some(Owner { user, agent: said(AGENT_KEY).unwrap_or_default(), address: said(ADDRESS_KEY).unwrap_or_default() })
}

fn expires_at(record: &Record) -> UnixMs {
    UnixMs(record.expiry_date.unix_timestamp().saturating_mul(1_000))
}

fn lost(error: domain::Error) -> Error {
    Error::Backend(error.to_string())
}
