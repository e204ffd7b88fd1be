//! What a connector costs.

use super::{mock_server::MockServer, pbx::Pbx, program::Machine, recording::Recording};

const CALLS: usize = 10_000;
/// What begins a call.
const EVENTS: [&str; 5] = ["Newchannel", "DialBegin", "Newstate", "DialEnd", "BridgeEnter"];
/// Most resident memory, in KiB.
const PEAK_MAX_KIB: u64 = 40 * 1_024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_open_calls_fit_in_forty_mebibytes() {
    let recording = Recording::ending_now("in_answered");
    let mut server = MockServer::start().await;
    let pbx = Pbx::playing(&[&recording]).await;
    let machine = Machine::new("token");
    let connector = pbx.followed_by(|| machine.start(&pbx.address, &server.url, &[])).await;
    let is_needed = |message: &&String| EVENTS.iter().any(|event| message.starts_with(&format!("Event: {event}\r\n")));
    let (talking, _) = recording.split_at("Event: HangupRequest");
    let open = Recording::new(talking.iter().filter(is_needed).map(String::as_str).collect());
    for call in 0..CALLS {
        open.nth(call).messages.iter().for_each(|message| drop(pbx.happen(message)));
    }
    for _ in 0..CALLS {
        assert_eq!(server.accepted().await.0, "IncomingCall");
    }
    let peak_kib = connector.peak_kib();
    {
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "PEAK {peak_kib}");
    }
    assert!(peak_kib <= PEAK_MAX_KIB, "{peak_kib} KiB");
    assert!(connector.stop().await.success());
}
