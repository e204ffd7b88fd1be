//! How a post ends: with a redirect to a page (so that reloading repeats nothing) and a flash for that page.

use domain::{FieldError, query::encode};
use http::StatusCode;
use http::header::{HeaderValue, LOCATION, SET_COOKIE};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use serde::Serialize;

use super::{typed, visitor};
use crate::error::UiError;
use crate::flash::Flash;
use crate::links;

/// How long choices that carry nothing secret are kept: a year, in seconds.
const COOKIE_MAX_AGE_S: u32 = 365 * 24 * 60 * 60;

/// What stands above a form that was sent when its sender was not signed in, or not lately.
const UNSENT: &str =
    "You had to sign in before this could be carried out. Nothing has changed yet: look it over and send it again.";

/// A form that was carried out.
#[derive(Debug, Clone)]
pub struct Done {
    to: String,
    said: Option<String>,
    kept: Vec<(String, String)>,
}

impl Done {
    /// Go on to this page.
    pub fn to(page: impl Into<String>) -> Self {
        Self { to: page.into(), said: None, kept: Vec::new() }
    }

    /// And say there what was done and what comes next.
    #[must_use]
    pub fn saying(mut self, words: impl Into<String>) -> Self {
        self.said = Some(words.into());
        self
    }

    /// And put this there: a payload to edit and send again, credentials to show this once.
    #[must_use]
    pub fn keeping(mut self, fields: &impl Serialize) -> Self {
        self.kept = typed(fields);
        self
    }
}

/// Carries out a form that stands on the page `back`. What was refused goes back there with the complaints and what
/// was `posted`; whoever is not signed in goes to sign in first, and then back.
///
/// # Errors
/// Whatever the work failed with, but for complaints about fields: those are an answer, not a failure.
pub async fn form(
    back: &str,
    posted: &(impl Serialize + Sync),
    work: impl Future<Output = Result<Done, UiError>> + Send,
) -> Result<(), UiError> {
    match work.await {
        Ok(done) => {
            if done.said.is_some() || !done.kept.is_empty() {
                keep(Flash { path: done.to.clone(), ok: done.said, typed: done.kept, errors: Vec::new() }).await?;
            }
            leptos_axum::redirect(&done.to);
            Ok(())
        }
        Err(error @ UiError::Domain(domain::Error::Unauthenticated(_))) => {
            set_status(&error);
            keep_unsent(back, posted).await?;
            // Signed in and yet here: what they want asks for the password once more.
            let again = if visitor::user().await.is_ok() { "&again=1" } else { "" };
            leptos_axum::redirect(&format!("{}{again}", links::sign_in_then(back)));
            Err(error)
        }
        Err(error) => refused(back, posted, error).await,
    }
}

/// Answers a form that came without the sign-in it goes on with: back to the first step.
pub fn restart_sign_in(next: &str) -> UiError {
    let error = UiError::Domain(domain::Error::Unauthenticated("Sign in with your password first.".to_owned()));
    set_status(&error);
    leptos_axum::redirect(&links::sign_in_then(next));
    error
}

async fn refused(back: &str, posted: &(impl Serialize + Sync), error: UiError) -> Result<(), UiError> {
    let (mut kept, mut errors) = (typed(posted), error.complaints());
    if let UiError::Domain(domain::Error::Conflict { existing: Some(other), .. }) = &error {
        // What another one has already is the URL; a page's own id says that somebody else has changed it meanwhile.
        if kept.iter().any(|(name, _)| name == "url") && !back.contains(other.as_str()) {
            errors.iter_mut().for_each(|said| "url".clone_into(&mut said.field));
        }
        kept.push(("existing".to_owned(), other.clone()));
    }
    keep(Flash { path: back.to_owned(), errors, typed: kept, ok: None }).await?;
    set_status(&error);
    leptos_axum::redirect(back);
    if matches!(error, UiError::Domain(domain::Error::Invalid(_))) { Ok(()) } else { Err(error) }
}

/// Keeps what was typed until whoever typed it has signed in again. A browser in which nobody has signed in typed nothing.
async fn keep_unsent(back: &str, posted: &(impl Serialize + Sync)) -> Result<(), UiError> {
    if !visitor::was_signed_in() {
        return Ok(());
    }
    let flash =
        Flash { path: back.to_owned(), errors: vec![FieldError::new("", UNSENT)], typed: typed(posted), ok: None };
    // In a place of its own: signing in may be refused first, and says so by a flash too.
    visitor::session()?.insert(visitor::UNSENT_KEY, flash).await.map_err(visitor::lost)
}

async fn keep(flash: Flash) -> Result<(), UiError> {
    visitor::session()?.insert(visitor::FLASH_KEY, flash).await.map_err(visitor::lost)
}

/// Gives the page that shows an error its status; whoever is not signed in is sent to sign in instead.
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

/// Answers a page request with another page's address.
pub fn move_to(page: &str) {
    let (Some(response), Ok(location)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(page)) else {
        return;
    };
    response.insert_header(LOCATION, location);
    response.set_status(StatusCode::SEE_OTHER);
}

fn set_status(error: &UiError) {
    let (Some(response), Ok(status)) = (use_context::<ResponseOptions>(), StatusCode::from_u16(error.status())) else {
        return;
    };
    response.set_status(status);
}

/// Keeps a choice in a cookie that the browser's half may read too; an empty value forgets it.
pub fn set_cookie(name: &str, value: &str) {
    let age_s = if value.is_empty() { 0 } else { COOKIE_MAX_AGE_S };
    let line = format!("{name}={}; Path=/; Max-Age={age_s}; SameSite=Lax", encode(value));
    if let (Some(response), Ok(line)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(&line)) {
        response.append_header(SET_COOKIE, line);
    }
}
