//! The start page redirects to the account or to the sign-in page.

use leptos::prelude::*;

use super::public_page;
use crate::api;
use crate::html::IntoHtml;

/// `/`
#[component]
pub fn Home() -> impl IntoView {
    public_page(async |_, _| {
        let to = api::auth::home().await?;
        api::visit::redirect(to.clone()).await?;
        Ok(view! { <p><a href=to>"Go to your account"</a></p> }.into_html())
    })
}
