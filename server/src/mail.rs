//! Email delivery: by SMTP, or into the log when no mail server is configured, so that an operator can pass on a link.

use std::{sync::Arc, time::Duration};

use engine::mail::{Email, Enqueued, Mail};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};
use tokio::sync::mpsc;
use url::Url;

/// Most emails that wait for the mail server.
const QUEUE_MAX: usize = 256;
/// Time limit of each SMTP command, in seconds.
const COMMAND_TIMEOUT_S: u64 = 20;
/// The port of `smtp://` when the URL has none (RFC 5321 section 4.5.4.2).
const SMTP_PORT: u16 = 25;

type Smtp = AsyncSmtpTransport<Tokio1Executor>;

/// Why mail cannot be sent with these settings.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The mail server is not a `smtp://` or `smtps://` URL.
    #[error("OFFHOOK_SMTP_URL: {0}")]
    Server(#[from] lettre::transport::smtp::Error),
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
    let (queue, emails) = mpsc::channel(QUEUE_MAX);
    tokio::spawn(send_all(smtp, from, emails));
    Ok(Arc::new(Queue(queue)))
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

struct Queue(mpsc::Sender<Email>);

impl Mail for Queue {
    fn send(&self, email: Email) -> Enqueued {
        match self.0.try_send(email) {
            Ok(()) => Enqueued::Queued,
            Err(error) => {
                tracing::error!(%error, "mail was not queued");
                Enqueued::Full
            }
        }
    }
}

/// Sends one email after the other until the program ends.
async fn send_all(smtp: Smtp, from: Mailbox, mut emails: mpsc::Receiver<Email>) {
    while let Some(email) = emails.recv().await {
        let to = email.to.clone();
        match send(&smtp, &from, email).await {
            Ok(()) => tracing::info!(to, "mail sent"),
            Err(error) => tracing::error!(to, %error, "mail was not sent"),
        }
    }
}

async fn send(smtp: &Smtp, from: &Mailbox, email: Email) -> anyhow::Result<()> {
    let message = Message::builder()
        .from(from.clone())
        .to(email.to.parse()?)
        .subject(email.subject)
        .header(ContentType::TEXT_PLAIN)
        .body(email.text)?;
    smtp.send(message).await?;
    Ok(())
}

struct Log;

impl Mail for Log {
    fn send(&self, Email { to, subject, text }: Email) -> Enqueued {
        tracing::info!(
            "no mail server is configured (OFFHOOK_SMTP_URL); the email follows\nTo: {to}\nSubject: {subject}\n\n{text}"
        );
        Enqueued::Queued
    }

    fn is_configured(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
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

    #[tokio::test]
    async fn a_full_queue_is_reported_without_waiting() {
        let (queue, _kept) = mpsc::channel(1);
        let queue = Queue(queue);
        let email = || Email { to: "ana@acme.example".into(), subject: "Hello".into(), text: "…".into() };
        assert_eq!([queue.send(email()), queue.send(email())], [Enqueued::Queued, Enqueued::Full]);
    }
}
