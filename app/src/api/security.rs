//! A user's own security settings: password, sessions and email alerts.

use domain::account::User;
use domain::second_factor::SecondFactor;
use domain::user::{BrowserSession, EmailPreferences, NewPassword};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// The form that requests a password reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgotForm {
    /// Email address.
    #[serde(default)]
    pub email: String,
}

/// Emails a password reset link. The response is the same whether or not the address is known.
#[server(prefix = "/api", endpoint = "forgot")]
pub async fn forgot(form: ForgotForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::FORGOT, &form, async {
        ssr::require_within_rate_limit()?;
        ssr::backend()?.forgot(&form.email).await?;
        let message = ssr::mail_messages::reset()?;
        Ok(ssr::Done::to(links::FORGOT).saying(message))
    })
    .await
}

/// Whether a reset link is still valid.
pub async fn load_reset(link: String) -> Result<(), UiError> {
    Ok(crate::ssr::backend()?.reset_link(&link).await?)
}

/// A new password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetForm {
    /// As entered.
    #[serde(default)]
    pub password: String,
}

/// Sets a new password with a reset link.
#[server(prefix = "/api", endpoint = "reset")]
pub async fn reset_password(link: String, form: ResetForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::reset(&link), &form, async {
        ssr::require_within_rate_limit()?;
        ssr::backend()?.reset_password(&link, &form.password, &ssr::client_ip()).await?;
        let message = "Your password was changed, and you’re signed out everywhere. Sign in with your new password.";
        Ok(ssr::Done::to(links::SIGN_IN).saying(message))
    })
    .await
}

/// A user with their sessions and security settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Security {
    /// The user.
    pub user: User,
    /// Sessions, this browser first.
    pub browsers: Vec<BrowserSession>,
    /// Two-factor authentication, none if it's off.
    pub factor: Option<SecondFactor>,
    /// Email alerts.
    pub email_preferences: EmailPreferences,
}

/// A user with their sessions and security settings.
pub async fn load_security() -> Result<Security, UiError> {
    use crate::ssr;
    let (backend, user) = (ssr::backend()?, ssr::user().await?);
    let browsers = backend.browsers(&user, &ssr::session_id()?).await?;
    let factor = backend.second_factor(&user).await?;
    let email_preferences = backend.email_preferences(&user).await?;
    Ok(Security { user: backend.memberships(&user).await?.0, browsers, factor, email_preferences })
}

/// Changes the password and ends other sessions.
#[server(prefix = "/api", endpoint = "security/password")]
pub async fn change_password(form: NewPassword) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECURITY, &form, async {
        ssr::require_within_rate_limit()?;
        let (user, session) = (ssr::user().await?, ssr::session_id()?);
        ssr::backend()?.change_password(&user, &form, &session, &ssr::client_ip()).await?;
        Ok(ssr::Done::to(links::SECURITY).saying("Your password was changed, and other browsers are signed out."))
    })
    .await
}

/// Ends one session.
#[server(prefix = "/api", endpoint = "security/end")]
pub async fn end_session(handle: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECURITY, &(), async {
        ssr::backend()?.end_session(&ssr::user().await?, &handle).await?;
        Ok(ssr::Done::to(links::SECURITY).saying("That browser was signed out."))
    })
    .await
}

/// Ends all other sessions.
#[server(prefix = "/api", endpoint = "security/end-others")]
pub async fn end_other_sessions() -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECURITY, &(), async {
        let (user, session) = (ssr::user().await?, ssr::session_id()?);
        let ended = ssr::backend()?.end_other_sessions(&user, &session, &ssr::client_ip()).await?;
        let ended = domain::time::counted(i64::try_from(ended).unwrap_or(i64::MAX), "other browser");
        Ok(ssr::Done::to(links::SECURITY).saying(format!("Signed out of {ended}.")))
    })
    .await
}

/// Turns email alerts about failing endpoints on or off.
#[server(prefix = "/api", endpoint = "security/letters")]
pub async fn set_failure_alerts(failing: bool) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECURITY, &(), async {
        ssr::backend()?
            .change_email_preferences(&ssr::user().await?, EmailPreferences { failing }, &ssr::client_ip())
            .await?;
        let message = if failing { "Failure alerts are on." } else { "Failure alerts are off." };
        Ok(ssr::Done::to(links::SECURITY).saying(message))
    })
    .await
}
