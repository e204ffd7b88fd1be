//! Two-factor authentication: loading and forms. Changes require a recent sign-in, which itself includes the second
//! step if two-factor authentication is on.

use domain::second_factor::SecondFactor;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;
pub use crate::ssr::QrCodePath;

/// A new key that hasn't been confirmed with a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// In groups, for entering by hand.
    pub text: String,
    /// As a URI that authenticator apps open.
    pub uri: String,
    /// The URI as a QR code.
    pub drawing: Option<QrCodePath>,
}

/// A user's two-factor authentication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TwoFactorState {
    /// None if it's off.
    pub factor: Option<SecondFactor>,
    /// Present during setup.
    pub new_key: Option<NewKey>,
    /// Recovery codes that were just generated.
    pub codes: Vec<String>,
}

/// The user's two-factor authentication. New recovery codes are included once.
pub async fn load_two_factor() -> Result<TwoFactorState, UiError> {
    use crate::ssr;
    let (backend, user) = (ssr::backend()?, ssr::user().await?);
    let factor = backend.second_factor(&user).await?;
    let codes = match ssr::take_codes().await? {
        Some(sealed) => backend.open_recovery_codes(&user, &sealed).await?,
        None => Vec::new(),
    };
    let draft = match ssr::draft().await?.filter(|_| factor.is_none()) {
        // An expired draft counts as none.
        Some(draft) => backend.drafted_factor(&user, &draft).await.ok(),
        None => None,
    };
    let new_key = draft.map(|draft| NewKey { drawing: ssr::drawing(&draft.uri), text: draft.key, uri: draft.uri });
    Ok(TwoFactorState { factor, new_key, codes })
}

/// Creates a key for setting up an authenticator app.
#[server(prefix = "/api", endpoint = "factor/begin")]
pub async fn start_two_factor() -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECOND_FACTOR, &(), async {
        let user = ssr::user().await?;
        ssr::require_fresh_sign_in().await?;
        ssr::keep_draft(Some(&ssr::backend()?.draft_factor(&user).await?)).await?;
        Ok(ssr::Done::to(links::SECOND_FACTOR))
    })
    .await
}

/// Form with a code from the authenticator app or a recovery code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeForm {
    /// As entered.
    #[serde(default)]
    pub code: String,
}

/// Turns two-factor authentication on, after checking a code of the new key.
#[server(prefix = "/api", endpoint = "factor/on")]
pub async fn enable_two_factor(form: CodeForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECOND_FACTOR, &form, async {
        ssr::require_within_rate_limit()?;
        let (backend, user, session) = (ssr::backend()?, ssr::user().await?, ssr::session_id()?);
        let draft = ssr::draft().await?.unwrap_or_default();
        let codes = backend.switch_factor_on(&user, &draft, &form.code, &session, &ssr::client_ip()).await;
        let codes = codes.map_err(|error| match error {
            domain::Error::NotFound(_) => domain::Error::invalid("", "Setup has expired. Start again with a new key."),
            other => other,
        })?;
        ssr::keep_draft(None).await?;
        ssr::keep_codes(&codes).await?;
        let message =
            "Two-factor authentication is on, and other browsers are signed out. Save your recovery codes now.";
        Ok(ssr::Done::to(links::SECOND_FACTOR).saying(message))
    })
    .await
}

/// Turns two-factor authentication off.
#[server(prefix = "/api", endpoint = "factor/off")]
pub async fn disable_two_factor(form: CodeForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECOND_FACTOR, &form, async {
        ssr::require_within_rate_limit()?;
        let user = ssr::user().await?;
        ssr::require_fresh_sign_in().await?;
        ssr::backend()?.switch_factor_off(&user, &form.code, &ssr::client_ip()).await?;
        let message = "Two-factor authentication is off. You now sign in with a password only.";
        Ok(ssr::Done::to(links::SECOND_FACTOR).saying(message))
    })
    .await
}

/// Generates new recovery codes.
#[server(prefix = "/api", endpoint = "factor/codes")]
pub async fn regenerate_codes() -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECOND_FACTOR, &(), async {
        let user = ssr::user().await?;
        ssr::require_fresh_sign_in().await?;
        ssr::keep_codes(&ssr::backend()?.renew_recovery_codes(&user, &ssr::client_ip()).await?).await?;
        Ok(ssr::Done::to(links::SECOND_FACTOR)
            .saying("New recovery codes generated. The previous ones no longer work."))
    })
    .await
}
