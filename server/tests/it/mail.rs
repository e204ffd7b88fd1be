//! Emails over SMTP, with a mail server that says what the test wants.

use std::sync::{Arc, Mutex};

use domain::UnixMs;
use engine::mail::{Email, OutgoingEmail, SendError};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// What the mail server says to a recipient, and the messages that it accepted.
#[derive(Clone)]
struct MailServer {
    says: &'static str,
    messages: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    /// Starts one; returns it with its URL.
    async fn start(says: &'static str) -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let server = Self { says, messages: Arc::default() };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        (server, url)
    }

    async fn serve(self, stream: TcpStream) {
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        let _ = writer.write_all(b"220 mail.acme.example\r\n").await;
        while let Ok(Some(line)) = lines.next_line().await {
            let response = match line.split([' ', ':']).next().unwrap_or_default() {
                "RCPT" => self.says,
                "DATA" => {
                    let _ = writer.write_all(b"354 go ahead\r\n").await;
                    let mut message = String::new();
                    while let Ok(Some(line)) = lines.next_line().await {
                        if line == "." {
                            break;
                        }
                        message += &format!("{line}\n");
                    }
                    self.messages.lock().unwrap().push(message);
                    "250 queued"
                }
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            let _ = writer.write_all(format!("{response}\r\n").as_bytes()).await;
        }
    }
}

async fn send(url: &str) -> Result<(), SendError> {
    let mail = server::mail::open(Some(&url.parse().unwrap()), Some("Offhook <offhook@acme.example>")).unwrap();
    let email =
        Email { to: "ana@acme.example".into(), subject: "Hello".into(), text: "A text.".into(), unsubscribe: None };
    mail.send(&OutgoingEmail { id: "mail_7".into(), written_at: UnixMs(1_790_000_000_000), email }).await
}

#[tokio::test]
async fn an_email_arrives_with_its_headers() {
    let (server, url) = MailServer::start("250 ok").await;
    assert_eq!(send(&url).await, Ok(()));
    let messages = server.messages.lock().unwrap().clone();
    assert_eq!(messages.len(), 1);
    for part in
        ["To: ana@acme.example", "Message-ID: <mail_7@acme.example>", "Auto-Submitted: auto-generated", "A text."]
    {
        assert!(messages[0].contains(part), "{part}: {}", messages[0]);
    }
}

#[tokio::test]
async fn only_a_refused_recipient_is_final() {
    for (says, is_final) in [("550 no such user", true), ("451 try later", false), ("530 sign in first", false)] {
        let (_server, url) = MailServer::start(says).await;
        let error = send(&url).await.unwrap_err();
        assert_eq!(error.is_final, is_final, "{says}: {error:?}");
        assert!(error.reason.contains(&says[4..]), "the reason is the server's: {error:?}");
    }
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = send(&format!("smtp://{closed}")).await.unwrap_err();
    let expected = SendError { reason: "the mail server cannot be reached".into(), is_final: false };
    assert_eq!(error, expected, "nothing listens there now");
}
