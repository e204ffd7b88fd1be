//! An Asterisk that dials the server, plays a recording and answers requests about its channels.

use std::{collections::HashMap, fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{UnixMs, time::parse_utc};
use engine::SystemClock;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

use crate::test_app::PATIENCE;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The trunks in the recordings.
pub(super) const TRUNKS: [&str; 2] = ["trunk", "trunk2"];

/// Its channels, by ID, with the bridge that each is in. They outlive connections.
#[derive(Default)]
pub(super) struct Asterisk {
    channels: HashMap<String, (Value, Option<String>)>,
    presentations: HashMap<String, String>,
}

/// A connection to the server.
pub(super) struct Connection {
    pub socket: Socket,
    /// The URIs that were requested.
    pub requested: Vec<String>,
}

/// A refused connection: status and text.
pub(super) type Refused = (u16, String);

/// Dials the server as this user. `protocol` is the subprotocol.
pub(super) async fn dial(address: &str, user: &str, password: &str, protocol: &str) -> Result<Connection, Refused> {
    let mut connection = open(address, user, password, protocol).await?;
    connection.tell(&json!({ "type": "ApplicationRegistered", "application": "offhook" })).await;
    Ok(connection)
}

/// The same, without a word.
pub(super) async fn open(address: &str, user: &str, password: &str, protocol: &str) -> Result<Connection, Refused> {
    let mut request = format!("ws://{address}/connect/asterisk").into_client_request().unwrap();
    let headers = request.headers_mut();
    if !user.is_empty() {
        let credentials = STANDARD.encode(format!("{user}:{password}"));
        headers.insert("authorization", format!("Basic {credentials}").parse().unwrap());
    }
    if !protocol.is_empty() {
        headers.insert("sec-websocket-protocol", protocol.parse().unwrap());
    }
    match connect_async(request).await {
        Ok((socket, response)) => {
            assert_eq!(response.headers()["sec-websocket-protocol"], "ari");
            Ok(Connection { socket, requested: Vec::new() })
        }
        Err(Error::Http(response)) => {
            let text = response.body().as_ref().map(|body| String::from_utf8_lossy(body).into_owned());
            Err((response.status().as_u16(), text.unwrap_or_default()))
        }
        Err(error) => panic!("{error}"),
    }
}

/// The messages of a recording, as if it had ended a moment ago.
pub(super) fn recording(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("connect/tests/recordings/{name}.ari.json"));
    let text = fs::read_to_string(path).unwrap();
    let messages: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = parse_utc(messages.last().unwrap()["timestamp"].as_str().unwrap()).unwrap();
    let later_s = now().since_ms(last) / 1_000;
    messages.iter().map(|message| moved(message, later_s)).collect()
}

fn now() -> UnixMs {
    domain::time::Clock::now(&SystemClock)
}

