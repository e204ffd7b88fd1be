//! The credentials that the setup page of a connector shows once.

use domain::{Error, connector::Connector, token::TOKEN_PREFIX};
use serde::Serialize;

use crate::error::UiError;

/// Characters of a random secret, and of a token after its prefix: 32 bytes in Base64.
const RANDOM_CHARS: usize = 43;

/// Credentials that the next page shows once; empty where there is none.
#[derive(Default, Serialize)]
#[cfg_attr(test, derive(Debug, Clone, PartialEq))]
pub(super) struct Shown {
    /// The connector's secret.
    pub secret: String,
    /// The token of the program beside the phone system.
    pub token: String,
}

impl Shown {
    /// Which of them the page shows again. They come from a form and are shown in a text to paste into a shell, so nothing else
    /// than what Offhook creates is kept.
    ///
    /// # Errors
    /// That of the connector, unless it may be read later.
    pub(super) fn again(self, connector: Result<Connector, UiError>) -> Result<Self, UiError> {
        let is_current = match connector {
            // Another tab may have rotated it meanwhile.
            Ok(connector) => self.secret.ends_with(&connector.secret_hint),
            // The form has the only copy.
            Err(UiError::Domain(Error::Unavailable { .. } | Error::Internal)) => true,
            Err(error) => return Err(error),
        };
        let is_token = self.token.strip_prefix(TOKEN_PREFIX).is_some_and(is_random);
        Ok(Self {
            secret: Some(self.secret).filter(|secret| is_current && is_random(secret)).unwrap_or_default(),
            token: Some(self.token).filter(|_| is_token).unwrap_or_default(),
        })
    }
}

fn is_random(text: &str) -> bool {
    text.len() == RANDOM_CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

#[cfg(test)]
mod tests {
    use domain::connector::System;

    use super::*;
    use crate::components::connector_badge::sample;

    fn posted() -> Shown {
        let secret = format!("{}3fA9", "a".repeat(RANDOM_CHARS - 4));
        Shown { secret, token: format!("oh_{}-_", "B".repeat(RANDOM_CHARS - 2)) }
    }

    #[test]
    fn credentials_stay_on_the_page_until_the_secret_is_rotated() {
        let mut connector = sample(System::Asterisk);
        assert_eq!(posted().again(Ok(connector.clone())), Ok(posted()));
        connector.secret_hint = "other".into();
        assert_eq!(posted().again(Ok(connector)), Ok(Shown { secret: String::new(), ..posted() }));
    }

    #[test]
    fn credentials_stay_on_the_page_while_the_connector_cant_be_read() {
        let busy = Error::Unavailable { detail: "The database is busy.".into(), retry_after_s: 1 };
        for error in [busy, Error::Internal] {
            assert_eq!(posted().again(Err(error.into())), Ok(posted()));
        }
        let gone = UiError::not_found("connector");
        assert_eq!(posted().again(Err(gone.clone())), Err(gone));
    }

    #[test]
    fn nothing_that_a_shell_would_run_is_shown_as_a_credential() {
        let quoted = format!("';reboot;'{}", "a".repeat(RANDOM_CHARS));
        let (secret, token) =
            (format!("{}3fA9", &quoted[..RANDOM_CHARS - 4]), format!("oh_{}", &quoted[..RANDOM_CHARS]));
        for other in [secret.as_str(), "3fA9", ""] {
            let sent = Shown { secret: other.into(), ..posted() };
            assert_eq!(sent.again(Ok(sample(System::Asterisk))), Ok(Shown { secret: String::new(), ..posted() }));
        }
        for other in [token.as_str(), "oh_", "", &posted().token[3..]] {
            let sent = Shown { token: other.into(), ..posted() };
            let again = sent.again(Err(UiError::INTERNAL));
            assert_eq!(again, Ok(Shown { token: String::new(), ..posted() }));
        }
    }
}
