//! Authorisation of the provider's staff, in their own area and inside an account.

use domain::{
    account::{Account, Membership, Role, User},
    actor::{Actor, Permission},
    id::AccountId,
    support::{SupportSession, SupportView},
};

use super::visitor;
use crate::{
    error::UiError,
    links,
    visit::{Frame, Visit},
};

/// The signed-in user as staff.
///
/// # Errors
/// `Unauthenticated`, or `NotFound` for everyone else: to them these pages do not exist.
pub async fn staff() -> Result<Actor, UiError> {
    let user = visitor::user().await?;
    Ok(visitor::backend()?.staff(&user).await?.at(visitor::client_ip()))
}

/// The signed-in user as support.
///
/// # Errors
/// As [`staff`]; also `NotFound` for other staff.
pub async fn agent() -> Result<Actor, UiError> {
    let staff = staff().await?;
    if staff.may(Permission::UseSupport) { Ok(staff) } else { Err(UiError::not_found("Page")) }
}

/// The signed-in user as an operator.
///
/// # Errors
/// As [`staff`]; also `NotFound` for other staff.
pub async fn operator() -> Result<Actor, UiError> {
    let staff = staff().await?;
    if staff.may(Permission::Ops) { Ok(staff) } else { Err(UiError::not_found("Page")) }
}

/// The signed-in user as support inside an account, by their support session there.
///
/// # Errors
/// As [`agent`], and `Forbidden` without an active session.
pub(super) async fn support_actor(acct: &str) -> Result<(Actor, Account, SupportSession), UiError> {
    let agent = agent().await?;
    Ok(visitor::backend()?.support_actor(&agent, &AccountId::parse(acct)?).await?)
}

/// The frame of an account's page for support. The view is recorded in the audit log first, as the page that the router
/// has matched: the path of the request may be spelled differently.
///
/// # Errors
/// As [`support_actor`].
pub async fn support_frame(acct: &str, matched: &str, visit: Visit) -> Result<Frame, UiError> {
    let (actor, account, session) = support_actor(acct).await?;
    let query = visit.path.split_once('?').map_or("", |(_, query)| query);
    let view = SupportView::at(links::below_support(matched), query);
    visitor::backend()?.record_support_view(&actor, view).await?;
    // Support has the permissions of a viewer; the engine masks what it may not see.
    let here = Membership { account, role: Role::Viewer };
    let user = User { id: session.agent_id.clone(), name: String::new(), email: session.agent.clone() };
    let contact = visitor::backend()?.contact();
    Ok(Frame { visit, user, memberships: vec![here.clone()], here, support: Some(session), operates: false, contact })
}

/// The signed-in user in this account. On pages of a support session, the support agent; forms submit to other paths, so
/// a support session cannot submit any.
///
/// # Errors
/// `Unauthenticated`, or `NotFound` for an account they are not a member of.
pub async fn actor(acct: &str) -> Result<Actor, UiError> {
    if links::is_support(&visitor::path()) {
        return Ok(support_actor(acct).await?.0);
    }
    let user = visitor::user().await?;
    Ok(visitor::backend()?.actor(&user, &AccountId::parse(acct)?).await?.at(visitor::client_ip()))
}
