//! The provider's staff: at their desk, and inside of an account.

use domain::{
    account::{Account, Membership, Role, User},
    actor::{Actor, Permission},
    id::AccountId,
    support::{Looked, SupportSession},
};

use super::visitor;
use crate::{
    error::UiError,
    links,
    visit::{Frame, Visit},
};

/// The signed-in person as staff.
///
/// # Errors
/// `Unauthenticated`, or `NotFound` for everybody else: for them there are no such pages.
pub async fn staff() -> Result<Actor, UiError> {
    let user = visitor::user().await?;
    Ok(visitor::backend()?.staff(&user).await?.at(visitor::client_ip()))
}

/// The signed-in person as support.
///
/// # Errors
/// As [`staff`]; other staff have no such pages either.
pub async fn agent() -> Result<Actor, UiError> {
    let staff = staff().await?;
    if staff.may(Permission::UseSupport) { Ok(staff) } else { Err(UiError::not_found("Page")) }
}

/// The signed-in person as an operator.
///
/// # Errors
/// As [`staff`]; other staff have no such pages either.
pub async fn operator() -> Result<Actor, UiError> {
    let staff = staff().await?;
    if staff.may(Permission::Operate) { Ok(staff) } else { Err(UiError::not_found("Page")) }
}

/// The signed-in person as support inside of an account, by the session that runs there.
///
/// # Errors
/// As [`agent`], and `Forbidden` when no session runs there.
pub(super) async fn supporting(acct: &str) -> Result<(Actor, Account, SupportSession), UiError> {
    let agent = agent().await?;
    Ok(visitor::backend()?.supporting(&agent, &AccountId::parse(acct)?).await?)
}

/// The view of one of an account's pages by support; recorded first.
///
/// # Errors
/// As [`supporting`].
pub async fn support_frame(acct: &str, visit: Visit) -> Result<Frame, UiError> {
    let (actor, account, session) = supporting(acct).await?;
    let below = visit.path.strip_prefix(&links::in_support(acct, "")).unwrap_or_default();
    visitor::backend()?.support_looks(&actor, Looked::at(below.trim_start_matches('/'))).await?;
    // What a viewer may, support may too; what is shown to it is decided by the engine again.
    let here = Membership { account, role: Role::Viewer };
    let user = User { id: session.agent_id.clone(), name: String::new(), email: session.agent.clone() };
    let contact = visitor::backend()?.contact();
    Ok(Frame { visit, user, memberships: vec![here.clone()], here, support: Some(session), operates: false, contact })
}
