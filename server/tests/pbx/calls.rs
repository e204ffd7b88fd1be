//! All scenarios, at the same time in all offices of one Asterisk.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use connect::{
    call::{InternalCalls, Settings},
    replay::Recording,
};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{
    asterisk::Asterisk,
    expected::{Call, differences},
    observer::Observer,
    office::{OFFICES, Office},
    scenario::Scenario,
    scenarios,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn recordings_of_all_scenarios_give_the_expected_events() {
    let asterisk = Asterisk::start(1).await;
    let observer = Arc::new(Observer::connect(asterisk.ami()).await.unwrap());
    let only = std::env::var("ONLY").unwrap_or_default();
    let queue: VecDeque<Scenario> = scenarios::all().into_iter().filter(|s| s.name.contains(&only)).collect();
    let queue = Arc::new(Mutex::new(queue));
    let mut offices = JoinSet::new();
    for digit in 0..OFFICES {
        offices.spawn(work(asterisk.office(digit), queue.clone(), observer.clone()));
    }
    let results = offices.join_all().await;
    let recording = Recording::ami(&observer.seen().bytes);
    let trunks = (0..OFFICES).flat_map(|digit| [format!("provider{digit}"), format!("backup{digit}")]);
    let settings =
        Settings { system: "lab".to_owned(), trunks: trunks.collect(), internal: InternalCalls::Ignore };
    let replayed = recording.replay(settings);
    let mut complaints = Vec::new();
    for (office, expected, errors) in results {
        let events: Vec<Value> =
            replayed.events.iter().map(|event| serde_json::to_value(&event.payload).unwrap()).collect();
        let mut calls: Vec<Vec<Value>> = Vec::new();
        for event in events {
            match calls.iter_mut().find(|call| call[0]["call_id"] == event["call_id"]) {
                Some(call) => call.push(event),
                None => calls.push(vec![event]),
            }
        }
        calls.retain(|call| call.iter().any(|event| office.concerns(event)));
        complaints.extend(errors);
        complaints.extend(differences(&expected, &calls));
    }
    eprintln!("{} events, {} open", replayed.events.len(), replayed.open);
    assert!(complaints.is_empty(), "{}\n{}", complaints.join("\n"), asterisk.log());
}

async fn work(
    office: Office,
    queue: Arc<Mutex<VecDeque<Scenario>>>,
    observer: Arc<Observer>,
) -> (Office, Vec<Call>, Vec<String>) {
    let (folder, mut expected, mut errors) = (TempDir::with_prefix("sipp").unwrap(), Vec::new(), Vec::new());
    loop {
        let Some(scenario) = queue.lock().unwrap().pop_front() else { break };
        let play = (scenario.play)(office);
        let began = engine::clock::stopwatch();
        let result = play.run(folder.path(), office.asterisk(), &observer).await;
        eprintln!("{} office {} {:.1?}", scenario.name, office.digit, began.elapsed());
        if let Err(error) = result {
            errors.push(format!("{}: {error}", scenario.name));
        }
        expected.extend(play.expected);
    }
    (office, expected, errors)
}
