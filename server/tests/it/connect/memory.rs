//! What a connector costs.

use super::{mock_server::MockServer, pbx::Pbx, program::Machine, recording::Recording};

const CALLS: usize = 10_000;
/// What begins a call.
const EVENTS: [&str; 5] = ["Newchannel", "DialBegin", "Newstate", "DialEnd", "BridgeEnter"];
/// Most memory that they may cost, in KiB. The program's own code, which is much larger in a debug build, does not count.
const GROWTH_MAX_KIB: u64 = 64 * 1_024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_open_calls_fit_in_sixty_four_mebibytes() {
    let recording = Recording::ending_now("in_answered");
    let mut server = MockServer::start().await;
    let pbx = Pbx::playing(&[&recording]).await;
    let machine = Machine::new("token");
    let connector = pbx.followed_by(|| machine.start(&pbx.address, &server.url, &[])).await;
    let before_kib = connector.own_kib();
    let is_needed = |message: &&String| EVENTS.iter().any(|event| message.starts_with(&format!("Event: {event}\r\n")));
    let (talking, _) = recording.split_at("Event: HangupRequest");
    let open = Recording::new(talking.iter().filter(is_needed).map(String::as_str).collect());
    for call in 0..CALLS {
        open.nth(call).messages.iter().for_each(|message| _ = pbx.happen(message));
    }
    for _ in 0..CALLS {
        assert_eq!(server.accepted().await.0, "IncomingCall");
    }
    let growth_kib = connector.own_kib() - before_kib;
    assert!(growth_kib <= GROWTH_MAX_KIB, "{growth_kib} KiB");
    assert!(connector.stop().await.success());
}
