//! The tests' own AMI connection: it records what Asterisk reports, and asks for what no phone can do.

use std::{
    net::SocketAddrV4,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use connect::asterisk::ami::{Decoder, Frame, Message};
use engine::clock::stopwatch;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Mutex, watch},
    time::Instant,
};

use crate::{PATIENCE, asterisk::SECRET};

/// A connection that reads all that comes.
pub(crate) struct Observer {
    writer: Mutex<OwnedWriteHalf>,
    seen: watch::Receiver<Seen>,
    requests: AtomicUsize,
}

/// What came.
#[derive(Default)]
pub(crate) struct Seen {
    pub messages: Vec<(Instant, Arc<Message>)>,
    pub bytes: Vec<u8>,
}

impl Observer {
    /// Logs in.
    pub(crate) async fn connect(address: SocketAddrV4) -> std::io::Result<Self> {
        let (reader, writer) = TcpStream::connect(address).await?.into_split();
        let (sender, seen) = watch::channel(Seen::default());
        tokio::spawn(read(reader, sender));
        let observer = Self { writer: Mutex::new(writer), seen, requests: AtomicUsize::new(0) };
        observer.request(&[("Action", "Login"), ("Username", "observer"), ("Secret", SECRET)]).await;
        Ok(observer)
    }

    /// Sends a request, and waits for its response.
    pub(crate) async fn request(&self, fields: &[(&str, &str)]) -> Arc<Message> {
        let id = format!("observer-{}", self.requests.fetch_add(1, Ordering::Relaxed));
        let lines = fields.iter().map(|(key, value)| format!("{key}: {value}\r\n")).collect::<String>();
        let text = format!("{lines}ActionID: {id}\r\n\r\n");
        self.writer.lock().await.write_all(text.as_bytes()).await.unwrap();
        self.wait(|message| message.get("Response").is_some() && message.get("ActionID") == Some(&id)).await
    }

    /// Waits for a message like this; one that has come already counts.
    pub(crate) async fn wait(&self, wanted: impl Fn(&Message) -> bool) -> Arc<Message> {
        let mut seen = self.seen.clone();
        let found = async {
            let seen = seen.wait_for(|seen| seen.messages.iter().any(|(_, message)| wanted(message))).await.unwrap();
            seen.messages.iter().find(|(_, message)| wanted(message)).unwrap().1.clone()
        };
        tokio::time::timeout(PATIENCE, found).await.expect("Asterisk never reported it")
    }

    /// What has come so far.
    pub(crate) fn seen(&self) -> watch::Ref<'_, Seen> {
        self.seen.borrow()
    }
}

async fn read(mut reader: OwnedReadHalf, sender: watch::Sender<Seen>) {
    let (mut decoder, mut buffer) = (Decoder::default(), vec![0; 64 * 1_024]);
    while let Ok(read @ 1..) = reader.read(&mut buffer).await {
        let (at, frames) = (stopwatch(), decoder.push(&buffer[..read]));
        let messages = frames.into_iter().filter_map(|frame| match frame {
            Frame::Message(message) => Some((at, Arc::new(message))),
            Frame::Banner(_) => None,
        });
        sender.send_modify(|seen| {
            seen.bytes.extend_from_slice(&buffer[..read]);
            seen.messages.extend(messages);
        });
    }
}
