//! Pages that are opened with a link from an email: an invitation or a password reset.

use domain::Error;
use leptos::prelude::*;

use crate::api::visit::refuse;
use crate::components::narrow::Narrow;
use crate::error::UiError;
use crate::html::{Html, IntoHtml};

/// The page if its link is valid, otherwise a page that says why not: the link is unknown, used or expired.
///
/// # Errors
/// Any other error while loading.
pub async fn behind_link<T: Send>(
    loaded: Result<T, UiError>,
    invalid: &'static str,
    open: impl FnOnce(T) -> Html + Send,
    ended: impl FnOnce(String) -> Html + Send,
) -> Result<Html, UiError> {
    let content = match loaded {
        Ok(found) => open(found),
        Err(error @ UiError::Domain(Error::Conflict { .. } | Error::NotFound(_))) => {
            let missing = matches!(error, UiError::Domain(Error::NotFound(_)));
            let words = if missing { invalid.to_owned() } else { error.to_string() };
            refuse(error).await?;
            ended(words)
        }
        Err(error) => return Err(error),
    };
    Ok(view! { <Narrow>{content}</Narrow> }.into_html())
}
