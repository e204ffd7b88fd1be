//! Memory, start and idleness of a server.

use std::sync::Arc;

use domain::{
    event::EventKind,
    id::{AccountId, EndpointId},
    time::{Clock as _, DAY_MS},
};
use engine::{
    SystemClock,
    clock::{sleep_ms, stopwatch},
    service::backfill::{BACKFILL_MAX, Backfill, Run},
};

use super::{
    Measuring,
    bed::{Bed, Tenant},
    post::Events,
    receiver::{Receiver, Temper},
    report::{Figure, Target, value},
};

/// Endpoints that the deliveries wait for; all of them hang.
const ENDPOINTS: usize = 20;
/// Resident memory at most, in MiB.
const TARGET_MIB: f64 = 300.0;
/// From start to ready at most, in seconds.
const TARGET_START_S: f64 = 3.0;
/// Processor time of an idle server at most, in percent of one core.
const TARGET_IDLE_PERCENT: f64 = 1.0;
/// How long a server that has just worked is left alone before it counts as idle.
const CALM_MS: u64 = 2_000;

pub async fn idle(bench: &Measuring<'_>) -> anyhow::Result<Vec<Figure>> {
    let bed = bench.bed().await?;
    let tenant = bed.tenant().await?;
    let receiver = Receiver::start(Temper::Healthy, None).await?;
    bed.endpoint(&tenant, &receiver.url(), &EventKind::ALL).await?;
    bench.step("idle");
    sleep_ms(CALM_MS).await;
    let (before_s, began) = (bed.server.processor_s()?, stopwatch());
    sleep_ms(bench.sizes.idle_s * 1_000).await;
    let percent = 100.0 * (bed.server.processor_s()? - before_s) / began.elapsed().as_secs_f64();
    let resident = Figure::new("idle: resident memory", bed.server.resident_mib()?, "MiB");
    Ok(vec![Figure::new("idle: one core", percent, "%").target(Target::AtMost(TARGET_IDLE_PERCENT)), resident])
}

pub async fn measure(bench: &Measuring<'_>) -> anyhow::Result<Vec<Figure>> {
    let mut bed = bench.bed().await?;
    let tenant = bed.tenant().await?;
    let mut receivers = Vec::new();
    let mut endpoints = Vec::new();
    for _ in 0..ENDPOINTS {
        let receiver = Receiver::start(Temper::Hanging, None).await?;
        endpoints.push(bed.endpoint(&tenant, &receiver.url(), &[EventKind::CallProcessed]).await?);
        receivers.push(receiver);
    }
    bed.server.kill();
    fill(bench, &bed, &tenant.id, &endpoints, bench.sizes.waiting, Backfill::Waiting).await?;
    bench.step("start with waiting deliveries");
    bed.restart().await?;
    let first_s = first_event(&bed, &tenant).await?;
    bench.step("memory with waiting deliveries");
    let mut peak_mib = 0.0_f64;
    let (before_s, began) = (bed.server.processor_s()?, stopwatch());
    while began.elapsed().as_secs() < bench.sizes.watched_s {
        peak_mib = peak_mib.max(bed.server.resident_mib()?);
        sleep_ms(100).await;
    }
    let busy = 100.0 * (bed.server.processor_s()? - before_s) / began.elapsed().as_secs_f64();
    let ready_s = bed.server.ready_after.as_secs_f64();
    Ok(vec![
        Figure::new("waiting deliveries", value(bench.sizes.waiting), ""),
        Figure::new("with them: resident memory, peak", peak_mib, "MiB").target(Target::AtMost(TARGET_MIB)),
        Figure::new("with them: from start to ready", ready_s, "s").target(Target::AtMost(TARGET_START_S)),
        Figure::new("with them: from start to first accepted", ready_s + first_s, "s"),
        Figure::new("with them: one core", busy, "%"),
    ])
}

/// Seconds until one event is accepted.
async fn first_event(bed: &Bed, tenant: &Tenant) -> anyhow::Result<f64> {
    let (address, bearer) = (bed.server.address, Arc::clone(&tenant.bearer));
    let kind = EventKind::IncomingCall;
    let events = Events { address, bearer, accounts: Arc::new([]), prefix: "first".into(), kind };
    let began = stopwatch();
    let accepted = events.flood(1, 1, &Arc::default()).await;
    anyhow::ensure!(accepted.len() == 1, "the first event was refused");
    Ok(began.elapsed().as_secs_f64())
}

/// Makes up deliveries over the last month, oldest first.
pub async fn fill(
    bench: &Measuring<'_>,
    bed: &Bed,
    account: &AccountId,
    endpoints: &[EndpointId],
    rows: u64,
    to: Backfill,
) -> anyhow::Result<()> {
    let engine = bed.engine().await?;
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
    bench.step("gathering phone numbers");
    engine.gather_numbers().await?;
    engine.stop().await;
    Ok(())
}
