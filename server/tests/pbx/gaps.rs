//! The connector sees nothing for a while. One call per office tells what becomes of it: it talks through the gap, ends in
//! it, begins in it, or does both.

use engine::clock::sleep_ms;
use serde_json::json;

use crate::{
    expected::{Call, Exactness},
    office::{Office, RECEPTION},
    proxy::Passage,
    scenario::Play,
    scenarios::withheld,
    sipp::Step,
    site::{Records, Site},
};

/// When the connector no longer sees anything, after the parties have started.
const BLIND_AFTER_MS: u64 = 4_000;
/// How long.
const BLIND_MS: u64 = 6_500;

/// Why the connector sees nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    /// AMI's connection is cut.
    Cut,
    /// AMI's connection falls silent, without an end.
    Silence,
    /// The connector is killed.
    Kill,
}

/// The calls of the offices. `records` states what the connector can learn afterwards.
fn plays(o: &[Office], cause: Cause, records: Records) -> Vec<Play> {
    let answers = |ms| [Step::Ring(ms), Step::Accept, Step::AwaitHangUp];
    let talks = |wait, talk| [Step::Wait(wait), Step::Accepted, Step::Talk(talk), Step::HangUp];
    let incoming = |o: Office, ring, wait, talk| {
        let play = Play::new().callee(o.phone(RECEPTION), answers(ring));
        play.caller(o.customer_line(), o.number(17), talks(wait, talk))
    };
    let answered = |o: Office, seconds| o.incoming(17, "answered", seconds, o.at(RECEPTION));
    // What is known at the moment of loss. One that was killed knows only when it last saved something.
    let lost = |call: Call| match cause {
        Cause::Kill => call.incomplete("gap").lasting(0..=3),
        _ => call.incomplete("gap"),
    };
    let is_readable = records == Records::Readable;
    let ends_in_gap = if is_readable { answered(o[1], 6) } else { lost(answered(o[1], 3)) };
    let outgoing = |seconds| o[6].outgoing(RECEPTION, &o[6].customer(), "answered", seconds);
    let gives_up = |status| o[5].incoming(17, status, 0, o[5].at(RECEPTION));
    let mut plays = vec![
        // Talks through the gap.
        incoming(o[0], 1_000, 0, 12_000).expect(answered(o[0], 12)),
        // Ends in the gap.
        incoming(o[1], 500, 0, 6_000).expect(ends_in_gap),
        // Begins and ends in the gap.
        incoming(o[2], 500, 5_000, 2_000),
        // Begins in the gap, and ends after it.
        incoming(o[3], 500, 5_500, 9_000).expect(answered(o[3], 9)),
        // Rings through the gap.
        incoming(o[4], 13_500, 1_500, 2_000).expect(answered(o[4], 2)),
        // Rings, and ends in the gap.
        Play::new()
            .callee(o[5].phone(RECEPTION), [Step::Ring(100), Step::Ignore])
            .caller(o[5].customer_line(), o[5].number(17), [Step::Wait(500), Step::GiveUp(6_000)])
            .expect(if is_readable { gives_up("cancelled") } else { lost(gives_up("failed")) }),
        // An outgoing call that ends in the gap.
        Play::new()
            .callee(o[6].provider(), answers(500))
            .caller(o[6].dialling(RECEPTION), o[6].customer(), talks(0, 6_000))
            .expect(if is_readable { outgoing(6) } else { lost(outgoing(3)) }),
        // Begins and ends in the gap, with a number that is withheld.
        withheld::withholds(Play::new().callee(o[7].phone(RECEPTION), answers(500)), o[7], 17, talks(5_000, 2_000)),
    ];
    if is_readable {
        // Call records do not state whether a number may be shown.
        for at in [2, 7] {
            let call = o[at].incoming_from("anonymous", 17, "answered", 2, o[at].at(RECEPTION)).only_its_end();
            plays[at].expected.push(call);
        }
    }
    plays
}

