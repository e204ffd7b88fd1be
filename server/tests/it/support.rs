//! Support: who has access, what they see, and what they cannot do.

use domain::{
    account::{AccountForm, Role, StaffRole},
    actor::Actor,
    event::EventKind,
};
use engine::Affiliation;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, EMAIL, PASSWORD},
    receiver::Receiver,
    test_app::{Tenant, TestApp, raw},
};

/// A browser with a signed-in agent.
async fn agent(app: &TestApp, role: StaffRole) -> Browser<'_> {
    let place = Affiliation::Staff(role);
    app.room.engine.create_user(&Actor::COMMAND_LINE, EMAIL, PASSWORD, place).await.unwrap();
    let mut browser = Browser::new(app);
    assert!(browser.sign_in(PASSWORD, "/").await.status.is_redirection());
    browser
}

/// The same with an active session in the account.
async fn inside<'a>(app: &'a TestApp, tenant: &Tenant<'_>) -> Browser<'a> {
    let mut browser = agent(app, StaffRole::Support).await;
    let started = browser.post("/api/support/start", &grounds(tenant, "Calls do not reach the CRM")).await;
    assert_eq!(started.header("location"), inner(tenant, ""), "{started:?}");
    browser
}

fn grounds<'a>(tenant: &'a Tenant<'_>, reason: &'a str) -> [(&'a str, &'a str); 4] {
    let account = tenant.account.id.as_str();
    [("form[account]", account), ("form[reason]", reason), ("form[ticket]", "4711"), ("form[minutes]", "30")]
}

fn inner(tenant: &Tenant<'_>, rest: &str) -> String {
    format!("/support/a/{}{rest}", tenant.account.id)
}

/// An endpoint that accepts everything, and one delivery to it.
async fn delivered(tenant: &Tenant<'_>, receiver: &Receiver) -> (Value, Value) {
    let endpoint = tenant.endpoint(&receiver.url).await;
    let payload: Value = serde_json::from_str(EventKind::IncomingCall.example()).unwrap();
    tenant.post("/api/v1/events", &json!({ "payload": payload })).await;
    (endpoint, tenant.until_delivery_is("delivered").await)
}

#[tokio::test]
async fn support_signs_in_on_the_same_page_and_lands_on_the_support_desk() {
    let app = TestApp::start().await;
    let mut browser = agent(&app, StaffRole::Support).await;
    assert_eq!(browser.get("/").await.header("location"), "/support");
    let desk = browser.get("/support").await;
    assert_eq!(desk.status, 200);
    assert!(desk.text.contains("Find an account") && desk.text.contains(EMAIL));
}

#[tokio::test]
async fn only_support_staff_reach_the_desk() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let pages = ["/support".to_owned(), "/support/start".into(), "/support/log".into(), inner(&tenant, "")];
    let mut admin = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let mut nobody = Browser::new(&app);
    for page in &pages {
        assert_eq!(admin.get(page).await.status, 404, "{page}");
        assert_eq!(nobody.get(page).await.status, 303, "{page}");
    }
    let posted = admin.post("/api/support/start", &grounds(&tenant, "Calls do not reach the CRM")).await;
    assert!(!posted.header("location").contains("/support/a/"), "{posted:?}");
    let app = TestApp::start().await;
    let mut operator = agent(&app, StaffRole::Operator).await;
    assert_eq!(operator.get("/").await.header("location"), "/ops");
    assert_eq!(operator.get("/support").await.status, 404);
}

#[tokio::test]
async fn support_finds_an_account_and_opens_it_with_a_reason() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut browser = agent(&app, StaffRole::Support).await;
    assert!(browser.get("/support?q=acm").await.text.contains("Matched by account name"));
    assert!(browser.get("/support?q=nothing").await.text.contains("No account matches nothing"));
    let short = browser.get("/support?q=a").await;
    assert!(short.status == 422 && short.text.contains("at least three characters"), "{short:?}");
    for q in ["1".repeat(10_000), "a".repeat(10_000)] {
        let long = browser.get(&format!("/support?q={q}")).await;
        assert!(long.status == 422 && long.text.contains("at most 200 characters"), "{}", long.status);
    }
    let closed = browser.get(&inner(&tenant, "/deliveries")).await;
    assert_eq!(closed.status, 403);
    assert!(closed.text.contains("There is no support session for acme"), "{}", closed.text);
    let start = format!("/support/start?account={}", tenant.account.id);
    let refused = browser.post("/api/support/start", &grounds(&tenant, "because")).await;
    assert_eq!(refused.header("location"), start);
    let form = browser.get(&start).await.text;
    assert!(form.contains("Enter a reason of 10 to 500 characters") && form.contains("because"), "{form}");
    browser.post("/api/support/start", &grounds(&tenant, "Calls do not reach the CRM")).await;
    let page = browser.get(&inner(&tenant, "")).await;
    assert_eq!(page.status, 200);
    for text in ["Support view of acme · ticket 4711 · ends ", "read-only", "End session"] {
        assert!(page.text.contains(text), "{text}");
    }
}

