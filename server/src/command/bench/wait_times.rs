//! How long an event takes, and what endpoints of a bad temper add to that.

use std::sync::{Arc, atomic::AtomicU64};

use domain::event::EventKind;

use super::{
    Measuring, PATIENCE,
    bed::{Bed, Tenant},
    book::Book,
    flow::LINES,
    post::Events,
    receiver::{Receiver, Temper},
    report::{Figure, Target, percentile, value},
    unrest,
};

/// Events per second that are timed.
const LATENCY_PER_S: u64 = 500;
/// Events per second to healthy endpoints while another hangs.
const ISOLATION_PER_S: u64 = 200;
/// Half of all, and nearly all, from posted to received, in milliseconds.
const TARGET_MS: (f64, f64) = (3.0, 15.0);
/// How much slower nearly all may become.
const TARGET_RATIO: f64 = 1.5;

/// Half of all, and nearly all, in milliseconds.
struct Times {
    p50_ms: f64,
    p99_ms: f64,
}

pub async fn latency(bench: &Measuring<'_>) -> anyhow::Result<Vec<Figure>> {
    let bed = bench.bed().await?;
    let tenant = bed.tenant().await?;
    bench.step("from posted to received, 500 events/s");
    let times = times(bench, &bed, &tenant, LATENCY_PER_S, "latency").await?;
    let mut figures = vec![
        Figure::new("posted to received at 500/s, p50", times.p50_ms, "ms").target(Target::AtMost(TARGET_MS.0)),
        Figure::new("posted to received at 500/s, p99", times.p99_ms, "ms").target(Target::AtMost(TARGET_MS.1)),
    ];
    figures.extend(unrest::measure(bench).await);
    Ok(figures)
}

/// Posts at this rate to a healthy endpoint: from the moment of posting, so acceptance counts.
async fn times(bench: &Measuring<'_>, bed: &Bed, tenant: &Tenant, per_s: u64, prefix: &str) -> anyhow::Result<Times> {
    let count = per_s * bench.sizes.rate_s;
    // The first second opens connections and is not counted.
    let warm_up = if bench.wanted.quick { 0 } else { per_s };
    let book = Book::new(count + warm_up);
    let receiver = Receiver::start(Temper::Healthy, Some(Arc::clone(&book))).await?;
    let endpoint = bed.endpoint(tenant, &receiver.url(), &[EventKind::OutgoingCall]).await?;
    let events = events(bed, tenant, EventKind::OutgoingCall, prefix);
    let posted = events.at_rate(&bench.http, count + warm_up, per_s, &book).await?;
    let arrived = book.wait_for(count + warm_up, PATIENCE).await;
    anyhow::ensure!(arrived, "only {} of {} events arrived", book.distinct(), count + warm_up);
    bed.delete(tenant, &endpoint).await?;
    let timed = posted.iter().zip(0..).skip(usize::try_from(warm_up)?);
    let mut waits: Vec<u64> =
        timed.filter_map(|(posted, n)| Some(book.arrived_us(n)?.saturating_sub(*posted))).collect();
    let ms = |us: u64| value(us) / 1e3;
    Ok(Times { p50_ms: ms(percentile(&mut waits, 0.5)), p99_ms: ms(percentile(&mut waits, 0.99)) })
}

fn events(bed: &Bed, tenant: &Tenant, kind: EventKind, prefix: &str) -> Events {
    let (address, bearer) = (bed.server.address, Arc::clone(&tenant.bearer));
    Events { address, bearer, accounts: Arc::new([]), prefix: prefix.into(), kind }
}

pub async fn isolation(bench: &Measuring<'_>) -> anyhow::Result<Vec<Figure>> {
    let bed = bench.bed().await?;
    let tenant = bed.tenant().await?;
    bench.step("healthy endpoint at 200/s alone");
    let alone = times(bench, &bed, &tenant, ISOLATION_PER_S, "alone").await?;
    let _hanging = trouble(bench, &bed, &tenant, &[Temper::Hanging], "hanging").await?;
    bench.step("beside an endpoint that hangs");
    let beside = times(bench, &bed, &tenant, ISOLATION_PER_S, "beside").await?;
    let tempers = [Temper::Slow, Temper::Dripping, Temper::Huge];
    let _others = trouble(bench, &bed, &tenant, &tempers, "trouble").await?;
    bench.step("beside hanging, slow, dripping and huge endpoints");
    let among = times(bench, &bed, &tenant, ISOLATION_PER_S, "among").await?;
    let ratio = |times: &Times| times.p99_ms / alone.p99_ms.max(0.001);
    Ok(vec![
        Figure::new("healthy at 200/s alone, p50", alone.p50_ms, "ms"),
        Figure::new("healthy at 200/s alone, p99", alone.p99_ms, "ms"),
        Figure::new("beside one that hangs, p50", beside.p50_ms, "ms"),
        Figure::new("beside one that hangs, p99", beside.p99_ms, "ms"),
        Figure::new("beside one that hangs, p99 ratio", ratio(&beside), "×").target(Target::AtMost(TARGET_RATIO)),
        Figure::new("and slow, dripping, huge ones, p99", among.p99_ms, "ms"),
        Figure::new("and slow, dripping, huge ones, p99 ratio", ratio(&among), "×"),
    ])
}

/// Endpoints of these tempers, with events waiting for each.
async fn trouble(
    bench: &Measuring<'_>,
    bed: &Bed,
    tenant: &Tenant,
    tempers: &[Temper],
    prefix: &str,
) -> anyhow::Result<Vec<Receiver>> {
    bench.step("endpoints of a bad temper");
    let mut receivers = Vec::new();
    for temper in tempers {
        let receiver = Receiver::start(*temper, None).await?;
        bed.endpoint(tenant, &receiver.url(), &[EventKind::CallProcessed]).await?;
        receivers.push(receiver);
    }
    let (events, count) = (events(bed, tenant, EventKind::CallProcessed, prefix), bench.sizes.hanging_events);
    let accepted = events.flood(count, LINES, &Arc::new(AtomicU64::new(0))).await;
    anyhow::ensure!(accepted.len() as u64 == count, "only {} of {count} events were accepted", accepted.len());
    Ok(receivers)
}
