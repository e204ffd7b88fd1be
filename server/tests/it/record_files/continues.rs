//! An import continues: after a restart, and while its account is over its limits.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::{
    UnixMs,
    account::{Limit, Limits, Role},
    actor::Actor,
    connector::imports::ImportState,
    time::{Clock, SECOND_MS},
};
use engine::SystemClock;
use serde_json::{Value, json};

use super::{COLUMNS, Desk, calls, ended, events, state};
use crate::{browser::Browser, test_app::TestApp};

/// Sets how many events an account may post in a second.
async fn limit(app: &TestApp, acct: &str, per_s: u32) {
    let id = domain::id::AccountId::parse(acct).unwrap();
    let limits = Limits::default().with(Limit::EventsPerS, Some(per_s));
    app.room.backend.limit_account(&Actor::COMMAND_LINE, &id, limits).await.unwrap();
}

/// An event that a program of the account posts.
fn own(number: usize) -> Value {
    let call_id = format!("{number:08x}-aaaf-11e7-b600-7ac8e42434d2");
    json!({ "payload": { "event": "IncomingCall", "call_id": call_id, "callee_number": "1", "caller_number": "2" } })
}

/// A clock that only moves when a test says so: until then, a limit that is used up stays used up.
pub(crate) struct StillClock(AtomicI64);

impl StillClock {
    pub(crate) fn now_on() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(SystemClock.now().0)))
    }

    pub(crate) fn step_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for StillClock {
    fn now(&self) -> UnixMs {
        UnixMs(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn an_account_over_its_limit_gets_all_calls_later() {
    let clock = StillClock::now_on();
    let app = TestApp::start_with("", Arc::clone(&clock) as Arc<dyn Clock>).await;
    let tenant = app.account("acme").await;
    let mut desk = Desk::of(&app, &tenant).await;
    limit(&app, &desk.acct.clone(), 10).await;
    let page = desk.upload("calls.csv", &calls(6)).await;
    let batch = json!({ "events": (0..40).map(own).collect::<Vec<_>>() });
    tenant.post("/api/v1/events/batch", &batch).await;
    desk.post("start", &page, &[&COLUMNS[..], &[("then", "import")]].concat()).await;
    let waits = app.until(async || state(&app, &page).await.and_then(|import| import.problem)).await;
    assert!(waits.contains("as many events as it may in a second"), "{waits}");
    let shown = desk.browser.get(&page).await.text;
    assert!(shown.contains("Waiting: ") && shown.contains("The import continues as soon as it can."), "{shown}");
    let import = app
        .until(async || {
            clock.step_ms(SECOND_MS);
            state(&app, &page).await.filter(|import| import.state.is_final())
        })
        .await;
    assert_eq!((import.state, import.progress.imported, import.progress.rejected), (ImportState::Done, 6, 0));
    let all = events(&tenant).await;
    assert_eq!(all.iter().filter(|event| event["event"] == "CallProcessed").count(), 6);
}

#[tokio::test]
async fn calls_that_are_known_use_nothing_of_what_the_account_may_post() {
    let clock = StillClock::now_on();
    let app = TestApp::start_with("", Arc::clone(&clock) as Arc<dyn Clock>).await;
    let tenant = app.account("acme").await;
    let mut desk = Desk::of(&app, &tenant).await;
    limit(&app, &desk.acct.clone(), 20).await;
    for (imported, known) in [(6, 0), (0, 6), (0, 6)] {
        let page = desk.upload("calls.csv", &calls(6)).await;
        let progress = desk.import(&page).await.progress;
        assert_eq!((progress.imported, progress.known), (imported, known));
    }
    let mut accepted = 0;
    while tenant.post("/api/v1/events", &own(accepted)).await.status.is_success() {
        accepted += 1;
    }
    assert_eq!(accepted, 20 - 6, "what is left once six calls are imported");
}

#[tokio::test]
async fn an_import_continues_after_a_restart_and_loses_nothing() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut desk = Desk::of(&app, &tenant).await;
    let acct = desk.acct.clone();
    // Slow enough to be interrupted between two batches.
    limit(&app, &acct, 400).await;
    let page = desk.upload("calls.csv", &calls(650)).await;
    desk.post("start", &page, &[&COLUMNS[..], &[("then", "import")]].concat()).await;
    let before = app
        .until(async || {
            state(&app, &page).await.filter(|import| import.progress.items >= 200 && !import.state.is_final())
        })
        .await;
    let account = tenant.account.clone();
    drop((desk, tenant));
    let app = app.restarted().await;
    let import = ended(&app, &page).await;
    let progress = import.progress;
    assert_eq!((import.state, progress.rows, progress.imported + progress.known), (ImportState::Done, 650, 650));
    assert!(progress.imported >= before.progress.imported, "{progress:?}");
    let token = app.token(Some(&account.id), &[domain::token::Scope::EventsRead]).await;
    let (mut count, mut path) = (0, "/api/v1/events?limit=250".to_owned());
    loop {
        let page = app.call(reqwest::Method::GET, &path, &token, None).await.json();
        count += page["data"].as_array().unwrap().len();
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/events?limit=250&cursor={next}");
    }
    assert_eq!(count, 650);
}

#[tokio::test]
async fn imports_that_wait_for_their_owners_leave_their_places_to_others() {
    let app = TestApp::start().await;
    let mut waiting = Vec::new();
    for account in ["a1", "a2", "a3", "a4"] {
        let tenant = app.account(account).await;
        let email = format!("ana@{account}.example");
        let browser = Browser::of_member_named(&app, &tenant.account, Role::Admin, &email).await;
        let mut desk = Desk::with(&tenant, &app, browser).await;
        limit(&app, &desk.acct.clone(), 2).await;
        for name in ["one.csv", "two.csv"] {
            let page = desk.upload(name, &calls(600)).await;
            desk.post("start", &page, &[&COLUMNS[..], &[("then", "import")]].concat()).await;
            waiting.push(page);
        }
        app.until(async || (!events(&tenant).await.is_empty()).then_some(())).await;
        let paused = tenant.post(&format!("/api/v1/connectors/{}/pause", desk.con), &json!({})).await;
        assert!(paused.status.is_success(), "{paused:?}");
    }
    for page in &waiting {
        let why = app.until(async || state(&app, page).await.and_then(|import| import.problem)).await;
        assert!(why.contains("paused"), "{why}");
    }
    let tenant = app.account("other").await;
    let mut desk = Desk::of(&app, &tenant).await;
    let page = desk.upload("calls.csv", &calls(5)).await;
    assert_eq!(desk.import(&page).await.state, ImportState::Done);
}

#[tokio::test]
async fn two_files_are_imported_beside_each_other_and_one_is_cancelled() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut desk = Desk::of(&app, &tenant).await;
    limit(&app, &desk.acct.clone(), 20).await;
    let (slow, quick) = (desk.upload("slow.csv", &calls(600)).await, desk.upload("quick.csv", &calls(5)).await);
    desk.post("start", &slow, &[&COLUMNS[..], &[("then", "import")]].concat()).await;
    let done = desk.import(&quick).await;
    assert_eq!((done.state, done.progress.imported + done.progress.known), (ImportState::Done, 5));
    desk.post("cancel", &slow, &[]).await;
    assert_eq!(ended(&app, &slow).await.state, ImportState::Cancelled);
    assert!(desk.browser.get(&slow).await.text.contains("What was imported stays"));
}
