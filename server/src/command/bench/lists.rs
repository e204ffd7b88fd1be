//! How long the list of deliveries takes under each filter.

use axum::http::StatusCode;
use domain::{
    event::EventKind,
    time::{Clock as _, DAY_MS, iso_utc},
};
use engine::{SystemClock, clock::stopwatch, service::backfill::Backfill};
use serde_json::Value;

use super::{
    Measuring,
    bed::{Bed, Tenant},
    post::get,
    receiver::{Receiver, Temper},
    report::{Figure, Target, percentile, value},
    waiting::fill,
};

/// Requests of each filter.
const REQUESTS: usize = 40;
/// Time of each filter after which no more requests are made.
const FILTER_MAX_S: u64 = 10;
/// The list at most, in milliseconds.
const TARGET_MS: f64 = 50.0;
/// Endpoints of the account, the last one without deliveries.
const ENDPOINTS: usize = 20;

pub async fn measure(bench: &Measuring<'_>) -> anyhow::Result<Vec<Figure>> {
    let bed = bench.bed().await?;
    let tenant = bed.tenant().await?;
    let receiver = Receiver::start(Temper::Healthy, None).await?;
    let mut endpoints = Vec::new();
    for _ in 0..=ENDPOINTS {
        endpoints.push(bed.endpoint(&tenant, &receiver.url(), &EventKind::ALL).await?);
    }
    let rows = bench.sizes.list_rows;
    fill(bench, &bed, &tenant.id, &endpoints[..ENDPOINTS], rows, Backfill::Ended).await?;
    let filters = filters(&bed, &tenant, endpoints[0].as_str(), endpoints[ENDPOINTS].as_str()).await?;
    let mut figures = vec![Figure::new("list: deliveries", value(rows), "")];
    let mut worst = 0.0_f64;
    for (name, query) in filters {
        bench.step(&format!("list: {name}"));
        let p95_ms = time(&bed, &tenant, &query).await?;
        worst = worst.max(p95_ms);
        figures.push(Figure::new(format!("list: {name}, p95"), p95_ms, "ms"));
    }
    figures.push(Figure::new("list: slowest filter, p95", worst, "ms").target(Target::AtMost(TARGET_MS)));
    Ok(figures)
}

/// Filters by name: broad ones, rare ones, and those that match nothing.
async fn filters(bed: &Bed, tenant: &Tenant, busy: &str, empty: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
    let (_, said) = get(&bed.http, bed.server.address, "/api/v1/deliveries?limit=250", &tenant.bearer).await?;
    let page: Value = serde_json::from_slice(&said)?;
    let call = page["data"][7]["call_id"].as_str().unwrap_or("2f533604-aaaf-11e7-b600-7ac8e42434d2");
    let day = |days: i64| iso_utc(SystemClock.now().plus_ms(-days * DAY_MS));
    Ok(vec![
        ("all", String::new()),
        ("a full page of 250", "limit=250".to_owned()),
        ("delivered", "status=delivered".to_owned()),
        ("failed", "status=failed".to_owned()),
        ("failed or expired", "status=failed,expired".to_owned()),
        ("retrying: none", "status=retrying".to_owned()),
        ("held: none", "status=held".to_owned()),
        ("one kind", "event=IncomingCall".to_owned()),
        ("one endpoint", format!("endpoint={busy}")),
        ("one endpoint, failed", format!("endpoint={busy}&status=failed")),
        ("one endpoint without any", format!("endpoint={empty}")),
        ("one call", format!("call={call}")),
        ("one cause", "cause=response_timeout".to_owned()),
        ("a cause that never was", "cause=tls_expired".to_owned()),
        ("a phone number", "q=07700900123".to_owned()),
        ("a phone number that never called", "q=07700900999000".to_owned()),
        ("tests: none", "test=true".to_owned()),
        ("two days three weeks ago", format!("from={}&to={}", day(22), day(20))),
        ("failed three weeks ago", format!("status=failed&from={}&to={}", day(22), day(20))),
    ])
}

/// Milliseconds of nearly all requests with this filter, one after the other, from outside.
async fn time(bed: &Bed, tenant: &Tenant, query: &str) -> anyhow::Result<f64> {
    let (mut times_us, began) = (Vec::new(), stopwatch());
    while times_us.len() < REQUESTS && began.elapsed().as_secs() < FILTER_MAX_S {
        let asked = stopwatch();
        let path = format!("/api/v1/deliveries?{query}");
        let (status, said) = get(&bed.http, bed.server.address, &path, &tenant.bearer).await?;
        anyhow::ensure!(status == StatusCode::OK, "{path}: {status}: {}", String::from_utf8_lossy(&said));
        times_us.push(u64::try_from(asked.elapsed().as_micros())?);
    }
    Ok(value(percentile(&mut times_us, 0.95)) / 1e3)
}