#[tokio::test]
async fn support_pages_hide_numbers_and_credentials_and_offer_no_changes() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    let (endpoint, row) = delivered(&tenant, &receiver).await;
    let mut browser = inside(&app, &tenant).await;
    let of = |key: &str| row[key].as_str().unwrap().to_owned();
    let delivery = inner(&tenant, &format!("/deliveries/{}", of("id")));
    let call = format!("/calls/{}", of("call_id"));
    let pages = [
        inner(&tenant, ""),
        inner(&tenant, "/endpoints"),
        inner(&tenant, &format!("/endpoints/{}", endpoint["id"].as_str().unwrap())),
        inner(&tenant, "/deliveries?q=01202901222"),
        delivery.clone(),
        format!("{delivery}/attempts/1"),
        inner(&tenant, "/events"),
        inner(&tenant, &format!("/events/{}", of("event_id"))),
        inner(&tenant, &call),
    ];
    let secret = endpoint["signing_secret"].as_str().unwrap();
    for page in &pages {
        let response = browser.get(page).await;
        assert_eq!(response.status, 200, "{page}");
        assert!(response.text.contains("support-band"), "{page}");
        for hidden in ["01202912204", "my-token", secret, &secret[secret.len() - 5..]] {
            assert!(!response.text.contains(hidden), "{hidden} on {page}");
        }
        assert!(
            !response.text.contains(&format!("\"/a/{}", tenant.account.id)),
            "a link leads out of the session on {page}"
        );
        let actions: Vec<_> =
            response.text.split("action=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let known = ["/api/support/", "/api/me/theme", "/api/sign-out", "/support/"];
        let others: Vec<_> = actions.iter().filter(|action| !known.iter().any(|one| action.starts_with(one))).collect();
        assert!(others.is_empty(), "{others:?} on {page}");
    }
    let whole = browser.get(&delivery).await.text;
    assert!(whole.contains("0120 ••• 222") && whole.contains("Copy for ticket"), "{whole}");
}

#[tokio::test]
async fn revealing_one_number_is_visible_to_the_customer() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    let (_, row) = delivered(&tenant, &receiver).await;
    let mut browser = inside(&app, &tenant).await;
    let page = inner(&tenant, &format!("/deliveries/{}", row["id"].as_str().unwrap()));
    browser.get(&page).await;
    let account = tenant.account.id.as_str();
    let reveal = [("acct", account), ("evt", row["event_id"].as_str().unwrap()), ("party", "caller"), ("back", &page)];
    assert_eq!(browser.post("/api/support/reveal", &reveal).await.header("location"), page);
    let shown = browser.get(&page).await.text;
    assert!(shown.contains("01202901222") && !shown.contains("01202912204"));
    let log = tenant.get("/api/v1/audit?area=support").await;
    let actions: Vec<_> =
        log.json()["data"].as_array().unwrap().iter().rev().map(|one| one["action"].clone()).collect();
    assert_eq!(actions, ["support.started", "support.viewed", "support.revealed", "support.viewed"]);
    assert!(!log.text.contains("01202901222"), "{}", log.text);
    for text in ["ana@acme.example (provider support)", "Calls do not reach the CRM", "4711", "a delivery"] {
        assert!(log.text.contains(text), "{text}: {}", log.text);
    }
    assert!(browser.get("/support/log").await.text.contains("Support revealed a phone number"));
}

#[tokio::test]
async fn a_view_is_recorded_as_what_was_shown_however_the_path_is_spelled() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    let (endpoint, row) = delivered(&tenant, &receiver).await;
    let browser = inside(&app, &tenant).await;
    let (ep, dlv) = (endpoint["id"].as_str().unwrap(), row["id"].as_str().unwrap());
    let page = |changes: &Value| {
        let noted = changes.as_array().unwrap().iter().find(|change| change["what"] == "page");
        noted.map_or(Value::Null, |change| change["after"].clone())
    };
    let views = async || {
        let log = tenant.get("/api/v1/audit?area=support").await.json();
        let records = log["data"].as_array().unwrap().clone();
        let views = records.into_iter().filter(|one| one["action"] == "support.viewed");
        views.map(|one| (one["object_id"].clone(), page(&one["changes"]))).collect::<Vec<_>>()
    };
    for up in ["../..", "%2e%2e/%2E%2e", ".%2e/%2e.", "..\\..", "./../.."] {
        let path = inner(&tenant, &format!("/endpoints/{ep}/{up}/deliveries/{dlv}"));
        let head =
            format!("GET {path} HTTP/1.1\r\nhost: x\r\ncookie: {}\r\nconnection: close\r\n\r\n", browser.cookie());
        let refused = raw(&app, &head).await;
        assert!(refused.starts_with("HTTP/1.1 400 "), "{up}: {refused}");
    }
    assert_eq!(views().await, []);
    let path = inner(&tenant, &format!("/deliveries/%64{}", &dlv[1..]));
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\ncookie: {}\r\nconnection: close\r\n\r\n", browser.cookie());
    assert!(raw(&app, &head).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(views().await, [(dlv.into(), "a delivery".into())]);
}

