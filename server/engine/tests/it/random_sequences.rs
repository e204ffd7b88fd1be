//! Random sequences of everything that can happen, checked against the promises: every accepted event reaches its
//! endpoint or ends with a reason (G2, G6), and the events of a call are sent in the order they were accepted (G4).

use std::{collections::HashMap, sync::Arc};

use domain::{delivery::Status, event::EventKind, id::EndpointId, time::DAY_MS};
use engine::Engine;
use proptest::{collection::vec, prelude::*, test_runner::Config as Runs};

use crate::{
    harness::{On, TestHarness},
    receiver::{Received, Reply},
};

/// Number of random sequences. Each opens its own database.
const RUNS: u32 = 24;

#[derive(Debug, Clone)]
enum Step {
    Accept(EventKind, u32),
    Reply(u16),
    HangUp,
    Run,
    /// Sends, and crashes before the outcome is recorded.
    Die,
    Wait(i64),
    Pause,
    Resume,
    Crash,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3_usize, 0..3_u32).prop_map(|(kind, call)| Step::Accept(EventKind::ALL[kind], call)),
        2 => prop_oneof![Just(500), Just(404), Just(503), Just(410)].prop_map(Step::Reply),
        1 => Just(Step::HangUp),
        4 => Just(Step::Run),
        3 => prop_oneof![Just(500), Just(2_000), Just(30_000), Just(3_600_000), Just(-5_000), Just(-3_600_000)].prop_map(Step::Wait),
        1 => Just(Step::Pause),
        1 => Just(Step::Resume),
        1 => Just(Step::Crash),
        1 => Just(Step::Die),
    ]
}

/// A node is declared dead after this.
const NODE_TIMEOUT_MS: i64 = 15_001;

struct World {
    harness: TestHarness,
    engine: Arc<Engine>,
    endpoint: EndpointId,
    accepted: Vec<(String, u32)>,
}

impl World {
    async fn new(deliver_late: bool) -> Self {
        let harness = TestHarness::new(On::Sqlite).await;
        let endpoint = harness.endpoint_with(|form| form.deliver_late = deliver_late).await.id;
        let engine = harness.engine.clone();
        Self { harness, engine, endpoint, accepted: Vec::new() }
    }

    async fn go(&mut self, step: &Step) {
        match step {
            Step::Accept(kind, call) => {
                let id = self.harness.accept_by(&self.engine, *kind, *call).await.id;
                self.accepted.push((id.to_string(), *call));
            }
            Step::Reply(status) => self.harness.receiver.next([Reply::Status(*status)]),
            Step::HangUp => self.harness.receiver.next([Reply::HangUp]),
            Step::Run => drop(self.engine.sender().run_once().await.unwrap()),
            Step::Wait(ms) => self.harness.clock.step_ms(*ms),
            Step::Pause => self.harness.pause_by(&self.engine, &self.endpoint).await,
            Step::Resume => self.harness.resume_by(&self.engine, &self.endpoint).await,
            Step::Die => {
                let before = self.harness.receiver.received().len();
                tokio::select! {
                    // Nothing was due.
                    _ = self.engine.sender().run_once() => {}
                    () = self.harness.receiver.has_received(before + 1) => {}
                }
                self.crash().await;
            }
            Step::Crash => self.crash().await,
        }
    }

    async fn crash(&mut self) {
        self.harness.clock.step_ms(NODE_TIMEOUT_MS);
        self.engine = self.harness.another().await;
    }

    /// Ends all trouble: the endpoint recovers, nothing is held, and every possible wait passes.
    async fn settle(&mut self) {
        self.harness.receiver.reset_script();
        self.harness.resume_by(&self.engine, &self.endpoint).await;
        for _ in 0..16 {
            self.engine.sender().run_once().await.unwrap();
            self.harness.clock.step_ms(2 * DAY_MS);
        }
    }
}

/// Each call's events in the order they arrived, as positions in the order they were accepted.
fn order_of_arrival(accepted: &[(String, u32)], received: &[Received]) -> HashMap<u32, Vec<usize>> {
    let mut orders: HashMap<u32, Vec<usize>> = HashMap::new();
    for request in received {
        let id = request.header("webhook-id").unwrap();
        let position = accepted.iter().position(|(accepted, _)| *accepted == id).unwrap();
        orders.entry(accepted[position].1).or_default().push(position);
    }
    orders
}

async fn keeps_the_promises(steps: Vec<Step>, deliver_late: bool) {
    let mut world = World::new(deliver_late).await;
    for step in &steps {
        world.go(step).await;
    }
    world.settle().await;
    let rows = world.harness.deliveries_by(&world.engine).await;
    assert_eq!(rows.len(), world.accepted.len(), "one delivery for each accepted event");
    let received = world.harness.receiver.received();
    for row in &rows {
        let explained = row.status == Status::Delivered || row.end_reason.is_some();
        assert!(row.status.is_final() && explained, "no delivery ends without a reason: {row:?}");
        let arrived = received.iter().any(|r| r.header("webhook-id").as_deref() == Some(row.event_id.as_str()));
        assert!(arrived || row.status != Status::Delivered, "delivered means that it arrived: {row:?}");
    }
    let row = |position: usize| rows.iter().find(|row| row.event_id.as_str() == world.accepted[position].0).unwrap();
    for (call, order) in order_of_arrival(&world.accepted, &received) {
        for (at, position) in order.iter().enumerate() {
            let passed: Vec<usize> = order[..at].iter().copied().filter(|before| before > position).collect();
            // Only a delivery that has given up its order is retried after later ones, and never after the end of its call.
            let gave_up = order[..at].contains(position) && row(*position).order_given_up.is_some();
            let is_end = row(*position).kind == EventKind::CallProcessed;
            let ended = passed.iter().any(|later| row(*later).kind == EventKind::CallProcessed);
            assert!(passed.is_empty() || (gave_up && (is_end || !ended)), "call {call} was sent as {order:?}");
        }
    }
}

proptest! {
    #![proptest_config(Runs { cases: RUNS, max_shrink_iters: 200, failure_persistence: None, ..Runs::default() })]

    #[test]
    fn random_sequences_lose_nothing_and_keep_calls_in_order(
        steps in vec(any_step(), 1..40),
        deliver_late in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(keeps_the_promises(steps, deliver_late));
    }
}
