//! Signing up, and the rules for what people are called and how they sign in.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, FieldError, Result},
    name,
};

/// Shortest password in characters.
pub const PASSWORD_MIN_CHARS: usize = 12;
/// Longest password in characters; argon2 would take more, a form should not.
pub const PASSWORD_MAX_CHARS: usize = 256;
/// Longest e-mail address in characters (RFC 5321 section 4.5.3.1).
pub const EMAIL_MAX_CHARS: usize = 254;

/// What the sign-up form holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignUp {
    /// The person's name.
    #[serde(default)]
    pub name: String,
    /// E-mail address.
    #[serde(default)]
    pub email: String,
    /// Password as typed.
    #[serde(default)]
    pub password: String,
    /// Name of the new account.
    #[serde(default)]
    pub account: String,
}

impl SignUp {
    /// The same with white space trimmed and the address in lower case.
    ///
    /// # Errors
    /// `Invalid` with one entry per field that cannot be accepted.
    pub fn check(self) -> Result<Self> {
        let email = normal_email(&self.email);
        let (name, account) = (name::checked_if_any("name", &self.name), account_name(&self.account));
        let complaints = [
            name.as_ref().err().cloned(),
            email_complaint(&email),
            password_complaint("password", &self.password),
            account.as_ref().err().cloned(),
        ];
        let errors: Vec<_> = complaints.into_iter().flatten().collect();
        match (name, account) {
            (Ok(name), Ok(account)) if errors.is_empty() => Ok(Self { name, email, password: self.password, account }),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

/// An e-mail address as it is stored and compared.
#[must_use]
pub fn normal_email(text: &str) -> String {
    text.trim().to_lowercase()
}

/// What is wrong with an e-mail address. Only its outline is checked; mail proves the rest.
#[must_use]
pub fn email_complaint(email: &str) -> Option<FieldError> {
    let outline = email.split_once('@').is_some_and(|(local, host)| {
        !local.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.') && !host.contains('@')
    });
    let fits = outline && email.len() <= EMAIL_MAX_CHARS && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    (!fits).then(|| FieldError::new("email", "Enter an e-mail address such as ana@acme.example."))
}

/// What is wrong with a new password.
#[must_use]
pub fn password_complaint(field: &str, password: &str) -> Option<FieldError> {
    let chars = password.chars().count();
    let message = if chars < PASSWORD_MIN_CHARS {
        "Use at least 12 characters. A few words in a row are easy to remember."
    } else if chars > PASSWORD_MAX_CHARS {
        "Use at most 256 characters."
    } else if password.chars().skip(1).zip(password.chars()).all(|(a, b)| a == b) {
        "One character over and over is easy to guess. Use a few words in a row."
    } else {
        return None;
    };
    Some(FieldError::new(field, message))
}

fn account_name(name: &str) -> std::result::Result<String, FieldError> {
    if name.trim().is_empty() {
        return Err(FieldError::new("account", "Name the account: your company or team."));
    }
    name::checked("account", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_up_names_every_field_that_is_wrong() {
        let form = SignUp { email: "ana".into(), password: "short".into(), ..SignUp::default() };
        let fields: Vec<_> = form.check().unwrap_err().fields().iter().map(|e| e.field.clone()).collect();
        assert_eq!(fields, ["email", "password", "account"]);
    }

    #[test]
    fn an_address_is_compared_in_lower_case_without_space() {
        let form = SignUp {
            email: " Ana@Acme.Example ".into(),
            password: "correct horse battery".into(),
            account: "Acme".into(),
            ..SignUp::default()
        };
        assert_eq!(form.check().unwrap().email, "ana@acme.example");
    }
}
