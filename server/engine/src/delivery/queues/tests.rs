use domain::event::EventKind;

use super::*;
use crate::delivery::concurrency::AT_ONCE_START;

fn leased(endpoint: &str, n: usize, attempts: u32) -> LeasedDelivery {
    LeasedDelivery {
        id: format!("dlv_{endpoint}_{n}"),
        account_id: "acct".into(),
        endpoint_id: endpoint.into(),
        event_id: format!("evt_{n}"),
        kind: EventKind::CallProcessed,
        call_id: n.to_string(),
        attempts,
        attempts_before: 0,
        fresh_from: UnixMs(0),
        proof: None,
        timestamp_s: 0,
        payload: Some("{}".into()),
        details: None,
    }
}

fn call(endpoint: &str, n: usize, accepted: i64) -> LeasedDelivery {
    LeasedDelivery { kind: EventKind::IncomingCall, fresh_from: UnixMs(accepted), ..leased(endpoint, n, 0) }
}

fn settings(rate_per_s: Option<u32>, drain_per_s: Option<u32>, resumed: i64) -> DeliverySettings {
    DeliverySettings {
        rate_per_s,
        drain_per_s,
        resumed: UnixMs(resumed),
        deliver_late: false,
        throttled_until: None,
        host: HostKey::of("acct", "https://a.example/"),
    }
}

fn at(host: &str) -> IntakeSettings {
    let host = HostKey::of("acct", &format!("https://{host}/hook"));
    IntakeSettings { rate_per_s: None, deliver_late: false, throttled_until: None, host }
}

fn limited_to(rate_per_s: u32) -> IntakeSettings {
    IntakeSettings { rate_per_s: Some(rate_per_s), ..at("a.example") }
}

/// Ids of the attempted deliveries and of the expired ones, until nothing is left to do at that time.
fn turns(queues: &mut Queues, now: i64) -> (Vec<String>, Vec<String>) {
    let (mut tried, mut late) = (Vec::new(), Vec::new());
    while let Some(turn) = queues.next(UnixMs(now)) {
        match turn {
            Turn::Attempt(delivery) => tried.push(delivery.id),
            Turn::Expire(delivery) => late.push(delivery.id),
        }
    }
    (tried, late)
}

fn tried(queues: &mut Queues, now: i64) -> Vec<String> {
    turns(queues, now).0
}

#[test]
fn endpoints_alternate_and_first_attempts_precede_retries() {
    let mut queues = Queues::default();
    queues.push(leased("a", 1, 1));
    (2..4).for_each(|n| assert!(queues.push(leased("a", n, 0))));
    queues.push(leased("b", 1, 0));
    assert_eq!(tried(&mut queues, 1), ["dlv_a_2", "dlv_b_1", "dlv_a_3", "dlv_a_1"]);
}

#[test]
fn an_endpoint_never_exceeds_its_concurrency_and_continues_when_an_attempt_ends() {
    let mut queues = Queues::default();
    (0..100).for_each(|n| assert!(queues.push(leased("slow", n, 0))));
    let started: Vec<Turn> = std::iter::from_fn(|| queues.next(UnixMs(1))).collect();
    assert_eq!(started.len(), AT_ONCE_START);
    queues.push(leased("quick", 1, 0));
    assert_eq!(tried(&mut queues, 1), ["dlv_quick_1"]);
    queues.finished(started[0].delivery(), Some(true), UnixMs(1));
    assert_eq!(tried(&mut queues, 1).len(), 2, "a success frees its capacity and adds one");
}

#[test]
fn a_rate_limited_endpoint_waits_while_the_others_continue() {
    let mut queues = Queues::default();
    queues.update_settings(&"limited".into(), limited_to(2), UnixMs(0));
    (0..2).for_each(|n| assert!(queues.push(leased("limited", n, 0))));
    queues.push(leased("free", 1, 0));
    assert_eq!(tried(&mut queues, 1_000), ["dlv_limited_0", "dlv_free_1"]);
    assert_eq!(queues.next_ready_at(), Some(UnixMs(1_500)));
    assert!(tried(&mut queues, 1_499).is_empty());
    assert_eq!(tried(&mut queues, 1_500).len(), 1);
}

#[test]
fn a_throttled_endpoint_waits_and_is_probed_with_one_while_the_others_continue() {
    let (mut queues, busy): (_, Arc<str>) = (Queues::default(), "busy".into());
    (0..10).for_each(|n| assert!(queues.push(leased("busy", n, 0))));
    let first = queues.next(UnixMs(0)).unwrap();
    assert_eq!(queues.throttle(&busy, Some(2), UnixMs(0), 0.0), UnixMs(2_000));
    queues.finished(first.delivery(), Some(false), UnixMs(0));
    queues.push(leased("other", 1, 0));
    assert_eq!(tried(&mut queues, 100), ["dlv_other_1"]);
    assert_eq!(queues.next_ready_at(), Some(UnixMs(2_000)));
    assert!(tried(&mut queues, 1_999).is_empty());
    let probe = queues.next(UnixMs(2_000)).unwrap();
    assert!(queues.next(UnixMs(2_000)).is_none(), "one probe");
    queues.finished(probe.delivery(), Some(true), UnixMs(2_010));
    assert_eq!(tried(&mut queues, 2_010).len(), 2, "then more");
}

