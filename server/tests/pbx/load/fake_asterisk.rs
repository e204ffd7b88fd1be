//! As much of AMI as a connector needs, for more open calls than a telephone system in a test can have.

use std::net::SocketAddr;

use connect::asterisk::ami::{Decoder, Frame, Message};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        watch,
    },
};

use crate::PATIENCE;

/// What is stated about a channel.
type Fields = Vec<(&'static str, String)>;

/// An Asterisk for one connector.
pub(super) struct FakeAsterisk {
    pub address: SocketAddr,
    channels: UnboundedSender<Fields>,
    is_listed: watch::Receiver<bool>,
}

impl FakeAsterisk {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ((channels, beginning), (listed, is_listed)) = (unbounded_channel(), watch::channel(false));
        tokio::spawn(async move {
            let (connector, _) = listener.accept().await.unwrap();
            serve(connector, beginning, listed).await;
        });
        Self { address, channels, is_listed }
    }

    /// Waits until the connector knows that there are no channels yet.
    pub(super) async fn connected(&self) {
        let mut is_listed = self.is_listed.clone();
        let connected = is_listed.wait_for(|is_listed| *is_listed);
        tokio::time::timeout(PATIENCE, connected).await.expect("no connector came").unwrap();
    }

    /// Begins a channel, which exists for ever.
    pub(super) fn begin(&self, channel: &[(&'static str, &str)]) {
        self.channels.send(channel.iter().map(|(key, value)| (*key, (*value).to_owned())).collect()).unwrap();
    }
}

async fn serve(mut connector: TcpStream, mut beginning: UnboundedReceiver<Fields>, listed: watch::Sender<bool>) {
    connector.set_nodelay(true).unwrap();
    connector.write_all(b"Asterisk Call Manager/11.0.0\r\n").await.unwrap();
    let (mut decoder, mut buffer, mut channels) = (Decoder::default(), vec![0; 64 * 1_024], Vec::new());
    loop {
        let text = tokio::select! {
            channel = beginning.recv() => {
                let Some(channel) = channel else { return };
                let event = message(&[&[("Event", "Newchannel")], &borrowed(&channel)[..]].concat());
                channels.push(channel);
                event
            }
            read = connector.read(&mut buffer) => {
                let Ok(read @ 1..) = read else { return };
                let requests = decoder.push(&buffer[..read]).into_iter().filter_map(|frame| match frame {
                    Frame::Message(request) => Some(request),
                    Frame::Banner(_) => None,
                });
                requests.map(|request| respond(&request, &channels, &listed)).collect()
            }
        };
        if connector.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn respond(request: &Message, channels: &[Fields], listed: &watch::Sender<bool>) -> String {
    let id = request.get("ActionID").unwrap_or_default();
    let success = |fields: &[(&str, &str)]| message(&[&[("Response", "Success"), ("ActionID", id)], fields].concat());
    match request.get("Action").unwrap() {
        "CoreSettings" => success(&[("AMIversion", "11.0.0"), ("AsteriskVersion", "22.10.1")]),
        "CoreStatus" => success(&[("CoreStartupDate", "2026-11-28"), ("CoreStartupTime", "01:00:00")]),
        "GetVar" if request.get("Variable") == Some("CALLERID(num-pres)") => {
            success(&[("Value", "allowed_not_screened")])
        }
        "GetVar" => success(&[("Value", "NOT_INUSE")]),
        "CoreShowChannels" => {
            listed.send_replace(true);
            let of_list = [("Event", "CoreShowChannel"), ("ActionID", id), ("Duration", "00:00:01")];
            let rows = channels.iter().map(|channel| message(&[&of_list, &borrowed(channel)[..]].concat()));
            let count = channels.len().to_string();
            let complete = [("Event", "CoreShowChannelsComplete"), ("ActionID", id), ("ListItems", &count)];
            success(&[("EventList", "start")]) + &rows.collect::<String>() + &message(&complete)
        }
        _ => success(&[]),
    }
}

fn borrowed(fields: &Fields) -> Vec<(&str, &str)> {
    fields.iter().map(|(key, value)| (*key, value.as_str())).collect()
}

fn message(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(key, value)| format!("{key}: {value}\r\n")).collect::<String>() + "\r\n"
}
