//! Signing up, and the rules for names, email addresses and passwords.

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, FieldError, Result},
    id::{AccountId, UserId},
    name,
    time::DAY_MS,
};

/// Minimum password length in characters.
pub const PASSWORD_MIN_CHARS: usize = 12;
/// Maximum password length in characters. Argon2 would accept more, but hashing must stay cheap.
pub const PASSWORD_MAX_CHARS: usize = 256;
/// Maximum length of an email address in characters (RFC 5321 section 4.5.3.1).
pub const EMAIL_MAX_CHARS: usize = 254;

/// How long the link of a sign-up is valid, in milliseconds.
pub const SIGN_UP_MS: i64 = DAY_MS;

/// The sign-up form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignUp {
    /// The user's name.
    #[serde(default)]
    pub name: String,
    /// Email address.
    #[serde(default)]
    pub email: String,
    /// The password as typed.
    #[serde(default)]
    pub password: String,
    /// Name of the new account.
    #[serde(default)]
    pub account: String,
}

impl SignUp {
    /// The form with white space trimmed and the email address in lower case.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    pub fn check(self) -> Result<Self> {
        let weak = password_complaint("password", &self.password);
        self.check_with(weak)
    }

    /// The same for a form whose password is chosen later, once the email address is proven.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn check_unproven(self) -> Result<Self> {
        Self { password: String::new(), ..self }.check_with(None)
    }

    fn check_with(self, weak: Option<FieldError>) -> Result<Self> {
        let email = normal_email(&self.email);
        let (name, account) = (name::checked_if_any("name", &self.name), account_name(&self.account));
        let complaints = [name.as_ref().err().cloned(), email_complaint(&email), weak, account.as_ref().err().cloned()];
        let errors: Vec<_> = complaints.into_iter().flatten().collect();
        match (name, account) {
            (Ok(name), Ok(account)) if errors.is_empty() => Ok(Self { name, email, password: self.password, account }),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

/// What follows from signing up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignUpOutcome {
    /// A link was emailed. Nothing else exists yet, and the response is the same if the address already has a user.
    LinkSent,
    /// No mail server is configured, so the user and the account exist.
    SignedUp(UserId, AccountId),
}

/// An email address as it is stored and compared: trimmed and in lower case.
#[must_use]
pub fn normal_email(text: &str) -> String {
    text.trim().to_lowercase()
}

/// What is wrong with an email address. Only its syntax is checked (RFC 5321 without quoted names and address literals, which
/// few mail servers accept, and in ASCII); receiving mail proves the rest.
#[must_use]
pub fn email_complaint(email: &str) -> Option<FieldError> {
    let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
    let fits = email.is_ascii()
        && email.len() <= EMAIL_MAX_CHARS
        && !email.contains('"')
        && EmailAddress::parse_with_options(email, options).is_ok();
    (!fits).then(|| FieldError::new("email", "Enter an email address such as ana@acme.example."))
}

/// What is wrong with a new password.
#[must_use]
pub fn password_complaint(field: &str, password: &str) -> Option<FieldError> {
    let chars = password.chars().count();
    let message = if chars < PASSWORD_MIN_CHARS {
        "Use at least 12 characters. A few random words are easy to remember."
    } else if chars > PASSWORD_MAX_CHARS {
        "Use at most 256 characters."
    } else if password.chars().skip(1).zip(password.chars()).all(|(a, b)| a == b) {
        "A single repeated character is easy to guess. Use a few random words."
    } else {
        return None;
    };
    Some(FieldError::new(field, message))
}

fn account_name(name: &str) -> std::result::Result<String, FieldError> {
    if name.trim().is_empty() {
        return Err(FieldError::new("account", "Enter a name for the account, such as your company or team."));
    }
    name::checked("account", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_up_lists_every_invalid_field() {
        let form = SignUp { email: "ana".into(), password: "short".into(), ..SignUp::default() };
        let fields: Vec<_> = form.check().unwrap_err().fields().iter().map(|e| e.field.clone()).collect();
        assert_eq!(fields, ["email", "password", "account"]);
    }

    #[test]
    fn an_email_address_is_one_address_and_nothing_else() {
        for fine in ["ana@acme.example", "ana.smith+offhook@mail.acme.example", "o'hara_1@xn--bcher-kva.example"] {
            assert_eq!(email_complaint(fine), None, "{fine}");
        }
        let long = format!("{}@acme.example", "x".repeat(EMAIL_MAX_CHARS));
        for wrong in [
            "ana",
            "ana@",
            "@acme.example",
            "ana@acme",
            "ana@acme..example",
            "ana@.example",
            "ana@acme.example.",
            "a na@acme.example",
            "ana@eve@acme.example",
            "x<victim@acme.example>",
            "x<victim@acme.example",
            "Ana <ana@acme.example>",
            "<ana@acme.example>",
            "ana@acme.example,eve@acme.example",
            "ana@acme.example\r\nBcc: eve@acme.example",
            "\"ana smith\"@acme.example",
            "ana@[127.0.0.1]",
            "ana@acme.example\0",
            ".ana@acme.example",
            "änä@acme.example",
            &long,
        ] {
            assert!(email_complaint(wrong).is_some(), "{wrong:?}");
        }
    }

    #[test]
    fn an_email_address_is_trimmed_and_lower_cased() {
        let form = SignUp {
            email: " Ana@Acme.Example ".into(),
            password: "correct horse battery".into(),
            account: "Acme".into(),
            ..SignUp::default()
        };
        assert_eq!(form.check().unwrap().email, "ana@acme.example");
    }
}
