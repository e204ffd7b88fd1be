//! The user and the session behind a request, and the preferences of the browser.

use std::sync::Arc;

use domain::account::RequestOrigin;
use domain::connector::{Mappings, imports::RecordFiles};
use domain::id::UserId;
use domain::query::pairs;
use domain::user::DEVICE_COOKIE_DAYS;
use domain::{Backend, UnixMs};
use http::request::Parts;
use leptos::prelude::use_context;
use serde::Serialize;
use tower_sessions::cookie::time;
use tower_sessions::{Expiry, Session};

use super::postponed::PostponedForm;
use crate::error::UiError;
use crate::flash::Flash;
use crate::visit::Theme;
use crate::zone::Zone;

pub(super) const PENDING_KEY: &str = "pending_sign_in";
pub(super) const DRAFT_KEY: &str = "factor_draft";
pub(super) const CODES_KEY: &str = "recovery_codes";
/// Session keys to clear when another user signs in.
const WAITING: [&str; 3] = [PENDING_KEY, DRAFT_KEY, CODES_KEY];

/// Session key of the signed-in user.
pub const USER_KEY: &str = "user";
/// Session key of the user agent.
pub const AGENT_KEY: &str = "agent";
/// Session key of the client's IP address at sign-in.
pub const ADDRESS_KEY: &str = "address";
/// Maximum length of the stored user agent, in characters.
const AGENT_MAX_CHARS: usize = 300;
/// Session key of the sign-in time.
const SIGNED_IN_AT_KEY: &str = "signed_in_at";
/// How long after signing in credentials are shown without asking for the password again, in milliseconds.
const FRESH_SIGN_IN_MS: i64 = 10 * domain::time::MINUTE_MS;
/// Seconds after which to try again when the session store is unavailable.
const RETRY_AFTER_S: u32 = 5;
/// Session key of the flashes, the oldest first: a list, because each tab of a browser has its own.
const FLASHES_KEY: &str = "flashes";
/// Most flashes that are kept. Those that no page has fetched are dropped, the oldest first.
const FLASHES_MAX: usize = 8;
/// Most bytes that they take together, as stored: an example payload of 256 KiB with its quotes escaped.
const FLASHES_MAX_BYTES: usize = 384 * 1_024;
/// Session key of a form that was submitted while signed out.
const UNSENT_KEY: &str = "unsent";
/// Most bytes of such a form: anyone can submit one.
const UNSENT_MAX_BYTES: usize = 16 * 1_024;
/// How long a session without a user lasts between two requests: enough to correct a form.
const ANONYMOUS_INACTIVITY: time::Duration = time::Duration::minutes(30);
/// Cookie that marks browsers with an earlier sign-in, so that the sign-in page can say that the session has ended.
const SEEN_COOKIE: &str = "seen";

/// Cookie of a browser in which a user has signed in. It outlives the session.
const DEVICE_COOKIE: &str = "device";

/// The client's IP address, seen through trusted proxies. The server provides it in the context.
#[derive(Debug, Clone)]
pub struct ClientIp(pub String);

/// The address of this server as clients reach it, without a slash at its end. The server provides it in the context.
#[derive(Debug, Clone)]
pub struct PublicUrl(pub String);

/// The address of this server, for the configuration of phone systems.
#[must_use]
pub fn public_url() -> String {
    use_context::<PublicUrl>().map(|url| url.0).unwrap_or_default()
}

/// The rate limit of sign-in attempts of this client. The server provides it in the context.
#[derive(Clone)]
pub struct AttemptLimit(Arc<dyn Fn() -> Option<u32> + Send + Sync>);

impl AttemptLimit {
    /// `take` counts an attempt, and returns the seconds to wait if none is left.
    pub fn new(take: impl Fn() -> Option<u32> + Send + Sync + 'static) -> Self {
        Self(Arc::new(take))
    }
}

/// Where the request comes from. The server provides it in the context.
#[must_use]
pub fn request_origin() -> RequestOrigin {
    use_context().unwrap_or(RequestOrigin::Elsewhere)
}

