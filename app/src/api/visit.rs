//! What every page loads first, and what it does when it cannot go on.

use crate::error::UiError;
use crate::visit::{Frame, Refusal, Visit};

/// The view of a page by anybody, with what became of the form before it.
pub async fn load_visit() -> Result<Visit, UiError> {
    use crate::ssr;
    let path = ssr::path();
    let flash = ssr::take_flash(&path).await?;
    Ok(Visit { zone: ssr::zone().name().to_owned(), theme: ssr::theme(), now: ssr::now()?, path, flash })
}

/// The view of one of an account's pages. One by support is recorded before anything is shown.
pub async fn load_frame(acct: String) -> Result<Frame, UiError> {
    use crate::{links, ssr};
    let visit = load_visit().await?;
    if links::is_support(&visit.path) {
        return ssr::support_frame(&acct, visit).await;
    }
    let (id, backend) = (ssr::user().await?, ssr::backend()?);
    let (user, memberships) = backend.memberships(&id).await?;
    let here = memberships.iter().find(|place| place.account.id.as_str() == acct).cloned();
    let here = here.ok_or_else(|| UiError::not_found("Account"))?;
    let operates = ssr::operator().await.is_ok();
    Ok(Frame { visit, user, memberships, here, support: None, operates, contact: backend.contact() })
}

/// Gives the response the status of an error, or sends the visitor to sign in.
pub async fn refuse(error: UiError) -> Result<Refusal, UiError> {
    crate::ssr::refuse(&error);
    Ok(Refusal { error, request_id: crate::ssr::request_id() })
}

/// Sends the visitor of a page on to another one.
pub async fn move_on(to: String) -> Result<(), UiError> {
    crate::ssr::move_to(crate::links::safe_next(&to).unwrap_or("/"));
    Ok(())
}
