//! Stored script in every text that one user can write and another can see.

use axum::{Router, http::HeaderMap};
use domain::{
    account::{Role, StaffRole},
    actor::Actor,
};
use engine::Affiliation;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    browser::{Browser, PASSWORD, with_form},
    policy::{Full, routes},
    test_app::{Tenant, TestApp, response},
};

/// Breaks out of an element and an attribute if it can; short enough for a phone number. The marker names the field.
fn evil(mark: &str) -> String {
    format!(r#"{mark}</title>'"><script>hit()</script><img onerror=hit()>"#)
}

/// What it looks like as markup.
const MARKUP: [&str; 3] = ["<script>hit", "<img onerror", "</title>'"];

/// What it looks like as text.
fn as_text(mark: &str) -> String {
    format!("{mark}&lt;/title&gt;")
}

/// A server whose response and headers contain the script.
async fn evil_receiver() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/calls", listener.local_addr().unwrap());
    let router = Router::new().fallback(async || {
        let mut headers = HeaderMap::new();
        headers.insert("x-evil", evil("hdr.").parse().unwrap());
        headers.insert("content-type", "text/html".parse().unwrap());
        (StatusCode::BAD_REQUEST, headers, evil("ans."))
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Writes it to every field.
async fn write_to_all_fields(app: &TestApp, tenant: &Tenant<'_>) -> Full {
    let url = evil_receiver().await;
    let endpoint = json!({ "url": url, "name": evil("end."), "events": ["IncomingCall", "CallProcessed"], "headers": { "x-crm": evil("own.") }});
    let endpoint = tenant.post("/api/v1/endpoints", &endpoint).await;
    assert_eq!(endpoint.status, StatusCode::CREATED, "{}", endpoint.text);
    let call = "2f533604-aaaf-11e7-b600-7ac8e42434d2";
    let payload = json!({ "event": "IncomingCall", "call_id": call, "callee_number": evil("num."), "caller_number": evil("num."), "more": evil("pay.") , evil("key.") : evil("pay.")});
    let event = tenant.post("/api/v1/events", &json!({ "payload": payload})).await;
    assert_eq!(event.status, StatusCode::ACCEPTED, "{}", event.text);
    let tried = async || {
        let row = tenant.get("/api/v1/deliveries").await.json()["data"][0].clone();
        (row["attempt_count"].as_u64() > Some(0)).then_some(row)
    };
    let delivery = app.until(tried).await;
    let token = tenant.post("/api/v1/tokens", &json!({ "name": evil("tok."), "scopes": ["events:read"]})).await;
    assert_eq!(token.status, StatusCode::CREATED, "{}", token.text);
    let id = |json: &Value| json["id"].as_str().unwrap().to_owned();
    let mut full = Full { ids: [(":code", "http_404".to_owned()), (":n", "1".to_owned())].into() };
    full.ids.extend([
        (":acct", tenant.account.id.to_string()),
        (":ep", id(&endpoint.json())),
        (":evt", id(&event.json())),
        (":dlv", id(&delivery)),
        (":tok", id(&token.json())),
        (":call", call.to_owned()),
    ]);
    full
}

/// Signs up and in with the script in all fields; returns an admin's browser whose user agent contains it.
async fn evil_users<'a>(app: &'a TestApp, tenant: &Tenant<'_>) -> Browser<'a> {
    let mut admin = Browser::of_member(app, &tenant.account, Role::Admin).await;
    let acct = tenant.account.id.as_str();
    let invite = [("acct", acct), ("form[email]", "bob@acme.example"), ("form[role]", "viewer")];
    admin.post("/api/members/invite", &invite).await;
    let email = app.emails().await.pop().unwrap();
    let link = email.text.lines().find(|line| line.starts_with("http")).unwrap().rsplit('/').next().unwrap().to_owned();
    let (name, account, agent) = (evil("mem."), evil("acc."), evil("age."));
    let joined =
        [("link", link.as_str()), ("form[name]", name.as_str()), ("form[password]", "violet kettle ran 7 miles")];
    let request = app.http.post(app.url("/api/invitation/join-new")).header("sec-fetch-site", "same-origin");
    let joined = response(with_form(request, &joined).header("user-agent", &agent).header("accept", "text/html")).await;
    assert!(joined.status.is_redirection(), "{joined:?}");
    let settings = [("acct", acct), ("form[name]", account.as_str()), ("form[support_access]", "true")];
    admin.post("/api/settings/save", &settings).await;
    // Again, so that one of her sessions has that user agent.
    let fields = [("form[email]", crate::browser::EMAIL), ("form[password]", PASSWORD)];
    let request = app.http.post(app.url("/api/sign-in")).header("sec-fetch-site", "same-origin");
    response(with_form(request, &fields).header("user-agent", agent)).await;
    admin
}

async fn evil_agent<'a>(app: &'a TestApp, tenant: &Tenant<'_>) -> Browser<'a> {
    let place = Affiliation::Staff(StaffRole::Support);
    let email = "agent@provider.example";
    app.room.engine.create_user(&Actor::COMMAND_LINE, email, PASSWORD, place).await.unwrap();
    let mut agent = Browser::new(app);
    agent.post("/api/sign-in", &[("form[email]", email), ("form[password]", PASSWORD), ("form[next]", "/")]).await;
    let account = tenant.account.id.as_str();
    let (reason, ticket) = (evil("rea."), evil("tic."));
    let form = [
        ("form[account]", account),
        ("form[reason]", reason.as_str()),
        ("form[ticket]", ticket.as_str()),
        ("form[minutes]", "30"),
    ];
    let started = agent.post("/api/support/start", &form).await;
    assert!(started.header("location").contains("/support/a/"), "{started:?}");
    agent
}

/// Where each text must be visible.
const SHOWN: [(&str, &str); 17] = [
    ("acc.", "admin /a/:acct"),
    ("acc.", "agent /support/a/:acct"),
    ("end.", "admin /a/:acct/endpoints"),
    ("end.", "admin /a/:acct/endpoints/:ep"),
    ("end.", "admin /a/:acct/rotate"),
    ("end.", "agent /support/a/:acct/deliveries"),
    ("num.", "admin /a/:acct/deliveries"),
    ("num.", "admin /a/:acct/calls/:call"),
    ("pay.", "admin /a/:acct/events/:evt"),
    ("key.", "admin /a/:acct/deliveries/:dlv"),
    ("ans.", "admin /a/:acct/deliveries/:dlv"),
    ("hdr.", "admin /a/:acct/deliveries/:dlv"),
    ("tok.", "admin /a/:acct/tokens"),
    ("mem.", "admin /a/:acct/members"),
    ("rea.", "admin /a/:acct/audit"),
    ("tic.", "admin /a/:acct/audit"),
    ("ask.", "admin /a/:acct/deliveries"),
];

#[tokio::test]
async fn script_in_any_text_is_escaped_on_every_page() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let full = write_to_all_fields(&app, &tenant).await;
    let mut admin = evil_users(&app, &tenant).await;
    let mut agent = evil_agent(&app, &tenant).await;
    let query = url::form_urlencoded::byte_serialize(evil("ask.").as_bytes()).collect::<String>();
    let mut shown = Vec::new();
    for route in routes().into_iter().filter(|route| !route.contains(":job") && !route.contains(":usr")) {
        for (browser, who) in [(&mut admin, "admin"), (&mut agent, "agent")] {
            for asked in [String::new(), format!("?q={query}&next={query}&who={query}&sel={query}")] {
                let page = browser.get(&format!("{}{asked}", full.path(route).replace(":link", &query))).await;
                let found = MARKUP.iter().find(|markup| page.text.contains(**markup));
                assert_eq!(found, None, "{route} for {who}: {}", page.text);
                let marks = SHOWN
                    .iter()
                    .filter(|(mark, at)| *at == format!("{who} {route}") && page.text.contains(&as_text(mark)));
                shown.extend(marks);
            }
        }
    }
    let missing: Vec<_> = SHOWN.iter().filter(|one| !shown.contains(one)).collect();
    assert!(missing.is_empty(), "no page shows it, so the test proves nothing: {missing:?}");
    let export = admin.get(&format!("/a/{}/audit/export.csv", tenant.account.id)).await;
    assert!(
        export.header("content-disposition").contains("attachment")
            && export.header("content-type").starts_with("text/csv")
    );
    let metrics = app.call(Method::GET, "/metrics", "", None).await;
    assert!(metrics.header("content-type").starts_with("text/plain"));
}
