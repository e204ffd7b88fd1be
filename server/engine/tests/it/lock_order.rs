//! Changes of a connector that meet each other lock its rows in the same order: none ends as the victim of a deadlock.

use std::time::Duration;

use domain::{
    account::StaffRole,
    actor::Actor,
    connector::{
        ConnectorDoors, ConnectorWithSecret, Connectors, OpenConnector, REQUESTS_KEPT,
        imports::{Reading, RecordImports},
        route::{NewRoute, Pattern},
    },
    endpoint::Endpoints as _,
    error::Result,
    recover::Recovery as _,
};
use engine::clock::sleep_ms;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use crate::{
    connectors::{create, request},
    harness::{On, TestHarness},
    imports::{started, uploaded},
    support::staff,
};

/// How long to wait for something that should happen at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// Locks the rows of `first`, waits until the change needs them, and then locks those of `then`, as another change does. The
/// change must not have them: each would wait for the other.
async fn meets<T>(harness: &TestHarness, (first, then): (&str, &str), change: impl Future<Output = Result<T>>) {
    let mut other = sqlx::PgConnection::connect(harness.database_url()).await.unwrap();
    other.execute(AssertSqlSafe(format!("BEGIN; SELECT 1 FROM {first} FOR UPDATE"))).await.unwrap();
    let waiting = "SELECT CAST(COUNT(*) AS TEXT) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let meeting = async {
        while harness.text(waiting).await == "0" {
            sleep_ms(5).await;
        }
        let locked = other.execute(AssertSqlSafe(format!("SELECT 1 FROM {then} FOR UPDATE NOWAIT"))).await;
        locked.unwrap_or_else(|error| panic!("{first}, then {then}: {error}"));
        other.execute("COMMIT").await.unwrap();
    };
    let both = async { tokio::join!(change, meeting).0 };
    let changed = tokio::time::timeout(PATIENCE, both).await.expect("the change is neither blocked nor has it ended");
    assert!(changed.is_ok(), "{first}, then {then}");
}

async fn opened(harness: &TestHarness, actor: &Actor, (system, way): (&str, &str)) -> OpenConnector {
    let ConnectorWithSecret { connector, secret } = create(harness, actor, system, way).await;
    harness.engine.open_connector(connector.id.as_str(), &secret).await.unwrap()
}

#[tokio::test]
async fn a_connector_is_deleted_while_its_session_saves_its_calls() {
    let harness = TestHarness::new(On::Postgres).await;
    let open = opened(&harness, &harness.admin, ("asterisk", "ari")).await;
    let session = harness.engine.begin_session(&open, harness.now()).await.unwrap().unwrap();
    harness.engine.save_open_calls(&open, session.number, b"calls").await.unwrap();
    let deleted = harness.engine.delete_connector(&harness.admin, &open.connector.id);
    meets(&harness, ("connector_sessions", "connector_calls"), deleted).await;
}

#[tokio::test]
async fn a_request_is_kept_while_its_connector_is_deleted() {
    let harness = TestHarness::new(On::Postgres).await;
    let open = opened(&harness, &harness.admin, ("freeswitch", "http")).await;
    for n in 0..REQUESTS_KEPT as usize {
        harness.engine.keep_request(&open, &request(n, "{}")).await.unwrap();
    }
    let one_more = request(0, "{}");
    meets(&harness, ("connectors", "connector_requests"), harness.engine.keep_request(&open, &one_more)).await;
}

#[tokio::test]
async fn an_import_is_started_and_cancelled_while_its_connector_is_changed() {
    let harness = TestHarness::new(On::Postgres).await;
    let (engine, admin) = (&harness.engine, &harness.admin);
    let con = create(&harness, admin, "other", "files").await.connector.id;
    let (ready, running) = (uploaded(&harness, &con).await, started(&harness, &con).await);
    let reading = Reading::default();
    meets(&harness, ("connectors", "audit_heads"), engine.start_import(admin, &con, &ready, &reading)).await;
    meets(&harness, ("record_imports", "audit_heads"), engine.cancel_import(admin, &con, &running)).await;
}

#[tokio::test]
async fn a_route_is_removed_while_it_is_changed() {
    let harness = TestHarness::new(On::Postgres).await;
    let olga = staff(&harness, "olga", StaffRole::Operator).await;
    let con = create(&harness, &olga, "asterisk", "").await.connector.id;
    let account = harness.admin.account().unwrap().to_string();
    let pattern = Pattern::parse("*").unwrap();
    let route = NewRoute { pattern: pattern.clone(), account };
    harness.engine.set_route(&olga, &con, route).await.unwrap();
    meets(&harness, ("audit_heads", "connector_routes"), harness.engine.remove_route(&olga, &con, &pattern)).await;
}

#[tokio::test]
async fn an_endpoint_with_waiting_events_is_resumed_and_retried_while_another_change_is_recorded() {
    let harness = TestHarness::new(On::Postgres).await;
    let (engine, admin) = (&harness.engine, &harness.admin);
    let id = crate::retry::waiting(&harness, 1).await.id;
    harness.pause(&id).await;
    meets(&harness, ("endpoints", "audit_heads"), engine.resume_endpoint(admin, &id, Some(10))).await;
    let job = &engine.jobs(admin, Some(&id)).await.unwrap()[0];
    engine.cancel_job(admin, &job.id).await.unwrap();
    meets(&harness, ("endpoints", "audit_heads"), engine.retry_endpoint(admin, &id, None)).await;
}
