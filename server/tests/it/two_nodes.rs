//! Two servers on one PostgreSQL, one of them killed: the other takes over its deliveries and keeps sending meanwhile.

use std::{collections::HashMap, path::Path, process::Command, time::Duration};

use engine::{
    clock::stopwatch,
    store::nodes::{HEARTBEAT_MS, NODE_TIMEOUT_MS},
};
use sqlx::Connection as _;

use crate::{
    command::{offhook, serve::serve},
    crash::{post_until_killed, set_up},
    postgres::database,
    receiver::Receiver,
};

/// Events for each of the two.
const EVENTS: usize = 40;
/// Initial limit of attempts in flight.
const IN_FLIGHT: usize = 8;
/// Time for the deliveries themselves after the takeover, on a machine busy with other tests.
const DELIVERED_WITHIN: Duration = Duration::from_secs(5);

/// The binary on the shared database; both nodes use the folder's instance key.
fn node(data: &Path, database: &str) -> Command {
    let mut command = offhook(data);
    command.env("OFFHOOK_DATABASE_URL", database).env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8");
    command
}

/// Posts these events to a node and expects all of them to be accepted.
async fn post(address: &str, token: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    let count = numbers.len();
    let accepted = post_until_killed((address, token), numbers, |_| {}).await;
    assert_eq!(accepted.len(), count);
    accepted
}

/// How often each event arrived.
#[derive(Default)]
struct Seen(HashMap<String, usize>);

impl Seen {
    async fn read(&mut self, receiver: &mut Receiver) {
        let request = receiver.next().await;
        *self.0.entry(request.headers["webhook-id"].to_str().unwrap().to_owned()).or_default() += 1;
    }

    fn all(&self, ids: &[String]) -> bool {
        ids.iter().all(|id| self.0.contains_key(id))
    }

    fn repeats(&self) -> usize {
        self.0.values().map(|n| n - 1).sum()
    }
}

/// The only node there is.
async fn node_id(connection: &mut sqlx::PgConnection) -> String {
    sqlx::query_scalar("SELECT id FROM nodes").fetch_one(connection).await.unwrap()
}

/// As if this node had been silent for as long as the others wait for it. How long that is has a test with a fake clock.
async fn age_heartbeat(connection: &mut sqlx::PgConnection, node: &str) {
    let query = sqlx::query("UPDATE nodes SET heartbeat_ms = heartbeat_ms - $2 WHERE id = $1");
    query.bind(node).bind(NODE_TIMEOUT_MS).execute(connection).await.unwrap();
}

#[tokio::test]
async fn a_live_server_takes_over_from_one_that_was_killed() {
    let (folder, database) = (tempfile::tempdir().unwrap(), database().await);
    let data = folder.path().join("data");
    let mut receiver = Receiver::start().await;
    let (first, first_address) = serve(node(&data, &database));
    let mut connection = sqlx::PgConnection::connect(&database).await.unwrap();
    let first_id = node_id(&mut connection).await;
    let (_second, second_address) = serve(node(&data, &database));
    let (_, token) = set_up(|| node(&data, &database), &first_address, &receiver).await;

    // The first dies with attempts in flight and more deliveries in memory.
    receiver.hold(true);
    let of_the_first = post(&first_address, &token, 0..EVENTS).await;
    let mut seen = Seen::default();
    while seen.0.len() < IN_FLIGHT {
        seen.read(&mut receiver).await;
    }
    drop(first);
    let killed = stopwatch();
    receiver.hold(false);

    let of_the_second = post(&second_address, &token, EVENTS..2 * EVENTS).await;
    while !seen.all(&of_the_second) {
        seen.read(&mut receiver).await;
    }
    assert!(killed.elapsed() < DELIVERED_WITHIN, "the live one keeps sending: {:?}", killed.elapsed());

    age_heartbeat(&mut connection, &first_id).await;
    let aged = stopwatch();
    while !seen.all(&of_the_first) || seen.repeats() < IN_FLIGHT {
        seen.read(&mut receiver).await;
    }
    let noticed = Duration::from_millis(HEARTBEAT_MS.unsigned_abs());
    assert!(aged.elapsed() < noticed + DELIVERED_WITHIN, "taken over after {:?}", aged.elapsed());
    assert_eq!(seen.repeats(), IN_FLIGHT, "only attempts in flight are repeated");
}
