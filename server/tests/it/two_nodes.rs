//! Two servers on one PostgreSQL, one of them killed: the other takes over what it had in hand, and goes on meanwhile.

use std::{collections::HashMap, path::Path, process::Command, time::Duration};

use engine::{clock::stopwatch, store::nodes::TAKEOVER_MAX_MS};

use crate::{
    command::{offhook, serve::serve},
    crash::{post_until_killed, set_up},
    postgres::database,
    receiver::Receiver,
};

/// Events for each of the two.
const EVENTS: usize = 40;
/// What a pace that has just begun has in flight.
const IN_FLIGHT: usize = 8;
/// For the deliveries themselves, once they are taken over, on a machine that is busy with other tests.
const DELIVERED_WITHIN: Duration = Duration::from_secs(5);

/// The program on the one database; both nodes have the instance key of the folder.
fn node(data: &Path, database: &str) -> Command {
    let mut command = offhook(data);
    command.env("OFFHOOK_DATABASE_URL", database).env("OFFHOOK_EGRESS_ALLOW", "127.0.0.0/8");
    command
}

/// Posts so many events to a node and expects all of them to be accepted.
async fn post(address: &str, token: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    let count = numbers.len();
    let accepted = post_until_killed((address, token), numbers, |_| {}).await;
    assert_eq!(accepted.len(), count);
    accepted
}

/// How often each event has arrived.
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

#[tokio::test]
async fn a_living_server_takes_over_from_one_that_was_killed() {
    let (folder, database) = (tempfile::tempdir().unwrap(), database().await);
    let data = folder.path().join("data");
    let mut receiver = Receiver::start().await;
    let (first, first_address) = serve(node(&data, &database));
    let (_second, second_address) = serve(node(&data, &database));
    let token = set_up(|| node(&data, &database), &first_address, &receiver).await;

    // The first dies with attempts in flight and more in its memory.
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
    assert!(killed.elapsed() < DELIVERED_WITHIN, "the living one goes on: {:?}", killed.elapsed());

    while !seen.all(&of_the_first) || seen.repeats() < IN_FLIGHT {
        seen.read(&mut receiver).await;
    }
    let taken_over = Duration::from_millis(TAKEOVER_MAX_MS.unsigned_abs());
    assert!(killed.elapsed() < taken_over + DELIVERED_WITHIN, "taken over after {:?}", killed.elapsed());
    assert_eq!(seen.repeats(), IN_FLIGHT, "only attempts in flight are repeated");
}
