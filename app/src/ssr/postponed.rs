//! Forms that can be submitted again later.

use std::sync::{Arc, OnceLock};

use leptos::prelude::use_context;
use serde::Serialize;

use super::typed;
use crate::error::UiError;
use crate::flash::Flash;

/// The place for a form that can be submitted again later, when there is less load or more room. The server provides it in
/// the context, and responds with the form's page at once: whoever sends too much must not be able to make us store it.
#[derive(Debug, Clone, Default)]
pub struct Postponed(Arc<OnceLock<PostponedForm>>);

/// What the page of such a form shows.
#[derive(Debug, Clone)]
pub struct PostponedForm {
    /// The error, which says when to try again.
    pub error: domain::Error,
    /// The input, for the page at its path.
    pub flash: Flash,
}

impl Postponed {
    /// The form, if it was postponed.
    #[must_use]
    pub fn get(&self) -> Option<&PostponedForm> {
        self.0.get()
    }
}

/// Leaves the form to the server, if it can be submitted again later.
pub(super) fn postpone(back: &str, posted: &impl Serialize, error: &UiError) -> bool {
    let UiError::Domain(reason) = error else { return false };
    let Some(place) = use_context::<Postponed>().filter(|_| reason.retry_after_s().is_some()) else { return false };
    let flash = Flash { path: back.to_owned(), errors: error.field_errors(), typed: typed(posted), ok: None };
    place.0.set(PostponedForm { error: reason.clone(), flash }).is_ok()
}
