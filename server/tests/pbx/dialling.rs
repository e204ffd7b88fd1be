//! An Asterisk that connects to the server, set up as the dashboard says, and what interrupts it.

use std::sync::Arc;

use engine::clock::sleep_ms;
use serde_json::Value;

use crate::{
    asterisk::Asterisk,
    dashboard::{Block, Created, Dashboard},
    expected::{Call, Exactness},
    observer::Observer,
    office::{OFFICES, Office, RECEPTION},
    programs::{Server, trunks},
    receiver::Receiver,
    scenario::Play,
    sipp::Step,
    site::{Running, unlike},
    tls::{Authority, TlsFront},
};

/// When something is interrupted, after the parties have started.
const INTERRUPT_AFTER_MS: u64 = 4_000;
/// How long the server is away.
const AWAY_MS: u64 = 4_000;

/// Asterisk, and the server that it connects to.
pub(crate) struct DiallingSite {
    pub server: Server,
    pub receiver: Arc<Receiver>,
    pub observer: Arc<Observer>,
    pub asterisk: Asterisk,
    pub dashboard: Dashboard,
    /// The connector's ID.
    pub connector: String,
    /// What the dashboard showed to set it up.
    blocks: Vec<Block>,
}

impl DiallingSite {
    /// Starts both, and sets up what the dashboard says.
    pub(crate) async fn start(number: u8, log_level: &'static str) -> Self {
        let receiver = Receiver::start().await;
        let server = Server::start(&receiver, log_level).await;
        let site = Self::set_up(number, receiver, server).await;
        site.connected().await;
        site
    }

    /// The same with a server behind TLS, whose certificate Asterisk does not trust yet.
    pub(crate) async fn set_up_behind_tls(number: u8, log_level: &'static str) -> (Self, Authority) {
        let (receiver, front) = (Receiver::start().await, TlsFront::bind().await);
        let server = Server::start_as(&receiver, log_level, Some(front.url())).await;
        let authority = front.lead_to(server.address());
        (Self::set_up(number, receiver, server).await, authority)
    }

    async fn set_up(number: u8, receiver: Receiver, server: Server) -> Self {
        let asterisk = Asterisk::start_with_ari(number).await;
        let observer = Arc::new(Observer::connect(asterisk.ami()).await.unwrap());
        let dashboard = Dashboard::open(&server).await;
        let created = dashboard.create().await;
        // Before Asterisk connects, so that they count from the first call on.
        dashboard.choose_trunks(&created.id, &trunks().collect::<Vec<_>>()).await;
        asterisk.set_up(&observer, &created.blocks).await;
        let Created { id: connector, blocks } = created;
        Self { server, receiver: Arc::new(receiver), observer, asterisk, dashboard, connector, blocks }
    }

    /// Reloads the files as the dashboard says.
    pub(crate) async fn reload(&self) {
        self.asterisk.set_up(&self.observer, std::slice::from_ref(self.blocks.last().unwrap())).await;
    }

    pub(crate) async fn connected(&self) -> Value {
        self.server.until(&self.connector, |shown| shown["status"] == "connected").await
    }

    fn offices(&self) -> Vec<Office> {
        (0..OFFICES).map(|digit| self.asterisk.office(digit)).collect()
    }

    async fn differences(&self, expected: &[Call]) -> Vec<String> {
        unlike(expected, &self.asterisk, &self.receiver, Exactness::Exact).await
    }
}

/// The password in the text for `websocket_client.conf`.
fn secret(blocks: &[Block]) -> String {
    blocks[0].text.lines().find_map(|line| line.strip_prefix("password = ")).unwrap().to_owned()
}

/// A call from outside that rings, talks and ends.
pub(crate) fn incoming(office: Office, ring_ms: u64, wait_ms: u64, talk_ms: u64) -> Play {
    Play::new().callee(office.phone(RECEPTION), [Step::Ring(ring_ms), Step::Accept, Step::AwaitHangUp]).caller(
        office.customer_line(),
        office.number(17),
        [Step::Wait(wait_ms), Step::Accepted, Step::Talk(talk_ms), Step::HangUp],
    )
}