#[test]
fn a_clock_that_is_set_back_keeps_no_endpoint_throttled() {
    let (mut queues, before) = (Queues::default(), 3_600_000);
    queues.update_settings(&"limited".into(), limited_to(2), UnixMs(0));
    (0..3).for_each(|n| assert!(queues.push(leased("limited", n, 0))));
    assert_eq!(tried(&mut queues, before).len(), 1);
    assert!(tried(&mut queues, before - 900).is_empty(), "a little is within the wait");
    assert_eq!(tried(&mut queues, 1_000).len(), 1, "an hour back: it continues at once");
    assert!(tried(&mut queues, 1_400).is_empty(), "and keeps its rate by the new clock");
    assert_eq!(tried(&mut queues, 1_500).len(), 1);
}

#[test]
fn memory_is_bounded_and_dropping_an_endpoint_frees_it() {
    let (mut queues, full): (_, Arc<str>) = (Queues::default(), "full".into());
    let fitted = (0..).take_while(|_| queues.reserve(&full, 2, Source::Fresh)).count();
    assert_eq!(fitted, super::super::LEASED_PER_ENDPOINT_MAX);
    (0..fitted).for_each(|_| queues.free(&full, 2));
    (0..fitted).for_each(|n| assert!(queues.push(leased("full", n, 0))));
    assert_eq!((queues.claimable("full"), queues.is_open("full"), queues.is_open("other")), (0, false, true));
    assert!(!queues.take_overflow());
    assert_eq!(queues.drop_endpoint("full").len(), fitted);
    assert!(queues.len() == 0 && queues.load == Load::default());
    assert!(tried(&mut queues, 1).is_empty());
    queues.push(leased("full", 1, 0));
    assert_eq!(tried(&mut queues, 1).len(), 1, "a dropped endpoint comes back");
}

#[test]
fn a_delivery_is_queued_once() {
    let mut queues = Queues::default();
    assert!(queues.push(leased("a", 1, 0)) && !queues.push(leased("a", 1, 0)));
    let turn = queues.next(UnixMs(1)).unwrap();
    assert!(!queues.push(leased("a", 1, 0)), "also while it is attempted");
    queues.finished(turn.delivery(), Some(true), UnixMs(2));
    assert!(queues.push(leased("a", 1, 0)) && queues.len() == 1);
}

#[test]
fn expired_calls_end_at_once_and_leave_the_rate_to_a_fresh_one() {
    let mut queues = Queues::default();
    queues.set_settings(&"a".into(), settings(Some(2), None, 100_000), UnixMs(0));
    (0..200).for_each(|n| assert!(queues.push(call("a", n, 1_000))));
    queues.push(call("a", 200, 100_000));
    let (tried, late) = turns(&mut queues, 100_001);
    assert_eq!((tried, late.len()), (vec!["dlv_a_200".to_owned()], 200));
    assert_eq!(queues.endpoints["a"].limiter.in_flight(), 1, "an expired delivery needs no capacity");
}

#[test]
fn a_new_call_is_sent_at_once_while_held_events_drain() {
    let mut queues = Queues::default();
    queues.set_settings(&"a".into(), settings(None, Some(2), 100_000), UnixMs(0));
    (0..200).for_each(|n| assert!(queues.push(leased("a", n, 0))));
    assert_eq!(tried(&mut queues, 100_001), ["dlv_a_0"], "no burst");
    queues.push(call("a", 200, 100_100));
    assert_eq!(tried(&mut queues, 100_100), ["dlv_a_200"]);
    assert_eq!(tried(&mut queues, 100_500).len(), 0, "held events keep their drain rate");
    assert_eq!(tried(&mut queues, 100_501), ["dlv_a_1"]);
}

#[test]
fn held_and_fresh_events_alternate_within_the_rate_limit() {
    let mut queues = Queues::default();
    queues.set_settings(&"a".into(), settings(Some(1), None, 100_000), UnixMs(0));
    (0..2).for_each(|n| assert!(queues.push(leased("a", n, 0))));
    (2..4).for_each(|n| assert!(queues.push(call("a", n, 100_000))));
    let order: Vec<String> = (0..4).flat_map(|s| tried(&mut queues, 100_001 + s * 1_000)).collect();
    assert_eq!(order, ["dlv_a_2", "dlv_a_0", "dlv_a_3", "dlv_a_1"]);
}

#[test]
fn nothing_is_claimed_while_memory_is_full() {
    let mut queues = Queues::default();
    let endpoint = |n: usize| -> Arc<str> { format!("e{n}").into() };
    for n in 0..super::super::LEASED_MAX {
        queues.reserve(&endpoint(n), 2, Source::Fresh);
    }
    assert_eq!(queues.load.free().deliveries, 0);
    assert!(!queues.reserve(&endpoint(0), 2, Source::Fresh) && !queues.reserve(&"new".into(), 2, Source::Database));
    assert!(!queues.take_overflow(), "nothing would fit");
    queues.free("e1", 2);
    assert!(queues.take_overflow() && !queues.take_overflow(), "once, after something has ended");
}