async fn blind(number: u8, cause: Cause, records: Records) {
    let mut site = Site::start(number, records, "info").await;
    let plays = plays(&site.offices(), cause, records);
    let expected = site
        .play(plays, async |site: &mut Site| {
            sleep_ms(BLIND_AFTER_MS).await;
            match cause {
                Cause::Cut => site.proxy.set(Passage::Cut),
                Cause::Silence => site.proxy.set(Passage::Silent),
                Cause::Kill => site.connector.kill(),
            }
            sleep_ms(BLIND_MS).await;
            site.proxy.set(Passage::Open);
            if cause == Cause::Kill {
                site.connector.start_again();
            }
        })
        .await;
    let complaints = site.differences(&expected, Exactness::Exact).await;
    assert!(complaints.is_empty(), "{cause:?}, {records:?}:\n{}\n{}", complaints.join("\n"), site.connector.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn calls_survive_a_cut_connection() {
    blind(11, Cause::Cut, Records::Readable).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn calls_survive_a_connection_that_falls_silent() {
    blind(12, Cause::Silence, Records::Readable).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn calls_survive_a_killed_connector() {
    blind(13, Cause::Kill, Records::Readable).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn without_call_records_calls_that_ended_in_a_cut_are_incomplete() {
    blind(14, Cause::Cut, Records::None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn without_call_records_calls_that_ended_during_a_kill_are_incomplete() {
    blind(15, Cause::Kill, Records::None).await;
}

/// The whole phone system is gone, with all of its calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn calls_end_when_asterisk_is_killed_and_those_that_follow_are_reported() {
    let mut site = Site::start(16, Records::Readable, "info").await;
    let o = site.offices();
    let talking = || [Step::Ring(500), Step::Accept, Step::Talk(2_500)];
    let plays = vec![
        Play::new()
            .callee(o[0].phone(RECEPTION), talking())
            .caller(o[0].customer_line(), o[0].number(17), [Step::Accepted, Step::Talk(2_500)])
            .expect(o[0].incoming(17, "answered", 2, o[0].at(RECEPTION)).incomplete("pbx_restart")),
        Play::new()
            .callee(o[1].provider(), talking())
            .caller(o[1].dialling(RECEPTION), o[1].customer(), [Step::Accepted, Step::Talk(2_500)])
            .expect(o[1].outgoing(RECEPTION, &o[1].customer(), "answered", 2).incomplete("pbx_restart")),
        Play::new()
            .callee(o[2].phone(RECEPTION), [Step::Ring(3_000)])
            .caller(o[2].customer_line(), o[2].number(17), [Step::Rings, Step::Talk(2_500)])
            .expect(o[2].incoming(17, "failed", 0, o[2].at(RECEPTION)).incomplete("pbx_restart")),
    ];
    let mut expected = site
        .play(plays, async |site: &mut Site| {
            sleep_ms(BLIND_AFTER_MS).await;
            site.asterisk.kill();
        })
        .await;
    site.restart_asterisk().await;
    let after = Play::new()
        .callee(o[3].phone(RECEPTION), [Step::Ring(500), Step::Accept, Step::AwaitHangUp])
        .caller(o[3].customer_line(), o[3].number(0), [Step::Accepted, Step::Talk(1_000), Step::HangUp])
        .caller(o[4].customer_line(), o[4].number(99), [Step::Rejected(404)])
        .expect(o[3].incoming(0, "answered", 1, o[3].at(RECEPTION)))
        .expect(o[4].incoming(99, "failed", 0, json!(o[4].number(99))).brief());
    expected.extend(site.play(vec![after], async |_: &mut Site| ()).await);
    let complaints = site.differences(&expected, Exactness::Exact).await;
    assert!(complaints.is_empty(), "{}\n{}", complaints.join("\n"), site.connector.log());
}

/// The server is away for longer than the calls last; the connector keeps their events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Asterisk; make test-pbx runs it"]
async fn events_wait_while_the_server_is_away() {
    let mut site = Site::start(17, Records::None, "info").await;
    let o = site.offices();
    let calls = |o: Office| {
        let play = Play::new().callee(o.phone(RECEPTION), [Step::Ring(500), Step::Accept, Step::AwaitHangUp]);
        play.caller(o.customer_line(), o.number(0), [Step::Accepted, Step::Talk(2_000), Step::HangUp])
            .expect(o.incoming(0, "answered", 2, o.at(RECEPTION)))
    };
    site.server.kill();
    let plays = o.into_iter().map(calls).collect();
    let expected = site.play(plays, async |_: &mut Site| ()).await;
    site.server.start_again().await;
    let complaints = site.differences(&expected, Exactness::Exact).await;
    assert!(complaints.is_empty(), "{}\n{}", complaints.join("\n"), site.connector.log());
}
