//! The signed-in person behind a request that is neither a page nor a form of one.

use domain::{
    Error,
    actor::{Actor, Permission},
    error::Result,
    id::{AccountId, UserId},
};
use tower_sessions::Session;

use crate::room::Room;

/// The signed-in person as an operator.
///
/// # Errors
/// `Unauthenticated` when nobody is signed in, `NotFound` for everybody else.
pub async fn in_staff(room: &Room, session: &Session) -> Result<Actor> {
    let staff = room.backend.staff(&signed_in(session).await?).await?;
    if staff.may(Permission::Operate) { Ok(staff) } else { Err(Error::NotFound("Page".to_owned())) }
}

async fn signed_in(session: &Session) -> Result<UserId> {
    let user = session.get::<UserId>(app::ssr::USER_KEY).await.map_err(|_| Error::Internal)?;
    user.ok_or_else(|| Error::Unauthenticated("Sign in.".to_owned()))
}

/// The person in the account that a path names.
///
/// # Errors
/// `Unauthenticated` when nobody is signed in, `NotFound` for an account that is not theirs.
pub async fn in_account(room: &Room, session: &Session, acct: &str) -> Result<Actor> {
    room.backend.actor(&signed_in(session).await?, &AccountId::parse(acct)?).await
}
