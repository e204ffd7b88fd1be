//! Everything from the telephone to the receiver: Asterisk, the connector, the server.

use std::{net::SocketAddr, sync::Arc};

use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{
    asterisk::Asterisk,
    expected::{Call, Exactness, differences},
    observer::Observer,
    office::{OFFICES, Office},
    programs::{Connector, Connects, Server},
    proxy::Proxy,
    receiver::Receiver,
    scenario::Play,
};

/// Running parts, in the order in which they are stopped.
pub(crate) struct Site {
    pub connector: Connector,
    pub server: Server,
    pub receiver: Receiver,
    /// Between the connector and Asterisk.
    pub proxy: Proxy,
    pub observer: Arc<Observer>,
    pub asterisk: Asterisk,
}

/// Whether the connector may read Asterisk's call records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Records {
    Readable,
    None,
}

/// How the connector reaches Asterisk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Proxy,
    Direct,
}

impl Site {
    /// Starts all parts. Tests that run at the same time pass different numbers.
    pub(crate) async fn start(number: u8, records: Records, log_level: &'static str) -> Self {
        Self::start_with(number, records, log_level, Way::Proxy).await
    }

    /// As [`Self::start`], with nothing between connector and Asterisk that would take time.
    pub(crate) async fn start_direct(number: u8, records: Records, log_level: &'static str) -> Self {
        Self::start_with(number, records, log_level, Way::Direct).await
    }

    async fn start_with(number: u8, records: Records, log_level: &'static str, way: Way) -> Self {
        let asterisk = Asterisk::start(number).await;
        let observer = Arc::new(Observer::connect(asterisk.ami()).await.unwrap());
        let proxy = Proxy::start(SocketAddr::from(asterisk.ami())).await;
        let receiver = Receiver::start().await;
        let server = Server::start(&receiver, log_level).await;
        let call_records = (records == Records::Readable).then(|| asterisk.call_records());
        let ami = if way == Way::Direct { SocketAddr::from(asterisk.ami()) } else { proxy.address };
        let connects = Connects { ami, server: &server, call_records };
        let connector = Connector::start(connects);
        connector.connected(&observer).await;
        Self { connector, server, receiver, proxy, observer, asterisk }
    }

    /// Plays one scenario in each office, at the same time, while something happens. Whatever the parties experience counts.
    pub(crate) async fn play(&mut self, plays: Vec<Play>, meanwhile: impl AsyncFnOnce(&mut Self)) -> Vec<Call> {
        let running = Running::start(plays, &self.asterisk, &self.observer);
        meanwhile(self).await;
        running.finish().await
    }

    /// What was not reported as expected, in any office.
    pub(crate) async fn differences(&self, expected: &[Call], exactness: Exactness) -> Vec<String> {
        unlike(expected, &self.asterisk, &self.receiver, exactness).await
    }

    /// Starts Asterisk after it was killed, and waits for the connector.
    pub(crate) async fn restart_asterisk(&mut self) {
        self.asterisk.start_again().await;
        self.observer = Arc::new(Observer::connect(self.asterisk.ami()).await.unwrap());
        self.connector.connected(&self.observer).await;
    }

    /// The offices.
    pub(crate) fn offices(&self) -> Vec<Office> {
        (0..OFFICES).map(|digit| self.asterisk.office(digit)).collect()
    }
}

/// Scenarios that are being played.
pub(crate) struct Running {
    parties: JoinSet<Result<(), String>>,
    expected: Vec<Call>,
    _folders: Vec<TempDir>,
}

impl Running {
    /// Begins to play one scenario in each office, at the same time.
    pub(crate) fn start(plays: Vec<Play>, asterisk: &Asterisk, observer: &Arc<Observer>) -> Self {
        let folders: Vec<_> = plays.iter().map(|_| TempDir::with_prefix("sipp").unwrap()).collect();
        let (ip, expected) = (*asterisk.ami().ip(), plays.iter().flat_map(|play| play.expected.clone()).collect());
        let mut parties = JoinSet::new();
        for (play, folder) in plays.into_iter().zip(&folders) {
            let (observer, folder) = (observer.clone(), folder.path().to_owned());
            parties.spawn(async move { play.run(&folder, ip, &observer).await });
        }
        Self { parties, expected, _folders: folders }
    }

    /// Waits for their end. Whatever the parties experience counts.
    pub(crate) async fn finish(self) -> Vec<Call> {
        let complaints: Vec<String> = self.parties.join_all().await.into_iter().filter_map(Result::err).collect();
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        self.expected
    }
}

/// What did not arrive as expected, in any office.
pub(crate) async fn unlike(
    expected: &[Call],
    asterisk: &Asterisk,
    receiver: &Receiver,
    exactness: Exactness,
) -> Vec<String> {
    let mut complaints = Vec::new();
    for digit in 0..OFFICES {
        let office = asterisk.office(digit);
        let wanted: Vec<Call> = expected.iter().filter(|call| office.concerns(&call.end)).cloned().collect();
        receiver.ended(office, wanted.len()).await;
        complaints.extend(differences(&wanted, &receiver.calls(office), exactness));
    }
    complaints
}
