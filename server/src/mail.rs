//! Email delivery: by SMTP, or into the log when no mail server is configured, so that an operator can pass on a link.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use async_trait::async_trait;
use engine::mail::{Mail, OutgoingEmail, SendError};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        self,
        response::{Category, Severity},
    },
};
use url::Url;

/// Time limit of each SMTP command, in seconds.
const COMMAND_TIMEOUT_S: u64 = 20;
/// Time limit of sending an email.
const SEND_TIMEOUT: Duration = Duration::from_secs(120);
/// The port of `smtp://` when the URL has none (RFC 5321 section 4.5.4.2).
const SMTP_PORT: u16 = 25;

type Smtp = AsyncSmtpTransport<Tokio1Executor>;

/// Why mail cannot be sent with these settings.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The mail server is not a `smtp://` or `smtps://` URL.
    #[error("OFFHOOK_SMTP_URL: {0}")]
    Server(#[from] smtp::Error),
    /// There is a mail server but no sender.
    #[error("set OFFHOOK_MAIL_FROM to the sender of emails, such as offhook@acme.example")]
    NoSender,
    /// The sender is not an email address.
    #[error("OFFHOOK_MAIL_FROM: {0}")]
    Sender(#[from] lettre::address::AddressError),
}

/// The mailer that the settings describe.
///
/// # Errors
/// [`MailError`] naming the setting.
pub fn open(server: Option<&Url>, from: Option<&str>) -> Result<Arc<dyn Mail>, MailError> {
    let Some(server) = server else { return Ok(Arc::new(Log)) };
    let from: Mailbox = from.ok_or(MailError::NoSender)?.parse()?;
    let smtp = Smtp::from_url(with_tls(server).as_str())?.timeout(Some(Duration::from_secs(COMMAND_TIMEOUT_S))).build();
    Ok(Arc::new(Server { smtp, from }))
}

/// Adds defaults to the URL: `smtp://` upgrades to TLS where the server offers it, unless the URL says otherwise.
fn with_tls(server: &Url) -> Url {
    let mut url = server.clone();
    if url.scheme() == "smtp" {
        if url.port().is_none() {
            // Fails only for a URL without a host, which lettre then reports.
            let _ = url.set_port(Some(SMTP_PORT));
        }
        if !url.query_pairs().any(|(key, _)| key == "tls") {
            url.query_pairs_mut().append_pair("tls", "opportunistic");
        }
    }
    url
}

struct Server {
    smtp: Smtp,
    from: Mailbox,
}

#[async_trait]
impl Mail for Server {
    async fn send(&self, email: &OutgoingEmail) -> Result<(), SendError> {
        let message = message(&self.from, email).map_err(|reason| SendError { reason, is_final: true })?;
        let sent = tokio::time::timeout(SEND_TIMEOUT, self.smtp.send(message)).await;
        match sent {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refusal(&error)),
            Err(_) => Err(SendError { reason: "the mail server took too long".to_owned(), is_final: false }),
        }
    }
}

/// The mail server's reason, for the admin who waits. How it is reached concerns only the operator.
fn refusal(error: &smtp::Error) -> SendError {
    if error.status().is_some() {
        return SendError { reason: error.to_string(), is_final: refuses_email(error) };
    }
    tracing::warn!(%error, "the mail server cannot be reached");
    SendError { reason: "the mail server cannot be reached".to_owned(), is_final: false }
}

/// Whether the server refuses this email for good: 55x is about a mailbox or a message (RFC 5321 section 4.2.1). Other
/// errors may be those of our settings or of the server, which its operator repairs.
fn refuses_email(error: &smtp::Error) -> bool {
    error.status().is_some_and(|code| {
        code.severity == Severity::PermanentNegativeCompletion && code.category == Category::MailSystem
    })
}

