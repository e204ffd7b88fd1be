//! What is kept of requests: sealed, for an hour, and in no log.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::{
    UnixMs,
    connector::REQUESTS_KEPT_MS,
    time::{Clock, MINUTE_MS},
};
use engine::{SystemClock, background::Worker as _};
use reqwest::StatusCode;

use super::{Door, FORM, JSON};
use crate::{secrets::Log, test_app::TestApp};

/// The machine's clock, which tests put forward.
struct AdvancedClock(AtomicI64);

impl Clock for AdvancedClock {
    fn now(&self) -> UnixMs {
        SystemClock.now().plus_ms(self.0.load(Ordering::SeqCst))
    }
}

/// All bytes of the database.
fn stored(app: &TestApp) -> Vec<u8> {
    let files = std::fs::read_dir(app.folder.path()).unwrap().map(|file| file.unwrap().path());
    files
        .filter(|file| file.to_string_lossy().contains("offhook.db"))
        .flat_map(|file| std::fs::read(file).unwrap())
        .collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn requests_are_stored_sealed_and_for_an_hour() {
    let clock = Arc::new(AdvancedClock(AtomicI64::new(0)));
    let app = TestApp::start_with("", Arc::clone(&clock) as Arc<dyn Clock>).await;
    let tenant = app.account("acme").await;
    let door = Door::of_preset(&tenant, "sipgate").await;
    let secret = door.path.rsplit('/').next().unwrap();
    let body = "event=newCall&from=anonymous&to=441632960100&direction=in&callId=1&hidden=441632960987";
    assert_eq!(door.post(&app, FORM, body).await.status, StatusCode::OK);
    // Neither understood nor readable: kept all the same, to try a mapping on.
    assert_eq!(door.post(&app, JSON, "{441632960986").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let connector = domain::id::ConnectorId::parse(&door.id).unwrap();
    let developer = crate::browser::create_user(&app, &tenant.account, domain::account::Role::Admin).await;
    let actor = app.room.backend.actor(&developer, &tenant.account.id).await.unwrap();
    let kept = app.room.backend.raw_requests(&actor, &connector).await.unwrap();
    assert_eq!((kept.len(), kept[1].body.as_str()), (2, body));
    let bytes = stored(&app);
    assert!(contains(&bytes, "441632960100"), "the event is stored");
    for hidden in ["441632960987", "441632960986", secret] {
        assert!(!contains(&bytes, hidden), "{hidden}");
    }
    clock.0.store(REQUESTS_KEPT_MS + MINUTE_MS, Ordering::SeqCst);
    assert_eq!(app.room.backend.raw_requests(&actor, &connector).await.unwrap(), []);
    app.room.engine.background().connector_watch.tick().await.unwrap();
    app.room.engine.stop().await;
    let file = format!("sqlite://{}", app.folder.path().join("offhook.db").display());
    let pool = sqlx::SqlitePool::connect(&file).await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM connector_requests").fetch_one(&pool).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn the_log_has_neither_the_secret_nor_a_number() {
    let (log, _guard) = Log::here();
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let door = Door::of_preset(&tenant, "sipgate").await;
    let secret = door.path.rsplit('/').next().unwrap();
    for (kind, body, status) in [
        (FORM, super::NEW_CALL, StatusCode::OK),
        (FORM, "event=441632960001&from=441632960001", StatusCode::UNPROCESSABLE_ENTITY),
        (JSON, "{441632960001", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(door.post(&app, kind, body).await.status, status);
    }
    let metrics = app.call(reqwest::Method::GET, "/metrics", "", None).await;
    let text = log.text();
    assert!(text.contains(&format!("/in/{}/…", door.id)), "{text}");
    for output in [&text, &metrics.text] {
        for hidden in [secret, "441632960001", "441632960100"] {
            assert!(!output.contains(hidden), "{hidden}: {output}");
        }
    }
    assert!(metrics.text.contains(r#"route="/in/{connector}/{secret}""#), "{}", metrics.text);
}
