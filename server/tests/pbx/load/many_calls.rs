//! Ten thousand calls are open.

use std::collections::HashMap;

use engine::clock::{sleep_ms, stopwatch};
use tokio::time::Instant;

use super::{CONNECTOR_MAX_KB, Latencies, fake_asterisk::FakeAsterisk, memory_kb};
use crate::{
    PATIENCE,
    programs::{Connector, Connects, Server},
    receiver::{Arrival, Receiver},
    show,
};

const CALLS: usize = 10_000;
/// Pause between two calls: about 250 in a second.
const PAUSE_MS: u64 = 4;
/// Calls at the beginning and at the end that are compared.
const COMPARED: usize = 500;
/// Different callers. A number calls again only long after its last call was reported.
const CALLERS: usize = 1_000;
/// How much slower half of the last calls may be reported, in milliseconds: other programs share the machine.
const SLOWER_MAX_MS: u128 = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a release build; make test-pbx ARGS=load runs it"]
async fn ten_thousand_open_calls_slow_nothing_down() {
    let receiver = Receiver::start().await;
    let server = Server::start(&receiver, "info").await;
    let asterisk = FakeAsterisk::start().await;
    let connector = Connector::start(Connects { ami: asterisk.address, server: &server, call_records: None });
    asterisk.connected().await;
    let mut began = Vec::new();
    for call in 0..CALLS {
        began.push((number(call), stopwatch()));
        begin(&asterisk, call);
        sleep_ms(PAUSE_MS).await;
    }
    let all = tokio::time::timeout(PATIENCE, receiver.count(CALLS)).await;
    assert!(all.is_ok(), "{} of {CALLS} arrived", receiver.arrivals().len());
    let mut arrived: HashMap<String, Vec<Instant>> = HashMap::new();
    for Arrival { payload, at, .. } in receiver.arrivals() {
        assert_eq!(payload["event"], "IncomingCall", "no call has ended: {}", connector.log());
        arrived.entry(payload["caller_number"].as_str().unwrap().to_owned()).or_default().push(at);
    }
    let [first, last] = [0, CALLS - COMPARED].map(|from| {
        let calls = (from..).zip(&began[from..from + COMPARED]);
        let time = |(call, (number, began)): (usize, &(String, Instant))| arrived[number][call / CALLERS] - *began;
        Latencies::of(calls.map(time).collect())
    });
    let memory_kb = memory_kb(connector.id());
    show(&format!("first {COMPARED} calls: {first}\nlast {COMPARED} of {CALLS}: {last}\nconnector: {memory_kb} kB"));
    assert!(last.median_ms() <= first.median_ms() + SLOWER_MAX_MS, "{first}, {last}");
    assert!(memory_kb <= CONNECTOR_MAX_KB, "{memory_kb} kB");
}

fn number(call: usize) -> String {
    format!("07700900{:03}", call % CALLERS)
}

fn begin(asterisk: &FakeAsterisk, call: usize) {
    let (channel, id) = (format!("PJSIP/provider0-{call:08x}"), format!("1795000000.{call}"));
    asterisk.begin(&[
        ("Channel", &channel),
        ("ChannelState", "4"),
        ("ChannelStateDesc", "Ring"),
        ("CallerIDNum", &number(call)),
        ("ConnectedLineNum", "<unknown>"),
        ("Context", "from-trunk"),
        ("Exten", "01632960000"),
        ("Uniqueid", &id),
        ("Linkedid", &id),
    ]);
}
