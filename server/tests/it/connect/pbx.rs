//! A fake Asterisk behind a socket.

use std::sync::{Arc, Mutex};

use domain::time::Clock as _;
use engine::SystemClock;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
};

use super::{fake_asterisk::FakeAsterisk, program::Connector, recording::Recording};
use crate::test_app::PATIENCE;

/// A running Asterisk.
pub(super) struct Pbx {
    pub address: String,
    state: Arc<State>,
    listening: Option<JoinHandle<()>>,
}

struct State {
    asterisk: Mutex<FakeAsterisk>,
    connections: Mutex<Vec<Connection>>,
    /// Lists of channels that were requested, questions about presentations, and logins that were accepted.
    lists: watch::Sender<usize>,
    asked: watch::Sender<usize>,
    logins: watch::Sender<usize>,
    /// Logged-in connections that have ended.
    left: watch::Sender<usize>,
}

struct Connection {
    queue: mpsc::UnboundedSender<String>,
    task: JoinHandle<()>,
}

impl Pbx {
    pub(super) async fn start(asterisk: FakeAsterisk) -> Self {
        let state = State {
            asterisk: Mutex::new(asterisk),
            connections: Mutex::new(Vec::new()),
            lists: watch::Sender::new(0),
            asked: watch::Sender::new(0),
            logins: watch::Sender::new(0),
            left: watch::Sender::new(0),
        };
        let mut pbx = Self { address: "127.0.0.1:0".to_owned(), state: Arc::new(state), listening: None };
        pbx.listen().await;
        pbx
    }

    /// An Asterisk that knows whether the numbers of these calls may be shown.
    pub(super) async fn playing(recordings: &[&Recording]) -> Self {
        let mut asterisk = FakeAsterisk::new();
        recordings.iter().for_each(|recording| asterisk.read_presentations(&recording.text));
        Self::start(asterisk).await
    }

    /// Accepts connections at its address.
    pub(super) async fn listen(&mut self) {
        let listener = TcpListener::bind(&self.address).await.unwrap();
        self.address = listener.local_addr().unwrap().to_string();
        let state = Arc::clone(&self.state);
        self.listening = Some(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (queue, queued) = mpsc::unbounded_channel();
                queue.send(state.asterisk.lock().unwrap().greeting()).unwrap();
                let task = tokio::spawn(converse(Arc::clone(&state), stream, queue.clone(), queued));
                state.connections.lock().unwrap().push(Connection { queue, task });
            }
        }));
    }

    /// Cuts all connections and accepts no others.
    pub(super) async fn vanish(&mut self) {
        let connections: Vec<Connection> = self.state.connections.lock().unwrap().drain(..).collect();
        let tasks = connections.into_iter().map(|connection| connection.task).chain(self.listening.take());
        for task in tasks {
            task.abort();
            let _ = task.await;
        }
    }

    /// Changes what it is.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut FakeAsterisk) -> T) -> T {
        change(&mut self.state.asterisk.lock().unwrap())
    }

    /// Starts a connector, and waits until it has listed the channels: it follows from then on.
    pub(super) async fn followed_by(&self, start: impl FnOnce() -> Connector) -> Connector {
        let before = *self.state.lists.borrow();
        let connector = start();
        until(&self.state.lists, before + 1).await;
        connector
    }

    /// Does something, and waits until the connector lists the channels again.
    pub(super) async fn listed_again(&self, action: impl Future<Output = ()>) {
        let before = *self.state.lists.borrow();
        action.await;
        until(&self.state.lists, before + 1).await;
    }

    /// How many logins it has accepted.
    pub(super) fn logins(&self) -> usize {
        *self.state.logins.borrow()
    }

    /// Waits until no connection is logged in.
    pub(super) async fn left(&self) {
        until(&self.state.left, self.logins()).await;
    }

    /// These events happen. An incoming call waits until the connector has asked about it.
    pub(super) async fn play(&self, messages: &[String]) {
        for message in messages {
            let asked = *self.state.asked.borrow();
            let waits = self.happen(message);
            if waits {
                until(&self.state.asked, asked + 1).await;
            }
        }
    }

    /// An event happens. Returns whether the connectors will ask about it.
    pub(super) fn happen(&self, message: &str) -> bool {
        let mut asterisk = self.state.asterisk.lock().unwrap();
        asterisk.happen(message);
        let connections = self.state.connections.lock().unwrap();
        let mut heard = false;
        for connection in connections.iter() {
            heard |= connection.queue.send(message.to_owned()).is_ok();
        }
        heard && is_incoming(message)
    }
}

fn is_incoming(message: &str) -> bool {
    let value = |key: &str| message.split("\r\n").find_map(|line| line.strip_prefix(key));
    let is_first = value("Uniqueid: ").is_some() && value("Uniqueid: ") == value("Linkedid: ");
    let from_trunk = value("Channel: ").is_some_and(|name| name.starts_with("PJSIP/trunk-"));
    message.starts_with("Event: Newchannel") && is_first && from_trunk && value("ChannelState: ") == Some("4")
}

async fn until(counted: &watch::Sender<usize>, least: usize) {
    let mut counted = counted.subscribe();
    let reached = tokio::time::timeout(PATIENCE, counted.wait_for(|count| *count >= least)).await;
    reached.expect("the connector did not get there").unwrap();
}

async fn converse(
    state: Arc<State>,
    stream: TcpStream,
    queue: mpsc::UnboundedSender<String>,
    mut queued: mpsc::UnboundedReceiver<String>,
) {
    let (mut reader, mut writer) = stream.into_split();
    let (mut buffer, mut unread, mut logins) = (vec![0; 16 * 1_024], String::new(), 0);
    loop {
        tokio::select! {
            read = reader.read(&mut buffer) => {
                let Some(length) = read.ok().filter(|length| *length > 0) else {
                    return state.left.send_modify(|count| *count += logins);
                };
                logins += respond(&state, &mut unread, &buffer[..length], &queue);
            }
            Some(text) = queued.recv() => {
                if writer.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Returns the logins that were accepted.
fn respond(state: &State, unread: &mut String, bytes: &[u8], queue: &mpsc::UnboundedSender<String>) -> usize {
    let mut asterisk = state.asterisk.lock().unwrap();
    asterisk.now_ms = asterisk.now_ms.map(|_| SystemClock.now().0);
    let responses = asterisk.receive(unread, bytes);
    let lists = responses.matches("Event: CoreShowChannelsComplete").count();
    let (asked, logins) = (asterisk.asked, responses.matches("Authentication accepted").count());
    queue.send(responses).unwrap();
    drop(asterisk);
    state.lists.send_modify(|count| *count += lists);
    state.asked.send_replace(asked);
    state.logins.send_modify(|count| *count += logins);
    logins
}
