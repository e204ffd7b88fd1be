//! How many events per second are accepted and delivered, beside what client and receiver alone would reach.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use domain::event::EventKind;
use engine::{clock::stopwatch, outbound::Bare};
use futures::future::join_all;

use super::{
    Measuring, PATIENCE,
    book::Book,
    post::Events,
    receiver::{Receiver, Temper},
    report::{Figure, Target, value},
};

/// Connections that post at once.
pub const LINES: usize = 256;
/// Accounts, each with one endpoint at a receiver of its own: hosts are as many as customers.
pub const ACCOUNTS: usize = 8;
/// What is accepted and delivered in a second, at least: on SQLite, and on Postgres.
const TARGET_PER_S: (f64, f64) = (10_000.0, 5_000.0);
/// The same as a part of the raw limit, in percent.
const TARGET_PERCENT: f64 = 25.0;

pub async fn measure(bench: &Measuring<'_>) -> anyhow::Result<Vec<Figure>> {
    let count = bench.sizes.flow_events;
    let book = Book::new(count);
    let mut receivers = Vec::new();
    for _ in 0..ACCOUNTS {
        receivers.push(Receiver::start(Temper::Healthy, Some(Arc::clone(&book))).await?);
    }
    let bed = bench.bed().await?;
    let events = platform(bench, &bed, &receivers, "flow").await?;
    bench.step("raw limit");
    let raw = raw(bench, &events, &receivers).await?;
    bench.step("accepted and delivered");
    let accepted = Arc::new(AtomicU64::new(0));
    let (from, began, processor_s) = (book.now_us(), stopwatch(), bed.server.processor_s()?);
    let numbers = events.flood(count, LINES, &accepted).await;
    let accepted_s = began.elapsed().as_secs_f64();
    anyhow::ensure!(numbers.len() as u64 == count, "only {} of {count} events were accepted", numbers.len());
    anyhow::ensure!(book.wait_for(count, PATIENCE).await, "only {} of {count} events arrived", book.distinct());
    let delivered_s = value(book.last_us() - from) / 1e6;
    let (through, target) =
        (value(count) / delivered_s, if bench.is_postgres() { TARGET_PER_S.1 } else { TARGET_PER_S.0 });
    let processor_us = (bed.server.processor_s()? - processor_s) * 1e6 / value(count);
    Ok(vec![
        Figure::new("raw limit", raw, "per s"),
        Figure::new("accepted", value(count) / accepted_s, "per s"),
        Figure::new("accepted and delivered", through, "per s").target(Target::AtLeast(target)),
        Figure::new("the same, part of the raw limit", 100.0 * through / raw, "%")
            .target(Target::AtLeast(TARGET_PERCENT)),
        Figure::new("processor time of an event", processor_us, "µs"),
    ])
}

/// Accounts with an endpoint at each of these receivers, and a platform that posts for all of them.
pub async fn platform(
    bench: &Measuring<'_>,
    bed: &super::bed::Bed,
    receivers: &[Receiver],
    prefix: &str,
) -> anyhow::Result<Events> {
    bench.step("accounts and endpoints");
    let mut accounts = Vec::new();
    for receiver in receivers {
        let tenant = bed.tenant().await?;
        bed.endpoint(&tenant, &receiver.url(), &[EventKind::CallProcessed]).await?;
        accounts.push(tenant.id.to_string());
    }
    let (address, bearer) = (bed.server.address, bed.platform().await?);
    Ok(Events { address, bearer, accounts: accounts.into(), prefix: prefix.into(), kind: EventKind::CallProcessed })
}

/// Posts the same bodies straight to the receivers, by the sender's HTTP library alone.
async fn raw(bench: &Measuring<'_>, events: &Events, receivers: &[Receiver]) -> anyhow::Result<f64> {
    let (bare, next, began) = (Bare::new()?, Arc::new(AtomicU64::new(0)), stopwatch());
    let lines = (0..LINES).map(|line| {
        let (bare, events, next) = (bare.clone(), events.clone(), Arc::clone(&next));
        let (count, url) = (bench.sizes.flow_events, receivers[line % receivers.len()].url());
        tokio::spawn(async move {
            loop {
                let n = next.fetch_add(1, Relaxed);
                if n >= count {
                    return anyhow::Ok(());
                }
                anyhow::ensure!(bare.post(&url, events.body(n).into()).await, "a receiver did not answer");
            }
        })
    });
    for line in join_all(lines.collect::<Vec<_>>()).await {
        line??;
    }
    Ok(value(bench.sizes.flow_events) / began.elapsed().as_secs_f64())
}
