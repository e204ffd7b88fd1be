//! People come in and go out.

use domain::account::SignUp as SignUpForm;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// What the sign-in form holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInForm {
    /// E-mail address.
    #[serde(default)]
    pub email: String,
    /// Password as typed.
    #[serde(default)]
    pub password: String,
    /// The page to go on to.
    #[serde(default)]
    pub next: String,
}

/// Signs in and goes on to where the person was going.
#[server(prefix = "/api", endpoint = "sign-in")]
pub async fn sign_in(form: SignInForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    let next = links::safe_next(&form.next).unwrap_or("/");
    ssr::form(&links::sign_in_then(next), &form, async {
        ssr::require_patience()?;
        let user = ssr::backend()?.sign_in(&form.email, &form.password, &ssr::client_ip()).await;
        let user = user.map_err(|error| match error {
            // Here it means wrong credentials: an answer on this page, not a reason to come here.
            domain::Error::Unauthenticated(words) => domain::Error::invalid("", words),
            other => other,
        })?;
        ssr::sign_in(&user.id).await?;
        Ok(ssr::Done::to(next))
    })
    .await
}

/// Creates person and account, signs in, and goes on to the first delivery.
#[server(prefix = "/api", endpoint = "sign-up")]
pub async fn sign_up(form: SignUpForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SIGN_UP, &form, async {
        ssr::require_patience()?;
        let (user, account) = ssr::backend()?.sign_up(form.clone()).await?;
        ssr::sign_in(&user.id).await?;
        Ok(ssr::Done::to(links::account(account.id.as_str(), "start")))
    })
    .await
}

/// Signs out.
#[server(prefix = "/api", endpoint = "sign-out")]
pub async fn sign_out() -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::sign_out().await?;
    leptos_axum::redirect(&format!("{}?bye=1", links::SIGN_IN));
    Ok(())
}

/// Where the start page leads: the first of a signed-in person's accounts, the desk of the provider's support, the
/// operator's first page, or signing in.
#[server(prefix = "/api", endpoint = "home")]
pub async fn home() -> Result<String, UiError> {
    use crate::{links, ssr};
    let (_, memberships) = ssr::backend()?.memberships(&ssr::user().await?).await?;
    if let Some(first) = memberships.first() {
        return Ok(links::account(first.account.id.as_str(), ""));
    }
    let staff = ssr::staff().await.map_err(|_| UiError::not_found("Account"))?;
    let supports = staff.may(domain::actor::Permission::UseSupport);
    Ok(if supports { links::SUPPORT } else { links::OPS }.to_owned())
}

/// Whether anybody may sign up.
#[server(prefix = "/api", endpoint = "sign-up-open")]
pub async fn sign_up_open() -> Result<bool, UiError> {
    Ok(crate::ssr::backend()?.sign_up_open())
}
