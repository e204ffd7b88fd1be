//! The signed-in user behind a request that is neither a page nor a form.

use domain::{
    Error,
    actor::{Actor, Permission},
    error::Result,
    id::{AccountId, UserId},
};
use tower_sessions::Session;
use tracing::Span;

use crate::{app_state::AppState, request_span, session_store};

/// The signed-in user as an operator.
///
/// # Errors
/// `Unauthenticated` when nobody is signed in, `NotFound` for everyone else.
pub async fn operator(state: &AppState, session: &Session) -> Result<Actor> {
    let staff = state.backend.staff(&signed_in(session).await?).await?;
    if staff.may(Permission::Ops) { Ok(staff) } else { Err(Error::NotFound("Page".to_owned())) }
}

/// The signed-in user, whose id is added to the request's span.
///
/// # Errors
/// `Unauthenticated` when nobody is signed in; `Unavailable` when the session cannot be loaded.
pub async fn signed_in(session: &Session) -> Result<UserId> {
    let loaded = session.get::<UserId>(app::ssr::USER_KEY).await;
    let user = loaded.map_err(|error| session_store::unavailable("Your session can't be loaded.", error))?;
    let user = user.ok_or_else(|| Error::Unauthenticated("Sign in.".to_owned()))?;
    Span::current().record("actor", user.as_str());
    Ok(user)
}

/// The user as a member of the account that a path names.
///
/// # Errors
/// `Unauthenticated` when nobody is signed in, `NotFound` for an account that is not theirs.
pub async fn member(state: &AppState, session: &Session, acct: &str) -> Result<Actor> {
    let actor = state.backend.actor(&signed_in(session).await?, &AccountId::parse(acct)?).await?;
    request_span::record_actor(&actor);
    Ok(actor)
}
