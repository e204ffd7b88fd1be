//! Memory, start and idle cost of a server.

use std::sync::Arc;

use domain::{
    event::EventKind,
    id::{AccountId, EndpointId},
    time::{Clock as _, DAY_MS},
};
use engine::{
    SystemClock,
    service::backfill::{BACKFILL_MAX, Backfill, Run},
};

use crate::{
    Bench,
    clock::{sleep_ms, stopwatch},
    fixture::{Fixture, Tenant},
    load::Events,
    receiver::{Behaviour, Receiver},
    report::{Measurement, Target, value},
};

/// Endpoints with waiting deliveries; all of them hang.
const ENDPOINTS: usize = 20;
/// Target for resident memory, in MiB.
const TARGET_MIB: f64 = 300.0;
/// Target for the time from start to ready, in seconds.
const TARGET_START_S: f64 = 3.0;
/// Target for the processor time of an idle server, in percent of one core.
const TARGET_IDLE_PERCENT: f64 = 1.0;
/// How long a server is left alone before it counts as idle, in milliseconds.
const CALM_MS: u64 = 2_000;

pub(crate) async fn idle(bench: &Bench<'_>) -> anyhow::Result<Vec<Measurement>> {
    let fixture = bench.fixture().await?;
    let tenant = fixture.tenant().await?;
    let receiver = Receiver::start(Behaviour::Healthy, None).await?;
    fixture.endpoint(&tenant, &receiver.url(), &EventKind::ALL).await?;
    bench.step("idle");
    sleep_ms(CALM_MS).await;
    let (before_s, began) = (fixture.server.processor_s()?, stopwatch());
    sleep_ms(bench.sizes.idle_s * 1_000).await;
    let percent = 100.0 * (fixture.server.processor_s()? - before_s) / began.elapsed().as_secs_f64();
    let resident = Measurement::new("idle: resident memory", fixture.server.resident_mib()?, "MiB");
    Ok(vec![
        Measurement::new("idle: processor time, one core", percent, "%").target(Target::AtMost(TARGET_IDLE_PERCENT)),
        resident,
    ])
}

pub(crate) async fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Measurement>> {
    let mut fixture = bench.fixture().await?;
    let tenant = fixture.tenant().await?;
    let mut receivers = Vec::new();
    let mut endpoints = Vec::new();
    for _ in 0..ENDPOINTS {
        let receiver = Receiver::start(Behaviour::Hanging, None).await?;
        endpoints.push(fixture.endpoint(&tenant, &receiver.url(), &[EventKind::CallProcessed]).await?);
        receivers.push(receiver);
    }
    fixture.server.kill();
    fill(bench, &fixture, &tenant.id, &endpoints, bench.sizes.backlog, Backfill::Waiting).await?;
    bench.step("start with a backlog");
    fixture.restart().await?;
    let first_s = first_event(&fixture, &tenant).await?;
    bench.step("memory with a backlog");
    let mut peak_mib = 0.0_f64;
    let (before_s, began) = (fixture.server.processor_s()?, stopwatch());
    while began.elapsed().as_secs() < bench.sizes.watched_s {
        peak_mib = peak_mib.max(fixture.server.resident_mib()?);
        sleep_ms(100).await;
    }
    let busy = 100.0 * (fixture.server.processor_s()? - before_s) / began.elapsed().as_secs_f64();
    let ready_s = fixture.server.ready_after.as_secs_f64();
    Ok(vec![
        Measurement::new("backlog: waiting deliveries", value(bench.sizes.backlog), ""),
        Measurement::new("backlog: resident memory, peak", peak_mib, "MiB").target(Target::AtMost(TARGET_MIB)),
        Measurement::new("backlog: from start to ready", ready_s, "s").target(Target::AtMost(TARGET_START_S)),
        Measurement::new("backlog: from start to first event accepted", ready_s + first_s, "s"),
        Measurement::new("backlog: processor time, one core", busy, "%"),
    ])
}

/// Seconds until the first event is accepted.
async fn first_event(fixture: &Fixture, tenant: &Tenant) -> anyhow::Result<f64> {
    let (address, bearer) = (fixture.server.address, Arc::clone(&tenant.bearer));
    let kind = EventKind::IncomingCall;
    let events = Events { address, bearer, accounts: Arc::new([]), prefix: "first".into(), kind, posted: None };
    let began = stopwatch();
    let accepted = events.flood(1, 1, &Arc::default()).await;
    anyhow::ensure!(accepted.len() == 1, "the first event was refused");
    Ok(began.elapsed().as_secs_f64())
}

/// Fills the database with deliveries of the last month, oldest first.
pub(crate) async fn fill(
    bench: &Bench<'_>,
    fixture: &Fixture,
    account: &AccountId,
    endpoints: &[EndpointId],
    rows: u64,
    to: Backfill,
) -> anyhow::Result<()> {
    let engine = fixture.engine().await?;
    let from = SystemClock.now().plus_ms(-30 * DAY_MS);
    for first in (0..rows).step_by(usize::try_from(BACKFILL_MAX)?) {
        if first % 10_000 == 0 {
            bench.step(&format!("filling the database: {first} of {rows} deliveries"));
        }
        let at =
            from.plus_ms(i64::try_from(u128::from(first) * (30 * DAY_MS).unsigned_abs() as u128 / u128::from(rows))?);
        let run = Run { account, endpoints, first, count: BACKFILL_MAX.min(rows - first), at, to };
        engine.backfill(&run).await?;
    }
    bench.step("indexing phone numbers");
    engine.gather_numbers().await?;
    engine.stop().await;
    Ok(())
}