/// Counts a sign-in attempt of this client.
///
/// # Errors
/// `TooMany`, with the time to wait.
pub fn require_within_rate_limit() -> Result<(), UiError> {
    match use_context::<AttemptLimit>().and_then(|limit| (limit.0)()) {
        Some(retry_after_s) => Err(domain::Error::TooMany { retry_after_s }.into()),
        None => Ok(()),
    }
}

/// The backend.
///
/// # Errors
/// `Internal` if the server has not provided it.
pub fn backend() -> Result<Arc<dyn Backend>, UiError> {
    use_context::<Arc<dyn Backend>>().ok_or_else(|| missing("backend"))
}

/// The rules of HTTP connectors. The server provides them in the context.
///
/// # Errors
/// `Internal` if it has not.
pub fn mappings() -> Result<Arc<dyn Mappings>, UiError> {
    use_context::<Arc<dyn Mappings>>().ok_or_else(|| missing("mappings"))
}

/// The session, signed in or not.
///
/// # Errors
/// `Internal` without a session layer.
pub fn session() -> Result<Session, UiError> {
    use_context::<Parts>()
        .and_then(|parts| parts.extensions.get::<Session>().cloned())
        .ok_or_else(|| missing("session"))
}

fn missing(what: &str) -> UiError {
    tracing::error!(what, "the server did not provide this to the page");
    UiError::INTERNAL
}

pub(super) fn lost(error: tower_sessions::session::Error) -> UiError {
    use tower_sessions::{session, session_store};
    if let session::Error::Store(session_store::Error::Backend(detail)) = error {
        // Logged by the store.
        return domain::Error::Unavailable { detail, retry_after_s: RETRY_AFTER_S }.into();
    }
    tracing::error!(%error, "session store");
    UiError::INTERNAL
}

/// The signed-in user.
///
/// # Errors
/// `Unauthenticated` if no user is signed in.
pub async fn user() -> Result<UserId, UiError> {
    let user = session()?.get::<UserId>(USER_KEY).await.map_err(lost)?;
    user.ok_or_else(|| UiError::Domain(domain::Error::Unauthenticated("Sign in to see this page.".to_owned())))
}

/// Signs a user in after both steps. The session gets a new id, to prevent session fixation.
///
/// # Errors
/// `Internal` if the session cannot be stored.
pub async fn sign_in(user: &UserId) -> Result<(), UiError> {
    let session = session()?;
    session.cycle_id().await.map_err(lost)?;
    for key in WAITING {
        session.remove_value(key).await.map_err(lost)?;
    }
    session.insert(USER_KEY, user).await.map_err(lost)?;
    session.insert(SIGNED_IN_AT_KEY, now()?).await.map_err(lost)?;
    let agent: String = header("user-agent").unwrap_or_default().chars().take(AGENT_MAX_CHARS).collect();
    session.insert(AGENT_KEY, agent).await.map_err(lost)?;
    session.insert(ADDRESS_KEY, client_ip()).await.map_err(lost)?;
    super::cookie::set_cookie(SEEN_COOKIE, "1");
    super::cookie::set_secret_cookie(DEVICE_COOKIE, &backend()?.device_cookie(user), DEVICE_COOKIE_DAYS);
    Ok(())
}

/// Requires a recent sign-in, including the second factor if enabled, for actions that reveal credentials or change how
/// a user signs in.
///
/// # Errors
/// `Unauthenticated`, so that the form redirects to the sign-in page and back.
pub async fn require_fresh_sign_in() -> Result<(), UiError> {
    let at = session()?.get::<UnixMs>(SIGNED_IN_AT_KEY).await.map_err(lost)?;
    if is_fresh(at, now()?) {
        return Ok(());
    }
    Err(UiError::Domain(domain::Error::Unauthenticated("Sign in again to continue.".to_owned())))
}

fn is_fresh(signed_in_at: Option<UnixMs>, now: UnixMs) -> bool {
    signed_in_at.is_some_and(|at| now.since_ms(at) <= FRESH_SIGN_IN_MS)
}

