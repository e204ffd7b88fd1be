//! A phone platform that posts the events of a call one after the other, each to any of the nodes, until it is accepted.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::event::EventKind;
use engine::clock::{sleep_ms, stopwatch};
use tokio::task::JoinSet;

use crate::test_app::client;

/// A platform waits this long for a response before it posts to another node, with the same id.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Pause after a refusal.
const AGAIN_MS: u64 = 200;
/// Time between two calls.
const CALL_EVERY_MS: u64 = 80;
/// Longest time between two events of a call.
const NEXT_EVENT_MAX_MS: u64 = 400;
/// The events of a call, by its number.
const CALLS: [&[EventKind]; 2] = [
    &[EventKind::IncomingCall, EventKind::CallProcessed],
    &[EventKind::IncomingCall, EventKind::OutgoingCall, EventKind::CallProcessed],
];

/// An event that was accepted.
#[derive(Debug, Clone)]
pub(super) struct Accepted {
    pub id: String,
    pub call: usize,
    /// Its place in the call.
    pub ordinal: usize,
    /// The fault during which its call began.
    pub phase: usize,
}

/// What the platform has learnt.
#[derive(Default)]
pub(super) struct Posted {
    pub accepted: Mutex<Vec<Accepted>>,
    /// Refusals by status; 0 for a connection that broke or did not respond.
    pub refused: Mutex<Vec<(usize, u16)>>,
}

/// Posts calls for this long. Returns when all of their events have been accepted.
pub(super) async fn post_calls(
    (addresses, token): (&[String], &str),
    (phase, first): (usize, usize),
    lasts: Duration,
    posted: &Arc<Posted>,
) -> usize {
    let (began, mut calls, mut call) = (stopwatch(), JoinSet::new(), first);
    while began.elapsed() < lasts {
        calls.spawn(post_call(addresses.to_vec(), token.to_owned(), call, phase, posted.clone()));
        call += 1;
        sleep_ms(CALL_EVERY_MS).await;
    }
    while let Some(ended) = calls.join_next().await {
        ended.unwrap();
    }
    call
}

async fn post_call(addresses: Vec<String>, token: String, call: usize, phase: usize, posted: Arc<Posted>) {
    let http = client();
    for (ordinal, kind) in CALLS[call % CALLS.len()].iter().enumerate() {
        let id = format!("fault-{call}-{ordinal}");
        let body = event(&id, call, *kind);
        loop {
            let address = &addresses[usize::try_from(random()).unwrap_or_default() % addresses.len()];
            let request = http.post(format!("http://{address}/api/v1/events")).bearer_auth(&token).timeout(TIMEOUT);
            let response = request.header("content-type", "application/json").body(body.clone()).send().await;
            let status = response.map_or(0, |response| response.status().as_u16());
            if matches!(status, 200 | 202) {
                break;
            }
            posted.refused.lock().unwrap().push((phase, status));
            sleep_ms(AGAIN_MS).await;
        }
        posted.accepted.lock().unwrap().push(Accepted { id, call, ordinal, phase });
        sleep_ms(random() % NEXT_EVENT_MAX_MS).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a platform calls whenever it wants")]
fn random() -> u64 {
    rand::random::<u64>() >> 1
}

fn event(id: &str, call: usize, kind: EventKind) -> String {
    let example = kind.example();
    let own = &example[example.find("call_id").unwrap() + 10..][..36];
    let payload = example.replace(own, &format!("{call:08x}-aaaf-11e7-b600-7ac8e42434d2"));
    format!(r#"{{"id":"{id}","payload":{payload}}}"#)
}
