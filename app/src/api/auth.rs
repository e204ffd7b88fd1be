//! Sign-in, sign-up and sign-out.

use domain::account::SignUp as SignUpForm;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// The sign-in form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInForm {
    /// Email address.
    #[serde(default)]
    pub email: String,
    /// Password as entered.
    #[serde(default)]
    pub password: String,
    /// The page to open afterwards.
    #[serde(default)]
    pub next: String,
}

/// Signs in and redirects to `next`, or to the second step if two-factor authentication is on.
#[server(prefix = "/api", endpoint = "sign-in")]
pub async fn sign_in(form: SignInForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::second_factor::PasswordOutcome;
    let next = links::safe_next(&form.next).unwrap_or("/");
    ssr::form(&links::sign_in_then(next), &form, async {
        ssr::require_within_rate_limit()?;
        let step = ssr::backend()?.sign_in(&form.email, &form.password, &ssr::client_ip(), &ssr::device()).await;
        let step = step.map_err(|error| match error {
            // Wrong credentials: an error on this page, not a redirect to it.
            domain::Error::Unauthenticated(message) => domain::Error::invalid("", message),
            other => other,
        })?;
        match step {
            PasswordOutcome::SignedIn(user) => {
                ssr::sign_in(&user.id).await?;
                Ok(ssr::Done::to(next))
            }
            PasswordOutcome::NeedsSecondFactor(pending) => {
                ssr::begin_second_step(&pending).await?;
                Ok(ssr::Done::to(links::verify_then(next, links::Step::App)))
            }
        }
    })
    .await
}

/// The form of the second step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyForm {
    /// A code from the authenticator app or a recovery code, as entered.
    #[serde(default)]
    pub code: String,
    /// Which of the two the page asked for.
    #[serde(default)]
    pub with: String,
    /// The page to open afterwards.
    #[serde(default)]
    pub next: String,
}

/// Completes a sign-in with a code. After a recovery code, shows how many are left.
#[server(prefix = "/api", endpoint = "sign-in/verify")]
pub async fn verify_sign_in(form: VerifyForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::second_factor::VerifiedBy;
    let next = links::safe_next(&form.next).unwrap_or("/");
    let Some(pending) = ssr::pending_sign_in().await? else { return Err(ssr::restart_sign_in(next)) };
    ssr::form(&links::verify_then(next, links::Step::parse(&form.with)), &form, async {
        ssr::require_within_rate_limit()?;
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
            VerifiedBy::App => Ok(ssr::Done::to(next)),
            VerifiedBy::RecoveryCode { left } => {
                let left = domain::time::counted(i64::from(left), "recovery code");
                let message =
                    format!("You’re signed in. That recovery code can’t be used again. You have {left} left.");
                Ok(ssr::Done::to(links::second_factor_then(next)).saying(message))
            }
        }
    })
    .await
}

/// Whether a sign-in is waiting for its code. If not, redirects to the first step.
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

/// Signs up: emails a link, or creates a user and an account, signs in and redirects to the start page.
#[server(prefix = "/api", endpoint = "sign-up")]
pub async fn sign_up(form: SignUpForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    use domain::account::SignUpOutcome;
    ssr::form(links::SIGN_UP, &form, async {
        ssr::require_within_rate_limit()?;
        match ssr::backend()?.sign_up(form.clone(), ssr::request_origin(), &ssr::client_ip()).await? {
            SignUpOutcome::SignedUp(user, account) => {
                ssr::sign_in(&user).await?;
                Ok(ssr::Done::to(links::account(account.as_str(), "start")))
            }
            SignUpOutcome::LinkSent => {
                let email = domain::account::normal_email(&form.email);
                let message = format!("We’ve emailed a link to {email}. Open it within 24 hours to choose a password.");
                Ok(ssr::Done::to(links::SIGN_UP).saying(message))
            }
        }
    })
    .await
}

/// The sign-up of an emailed link.
pub async fn load_sign_up(link: String) -> Result<SignUpForm, UiError> {
    Ok(crate::ssr::backend()?.linked_sign_up(&link).await?)
}

/// The password of a sign-up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishSignUpForm {
    /// As entered.
    #[serde(default)]
    pub password: String,
}

/// Creates the user and the account of an emailed link, signs in and redirects to the start page.
#[server(prefix = "/api", endpoint = "sign-up/finish")]
pub async fn finish_sign_up(link: String, form: FinishSignUpForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::sign_up(&link), &form, async {
        ssr::require_within_rate_limit()?;
        let (user, account) = ssr::backend()?.finish_sign_up(&link, &form.password, &ssr::client_ip()).await?;
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

/// Where `/` redirects to: the user's first account, the support pages, the ops pages or sign-in.
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

/// Whether signing up begins with an email, so that the password is chosen later.
pub async fn sign_up_by_email() -> Result<bool, UiError> {
    Ok(crate::ssr::backend()?.mail_configured())
}

/// Whether sign-up is open to whoever asks.
pub async fn sign_up_open() -> Result<bool, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.sign_up_policy().admits(ssr::request_origin()))
}
