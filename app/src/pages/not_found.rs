//! An address that leads nowhere.

use leptos::prelude::*;

use super::public_page;
use crate::error::UiError;

/// "The number you have dialled is not in service."
#[component]
pub fn NotFound() -> impl IntoView {
    public_page(async |_, _| Err(UiError::not_found("Page")))
}