fn message(from: &Mailbox, OutgoingEmail { id, written_at, email }: &OutgoingEmail) -> Result<Message, String> {
    let written_at = UNIX_EPOCH + Duration::from_millis(written_at.0.unsigned_abs());
    let to: Mailbox = email.to.parse().map_err(|error| format!("the address is invalid: {error}"))?;
    let mut message = Message::builder()
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .date(written_at)
        .from(from.clone())
        .to(to)
        .subject(email.subject.clone())
        // RFC 3834: no out-of-office replies.
        .raw_header(header("Auto-Submitted", "auto-generated"))
        .header(ContentType::TEXT_PLAIN);
    if let Some(page) = &email.unsubscribe {
        // RFC 2369.
        message = message.raw_header(header("List-Unsubscribe", &format!("<{page}>")));
    }
    message.body(email.text.clone()).map_err(|error| error.to_string())
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

struct Log;

#[async_trait]
impl Mail for Log {
    async fn send(&self, OutgoingEmail { email, .. }: &OutgoingEmail) -> Result<(), SendError> {
        let (to, subject, text) = (&email.to, &email.subject, &email.text);
        tracing::info!(
            "no mail server is configured (OFFHOOK_SMTP_URL); the email follows\nTo: {to}\nSubject: {subject}\n\n{text}"
        );
        Ok(())
    }

    fn is_configured(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use domain::UnixMs;
    use engine::mail::Email;

    use super::*;

    fn opened(server: &str, from: Option<&str>) -> Result<(), String> {
        open(Some(&server.parse().unwrap()), from).map(|_| ()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn invalid_settings_are_named() {
        let sender = Some("Offhook <offhook@acme.example>");
        assert_eq!(opened("smtp://mail.acme.example", sender), Ok(()));
        assert_eq!(opened("smtps://user:secret@mail.acme.example", sender), Ok(()));
        assert!(opened("http://mail.acme.example", sender).unwrap_err().contains("OFFHOOK_SMTP_URL"));
        assert!(opened("smtp://mail.acme.example", None).unwrap_err().contains("OFFHOOK_MAIL_FROM"));
        assert!(opened("smtp://mail.acme.example", Some("nobody")).unwrap_err().contains("OFFHOOK_MAIL_FROM"));
        assert!(open(None, None).is_ok());
    }

    #[test]
    fn plain_smtp_upgrades_to_tls_where_possible() {
        let url = |text: &str| with_tls(&text.parse().unwrap()).to_string();
        assert_eq!(url("smtp://mail.acme.example"), "smtp://mail.acme.example:25?tls=opportunistic");
        assert_eq!(url("smtp://localhost:2525?tls=required"), "smtp://localhost:2525?tls=required");
        assert_eq!(url("smtps://mail.acme.example"), "smtps://mail.acme.example");
    }

    fn outgoing(to: &str, unsubscribe: Option<&str>) -> OutgoingEmail {
        let email = Email {
            to: to.into(),
            subject: "CRM is failing".into(),
            text: "…".into(),
            unsubscribe: unsubscribe.map(str::to_owned),
        };
        OutgoingEmail { id: "mail_1".into(), written_at: UnixMs(1_790_000_000_000), email }
    }

    #[test]
    fn an_email_has_the_headers_of_automatic_mail() {
        let from = "Offhook <offhook@acme.example>".parse().unwrap();
        let page = "https://hooks.acme.example/me/security";
        let sent =
            String::from_utf8(message(&from, &outgoing("ana@acme.example", Some(page))).unwrap().formatted()).unwrap();
        for line in [
            "Message-ID: <mail_1@acme.example>",
            "Date: Mon, 21 Sep 2026 14:13:20 +0000",
            "Auto-Submitted: auto-generated",
            &format!("List-Unsubscribe: <{page}>"),
        ] {
            assert!(sent.contains(&format!("{line}\r\n")), "{line}: {sent}");
        }
        let plain =
            String::from_utf8(message(&from, &outgoing("ana@acme.example", None)).unwrap().formatted()).unwrap();
        assert!(!plain.contains("List-Unsubscribe"), "{plain}");
        assert!(message(&from, &outgoing("nobody", None)).is_err());
    }
}