#[tokio::test]
async fn support_cannot_post_to_an_account() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let receiver = Receiver::start().await;
    let (endpoint, row) = delivered(&tenant, &receiver).await;
    let mut browser = inside(&app, &tenant).await;
    let (acct, ep) = (tenant.account.id.as_str(), endpoint["id"].as_str().unwrap());
    let dlv = row["id"].as_str().unwrap();
    let before = tenant.get("/api/v1/audit").await.text;
    let functions = functions_of_accounts();
    assert!(functions.len() > 30, "{functions:?}");
    for function in functions {
        let fields = [
            ("acct", acct),
            ("query", ""),
            ("ep", ep),
            ("dlv", dlv),
            ("version", "1"),
            ("behaviour", "gone"),
            ("job", "job_1"),
            ("duplicate", "allow"),
            ("then", "save"),
            ("kind", "IncomingCall"),
            ("form[url]", "https://evil.example/"),
            ("form[name]", "Evil"),
            ("form[events][]", "IncomingCall"),
            ("form[kind]", "IncomingCall"),
            ("form[payload]", "{}"),
        ];
        let response = browser.post(&format!("/api/{function}"), &fields).await;
        assert!(!response.status.is_success(), "{function}: {response:?}");
    }
    assert_eq!(tenant.get("/api/v1/audit").await.text, before);
    assert_eq!(tenant.get("/api/v1/endpoints").await.json()["data"].as_array().unwrap().len(), 1);
}

/// The paths of all server functions about an account.
fn functions_of_accounts() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/src/api");
    let others = ["me.rs", "mod.rs", "people.rs", "security.rs", "support.rs", "visit.rs"];
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| !others.iter().any(|other| path.ends_with(other)));
    let source: String = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let all = source.split("endpoint = \"").skip(1).map(|text| text.split('"').next().unwrap().to_owned());
    // Invitations belong to whoever has their link.
    all.filter(|path| !path.starts_with("invitation/")).collect()
}

#[tokio::test]
async fn access_withdrawn_by_an_admin_is_refused_at_the_next_request() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut browser = inside(&app, &tenant).await;
    let page = inner(&tenant, "/endpoints");
    assert_eq!(browser.get(&page).await.status, 200);
    let admin = Affiliation::Member(tenant.account.id.clone(), Role::Admin);
    let admin = app.room.engine.create_user(&Actor::COMMAND_LINE, "bo@acme.example", PASSWORD, admin).await.unwrap();
    let admin = app.room.backend.actor(&admin, &tenant.account.id).await.unwrap();
    let form = AccountForm { name: "acme".into(), ..AccountForm::default() };
    app.room.backend.change_account(&admin, &form.input().unwrap()).await.unwrap();
    let refused = browser.get(&page).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("acme does not allow support access"), "{}", refused.text);
    let start = browser.get(&format!("/support/start?account={}", tenant.account.id)).await;
    assert!(start.text.contains("doesn’t allow support access") && !start.text.contains("Start session"));
}

#[tokio::test]
async fn only_an_admin_changes_settings() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.account("acme").await, app.account("other").await);
    let page = format!("/a/{}/settings", tenant.account.id);
    let mut browser = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    assert!(browser.get(&page).await.text.contains("Allow developers to rotate credentials"));
    let form = [("acct", tenant.account.id.as_str()), ("form[name]", "Acme Ltd"), ("form[developers_rotate]", "true")];
    assert_eq!(browser.post("/api/settings/save", &form).await.header("location"), page);
    let saved = browser.get(&page).await.text;
    assert!(saved.contains("Saved. The change is recorded in the audit log.") && saved.contains("Acme Ltd"));
    let changes = tenant.get("/api/v1/audit?area=account&limit=1").await.json()["data"][0]["changes"].clone();
    assert_eq!(changes.as_array().unwrap().len(), 3, "{changes}");
    let app_of_other = format!("/a/{}/settings", other.account.id);
    assert_eq!(browser.get(&app_of_other).await.status, 404);
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut developer = Browser::of_member(&app, &tenant.account, Role::Developer).await;
    assert_eq!(developer.get(&format!("/a/{}/settings", tenant.account.id)).await.status, 403);
}
