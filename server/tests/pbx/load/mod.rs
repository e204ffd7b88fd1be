//! How long events take from Asterisk to the receiver, and what the connector needs for many calls.

mod fake_asterisk;
mod many_calls;
mod percentile;

use std::collections::HashMap;

use connect::asterisk::ami::Message;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::{
    observer::Seen,
    office::{Office, RECEPTION},
    receiver::Arrival,
    show,
    sipp::{Script, Sipp, Step},
    site::{Records, Site},
};
use percentile::Latencies;

/// New calls in a second, and for how long.
const CALLS_PER_S: usize = 50;
const SECONDS: usize = 60;
/// Offices that share them.
const CALLING_OFFICES: u8 = 5;
const CALLS_PER_OFFICE: usize = CALLS_PER_S * SECONDS / CALLING_OFFICES as usize;
/// Different callers of an office. A number calls again only after 20 s, when its last call is long over.
const CALLERS_PER_OFFICE: usize = 200;
/// Longest time from Asterisk's event to the receiver, for 99 of 100 events.
const P99_MAX_MS: u128 = 20;
/// Most memory of the connector, without the program's own code.
const CONNECTOR_MAX_KB: u64 = 40 * 1_024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk and a release build; make test-pbx ARGS=load runs it"]
async fn fifty_calls_a_second_arrive_at_once() {
    let site = Site::start_direct(31, Records::Readable, "warn").await;
    let folder = TempDir::with_prefix("sipp").unwrap();
    let (mut callees, mut callers) = (Vec::new(), Vec::new());
    for office in site.offices().into_iter().take(CALLING_OFFICES.into()) {
        callees.push(callee(&folder, office).await);
    }
    for office in site.offices().into_iter().take(CALLING_OFFICES.into()) {
        callers.push(caller(&folder, office));
    }
    for party in callers.into_iter().chain(callees) {
        party.finish().await.unwrap();
    }
    for office in site.offices().into_iter().take(CALLING_OFFICES.into()) {
        site.receiver.ended(office, CALLS_PER_OFFICE).await;
    }
    let arrivals = site.receiver.arrivals();
    assert_eq!(arrivals.len(), 2 * CALLS_PER_S * SECONDS, "events that arrived");
    let answered = arrivals.iter().filter(|arrival| arrival.payload["call_status"] == "answered").count();
    assert_eq!(answered, CALLS_PER_S * SECONDS, "calls reported as answered");
    let (begins, ends) = latencies(&site.observer.seen(), &arrivals);
    let memory_kb = memory_kb(site.connector.id());
    show(&format!("begin of a call: {begins}\nend of a call:   {ends}\nconnector: {memory_kb} kB"));
    assert!(begins.p99_ms() <= P99_MAX_MS && ends.p99_ms() <= P99_MAX_MS, "{begins}, {ends}");
    assert!(memory_kb <= CONNECTOR_MAX_KB, "{memory_kb} kB");
}

async fn callee(folder: &TempDir, office: Office) -> Sipp {
    let answers = Script::callee(&[Step::Ring(0), Step::Accept, Step::AwaitHangUp]);
    Sipp::start(folder.path(), &office.phone(RECEPTION), office.asterisk(), &answers, CALLS_PER_OFFICE).await
}

fn caller(folder: &TempDir, office: Office) -> Sipp {
    let numbers = (0..CALLERS_PER_OFFICE).map(|n| caller_number(office, n) + ";\n").collect::<String>();
    let file = folder.path().join(format!("callers-{}.csv", office.digit));
    std::fs::write(&file, format!("SEQUENTIAL\n{numbers}")).unwrap();
    let steps = [Step::Accepted, Step::Talk(1_000), Step::HangUp];
    let script = Script::caller(&office.number(0), "<sip:[field0]@[local_ip]>", "", &steps);
    let (calls, rate) = (CALLS_PER_OFFICE.to_string(), (CALLS_PER_S / usize::from(CALLING_OFFICES)).to_string());
    let arguments = ["-inf", file.to_str().unwrap(), "-m", &calls, "-r", &rate];
    Sipp::spawn(folder.path(), &office.customer_line(), office.asterisk(), &script, &arguments)
}

fn caller_number(office: Office, n: usize) -> String {
    format!("07700900{:03}", usize::from(office.digit) * CALLERS_PER_OFFICE + n)
}

/// From Asterisk's events for the first and the last moment of each call's outside channel to those of Offhook.
fn latencies(seen: &Seen, arrivals: &[Arrival]) -> (Latencies, Latencies) {
    let outside = |message: &Message, event: &str| {
        let is_outside = message.get("Channel").is_some_and(|name| name.starts_with("PJSIP/provider"));
        (is_outside && message.get("Event") == Some(event)).then(|| message.get("CallerIDNum").unwrap().to_owned())
    };
    let moments = |event: &str| {
        let mut moments: HashMap<String, Vec<Instant>> = HashMap::new();
        for (at, message) in &seen.messages {
            if let Some(number) = outside(message, event) {
                moments.entry(number).or_default().push(*at);
            }
        }
        moments
    };
    let arrived = |event: &str, key: &str| {
        let mut moments: HashMap<String, Vec<Instant>> = HashMap::new();
        for arrival in arrivals.iter().filter(|arrival| arrival.payload["event"] == event) {
            moments.entry(arrival.payload[key].as_str().unwrap().to_owned()).or_default().push(arrival.at);
        }
        moments
    };
    let begins = Latencies::between(&moments("Newchannel"), &arrived("IncomingCall", "caller_number"));
    (begins, Latencies::between(&moments("Hangup"), &arrived("CallProcessed", "source")))
}

/// Resident memory of a process without the program's own code, in kB.
fn memory_kb(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
