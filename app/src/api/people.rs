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

/// Signs in and goes on to where the person was going, or first to the question for their second factor.
#[server(prefix = "/api", endpoint = "sign-in")]
pub async fn sign_in(form: SignInForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::second_factor::FirstStep;
    let next = links::safe_next(&form.next).unwrap_or("/");
    ssr::form(&links::sign_in_then(next), &form, async {
        ssr::require_patience()?;
        let step = ssr::backend()?.sign_in(&form.email, &form.password, &ssr::client_ip()).await;
        let step = step.map_err(|error| match error {
            // Here it means wrong credentials: an answer on this page, not a reason to come here.
            domain::Error::Unauthenticated(words) => domain::Error::invalid("", words),
            other => other,
        })?;
        match step {
            FirstStep::Enough(user) => {
                ssr::sign_in(&user.id).await?;
                Ok(ssr::Done::to(next))
            }
            FirstStep::Half(pending) => {
                ssr::begin_second_step(&pending).await?;
                Ok(ssr::Done::to(links::verify_then(next, links::Step::App)))
            }
        }
    })
    .await
}

/// What the form of the second step holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyForm {
    /// A code of the app, or a recovery code, as typed.
    #[serde(default)]
    pub code: String,
    /// Which of both the page asked for.
    #[serde(default)]
    pub with: String,
    /// The page to go on to.
    #[serde(default)]
    pub next: String,
}

/// Finishes a sign-in that waits for a code. Who used a recovery code first sees how many are left.
#[server(prefix = "/api", endpoint = "sign-in/verify")]
pub async fn verify_sign_in(form: VerifyForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::second_factor::ProvedBy;
    let next = links::safe_next(&form.next).unwrap_or("/");
    let Some(pending) = ssr::pending_sign_in().await? else { return Err(ssr::start_over(next)) };
    ssr::form(&links::verify_then(next, links::Step::parse(&form.with)), &form, async {
        ssr::require_patience()?;
        let (user, by) = match ssr::backend()?.finish_sign_in(&pending, &form.code, &ssr::client_ip()).await {
            Ok(done) => done,
            Err(domain::Error::Unauthenticated(_)) => {
                ssr::forget_pending_sign_in().await?;
                return Ok(ssr::Done::to(links::sign_in_late(next)));
            }
            Err(error) => return Err(error.into()),
        };
        ssr::sign_in(&user.id).await?;
        match by {
            ProvedBy::App => Ok(ssr::Done::to(next)),
            ProvedBy::RecoveryCode { left } => {
                let left = domain::time::counted(i64::from(left), "recovery code");
                let words = format!("You are signed in. That recovery code will not work again. You have {left} left.");
                Ok(ssr::Done::to(links::second_factor_then(next)).saying(words))
            }
        }
    })
    .await
}

/// Whether a sign-in waits for its code. If none does, the visitor is led to the first step.
pub async fn sign_in_waits(next: String) -> Result<bool, UiError> {
    use crate::{links, ssr};
    let next = links::safe_next(&next).unwrap_or("/");
    match ssr::pending_sign_in().await? {
        Some(pending) if ssr::now()? < pending.until => return Ok(true),
        Some(_) => ssr::move_to(&links::sign_in_late(next)),
        None => ssr::move_to(&links::sign_in_then(next)),
    }
    Ok(false)
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
pub async fn sign_up_open() -> Result<bool, UiError> {
    Ok(crate::ssr::backend()?.sign_up_open())
}
