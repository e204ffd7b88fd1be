//! A fake FreeSWITCH behind a socket.

use std::sync::{Arc, Mutex};

use domain::time::Clock as _;
use engine::SystemClock;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
};

use super::fake::{Fake, Step};
use crate::test_app::PATIENCE;

/// A running FreeSWITCH.
pub(super) struct Socket {
    pub address: String,
    state: Arc<State>,
}

struct State {
    fake: Mutex<Fake>,
    clients: Mutex<Vec<mpsc::UnboundedSender<String>>>,
    /// Lists of channels that were requested.
    lists: watch::Sender<usize>,
}

impl Socket {
    pub(super) async fn start(password: &str) -> Self {
        let mut fake = Fake::new(SystemClock.now().0);
        password.clone_into(&mut fake.password);
        let state = State { fake: Mutex::new(fake), clients: Mutex::new(Vec::new()), lists: watch::Sender::new(0) };
        let (state, listener) = (Arc::new(state), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = listener.local_addr().unwrap().to_string();
        let accepting = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(Arc::clone(&accepting), stream));
            }
        });
        Self { address, state }
    }

    /// These things happen, one after the other. Its clock does not run ahead of ours.
    pub(super) fn play(&self, steps: &[Step]) {
        for step in steps.iter().filter(|step| !matches!(step, Step::Wait(_))) {
            let told = self.state.fake.lock().unwrap().happen(step);
            self.state.clients.lock().unwrap().retain(|client| client.send(told.clone()).is_ok());
        }
    }

    pub(super) fn listed(&self) -> usize {
        *self.state.lists.borrow()
    }

    pub(super) async fn listed_more_than(&self, before: usize) {
        let mut lists = self.state.lists.subscribe();
        let listed = tokio::time::timeout(PATIENCE, lists.wait_for(|count| *count > before)).await;
        listed.expect("the connector did not get there").unwrap();
    }
}

async fn converse(state: Arc<State>, stream: TcpStream) {
    let (mut reader, mut writer) = stream.into_split();
    let (sender, mut queue) = mpsc::unbounded_channel();
    let greeting = state.fake.lock().unwrap().greeting();
    sender.send(greeting).unwrap();
    let mut buffer = vec![0; 16 * 1_024];
    loop {
        tokio::select! {
            read = reader.read(&mut buffer) => {
                let Some(length) = read.ok().filter(|length| *length > 0) else { return };
                respond(&state, &buffer[..length], &sender);
            }
            Some(text) = queue.recv() => {
                if writer.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn respond(state: &State, bytes: &[u8], client: &mpsc::UnboundedSender<String>) {
    let responses = state.fake.lock().unwrap().receive(bytes);
    let has_list = responses.contains(r#"{"row_count":"#);
    client.send(responses).unwrap();
    if has_list {
        // From here on it hears what happens.
        let mut clients = state.clients.lock().unwrap();
        clients.retain(|client| !client.is_closed());
        clients.push(client.clone());
        state.lists.send_modify(|count| *count += 1);
    }
}
