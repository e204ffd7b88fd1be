//! What every page loads first, and how it reports errors.

use crate::error::UiError;
use crate::visit::{Frame, PageError, Visit};

/// The request for a page, with the outcome of the previous form.
pub async fn load_visit() -> Result<Visit, UiError> {
    use crate::ssr;
    let path = ssr::path();
    let flash = ssr::take_flash(&path).await?;
    Ok(Visit { zone: ssr::zone().name().to_owned(), theme: ssr::theme(), now: ssr::now()?, path, flash })
}

/// The request for a page of an account. Support views are recorded before anything is shown.
/// `matched` is the path that the router has matched.
pub async fn load_frame(acct: String, matched: String) -> Result<Frame, UiError> {
    use crate::{links, ssr};
    let visit = load_visit().await?;
    if links::is_support(&visit.path) {
        return ssr::support_frame(&acct, &matched, visit).await;
    }
    let (id, backend) = (ssr::user().await?, ssr::backend()?);
    let (user, memberships) = backend.memberships(&id).await?;
    let here = memberships.iter().find(|membership| membership.account.id.as_str() == acct).cloned();
    let here = here.ok_or_else(|| UiError::not_found("Account"))?;
    let operates = ssr::operator().await.is_ok();
    Ok(Frame { visit, user, memberships, here, support: None, operates, contact: backend.contact() })
}

/// Sets the response status for an error, or redirects to the sign-in page.
pub async fn refuse(error: UiError) -> Result<PageError, UiError> {
    crate::ssr::refuse(&error);
    // Other errors say nothing about the server.
    let ready = error.status() < 500 || crate::ssr::backend()?.ready().await.is_ok();
    Ok(PageError { error, request_id: crate::ssr::request_id(), ready })
}

/// Redirects to another page.
pub async fn redirect(to: String) -> Result<(), UiError> {
    crate::ssr::move_to(crate::links::safe_next(&to).unwrap_or("/"));
    Ok(())
}
