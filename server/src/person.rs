//! The signed-in person behind a request that is neither a page nor a form of one.

use domain::{
    Error,
    actor::Actor,
    error::Result,
    id::{AccountId, UserId},
};
use tower_sessions::Session;

use crate::room::Room;

/// The person in the account that a path names.
///
/// # Errors
/// `Unauthenticated` when nobody is signed in, `NotFound` for an account that is not theirs.
pub async fn in_account(room: &Room, session: &Session, acct: &str) -> Result<Actor> {
    let user = session.get::<UserId>(app::ssr::USER_KEY).await.map_err(|_| Error::Internal)?;
    let user = user.ok_or_else(|| Error::Unauthenticated("Sign in.".to_owned()))?;
    room.backend.actor(&user, &AccountId::parse(acct)?).await
}