/// Endpoints at one host with this many deliveries each.
fn at_one_host(queues: &mut Queues, endpoints: usize, deliveries: usize) {
    for endpoint in (0..endpoints).map(|n| format!("e{n}")) {
        queues.update_settings(&endpoint.as_str().into(), at("busy.example"), UnixMs(0));
        (0..deliveries).for_each(|n| assert!(queues.push(leased(&endpoint, n, 0))));
    }
}

fn started(queues: &mut Queues) -> Vec<LeasedDelivery> {
    std::iter::from_fn(|| queues.next(UnixMs(1)).map(|turn| turn.delivery().clone())).collect()
}

#[test]
fn however_many_endpoints_a_host_has_it_gets_a_limited_number_of_attempts_at_once() {
    let mut queues = Queues::default();
    at_one_host(&mut queues, 50, 4);
    queues.update_settings(&"other".into(), at("other.example"), UnixMs(0));
    let mut in_flight = started(&mut queues);
    assert_eq!(in_flight.len(), super::super::hosts::HOST_AT_ONCE_MAX);
    let of_each = in_flight.iter().fold(HashMap::<_, usize>::new(), |mut counts, delivery| {
        *counts.entry(delivery.endpoint_id.clone()).or_default() += 1;
        counts
    });
    assert!(of_each.len() == 50 && of_each.values().all(|count| (2..=3).contains(count)), "{of_each:?}");
    queues.push(leased("other", 0, 0));
    let other = started(&mut queues);
    assert_eq!(other.iter().map(|delivery| &*delivery.endpoint_id).collect::<Vec<_>>(), ["other"]);
    queues.finished(&other[0], Some(true), UnixMs(1));
    let mut sent = 0;
    while let Some(ended) = in_flight.pop() {
        queues.finished(&ended, Some(false), UnixMs(1));
        sent += 1;
        let next = started(&mut queues);
        assert!(next.len() <= 1, "one ends, one begins");
        in_flight.extend(next);
    }
    assert_eq!((sent, queues.len(), queues.in_flight(), queues.hosts.is_empty()), (200, 0, 0, true));
}

#[test]
fn an_endpoint_whose_server_has_responded_gets_its_next_attempts_before_that_is_recorded() {
    let mut queues = Queues::default();
    (0..AT_ONCE_START * 2).for_each(|n| assert!(queues.push(leased("a", n, 0))));
    let first = started(&mut queues);
    assert_eq!(first.len(), AT_ONCE_START);
    first.iter().for_each(|delivery| queues.succeeded(delivery, UnixMs(1)));
    first.iter().for_each(|delivery| queues.succeeded(delivery, UnixMs(1)));
    let next = started(&mut queues);
    assert_eq!(
        (next.len(), queues.in_flight()),
        (AT_ONCE_START, 2 * AT_ONCE_START),
        "each counts until it is recorded"
    );
    assert!(first.iter().all(|delivery| queues.is_sending(&delivery.id)));
    first.iter().chain(&next).for_each(|delivery| queues.finished(delivery, Some(true), UnixMs(1)));
    assert_eq!((queues.len(), queues.in_flight(), queues.hosts.is_empty()), (0, 0, true));
}

#[test]
fn an_endpoint_that_waits_for_its_host_is_served_at_another_to_which_it_moves() {
    let mut queues = Queues::default();
    at_one_host(&mut queues, 40, 4);
    let in_flight = started(&mut queues);
    queues.update_settings(&"e39".into(), at("quiet.example"), UnixMs(1));
    let moved = started(&mut queues);
    assert_eq!(moved.iter().map(|delivery| &*delivery.endpoint_id).collect::<Vec<_>>(), ["e39"]);
    in_flight.iter().chain(&moved).for_each(|delivery| queues.finished(delivery, Some(true), UnixMs(1)));
    let rest = started(&mut queues);
    assert_eq!(in_flight.len() + moved.len() + rest.len(), 160);
    rest.iter().for_each(|delivery| queues.finished(delivery, Some(true), UnixMs(1)));
    assert!(queues.hosts.is_empty());
}

#[test]
fn what_is_dropped_while_it_waits_for_its_host_holds_up_no_other() {
    let mut queues = Queues::default();
    at_one_host(&mut queues, 50, 4);
    let in_flight = started(&mut queues);
    (0..49).for_each(|n| drop(queues.drop_endpoint(&format!("e{n}"))));
    queues.finished(&in_flight[0], Some(true), UnixMs(1));
    let next = started(&mut queues);
    assert_eq!(next.iter().map(|delivery| &*delivery.endpoint_id).collect::<Vec<_>>(), ["e49"]);
    in_flight[1..].iter().chain(&next).for_each(|delivery| queues.finished(delivery, Some(true), UnixMs(1)));
    started(&mut queues).iter().for_each(|delivery| queues.finished(delivery, Some(true), UnixMs(1)));
    assert_eq!((queues.len(), queues.in_flight()), (0, 0));
}