/// The id of the current session; empty without one.
///
/// # Errors
/// As [`session`].
pub fn session_id() -> Result<String, UiError> {
    Ok(session()?.id().map(|id| id.to_string()).unwrap_or_default())
}

/// Signs the user out and deletes the session.
///
/// # Errors
/// `Internal` if the session cannot be deleted.
pub async fn sign_out() -> Result<(), UiError> {
    super::cookie::set_cookie(SEEN_COOKIE, "");
    let session = session()?;
    // A browser without a session has nothing to delete, which the session layer would warn of.
    if session.id().is_none() { Ok(()) } else { session.flush().await.map_err(lost) }
}

/// Whether a user signed in with this browser and did not sign out.
#[must_use]
pub fn was_signed_in() -> bool {
    cookie(SEEN_COOKIE).is_some_and(|value| value == "1")
}

/// Removes and returns the flash for the page at this path.
///
/// # Errors
/// `Internal` if the session cannot be read.
pub async fn take_flash(path: &str) -> Result<Flash, UiError> {
    if let Some(PostponedForm { flash, .. }) = use_context::<PostponedForm>() {
        return Ok(flash);
    }
    // A live update of the previous page must not use up what the next page shows.
    if header("sec-fetch-dest").is_some_and(|dest| dest == "empty") {
        return Ok(Flash::default());
    }
    let session = session()?;
    let mut flashes = flashes(&session).await?;
    if let Some(at) = flashes.iter().position(|flash| flash.is_for(path)) {
        let flash = flashes.remove(at);
        session.insert(FLASHES_KEY, flashes).await.map_err(lost)?;
        return Ok(flash);
    }
    let unsent = session.get::<Flash>(UNSENT_KEY).await.map_err(lost)?;
    let Some(flash) = unsent.filter(|flash| flash.is_for(path)) else { return Ok(Flash::default()) };
    session.remove_value(UNSENT_KEY).await.map_err(lost)?;
    Ok(flash)
}

/// Keeps a flash for the page that it is for.
///
/// # Errors
/// `Internal` if the session cannot be stored.
pub(super) async fn keep_flash(flash: Flash) -> Result<(), UiError> {
    keep_flash_in(&session()?, flash).await
}

/// The same for a request that is no server function.
///
/// # Errors
/// As [`keep_flash`].
pub async fn keep_flash_in(session: &Session, flash: Flash) -> Result<(), UiError> {
    let mut flashes = flashes(session).await?;
    flashes.push(flash.within(FLASHES_MAX_BYTES));
    insert_briefly(session, FLASHES_KEY, newest(flashes)).await
}

/// The newest ones that fit.
fn newest(mut flashes: Vec<Flash>) -> Vec<Flash> {
    let mut left = FLASHES_MAX_BYTES;
    let fits = |flash: &&Flash| {
        let fits = flash.stored_bytes() <= left;
        left = left.saturating_sub(flash.stored_bytes());
        fits
    };
    let count = flashes.iter().rev().take(FLASHES_MAX).take_while(fits).count();
    flashes.split_off(flashes.len() - count)
}

/// Keeps a form until the user has signed in, under its own key: a rejected sign-in sets a flash as well.
///
/// # Errors
/// As [`keep_flash`].
pub(super) async fn keep_unsent(flash: Flash) -> Result<(), UiError> {
    insert_briefly(&session()?, UNSENT_KEY, flash.within(UNSENT_MAX_BYTES)).await
}

/// Stores a value in the session; one without a user is soon deleted.
async fn insert_briefly(session: &Session, key: &str, value: impl Serialize + Send + Sync) -> Result<(), UiError> {
    if session.get::<UserId>(USER_KEY).await.map_err(lost)?.is_none() {
        session.set_expiry(Some(Expiry::OnInactivity(ANONYMOUS_INACTIVITY)));
    }
    session.insert(key, value).await.map_err(lost)
}

async fn flashes(session: &Session) -> Result<Vec<Flash>, UiError> {
    Ok(session.get(FLASHES_KEY).await.map_err(lost)?.unwrap_or_default())
}

