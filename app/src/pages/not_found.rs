//! The page for unknown URLs.

use leptos::prelude::*;

use super::public_page;
use crate::error::UiError;

/// The 404 page.
#[component]
pub fn NotFound() -> impl IntoView {
    public_page(async |_, _| Err(UiError::not_found("Page")))
}
