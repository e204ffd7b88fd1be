//! Who uploads files and who sees their imports.

use domain::{
    account::{Role, StaffRole},
    actor::{Actor, Who},
    id::TokenId,
    token::Scope,
};
use engine::Affiliation;
use reqwest::Method;
use serde_json::json;

use super::{Desk, calls, ids, upload};
use crate::{
    browser::{Browser, PASSWORD},
    test_app::{TestApp, response},
};

/// Whoever sees an import: a token of its owner.
pub(super) async fn reader(app: &TestApp, page: &str) -> Actor {
    let (con, _) = ids(page);
    let connector = app.room.engine.any_connector(&Actor::COMMAND_LINE, &con).await.unwrap();
    let (at, entropy) = app.room.engine.context().ids.next();
    Actor::new(Who::Token {
        token: TokenId::new(at, entropy),
        name: "reader".to_owned(),
        account: connector.owner.account().cloned(),
        scopes: vec![Scope::ConnectorsRead],
    })
}

#[tokio::test]
async fn whoever_does_not_manage_connectors_is_refused_before_anything_of_the_file_is_read() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let desk = Desk::of(&app, &tenant).await;
    let page = desk.upload("calls.csv", &calls(1)).await;
    let email = "dev@acme.example";
    let place = Affiliation::Member(tenant.account.id.clone(), Role::Developer);
    app.room.engine.create_user(&Actor::COMMAND_LINE, email, PASSWORD, place).await.unwrap();
    let mut dev = Browser::new(&app);
    dev.post("/api/sign-in", &[("form[email]", email), ("form[password]", PASSWORD), ("form[next]", "/")]).await;
    assert_eq!(upload(&dev, &desk.path(""), "x.csv", &calls(1)).await.status, 403);
    let list = dev.get(&desk.path("")).await.text;
    assert!(list.contains("calls.csv") && !list.contains("type=\"file\""), "{list}");
    let seen = dev.get(&page).await;
    assert!(seen.status == 200 && !seen.text.contains("01632960001"), "the rows of a file are for admins");
    assert_eq!(upload(&Browser::new(&app), &desk.path(""), "x.csv", &calls(1)).await.status, 401);
    let other = app.account("beta").await;
    let strange = format!("/a/{}/connectors/{}/records", other.account.id, desk.con);
    assert_eq!(upload(&desk.browser, &strange, "x.csv", &calls(1)).await.status, 404);
    // A body that never comes: only a request that is refused before it is read is responded to.
    let never = futures::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let waiting = dev.request(Method::POST, &desk.path("")).header("sec-fetch-site", "same-origin");
    let waiting = waiting.header("content-type", "multipart/form-data; boundary=b");
    assert_eq!(response(waiting.body(reqwest::Body::wrap_stream(never))).await.status, 403);
}

#[tokio::test]
async fn a_form_of_another_site_uploads_nothing() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut desk = Desk::of(&app, &tenant).await;
    for site in ["cross-site", "same-site"] {
        let request = desk.browser.request(Method::POST, &desk.path("")).header("sec-fetch-site", site);
        let request = request.header("content-type", "multipart/form-data; boundary=b").body("--b--\r\n");
        assert_eq!(response(request).await.status, 403, "{site}");
    }
    assert!(desk.browser.get(&desk.path("")).await.text.contains("None yet."));
}

#[tokio::test]
async fn operators_import_the_calls_of_a_platform_connector_by_its_routes() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let email = "olga@provider.example";
    let staff = Affiliation::Staff(StaffRole::Operator);
    app.room.engine.create_user(&Actor::COMMAND_LINE, email, PASSWORD, staff).await.unwrap();
    let mut olga = Browser::new(&app);
    olga.post("/api/sign-in", &[("form[email]", email), ("form[password]", PASSWORD), ("form[next]", "/ops")]).await;
    let token = app.token(None, &[Scope::ConnectorsWrite]).await;
    let wanted = json!({ "name": "pbx", "system": "other", "way": "files", "country": "GB" }).to_string();
    let created = app.call(Method::POST, "/api/v1/connectors", &token, Some(&wanted)).await.json();
    let con = created["id"].as_str().unwrap();
    let records = format!("/ops/connectors/{con}/records");
    for (imported, unrouted) in [(0, 1), (1, 0)] {
        let sent = upload(&olga, &records, "calls.csv", &calls(1)).await;
        let page = sent.header("location").to_owned();
        let imp = page.rsplit('/').next().unwrap();
        let fields = [&super::COLUMNS[..], &[("con", con), ("imp", imp), ("then", "import")]].concat();
        assert!(olga.post("/api/ops/connectors/records/start", &fields).await.status.is_redirection());
        let progress = super::ended_by_polling(&app, &page).await.progress;
        assert_eq!((progress.imported, progress.unrouted), (imported, unrouted));
        assert!(olga.get(&page).await.text.contains("Without a route"));
        let table = json!({ "routes": [{ "number": "01632960100", "account": "ref-acme" }] }).to_string();
        app.call(Method::PUT, &format!("/api/v1/connectors/{con}/routes"), &token, Some(&table)).await;
    }
    assert_eq!(super::events(&tenant).await.len(), 1);
}