pub(crate) fn answered(office: Office, seconds: u64) -> Call {
    office.incoming(17, "answered", seconds, office.at(RECEPTION))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn calls_survive_a_server_that_is_killed_while_asterisk_is_connected_to_it() {
    let mut site = DiallingSite::start(31, "info").await;
    let o = site.offices();
    let plays = vec![
        // Talks on, ends and begins while the server is away: Asterisk keeps what happens.
        incoming(o[0], 1_000, 0, 12_000).expect(answered(o[0], 12)),
        incoming(o[1], 500, 0, 5_000).expect(answered(o[1], 5)),
        incoming(o[2], 500, 5_000, 9_000).expect(answered(o[2], 9)),
        incoming(o[3], 9_000, 1_500, 2_000).expect(answered(o[3], 2)),
        Play::new()
            .callee(o[4].provider(), [Step::Ring(500), Step::Accept, Step::AwaitHangUp])
            .caller(o[4].dialling(RECEPTION), o[4].customer(), [Step::Accepted, Step::Talk(5_000), Step::HangUp])
            .expect(o[4].outgoing(RECEPTION, &o[4].customer(), "answered", 5)),
    ];
    let running = Running::start(plays, &site.asterisk, &site.observer);
    sleep_ms(INTERRUPT_AFTER_MS).await;
    site.server.kill();
    sleep_ms(AWAY_MS).await;
    site.server.start_again().await;
    let expected = running.finish().await;
    let complaints = site.differences(&expected).await;
    assert!(complaints.is_empty(), "{}\n{}", complaints.join("\n"), site.server.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn calls_end_when_an_asterisk_that_connects_to_the_server_is_killed() {
    let mut site = DiallingSite::start(32, "info").await;
    let o = site.offices();
    let talking = [Step::Accepted, Step::Talk(2_500)];
    let play = Play::new()
        .callee(o[0].phone(RECEPTION), [Step::Ring(500), Step::Accept, Step::Talk(2_500)])
        .caller(o[0].customer_line(), o[0].number(17), talking)
        .expect(answered(o[0], 2).incomplete("pbx_restart"));
    let running = Running::start(vec![play], &site.asterisk, &site.observer);
    sleep_ms(INTERRUPT_AFTER_MS).await;
    site.asterisk.kill();
    let mut expected = running.finish().await;
    site.asterisk.start_again().await;
    site.observer = Arc::new(Observer::connect(site.asterisk.ami()).await.unwrap());
    site.connected().await;
    let play = incoming(o[1], 500, 0, 1_000).expect(answered(o[1], 1));
    expected.extend(Running::start(vec![play], &site.asterisk, &site.observer).finish().await);
    let complaints = site.differences(&expected).await;
    assert!(complaints.is_empty(), "{}\n{}", complaints.join("\n"), site.server.log());
    assert_eq!(site.server.gaps(&site.connector).await[0]["reason"], "pbx_restart");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn a_rotated_secret_ends_the_connection_until_asterisk_has_the_new_one() {
    let site = DiallingSite::start(33, "info").await;
    let rotated = site.dashboard.rotate(&site.connector).await;
    site.server.until(&site.connector, |shown| shown["status"] == "reconnecting").await;
    site.asterisk.replace("websocket_client.conf", &secret(&site.blocks), &secret(&rotated.blocks));
    site.reload().await;
    site.connected().await;
    let o = site.offices();
    let play = incoming(o[0], 500, 0, 1_000).expect(answered(o[0], 1));
    let expected = Running::start(vec![play], &site.asterisk, &site.observer).finish().await;
    assert_eq!(site.differences(&expected).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn two_phone_systems_that_connect_as_one_connector_are_named() {
    let site = DiallingSite::start(34, "info").await;
    let other = Asterisk::start_with_ari(35).await;
    let observer = Observer::connect(other.ami()).await.unwrap();
    other.set_up(&observer, &site.blocks).await;
    let shown = site.server.until(&site.connector, |shown| shown["state"]["problem"] == "two_systems").await;
    let detail = shown["state"]["detail"].as_str().unwrap();
    assert!(detail.contains("lab34") && detail.contains("lab35"), "{detail}");
}
