//! Response time of the delivery list with each filter.

use domain::{
    event::EventKind,
    time::{Clock as _, DAY_MS, iso_utc},
};
use engine::{SystemClock, service::backfill::Backfill};
use http::StatusCode;
use serde_json::Value;

use crate::{
    Bench,
    backlog::fill,
    clock::stopwatch,
    fixture::{Fixture, Tenant},
    load::get,
    receiver::{Behaviour, Receiver},
    report::{Measurement, Target, percentile, value},
};

/// Requests per filter.
const REQUESTS: usize = 40;
/// Time limit per filter, in seconds.
const FILTER_MAX_S: u64 = 10;
/// Target for the 95th percentile, in milliseconds.
const TARGET_MS: f64 = 50.0;
/// Endpoints of the account, the last one without deliveries.
const ENDPOINTS: usize = 20;

pub(crate) async fn measure(bench: &Bench<'_>) -> anyhow::Result<Vec<Measurement>> {
    let fixture = bench.fixture().await?;
    let tenant = fixture.tenant().await?;
    let receiver = Receiver::start(Behaviour::Healthy, None).await?;
    let mut endpoints = Vec::new();
    for _ in 0..=ENDPOINTS {
        endpoints.push(fixture.endpoint(&tenant, &receiver.url(), &EventKind::ALL).await?);
    }
    let rows = bench.sizes.list_rows;
    fill(bench, &fixture, &tenant.id, &endpoints[..ENDPOINTS], rows, Backfill::Ended).await?;
    let filters = filters(&fixture, &tenant, endpoints[0].as_str(), endpoints[ENDPOINTS].as_str()).await?;
    let mut measurements = vec![Measurement::new("list: deliveries", value(rows), "")];
    let mut worst = 0.0_f64;
    for (name, query) in filters {
        bench.step(&format!("list: {name}"));
        let p95_ms = time(&fixture, &tenant, &query).await?;
        worst = worst.max(p95_ms);
        measurements.push(Measurement::new(format!("list: {name}, p95"), p95_ms, "ms"));
    }
    measurements.push(Measurement::new("list: slowest filter, p95", worst, "ms").target(Target::AtMost(TARGET_MS)));
    Ok(measurements)
}

/// Named filters: broad, selective, and without matches.
async fn filters(
    fixture: &Fixture,
    tenant: &Tenant,
    busy: &str,
    empty: &str,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let (_, body) = get(&fixture.http, fixture.server.address, "/api/v1/deliveries?limit=250", &tenant.bearer).await?;
    let page: Value = serde_json::from_slice(&body)?;
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
        ("one endpoint, no deliveries", format!("endpoint={empty}")),
        ("one call", format!("call={call}")),
        ("one cause", "cause=response_timeout".to_owned()),
        ("an unused cause", "cause=tls_expired".to_owned()),
        ("a phone number", "q=07700900123".to_owned()),
        ("an unknown phone number", "q=07700900999000".to_owned()),
        ("tests: none", "test=true".to_owned()),
        ("two days three weeks ago", format!("from={}&to={}", day(22), day(20))),
        ("failed three weeks ago", format!("status=failed&from={}&to={}", day(22), day(20))),
    ])
}

/// The 95th percentile in milliseconds of sequential requests with this filter.
async fn time(fixture: &Fixture, tenant: &Tenant, query: &str) -> anyhow::Result<f64> {
    let (mut times_us, began) = (Vec::new(), stopwatch());
    while times_us.len() < REQUESTS && began.elapsed().as_secs() < FILTER_MAX_S {
        let asked = stopwatch();
        let path = format!("/api/v1/deliveries?{query}");
        let (status, body) = get(&fixture.http, fixture.server.address, &path, &tenant.bearer).await?;
        anyhow::ensure!(status == StatusCode::OK, "{path}: {status}: {}", String::from_utf8_lossy(&body));
        times_us.push(u64::try_from(asked.elapsed().as_micros())?);
    }
    Ok(value(percentile(&mut times_us, 0.95)) / 1e3)
}
