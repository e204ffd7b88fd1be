//! The audit log: its page, its exports, its REST call.

use domain::{account::Role, token::Scope};
use reqwest::Method;
use serde_json::json;

use crate::{
    browser::Browser,
    test_app::{Tenant, TestApp, TestResponse},
};

/// An endpoint with a name that a spreadsheet would evaluate.
async fn renamed(tenant: &Tenant<'_>) -> String {
    let id = tenant.endpoint("http://127.0.0.1:9/calls").await["id"].as_str().unwrap().to_owned();
    let renamed = tenant.patch(&format!("/api/v1/endpoints/{id}"), &json!({ "name": "=cmd()" })).await;
    assert_eq!(renamed.status, 200, "{}", renamed.text);
    id
}

fn path(tenant: &Tenant<'_>, rest: &str) -> String {
    format!("/a/{}/audit{rest}", tenant.account.id)
}

#[tokio::test]
async fn an_admin_reads_and_exports_the_audit_log() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let id = renamed(&tenant).await;
    let mut browser = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let page = browser.get(&path(&tenant, "?area=endpoint")).await;
    assert_eq!(page.status, 200);
    for text in ["Endpoint changed", "=cmd()", "API token test", "from 127.0.0.1", &format!("/endpoints/{id}")] {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
    assert!(!page.text.contains("Account created"));
    assert!(browser.get(&path(&tenant, "?area=support")).await.text.contains("No support sessions yet"));

    let csv = browser.get(&path(&tenant, "/export.csv?area=endpoint")).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(csv.text.lines().count(), 3, "{}", csv.text);
    assert!(csv.text.contains(",\"'=cmd()\","), "{}", csv.text);
    let all = browser.get(&path(&tenant, "/export.json")).await.json();
    assert_eq!(all.as_array().unwrap()[0]["action"], "member.joined");
}

#[tokio::test]
async fn an_export_contains_all_records_across_pages() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let id = renamed(&tenant).await;
    for _ in 0..130 {
        for verb in ["pause", "resume"] {
            tenant.post(&format!("/api/v1/endpoints/{id}/{verb}"), &json!({})).await;
        }
    }
    let mut browser = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    let all = browser.get(&path(&tenant, "/export.json?area=endpoint")).await.json();
    assert_eq!(all.as_array().unwrap().len(), 262);
    assert_eq!(browser.get(&path(&tenant, "/export.csv?area=endpoint")).await.text.lines().count(), 263);
}

#[tokio::test]
async fn only_admins_of_the_account_read_the_log() {
    let app = TestApp::start().await;
    let (tenant, other) = (app.account("acme").await, app.account("other").await);
    let statuses = async |browser: &mut Browser<'_>, tenant: &Tenant<'_>| {
        let mut all = Vec::new();
        for rest in ["", "/export.csv", "/export.json"] {
            all.push(browser.get(&path(tenant, rest)).await.status.as_u16());
        }
        all
    };
    let mut nobody = Browser::new(&app);
    assert_eq!(statuses(&mut nobody, &tenant).await, [303, 401, 401]);
    let mut developer = Browser::of_member(&app, &tenant.account, Role::Developer).await;
    assert_eq!(statuses(&mut developer, &tenant).await, [403, 403, 403]);
    assert_eq!(statuses(&mut developer, &other).await, [404, 404, 404]);
}

#[tokio::test]
async fn a_token_with_the_scope_reads_the_log() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    renamed(&tenant).await;
    let records = tenant.get("/api/v1/audit?area=endpoint&limit=1").await.json();
    assert_eq!(records["data"][0]["action"], "endpoint.changed");
    let change = json!({ "what": "name", "before": records["data"][0]["changes"][0]["before"], "after": "=cmd()" });
    assert_eq!(records["data"][0]["changes"], json!([change]));
    let next = records["next"].as_str().unwrap();
    let older = tenant.get(&format!("/api/v1/audit?area=endpoint&limit=1&cursor={next}")).await.json();
    assert_eq!((&older["data"][0]["action"], &older["next"]), (&json!("endpoint.created"), &json!(null)));
    let refused: TestResponse = tenant.get("/api/v1/audit?area=nonsense&form=1").await;
    assert_eq!(refused.is_problem(422).fields(), ["area", "form"]);
    let reader = app.token(Some(&tenant.account.id), &[Scope::EventsRead]).await;
    let response = app.call(Method::GET, "/api/v1/audit", &reader, None).await;
    assert!(response.is_problem(403).text.contains("audit:read"));
}
