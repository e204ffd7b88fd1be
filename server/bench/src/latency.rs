//! Latency of an event, and what misbehaving endpoints add to it.

use std::sync::{Arc, atomic::AtomicU64};

use domain::event::EventKind;

use crate::{
    Bench, PATIENCE,
    arrivals::Arrivals,
    fixture::{Fixture, Tenant},
    host_noise,
    load::Events,
    receiver::{Behaviour, Receiver},
    report::{Measurement, Target, percentile, value},
    throughput::CONNECTIONS,
};

/// Events per second whose latency is measured.
const LATENCY_PER_S: u64 = 500;
/// Events per second to a healthy endpoint while others misbehave.
const ISOLATION_PER_S: u64 = 200;
/// Targets for p50 and p99 from posted to received, in milliseconds.
const TARGET_MS: (f64, f64) = (3.0, 15.0);
/// Target for the ratio of p99 beside a hanging endpoint.
const TARGET_RATIO: f64 = 1.5;

/// Percentiles of the latency, in milliseconds.
struct Times {
    p50_ms: f64,
    p99_ms: f64,
}

pub(crate) async fn latency(bench: &Bench<'_>) -> anyhow::Result<Vec<Measurement>> {
    let fixture = bench.fixture().await?;
    let tenant = fixture.tenant().await?;
    bench.step("from posted to received, 500 events/s");
    let times = times(bench, &fixture, &tenant, LATENCY_PER_S, "latency").await?;
    let mut measurements = vec![
        Measurement::new("posted to received at 500/s, p50", times.p50_ms, "ms").target(Target::AtMost(TARGET_MS.0)),
        Measurement::new("posted to received at 500/s, p99", times.p99_ms, "ms").target(Target::AtMost(TARGET_MS.1)),
    ];
    measurements.extend(host_noise::measure(bench).await);
    Ok(measurements)
}

/// Posts at this rate to a healthy endpoint. Latency counts from the time of posting, so it includes acceptance.
async fn times(
    bench: &Bench<'_>,
    fixture: &Fixture,
    tenant: &Tenant,
    per_s: u64,
    prefix: &str,
) -> anyhow::Result<Times> {
    let count = per_s * bench.sizes.rate_s;
    // The first second opens connections and does not count.
    let warm_up = if bench.options.quick { 0 } else { per_s };
    let arrivals = Arrivals::new(count + warm_up);
    let receiver = Receiver::start(Behaviour::Healthy, Some(Arc::clone(&arrivals))).await?;
    let endpoint = fixture.endpoint(tenant, &receiver.url(), &[EventKind::OutgoingCall]).await?;
    let events = events(fixture, tenant, EventKind::OutgoingCall, prefix);
    let posted = events.at_rate(&bench.http, count + warm_up, per_s, &arrivals).await?;
    let arrived = arrivals.wait_for(count + warm_up, PATIENCE).await;
    anyhow::ensure!(arrived, "only {} of {} events arrived", arrivals.distinct(), count + warm_up);
    fixture.delete(tenant, &endpoint).await?;
    let timed = posted.iter().zip(0..).skip(usize::try_from(warm_up)?);
    let mut waits: Vec<u64> =
        timed.filter_map(|(posted, n)| Some(arrivals.arrived_us(n)?.saturating_sub(*posted))).collect();
    let ms = |us: u64| value(us) / 1e3;
    Ok(Times { p50_ms: ms(percentile(&mut waits, 0.5)), p99_ms: ms(percentile(&mut waits, 0.99)) })
}

fn events(fixture: &Fixture, tenant: &Tenant, kind: EventKind, prefix: &str) -> Events {
    let (address, bearer) = (fixture.server.address, Arc::clone(&tenant.bearer));
    Events { address, bearer, accounts: Arc::new([]), prefix: prefix.into(), kind, posted: None }
}

pub(crate) async fn isolation(bench: &Bench<'_>) -> anyhow::Result<Vec<Measurement>> {
    let fixture = bench.fixture().await?;
    let tenant = fixture.tenant().await?;
    bench.step("healthy endpoint at 200/s alone");
    let alone = times(bench, &fixture, &tenant, ISOLATION_PER_S, "alone").await?;
    let _hanging = trouble(bench, &fixture, &tenant, &[Behaviour::Hanging], "hanging").await?;
    bench.step("beside a hanging endpoint");
    let beside = times(bench, &fixture, &tenant, ISOLATION_PER_S, "beside").await?;
    let behaviours = [Behaviour::Slow, Behaviour::Dripping, Behaviour::Huge];
    let _others = trouble(bench, &fixture, &tenant, &behaviours, "trouble").await?;
    bench.step("beside hanging, slow, dripping and huge endpoints");
    let among = times(bench, &fixture, &tenant, ISOLATION_PER_S, "among").await?;
    let ratio = |times: &Times| times.p99_ms / alone.p99_ms.max(0.001);
    Ok(vec![
        Measurement::new("healthy at 200/s alone, p50", alone.p50_ms, "ms"),
        Measurement::new("healthy at 200/s alone, p99", alone.p99_ms, "ms"),
        Measurement::new("beside a hanging endpoint, p50", beside.p50_ms, "ms"),
        Measurement::new("beside a hanging endpoint, p99", beside.p99_ms, "ms"),
        Measurement::new("beside a hanging endpoint, p99 ratio", ratio(&beside), "×")
            .target(Target::AtMost(TARGET_RATIO)),
        Measurement::new("beside hanging, slow, dripping and huge endpoints, p99", among.p99_ms, "ms"),
        Measurement::new("beside hanging, slow, dripping and huge endpoints, p99 ratio", ratio(&among), "×"),
    ])
}

/// Endpoints with these behaviours, with events waiting for each.
async fn trouble(
    bench: &Bench<'_>,
    fixture: &Fixture,
    tenant: &Tenant,
    behaviours: &[Behaviour],
    prefix: &str,
) -> anyhow::Result<Vec<Receiver>> {
    bench.step("misbehaving endpoints");
    let mut receivers = Vec::new();
    for behaviour in behaviours {
        let receiver = Receiver::start(*behaviour, None).await?;
        fixture.endpoint(tenant, &receiver.url(), &[EventKind::CallProcessed]).await?;
        receivers.push(receiver);
    }
    let (events, count) = (events(fixture, tenant, EventKind::CallProcessed, prefix), bench.sizes.hanging_events);
    let accepted = events.flood(count, CONNECTIONS, &Arc::new(AtomicU64::new(0))).await;
    anyhow::ensure!(accepted.len() as u64 == count, "only {} of {count} events were accepted", accepted.len());
    Ok(receivers)
}
