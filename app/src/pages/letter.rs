//! Pages behind the link of a letter: an invitation, a new password.

use domain::Error;
use leptos::prelude::*;

use crate::api::visit::refuse;
use crate::components::narrow::Narrow;
use crate::error::UiError;
use crate::html::{Html, IntoHtml};

/// The page while its link works; what it says instead where there is nothing behind the link or its time is over.
///
/// # Errors
/// Whatever else went wrong while it was loaded.
pub async fn behind_link<T: Send>(
    loaded: Result<T, UiError>,
    nothing: &'static str,
    open: impl FnOnce(T) -> Html + Send,
    ended: impl FnOnce(String) -> Html + Send,
) -> Result<Html, UiError> {
    let content = match loaded {
        Ok(found) => open(found),
        Err(error @ UiError::Domain(Error::Conflict { .. } | Error::NotFound(_))) => {
            let missing = matches!(error, UiError::Domain(Error::NotFound(_)));
            let words = if missing { nothing.to_owned() } else { error.to_string() };
            refuse(error).await?;
            ended(words)
        }
        Err(error) => return Err(error),
    };
    Ok(view! { <Narrow>{content}</Narrow> }.into_html())
}
