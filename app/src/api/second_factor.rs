//! A person's second factor: what its page loads and what its forms do. They ask for a fresh sign-in first, which takes
//! the second factor itself where one is on.

use domain::second_factor::SecondFactor;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::UiError;

/// A QR code as one path on a grid of squares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawing {
    /// Squares from edge to edge.
    pub size: usize,
    /// The dark ones.
    pub path: String,
}

/// A key that waits for its first code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewKey {
    /// In groups, to be typed.
    pub text: String,
    /// As an address that apps open.
    pub uri: String,
    /// The same to be scanned.
    pub drawing: Option<Drawing>,
}

/// How a person's second factor stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// None while it is off.
    pub factor: Option<SecondFactor>,
    /// While it is off and being set up.
    pub new_key: Option<NewKey>,
    /// Recovery codes that were made just now.
    pub codes: Vec<String>,
}

/// How the person's second factor stands. New recovery codes are in it once.
pub async fn load_standing() -> Result<Standing, UiError> {
    use crate::ssr;
    let (backend, user) = (ssr::backend()?, ssr::user().await?);
    let factor = backend.second_factor(&user).await?;
    let codes = match ssr::take_codes().await? {
        Some(sealed) => backend.open_recovery_codes(&user, &sealed).await?,
        None => Vec::new(),
    };
    let draft = match ssr::draft().await?.filter(|_| factor.is_none()) {
        // One whose time is over is as good as none.
        Some(draft) => backend.drafted_factor(&user, &draft).await.ok(),
        None => None,
    };
    let new_key = draft.map(|draft| NewKey { drawing: ssr::drawing(&draft.uri), text: draft.key, uri: draft.uri });
    Ok(Standing { factor, new_key, codes })
}

/// Makes a key to set an app up with.
#[server(prefix = "/api", endpoint = "factor/begin")]
pub async fn begin_factor() -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECOND_FACTOR, &(), async {
        let user = ssr::user().await?;
        ssr::require_fresh_sign_in().await?;
        ssr::keep_draft(Some(&ssr::backend()?.draft_factor(&user).await?)).await?;
        Ok(ssr::Done::to(links::SECOND_FACTOR))
    })
    .await
}

/// A code of the app, or a recovery code.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeForm {
    /// As typed.
    #[serde(default)]
    pub code: String,
}

/// Switches the second factor on, proved by the first code of the new key.
#[server(prefix = "/api", endpoint = "factor/on")]
pub async fn switch_factor_on(form: CodeForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECOND_FACTOR, &form, async {
        ssr::require_patience()?;
        let (backend, user, session) = (ssr::backend()?, ssr::user().await?, ssr::session_id()?);
        let draft = ssr::draft().await?.unwrap_or_default();
        let codes = backend.switch_factor_on(&user, &draft, &form.code, &session, &ssr::client_ip()).await;
        let codes = codes.map_err(|error| match error {
            domain::Error::NotFound(_) => {
                domain::Error::invalid("", "The new key has waited too long. Set up again with another one.")
            }
            other => other,
        })?;
        ssr::keep_draft(None).await?;
        ssr::keep_codes(&codes).await?;
        let words = "Your second factor is on. Other browsers are signed out. Now store your recovery codes.";
        Ok(ssr::Done::to(links::SECOND_FACTOR).saying(words))
    })
    .await
}

/// Switches it off.
#[server(prefix = "/api", endpoint = "factor/off")]
pub async fn switch_factor_off(form: CodeForm) -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECOND_FACTOR, &form, async {
        ssr::require_patience()?;
        let user = ssr::user().await?;
        ssr::require_fresh_sign_in().await?;
        ssr::backend()?.switch_factor_off(&user, &form.code, &ssr::client_ip()).await?;
        let words = "Your second factor is off. The password is all that signs you in now.";
        Ok(ssr::Done::to(links::SECOND_FACTOR).saying(words))
    })
    .await
}

/// Makes new recovery codes.
#[server(prefix = "/api", endpoint = "factor/codes")]
pub async fn renew_codes() -> Result<(), UiError> {
    use crate::{links, ssr};
    ssr::form(links::SECOND_FACTOR, &(), async {
        let user = ssr::user().await?;
        ssr::require_fresh_sign_in().await?;
        ssr::keep_codes(&ssr::backend()?.renew_recovery_codes(&user, &ssr::client_ip()).await?).await?;
        Ok(ssr::Done::to(links::SECOND_FACTOR).saying("Here are new recovery codes. Those until now have ended."))
    })
    .await
}
