//! Events accepted and delivered per second, beside what client and receiver reach without a server.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use domain::event::EventKind;
use futures::future::join_all;
use hyper::body::Bytes;
use reqwest::Client;

use crate::{
    Bench, PATIENCE,
    arrivals::Arrivals,
    clock::stopwatch,
    load::Events,
    receiver::{Behaviour, Receiver},
    report::{Measurement, Target, percentile, value},
};

/// Parallel connections that post.
pub(crate) const CONNECTIONS: usize = 256;
/// Accounts, each with one endpoint at its own receiver.
pub(crate) const ACCOUNTS: usize = 8;
/// Targets for events accepted and delivered per second, on SQLite and on PostgreSQL.
const TARGET_PER_S: (f64, f64) = (10_000.0, 5_000.0);
/// Target for p99 from posted to received while one endpoint gets everything, in milliseconds.
const TARGET_ONE_ENDPOINT_MS: f64 = 300.0;
/// Target in percent of the raw limit.
const TARGET_PERCENT: f64 = 25.0;

pub(crate) async fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Measurement>> {
    let count = bench.sizes.throughput_events;
    let arrivals = Arrivals::new(count);
    let mut receivers = Vec::new();
    for _ in 0..ACCOUNTS {
        receivers.push(Receiver::start(Behaviour::Healthy, Some(Arc::clone(&arrivals))).await?);
    }
    let fixture = bench.fixture().await?;
    let events = platform(bench, &fixture, &receivers, "flow").await?;
    bench.step("raw limit");
    let raw = raw(bench, &events, &receivers).await?;
    bench.step("accepted and delivered");
    let accepted = Arc::new(AtomicU64::new(0));
    let (from, began, processor_s) = (arrivals.now_us(), stopwatch(), fixture.server.processor_s()?);
    let numbers = events.flood(count, CONNECTIONS, &accepted).await;
    let accepted_s = began.elapsed().as_secs_f64();
    anyhow::ensure!(numbers.len() as u64 == count, "only {} of {count} events were accepted", numbers.len());
    anyhow::ensure!(arrivals.wait_for(count, PATIENCE).await, "only {} of {count} events arrived", arrivals.distinct());
    let delivered_s = value(arrivals.last_us() - from) / 1e6;
    let (through, target) =
        (value(count) / delivered_s, if bench.is_postgres() { TARGET_PER_S.1 } else { TARGET_PER_S.0 });
    let processor_us = (fixture.server.processor_s()? - processor_s) * 1e6 / value(count);
    Ok(vec![
        Measurement::new("raw limit", raw, "per s"),
        Measurement::new("accepted", value(count) / accepted_s, "per s"),
        Measurement::new("accepted and delivered", through, "per s").target(Target::AtLeast(target)),
        Measurement::new("accepted and delivered, part of the raw limit", 100.0 * through / raw, "%")
            .target(Target::AtLeast(TARGET_PERCENT)),
        Measurement::new("processor time per event", processor_us, "µs"),
    ])
}

/// How long events take to the only endpoint, posted over as many connections as the server takes.
pub(crate) async fn one_endpoint(bench: &Bench<'_>) -> anyhow::Result<Vec<Measurement>> {
    let count = bench.sizes.throughput_events;
    let (arrivals, posted) = (Arrivals::new(count), Arrivals::new(count));
    let receivers = [Receiver::start(Behaviour::Healthy, Some(Arc::clone(&arrivals))).await?];
    let fixture = bench.fixture().await?;
    let events = platform(bench, &fixture, &receivers, "busy").await?;
    let events = Events { posted: Some(Arc::clone(&posted)), ..events };
    bench.step("one endpoint");
    // Both clocks count from their own start.
    let apart_us = arrivals.now_us().saturating_sub(posted.now_us());
    let numbers = events.flood(count, CONNECTIONS, &Arc::default()).await;
    anyhow::ensure!(numbers.len() as u64 == count, "only {} of {count} events were accepted", numbers.len());
    anyhow::ensure!(arrivals.wait_for(count, PATIENCE).await, "only {} of {count} events arrived", arrivals.distinct());
    let wait_us = |n| Some((arrivals.arrived_us(n)?).saturating_sub(posted.arrived_us(n)? + apart_us));
    let mut waits: Vec<u64> = (0..count).filter_map(wait_us).collect();
    let [p50_ms, p99_ms] = [0.5, 0.99].map(|part| value(percentile(&mut waits, part)) / 1e3);
    Ok(vec![
        Measurement::new("one endpoint at full load, posted to received, p50", p50_ms, "ms"),
        Measurement::new("one endpoint at full load, posted to received, p99", p99_ms, "ms")
            .target(Target::AtMost(TARGET_ONE_ENDPOINT_MS)),
    ])
}

/// Accounts with an endpoint at each of these receivers, and a platform token to post for all of them.
pub(crate) async fn platform(
    bench: &Bench<'_>,
    fixture: &crate::fixture::Fixture,
    receivers: &[Receiver],
    prefix: &str,
) -> anyhow::Result<Events> {
    bench.step("accounts and endpoints");
    let mut accounts = Vec::new();
    for receiver in receivers {
        let tenant = fixture.tenant().await?;
        fixture.endpoint(&tenant, &receiver.url(), &[EventKind::CallProcessed]).await?;
        accounts.push(tenant.id.to_string());
    }
    let (address, bearer) = (fixture.server.address, fixture.platform().await?);
    Ok(Events {
        address,
        bearer,
        accounts: accounts.into(),
        prefix: prefix.into(),
        kind: EventKind::CallProcessed,
        posted: None,
    })
}

/// Posts the same bodies directly to the receivers, with the HTTP library that the sender uses.
async fn raw(bench: &Bench<'_>, events: &Events, receivers: &[Receiver]) -> anyhow::Result<f64> {
    let (client, next, began) = (client()?, Arc::new(AtomicU64::new(0)), stopwatch());
    let lines = (0..CONNECTIONS).map(|line| {
        let (client, events, next) = (client.clone(), events.clone(), Arc::clone(&next));
        let (count, url) = (bench.sizes.throughput_events, receivers[line % receivers.len()].url());
        tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Relaxed);
                if n >= count {
                    return anyhow::Ok(());
                }
                anyhow::ensure!(post(&client, &url, events.body(n)).await, "a receiver did not respond");
            }
        })
    });
    for line in join_all(lines.collect::<Vec<_>>()).await {
        line??;
    }
    Ok(value(bench.sizes.throughput_events) / began.elapsed().as_secs_f64())
}

fn client() -> anyhow::Result<Client> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[expect(clippy::disallowed_methods, reason = "the library without the egress guard is what this compares with")]
    Ok(Client::builder().no_proxy().tcp_nodelay(true).build()?)
}

/// Posts and reads the whole response; whether it was a 2xx.
async fn post(client: &Client, url: &str, body: Bytes) -> bool {
    let Ok(response) = client.post(url).body(body).send().await else { return false };
    response.status().is_success() && response.bytes().await.is_ok()
}
