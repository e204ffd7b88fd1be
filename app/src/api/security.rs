//! A person's own sign-in: forgotten and changed passwords, sessions; and the letters that they want.

use domain::account::User;
use domain::person::{Browser, Letters, NewPassword};
use domain::second_factor::SecondFactor;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// What the form holds that asks for a reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgotForm {
    /// E-mail address.
    #[serde(default)]
    pub email: String,
}

/// Mails a link that sets a new password. The answer is the same whether or not somebody has that address.
#[server(prefix = "/api", endpoint = "forgot")]
pub async fn forgot(form: ForgotForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::FORGOT, &form, async {
        ssr::require_patience()?;
        ssr::backend()?.forgot(&form.email).await?;
        let words = ssr::letters::reset()?;
        Ok(ssr::Done::to(links::FORGOT).saying(words))
    })
    .await
}

/// Whether the link of a reset works still.
pub async fn load_reset(link: String) -> Result<(), UiError> {
    Ok(crate::ssr::backend()?.reset_link(&link).await?)
}

/// A new password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetForm {
    /// As typed.
    #[serde(default)]
    pub password: String,
}

/// Sets a new password by the link of a reset.
#[server(prefix = "/api", endpoint = "reset")]
pub async fn reset_password(link: String, form: ResetForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(&links::reset(&link), &form, async {
        ssr::require_patience()?;
        ssr::backend()?.reset_password(&link, &form.password, &ssr::client_ip()).await?;
        let words = "Your new password is set, and you are signed out everywhere. Sign in with it.";
        Ok(ssr::Done::to(links::SIGN_IN).saying(words))
    })
    .await
}

/// A person and where they are signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Security {
    /// The person.
    pub user: User,
    /// This browser first.
    pub browsers: Vec<Browser>,
    /// Their second factor; none while it is off.
    pub factor: Option<SecondFactor>,
    /// Which letters they want.
    pub letters: Letters,
}

/// A person and where they are signed in.
pub async fn load_security() -> Result<Security, UiError> {
    use crate::ssr;
    let (backend, user) = (ssr::backend()?, ssr::user().await?);
    let browsers = backend.browsers(&user, &ssr::session_id()?).await?;
    let factor = backend.second_factor(&user).await?;
    let letters = backend.letters(&user).await?;
    Ok(Security { user: backend.memberships(&user).await?.0, browsers, factor, letters })
}

/// Changes the password; other sessions end.
#[server(prefix = "/api", endpoint = "security/password")]
pub async fn change_password(form: NewPassword) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECURITY, &form, async {
        ssr::require_patience()?;
        let (user, session) = (ssr::user().await?, ssr::session_id()?);
        ssr::backend()?.change_password(&user, &form, &session, &ssr::client_ip()).await?;
        Ok(ssr::Done::to(links::SECURITY).saying("Your password is changed. Other browsers are signed out."))
    })
    .await
}

/// Ends one session.
#[server(prefix = "/api", endpoint = "security/end")]
pub async fn end_session(handle: String) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECURITY, &(), async {
        ssr::backend()?.end_session(&ssr::user().await?, &handle).await?;
        Ok(ssr::Done::to(links::SECURITY).saying("That browser is signed out."))
    })
    .await
}

/// Ends all sessions but this one.
#[server(prefix = "/api", endpoint = "security/end-others")]
pub async fn end_other_sessions() -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECURITY, &(), async {
        let (user, session) = (ssr::user().await?, ssr::session_id()?);
        let ended = ssr::backend()?.end_other_sessions(&user, &session, &ssr::client_ip()).await?;
        let ended = domain::time::counted(i64::try_from(ended).unwrap_or(i64::MAX), "other browser");
        Ok(ssr::Done::to(links::SECURITY).saying(format!("Signed out in {ended}.")))
    })
    .await
}

/// Switches letters about endpoints that fail on or off.
#[server(prefix = "/api", endpoint = "security/letters")]
pub async fn switch_letters(failing: bool) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECURITY, &(), async {
        ssr::backend()?.change_letters(&ssr::user().await?, Letters { failing }, &ssr::client_ip()).await?;
        let words = if failing {
            "You get letters about endpoints that fail."
        } else {
            "You get no more letters about endpoints that fail."
        };
        Ok(ssr::Done::to(links::SECURITY).saying(words))
    })
    .await
}
