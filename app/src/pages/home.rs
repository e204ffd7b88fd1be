//! The start page leads on: to the account, or to signing in.

use leptos::prelude::*;

use super::public_page;
use crate::api;
use crate::html::IntoHtml;

/// `/`
#[component]
pub fn Home() -> impl IntoView {
    public_page(async |_, _| {
        let to = api::people::home().await?;
        api::visit::move_on(to.clone()).await?;
        Ok(view! { <p><a href=to>"Go to your account"</a></p> }.into_html())
    })
}
