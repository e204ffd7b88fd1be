//! All scenarios, at the same time in all offices of one Asterisk.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use engine::clock::stopwatch;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{
    asterisk::{Asterisk, SECRET},
    dialling::DiallingSite,
    expected::{Exactness, differences},
    observer::Observer,
    office::{OFFICES, Office},
    programs::Server,
    receiver::Receiver,
    scenario::Scenario,
    scenarios::{self, withheld::WITHHELD_NUMBER},
    setting, show,
    site::{Records, Site},
};

/// Fewer scenarios than this mean that some are not listed.
const SCENARIOS_MIN: usize = 50;
/// Plays only scenarios whose name contains this.
const ONLY_VARIABLE: &str = "OFFHOOK_TEST_SCENARIO";

type Queue = Arc<Mutex<VecDeque<Scenario>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn every_scenario_is_reported_as_it_happened_and_withheld_numbers_nowhere() {
    let site = Site::start(1, Records::Readable, "debug").await;
    let receiver = Arc::new(site.receiver);
    play_in_all_offices(&site.asterisk, &site.observer, &receiver).await;
    // Databases, their logs of recent writes, and what the programs logged, in as much detail as possible.
    let files = [files(site.server.folder()), files(site.connector.folder())].concat();
    assert!(files.iter().any(|file| file.ends_with("serve.log")) && files.len() > 4, "{files:?}");
    assert_eq!(leaks(&receiver, &files), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn an_asterisk_that_connects_to_the_server_reports_the_same() {
    let site = DiallingSite::start(2, "debug").await;
    play_in_all_offices(&site.asterisk, &site.observer, &site.receiver).await;
    assert_eq!(leaks(&site.receiver, &files(site.server.folder())), [""; 0]);
    let idle = site.server.until(&site.connector, |shown| shown["state"]["calls_open"] == 0).await;
    assert_eq!((&idle["status"], &idle["state"]["problem"]), (&json!("connected"), &json!(null)), "{idle}");
    assert!(idle["state"]["system_version"].as_str().unwrap().starts_with("Asterisk 22."), "{idle}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn an_asterisk_that_the_server_connects_to_reports_the_same() {
    let asterisk = Asterisk::start(3).await;
    let observer = Arc::new(Observer::connect(asterisk.ami()).await.unwrap());
    let receiver = Arc::new(Receiver::start().await);
    let server = Server::start(&receiver, "debug").await;
    let (connector, secret) = server.connector_for(asterisk.ami()).await;
    let user = |secret: &str| format!("[offhook]\nsecret = {secret}\n");
    asterisk.replace("manager.conf", &user(SECRET), &user(&secret));
    observer.request(&[("Action", "Command"), ("Command", "manager reload")]).await;
    server.until(&connector, |shown| shown["status"] == "connected").await;
    play_in_all_offices(&asterisk, &observer, &receiver).await;
    assert_eq!(leaks(&receiver, &files(server.folder())), [""; 0]);
    let idle = server.until(&connector, |shown| shown["state"]["calls_open"] == 0).await;
    assert_eq!((&idle["status"], &idle["state"]["problem"]), (&json!("connected"), &json!(null)), "{idle}");
}

/// Plays each scenario in an office, and asserts that everything is reported as it happened.
async fn play_in_all_offices(asterisk: &Asterisk, observer: &Arc<Observer>, receiver: &Arc<Receiver>) {
    let only = setting(ONLY_VARIABLE).unwrap_or_default();
    let all = scenarios::all();
    assert!(all.len() >= SCENARIOS_MIN, "only {} scenarios", all.len());
    let queue: Queue = Arc::new(Mutex::new(all.into_iter().filter(|one| one.name.contains(&only)).collect()));
    let mut offices = JoinSet::new();
    for digit in 0..OFFICES {
        offices.spawn(play_all(asterisk.office(digit), queue.clone(), observer.clone(), receiver.clone()));
    }
    let complaints = offices.join_all().await.concat();
    assert!(complaints.is_empty(), "{}\nAsterisk: {}", complaints.join("\n"), asterisk.log());
    let seen = contains(&observer.seen().bytes, WITHHELD_NUMBER);
    assert!(seen || !only.is_empty(), "Asterisk never stated the withheld number, so its absence proves nothing");
}

/// Bodies with the withheld number, and the names of files that have it.
fn leaks(receiver: &Receiver, files: &[PathBuf]) -> Vec<String> {
    let bodies = receiver.arrivals().into_iter().map(|arrival| arrival.body);
    let bodies = bodies.filter(|body| contains(body.as_bytes(), WITHHELD_NUMBER));
    let leaking = files.iter().filter(|file| contains(&std::fs::read(file).unwrap(), WITHHELD_NUMBER));
    bodies.chain(leaking.map(|file| file.display().to_string())).collect()
}

/// Plays scenarios in an office until none is left; returns what was not reported as expected.
async fn play_all(office: Office, queue: Queue, observer: Arc<Observer>, receiver: Arc<Receiver>) -> Vec<String> {
    let folder = TempDir::with_prefix("sipp").unwrap();
    let (mut complaints, mut reported, mut ended) = (Vec::new(), 0, 0);
    loop {
        let Some(scenario) = queue.lock().unwrap().pop_front() else { break complaints };
        let (began, play) = (stopwatch(), (scenario.play)(office));
        let played = play.run(folder.path(), office.asterisk(), &observer).await;
        ended += play.expected.len();
        receiver.ended(office, ended).await;
        let calls = receiver.calls(office);
        let differ = differences(&play.expected, &calls[reported..], Exactness::Exact);
        reported = calls.len();
        let found: Vec<String> = played.err().into_iter().chain(differ).collect();
        let outcome = if found.is_empty() { "ok" } else { "DIFFERS" };
        show(&format!("{:>6.1?}  {:45} {outcome}", began.elapsed(), scenario.name));
        complaints.extend(found.into_iter().map(|complaint| format!("{}: {complaint}", scenario.name)));
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// All files in a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
