//! Mail leaves here: by SMTP, or into the log where no mail server is set, so that an operator can hand a link on.

use std::{sync::Arc, time::Duration};

use engine::mail::{Email, Enqueued, Mail};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};
use tokio::sync::mpsc;
use url::Url;

/// Letters that may wait for the mail server.
const WAITING_MAX: usize = 256;
/// Longest that the mail server may take for one step of a letter, in seconds.
const STEP_MAX_S: u64 = 20;
/// The port of `smtp://` when the URL names none (RFC 5321 section 4.5.4.2).
const SMTP_PORT: u16 = 25;

type Smtp = AsyncSmtpTransport<Tokio1Executor>;

/// Why mail cannot be sent as the settings say.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The address of the mail server is no `smtp://` or `smtps://` URL.
    #[error("OFFHOOK_SMTP_URL: {0}")]
    Server(#[from] lettre::transport::smtp::Error),
    /// There is a mail server and no sender.
    #[error("set OFFHOOK_MAIL_FROM to the address that mail comes from, such as offhook@acme.example")]
    NoSender,
    /// The sender is no address.
    #[error("OFFHOOK_MAIL_FROM: {0}")]
    Sender(#[from] lettre::address::AddressError),
}

/// The mail that the settings describe.
///
/// # Errors
/// [`MailError`] naming the setting.
pub fn open(server: Option<&Url>, from: Option<&str>) -> Result<Arc<dyn Mail>, MailError> {
    let Some(server) = server else { return Ok(Arc::new(Log)) };
    let from: Mailbox = from.ok_or(MailError::NoSender)?.parse()?;
    let smtp = Smtp::from_url(with_tls(server).as_str())?.timeout(Some(Duration::from_secs(STEP_MAX_S))).build();
    let (queue, letters) = mpsc::channel(WAITING_MAX);
    tokio::spawn(send_all(smtp, from, letters));
    Ok(Arc::new(Queue(queue)))
}

/// What the URL leaves open: `smtp://` turns to TLS where the server offers it, unless the URL says otherwise.
fn with_tls(server: &Url) -> Url {
    let mut url = server.clone();
    if url.scheme() == "smtp" {
        if url.port().is_none() {
            // Only a URL without a host has no place for a port; lettre then says what is wrong.
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
    fn post(&self, letter: Email) -> Enqueued {
        match self.0.try_send(letter) {
            Ok(()) => Enqueued::Waiting,
            Err(error) => {
                tracing::error!(%error, "a letter was not sent");
                Enqueued::Full
            }
        }
    }
}

/// One letter after the other, until the program ends.
async fn send_all(smtp: Smtp, from: Mailbox, mut letters: mpsc::Receiver<Email>) {
    while let Some(letter) = letters.recv().await {
        let to = letter.to.clone();
        match send(&smtp, &from, letter).await {
            Ok(()) => tracing::info!(to, "mail sent"),
            Err(error) => tracing::error!(to, %error, "mail was not sent"),
        }
    }
}

async fn send(smtp: &Smtp, from: &Mailbox, letter: Email) -> anyhow::Result<()> {
    let message = Message::builder()
        .from(from.clone())
        .to(letter.to.parse()?)
        .subject(letter.subject)
        .header(ContentType::TEXT_PLAIN)
        .body(letter.text)?;
    smtp.send(message).await?;
    Ok(())
}

struct Log;

impl Mail for Log {
    fn post(&self, Email { to, subject, text }: Email) -> Enqueued {
        tracing::info!(
            "no mail server is set (OFFHOOK_SMTP_URL), so this is shown here\nTo: {to}\nSubject: {subject}\n\n{text}"
        );
        Enqueued::Waiting
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
    async fn settings_that_cannot_work_are_named() {
        let sender = Some("Offhook <offhook@acme.example>");
        assert_eq!(opened("smtp://mail.acme.example", sender), Ok(()));
        assert_eq!(opened("smtps://user:secret@mail.acme.example", sender), Ok(()));
        assert!(opened("http://mail.acme.example", sender).unwrap_err().contains("OFFHOOK_SMTP_URL"));
        assert!(opened("smtp://mail.acme.example", None).unwrap_err().contains("OFFHOOK_MAIL_FROM"));
        assert!(opened("smtp://mail.acme.example", Some("nobody")).unwrap_err().contains("OFFHOOK_MAIL_FROM"));
        assert!(open(None, None).is_ok());
    }

    #[test]
    fn plain_smtp_turns_to_tls_where_it_can() {
        let url = |text: &str| with_tls(&text.parse().unwrap()).to_string();
        assert_eq!(url("smtp://mail.acme.example"), "smtp://mail.acme.example:25?tls=opportunistic");
        assert_eq!(url("smtp://localhost:2525?tls=required"), "smtp://localhost:2525?tls=required");
        assert_eq!(url("smtps://mail.acme.example"), "smtps://mail.acme.example");
    }

    #[tokio::test]
    async fn a_full_queue_is_said_and_waits_for_nobody() {
        let (queue, _kept) = mpsc::channel(1);
        let queue = Queue(queue);
        let letter = || Email { to: "ana@acme.example".into(), subject: "Hello".into(), text: "…".into() };
        assert_eq!([queue.post(letter()), queue.post(letter())], [Enqueued::Waiting, Enqueued::Full]);
    }
}