/// How call record files are understood.
///
/// # Errors
/// `Internal` if the server does not provide it.
pub fn record_files() -> Result<Arc<dyn RecordFiles>, UiError> {
    use_context::<Arc<dyn RecordFiles>>().ok_or_else(|| missing("record files"))
}

/// The current time, by the engine's clock.
///
/// # Errors
/// As [`backend`].
pub fn now() -> Result<UnixMs, UiError> {
    Ok(backend()?.clock().now())
}

/// The client's IP address, for rate limits. Empty if unknown.
#[must_use]
pub fn client_ip() -> String {
    use_context::<ClientIp>().map(|ip| ip.0).unwrap_or_default()
}

/// The cookie of a browser in which a user has signed in before; empty without one.
#[must_use]
pub fn device() -> String {
    cookie(DEVICE_COOKIE).unwrap_or_default()
}

/// Path and query of the request.
#[must_use]
pub fn path() -> String {
    let parts = use_context::<Parts>();
    parts.and_then(|parts| parts.uri.path_and_query().map(ToString::to_string)).unwrap_or_default()
}

/// The request ID, from the header `x-request-id`.
#[must_use]
pub fn request_id() -> Option<String> {
    header("x-request-id")
}

/// The reader's time zone.
#[must_use]
pub fn zone() -> Zone {
    cookie("tz").and_then(|name| Zone::parse(&name)).unwrap_or_default()
}

/// The chosen theme.
#[must_use]
pub fn theme() -> Option<Theme> {
    cookie("theme").and_then(|name| Theme::parse(&name))
}

fn header(name: &str) -> Option<String> {
    let parts = use_context::<Parts>()?;
    Some(parts.headers.get(name)?.to_str().ok()?.to_owned())
}

fn cookie(name: &str) -> Option<String> {
    value_in(&header("cookie")?, name)
}

/// The value of a cookie in a `Cookie` header, decoded.
fn value_in(header: &str, name: &str) -> Option<String> {
    let found = header.split(';').filter_map(|pair| pair.trim().split_once('=')).find(|(key, _)| *key == name)?;
    pairs(&format!("v={}", found.1)).next().map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revealing_credentials_requires_a_sign_in_within_ten_minutes() {
        assert!(is_fresh(Some(UnixMs(0)), UnixMs(FRESH_SIGN_IN_MS)));
        assert!(!is_fresh(Some(UnixMs(0)), UnixMs(FRESH_SIGN_IN_MS + 1)));
        assert!(!is_fresh(None, UnixMs(0)));
    }

    #[test]
    fn the_newest_flashes_are_kept_within_a_number_and_a_size() {
        let flash = |n: usize, bytes: usize| Flash {
            path: format!("/{n}"),
            typed: vec![("payload".to_owned(), "x".repeat(bytes))],
            ..Flash::default()
        };
        let kept = |all: Vec<Flash>| newest(all).into_iter().map(|flash| flash.path).collect::<Vec<_>>();
        assert_eq!(kept((0..10).map(|n| flash(n, 10)).collect()), (2..10).map(|n| format!("/{n}")).collect::<Vec<_>>());
        let half = FLASHES_MAX_BYTES / 2;
        assert_eq!(kept(vec![flash(0, 10), flash(1, half), flash(2, half - 10), flash(3, 10)]), ["/2", "/3"]);
        let cut = flash(4, 2 * FLASHES_MAX_BYTES).within(FLASHES_MAX_BYTES);
        assert!(cut.typed.is_empty() && kept(vec![cut]) == ["/4"]);
    }

    #[test]
    fn a_cookie_is_found_among_others_and_decoded() {
        let header = "id=abc; tz=Europe%2FBerlin; theme=dark";
        assert_eq!(value_in(header, "tz").as_deref(), Some("Europe/Berlin"));
        assert_eq!(value_in(header, "theme").as_deref(), Some("dark"));
        assert_eq!(value_in(header, "them"), None);
    }
}
