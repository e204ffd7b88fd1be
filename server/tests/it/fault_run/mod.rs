//! The long run with faults, started by `make faults`: three nodes on one PostgreSQL behind PgBouncer, with clocks that
//! differ, connections that are cut and frozen, and a node that is killed. Counts what was accepted, lost, repeated, out of
//! order and stuck.

mod load;
mod node;
mod proxy;
mod receivers;
mod report;

use std::{sync::Arc, time::Duration};

use domain::event::EventKind;
use engine::clock::{sleep_ms, stopwatch};
use serde_json::json;

use self::{
    load::{Posted, post_calls},
    node::Node,
    proxy::Proxy,
    receivers::{Behaviour, Receiver},
    report::Run,
};
use crate::{
    command::{line, run},
    pgbouncer::{PgBouncer, readable_folder},
    postgres::database,
    test_app::client,
};

/// Clocks of the three nodes, in seconds from the right time.
const CLOCKS_S: [i64; 3] = [0, 3, -3];
/// The clock that one of them is restarted with.
const FAR_OFF_S: i64 = -90;
/// Time for all deliveries to end after the last fault: a retry may wait for two minutes.
const DRAIN: Duration = Duration::from_secs(240);

/// What happens during the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Clocks,
    Cuts,
    Kill,
    Freeze,
    Pooler,
    FarOff,
    None,
}

impl Fault {
    const ALL: [Self; 7] = [Self::Clocks, Self::Cuts, Self::Kill, Self::Freeze, Self::Pooler, Self::FarOff, Self::None];

    const fn label(self) -> &'static str {
        match self {
            Self::Clocks => "clocks at 0, +3 and -3 s",
            Self::Cuts => "connections cut every second",
            Self::Kill => "a node killed, and started again after 15 s",
            Self::Freeze => "a node's connections frozen for 25 s",
            Self::Pooler => "PgBouncer restarted twice",
            Self::FarOff => "a node restarted with its clock at -90 s",
            Self::None => "nothing (afterwards)",
        }
    }
}

/// Everything that runs.
struct Stage {
    nodes: Vec<Node>,
    proxies: Vec<Proxy>,
    pgbouncer: PgBouncer,
}

impl Stage {
    /// Provokes a fault; returns when it is over.
    async fn provoke(&mut self, fault: Fault) {
        match fault {
            Fault::Clocks => sleep_ms(25_000).await,
            Fault::Cuts => {
                for _ in 0..20 {
                    sleep_ms(1_000).await;
                    self.proxies.iter().for_each(Proxy::cut);
                }
            }
            Fault::Kill => {
                sleep_ms(5_000).await;
                self.nodes[1].kill();
                sleep_ms(15_000).await;
                self.nodes[1].start(0).await;
            }
            Fault::Freeze => {
                self.proxies[2].freeze(true);
                sleep_ms(25_000).await;
                self.proxies[2].freeze(false);
            }
            Fault::Pooler => {
                for _ in 0..2 {
                    sleep_ms(5_000).await;
                    self.pgbouncer.restart().await;
                }
            }
            Fault::FarOff => {
                self.nodes[2].kill();
                self.nodes[2].start(FAR_OFF_S).await;
                sleep_ms(25_000).await;
            }
            Fault::None => sleep_ms(10_000).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; `make faults` runs it"]
async fn nothing_is_lost_or_out_of_order_whatever_fails() {
    let (folder, direct) = (readable_folder(), database().await);
    let pgbouncer = PgBouncer::start(folder.path(), &direct, "session").await;
    let (mut proxies, mut nodes) = (Vec::new(), Vec::new());
    for number in 0..CLOCKS_S.len() {
        let proxy = Proxy::start(pgbouncer.port()).await;
        nodes.push(Node::new(folder.path(), proxy.url(&pgbouncer.url(&direct)), number));
        proxies.push(proxy);
    }
    for (node, clock_s) in nodes.iter_mut().zip(CLOCKS_S) {
        node.start(clock_s).await;
    }
    let mut receivers = Vec::new();
    for behaviour in [Behaviour::Quick, Behaviour::Slow, Behaviour::Failing] {
        receivers.push(Receiver::start(behaviour).await);
    }
    let token = set_up(&nodes[0], &receivers).await;
    let addresses: Vec<String> = nodes.iter().map(|node| node.address.clone()).collect();
    let mut stage = Stage { nodes, proxies, pgbouncer };
    let (posted, mut over, mut first) = (Arc::<Posted>::default(), Vec::new(), 0);
    for (phase, fault) in Fault::ALL.into_iter().enumerate() {
        let (addresses, token, posted) = (addresses.clone(), token.clone(), posted.clone());
        let calls = tokio::spawn(async move {
            post_calls((&addresses, &token), (phase, first), Duration::from_secs(25), &posted).await
        });
        stage.provoke(fault).await;
        first = calls.await.unwrap();
        over.push(stopwatch());
    }
    let report = Run { posted: &posted, receivers: &receivers, direct: &direct, over: &over }.report(DRAIN).await;
    report.print(&Fault::ALL.map(Fault::label));
    assert_eq!((report.lost(), report.out_of_order(), report.stuck.len()), (0, 0, 0), "lost, out of order, stuck");
    assert!(report.refused_otherwise.is_empty(), "refusals other than 503: {:?}", report.refused_otherwise);
}

/// An account with a token and an endpoint at each receiver.
async fn set_up(node: &Node, receivers: &[Receiver]) -> String {
    let mut account = node.command();
    account.args(["account", "create", "--name", "Acme"]);
    let account = line(&run(account, "").await);
    let mut token = node.command();
    token.args(["token", "create", "--name", "t", "--scope", "events:write,endpoints:write,deliveries:read"]);
    token.args(["--account", account["id"].as_str().unwrap()]);
    let token = line(&run(token, "").await)["token"].as_str().unwrap().to_owned();
    for receiver in receivers {
        let wanted = json!({ "url": receiver.url, "events": EventKind::ALL, "allow_duplicate": true }).to_string();
        let created = client().post(format!("http://{}/api/v1/endpoints", node.address)).bearer_auth(&token);
        let created = created.header("content-type", "application/json").body(wanted).send().await.unwrap();
        assert_eq!(created.status(), 201);
    }
    token
}