/// The same, so many seconds later: times, and the seconds in the IDs of channels.
fn moved(value: &Value, later_s: i64) -> Value {
    match value {
        Value::String(text) => Value::String(moved_text(text, later_s)),
        Value::Array(values) => values.iter().map(|value| moved(value, later_s)).collect(),
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (key.clone(), moved(value, later_s)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

fn moved_text(text: &str, later_s: i64) -> String {
    if text.len() == 28
        && let Some(at) = parse_utc(text)
    {
        return domain::time::iso_utc(at.plus_ms(later_s * 1_000));
    }
    let mut parts = text.split("lab-");
    let mut moved = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        match part[..digits].parse::<i64>() {
            Ok(seconds) => moved += &format!("lab-{}{}", seconds + later_s, &part[digits..]),
            Err(_) => moved += &format!("lab-{part}"),
        }
    }
    moved
}

fn channels_of(message: &Value) -> impl Iterator<Item = &Value> {
    ["channel", "caller", "peer"].into_iter().map(|part| &message[part]).filter(|channel| channel.is_object())
}

impl Asterisk {
    /// With what these messages state last about presentations.
    pub(super) fn of(messages: &[Value]) -> Self {
        let mut asterisk = Self::default();
        for channel in messages.iter().flat_map(channels_of) {
            if let Some(stated) = channel["channelvars"]["CALLERID(num-pres)"].as_str() {
                asterisk.presentations.insert(channel["id"].as_str().unwrap().to_owned(), stated.to_owned());
            }
        }
        asterisk
    }

    /// Something happens.
    pub(super) fn happen(&mut self, message: &Value) {
        for channel in channels_of(message) {
            let id = channel["id"].as_str().unwrap().to_owned();
            self.channels.entry(id).or_default().0 = channel.clone();
        }
        let Some(id) = message["channel"]["id"].as_str() else { return };
        match message["type"].as_str().unwrap() {
            "ChannelEnteredBridge" => {
                let bridge = message["bridge"]["id"].as_str().unwrap().to_owned();
                self.channels.get_mut(id).unwrap().1 = Some(bridge);
            }
            "ChannelLeftBridge" => self.channels.get_mut(id).unwrap().1 = None,
            "ChannelDestroyed" => drop(self.channels.remove(id)),
            _ => {}
        }
    }

    fn respond(&self, request: &Value) -> Value {
        assert_eq!(request["type"], "RESTRequest");
        let uri = request["uri"].as_str().unwrap();
        let (status, body) = match uri {
            "asterisk/info" => {
                let status = json!({ "startup_time": "2026-11-28T00:00:00.000+0000" });
                (200, json!({ "system": { "version": "22.5.0" }, "status": status }))
            }
            "channels" => (200, self.channels.values().map(|(channel, _)| channel.clone()).collect()),
            "bridges" => (200, self.bridges()),
            uri if uri.ends_with("/eventFilter") => (200, json!({})),
            uri => {
                let id = uri.strip_prefix("channels/").unwrap().split('/').next().unwrap();
                match (self.channels.contains_key(id), self.presentations.get(id)) {
                    (true, stated) => (200, json!({ "value": stated.map_or("allowed", String::as_str) })),
                    (false, _) => (404, json!({ "message": "Channel not found" })),
                }
            }
        };
        json!({ "type": "RESTResponse", "request_id": request["request_id"], "status_code": status, "uri": uri,
            "message_body": body.to_string() })
    }

    fn bridges(&self) -> Value {
        let mut bridges: HashMap<&String, Vec<&String>> = HashMap::new();
        for (id, (_, bridge)) in &self.channels {
            if let Some(bridge) = bridge {
                bridges.entry(bridge).or_default().push(id);
            }
        }
        bridges.into_iter().map(|(id, members)| json!({ "id": id, "channels": members })).collect()
    }
}

impl Connection {
    /// Each message happens and is reported, before the next does.
    pub(super) async fn play(&mut self, asterisk: &mut Asterisk, messages: &[Value]) {
        for message in messages {
            asterisk.happen(message);
            self.tell(message).await;
            self.settle(asterisk).await;
        }
    }

    /// Sends bytes that a client of the protocol never would.
    pub(super) async fn send_raw(&mut self, bytes: &[u8]) {
        let MaybeTlsStream::Plain(stream) = self.socket.get_mut() else { panic!("it is not encrypted") };
        stream.write_all(bytes).await.unwrap();
    }

    pub(super) async fn tell(&mut self, message: &Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Answers requests until the server has read everything and asks nothing more.
    pub(super) async fn settle(&mut self, asterisk: &Asterisk) {
        while self.answer_until_pong(asterisk).await > 0 {}
    }

    async fn answer_until_pong(&mut self, asterisk: &Asterisk) -> usize {
        self.socket.send(Message::Ping(b"settle".to_vec().into())).await.unwrap();
        let mut answered = 0;
        loop {
            match self.next().await {
                Message::Text(text) => {
                    let request: Value = serde_json::from_str(&text).unwrap();
                    self.requested.push(request["uri"].as_str().unwrap().to_owned());
                    self.tell(&asterisk.respond(&request)).await;
                    answered += 1;
                }
                Message::Pong(data) if data == b"settle".as_slice() => return answered,
                Message::Ping(_) => {}
                other => panic!("{other}"),
            }
        }
    }

    async fn next(&mut self) -> Message {
        let next = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("nothing arrived");
        next.expect("the connection has ended").unwrap()
    }

    /// Reads until the server closes the connection; returns its code and reason.
    pub(super) async fn closed(&mut self) -> (CloseCode, String) {
        loop {
            match self.next().await {
                Message::Close(Some(CloseFrame { code, reason })) => return (code, reason.to_string()),
                Message::Close(None) => panic!("it was closed without a reason"),
                _ => {}
            }
        }
    }
}
