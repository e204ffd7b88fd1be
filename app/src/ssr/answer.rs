//! Responses to POST requests: a redirect, so that reloading does not resubmit, with a flash for the next page.

use domain::FieldError;
use http::StatusCode;
use http::header::{HeaderValue, LOCATION};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use serde::Serialize;

use super::{postponed::postpone, typed, visitor};
use crate::error::UiError;
use crate::flash::Flash;
use crate::links;

/// Shown above a form that was submitted without a recent sign-in.
const UNSENT: &str = "You had to sign in first, so nothing has been saved yet. Check your input and submit it again.";

/// The result of a successful form: a redirect, optionally with a message and values.
#[derive(Debug, Clone)]
pub struct Done {
    to: String,
    message: Option<String>,
    kept: Vec<(String, String)>,
}

impl Done {
    /// Redirects to this page.
    pub fn to(page: impl Into<String>) -> Self {
        Self { to: page.into(), message: None, kept: Vec::new() }
    }

    /// Adds a message: what was done and what to do next.
    #[must_use]
    pub fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Adds values for the next page: a payload to edit, credentials to show once.
    #[must_use]
    pub fn keeping(mut self, fields: &impl Serialize) -> Self {
        self.kept = typed(fields);
        self
    }
}

/// Handles a form of the page `back`. If `work` is rejected, redirects there with the errors and the `posted` input; if the
/// user is not signed in, redirects to the sign-in page first.
///
/// # Errors
/// Any error of `work` except validation errors, which are a regular response.
pub async fn form(
    back: &str,
    posted: &(impl Serialize + Sync),
    work: impl Future<Output = Result<Done, UiError>> + Send,
) -> Result<(), UiError> {
    match work.await {
        Ok(done) => {
            if done.message.is_some() || !done.kept.is_empty() {
                visitor::keep_flash(Flash {
                    path: done.to.clone(),
                    ok: done.message,
                    typed: done.kept,
                    errors: Vec::new(),
                })
                .await?;
            }
            leptos_axum::redirect(&done.to);
            Ok(())
        }
        Err(error @ UiError::Domain(domain::Error::Unauthenticated(_))) => {
            set_status(&error);
            keep_unsent(back, posted).await?;
            // Signed in, so this action requires a recent sign-in.
            let again = if visitor::user().await.is_ok() { "&again=1" } else { "" };
            leptos_axum::redirect(&format!("{}{again}", links::sign_in_then(back)));
            Err(error)
        }
        Err(error) => refused(back, posted, error).await,
    }
}

/// Redirects to the first step of signing in when the second one has no pending sign-in.
pub fn restart_sign_in(next: &str) -> UiError {
    let error = UiError::Domain(domain::Error::Unauthenticated("Sign in with your password first.".to_owned()));
    set_status(&error);
    leptos_axum::redirect(&links::sign_in_then(next));
    error
}

async fn refused(back: &str, posted: &(impl Serialize + Sync), error: UiError) -> Result<(), UiError> {
    if postpone(back, posted, &error) {
        set_status(&error);
        return Err(error);
    }
    let (mut kept, mut errors) = (typed(posted), error.field_errors());
    if let UiError::Domain(domain::Error::Conflict { existing: Some(other), .. }) = &error {
        // Another record has the same URL. If it is the record of this page itself, another user has changed it meanwhile.
        if kept.iter().any(|(name, _)| name == "url") && !back.contains(other.as_str()) {
            errors.iter_mut().for_each(|error| "url".clone_into(&mut error.field));
        }
        kept.push(("existing".to_owned(), other.clone()));
    }
    visitor::keep_flash(Flash { path: back.to_owned(), errors, typed: kept, ok: None }).await?;
    set_status(&error);
    leptos_axum::redirect(back);
    if matches!(error, UiError::Domain(domain::Error::Invalid(_))) { Ok(()) } else { Err(error) }
}

/// Keeps the input until the user has signed in again. Browsers without an earlier sign-in have none to keep; since anyone can
/// claim to have signed in, this counts like an attempt to.
async fn keep_unsent(back: &str, posted: &(impl Serialize + Sync)) -> Result<(), UiError> {
    if !visitor::was_signed_in() || visitor::require_within_rate_limit().is_err() {
        return Ok(());
    }
    let errors = vec![FieldError::new("", UNSENT)];
    visitor::keep_unsent(Flash { path: back.to_owned(), errors, typed: typed(posted), ok: None }).await
}

/// Sets the response status for an error page; redirects to the sign-in page if the user is not signed in.
pub fn refuse(error: &UiError) {
    if matches!(error, UiError::Domain(domain::Error::Unauthenticated(_))) {
        let ended = if visitor::was_signed_in() { "&ended=1" } else { "" };
        let next = visitor::path();
        move_to(&if next == "/" {
            links::SIGN_IN.to_owned()
        } else {
            format!("{}{ended}", links::sign_in_then(&next))
        });
    } else {
        set_status(error);
    }
}

/// Redirects a page request.
pub fn move_to(page: &str) {
    let (Some(response), Ok(location)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(page)) else {
        return;
    };
    response.insert_header(LOCATION, location);
    response.set_status(StatusCode::SEE_OTHER);
}

/// Sets the status of the response to that of an error.
pub fn set_status(error: &UiError) {
    let (Some(response), Ok(status)) = (use_context::<ResponseOptions>(), StatusCode::from_u16(error.status())) else {
        return;
    };
    response.set_status(status);
}
