//! Who may do what: every page, every server function and every REST call, tried by every kind of visitor. The lists
//! come from the router, the sources and the OpenAPI document, so that a new one without a policy fails here.

mod table;

use std::collections::BTreeMap;

use domain::{
    account::{Account, Role, StaffRole},
    actor::Actor,
    token::Scope,
};
use engine::Affiliation;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, PASSWORD, with_form},
    receiver::Receiver,
    test_app::{Tenant, TestApp, TestResponse},
};
use table::{
    Access::{self, Account as In, Halfway, Open, Operator, Session, SignedIn, Support},
    FUNCTIONS, LOADED, PAGES,
};

/// A kind of visitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Visitor {
    /// Not signed in, or with an expired session.
    Nobody,
    /// An admin of another account.
    Stranger,
    /// A member of the account.
    Member(Role),
    /// Provider support without a session.
    Agent,
    /// An operator.
    Operator,
}

const VISITORS: [Visitor; 7] = [
    Visitor::Nobody,
    Visitor::Stranger,
    Visitor::Member(Role::Viewer),
    Visitor::Member(Role::Developer),
    Visitor::Member(Role::Admin),
    Visitor::Agent,
    Visitor::Operator,
];

/// What the policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    In,
    SignIn,
    Forbidden,
    NotThere,
}

fn verdict(access: Access, visitor: Visitor) -> Verdict {
    match (access, visitor) {
        (Open, _) => Verdict::In,
        (Halfway, _) | (_, Visitor::Nobody) => Verdict::SignIn,
        (SignedIn, _) => Verdict::In,
        (In(permission), Visitor::Member(role)) if role.may(permission) => Verdict::In,
        (In(_), Visitor::Member(_)) => Verdict::Forbidden,
        (Support, Visitor::Agent) | (Operator, Visitor::Operator) => Verdict::In,
        (Session, Visitor::Agent) => Verdict::Forbidden,
        (In(_), Visitor::Stranger | Visitor::Agent | Visitor::Operator) | (Support | Session | Operator, _) => {
            Verdict::NotThere
        }
    }
}

/// An account with one thing of each kind in it.
pub(crate) struct Full {
    pub(crate) ids: BTreeMap<&'static str, String>,
}

impl Full {
    pub(crate) async fn of(tenant: &Tenant<'_>, receiver: &Receiver) -> Self {
        let endpoint = tenant.endpoint(&receiver.url).await;
        let ep = endpoint["id"].as_str().unwrap().to_owned();
        let call = "2f533604-aaaf-11e7-b600-7ac8e42434d2";
        let payload = json!({ "event": "IncomingCall", "call_id": call, "callee_number": "1", "caller_number": "2" });
        let event = tenant.post("/api/v1/events", &json!({ "payload": payload })).await.json();
        let delivery = tenant.until_delivery_is("delivered").await;
        let token = tenant.post("/api/v1/tokens", &json!({ "name": "x", "scopes": ["events:read"] })).await.json();
        let connector = tenant.post("/api/v1/connectors", &json!({ "name": "x", "system": "asterisk" })).await.json();
        let ids = [
            (":con", connector["id"].as_str().unwrap().to_owned()),
            (":acct", tenant.account.id.to_string()),
            (":ep", ep),
            (":evt", event["id"].as_str().unwrap().to_owned()),
            (":dlv", delivery["id"].as_str().unwrap().to_owned()),
            (":tok", token["id"].as_str().unwrap().to_owned()),
            (":call", call.to_owned()),
            (":n", "1".to_owned()),
            (":code", "http_404".to_owned()),
            // These do not exist; permitted visitors get a not-found page.
            (":job", "job_00000000000000000000000000".to_owned()),
            (":imp", "imp_00000000000000000000000000".to_owned()),
            (":usr", "usr_00000000000000000000000000".to_owned()),
            (":link", "nothing".to_owned()),
            ("*any", "nowhere".to_owned()),
        ];
        Self { ids: ids.into() }
    }

    pub(crate) fn path(&self, route: &str) -> String {
        let filled = |part: &str| self.ids.get(part).cloned().unwrap_or_else(|| part.to_owned());
        route.split('/').map(filled).collect::<Vec<_>>().join("/")
    }

    /// Every field of any form, so that a refusal can only be about the visitor.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let text = |value: &str| value.to_owned();
        vec![
            ("acct", self.ids[":acct"].clone()),
            ("ep", self.ids[":ep"].clone()),
            ("dlv", self.ids[":dlv"].clone()),
            ("evt", self.ids[":evt"].clone()),
            ("call", self.ids[":call"].clone()),
            ("token", self.ids[":tok"].clone()),
            ("con", self.ids[":con"].clone()),
            ("job", self.ids[":job"].clone()),
            ("imp", self.ids[":imp"].clone()),
            ("user", self.ids[":usr"].clone()),
            ("usr", self.ids[":usr"].clone()),
            ("invite", text("inv_00000000000000000000000000")),
            ("inv", text("inv_00000000000000000000000000")),
            ("link", text("nothing")),
            ("failing", text("false")),
            ("query", String::new()),
            ("path", text("/")),
            ("version", text("1")),
            ("role", text("viewer")),
            ("behaviour", text("ok")),
            ("duplicate", text("allow")),
            ("then", text("save")),
            ("kind", text("IncomingCall")),
            ("name", text("x")),
            ("what", text("auth_token")),
            ("credential", text("auth_token")),
            ("overlap_h", text("1")),
            ("queries[]", String::new()),
            ("text", text("x")),
            ("account", self.ids[":acct"].clone()),
            ("before", String::new()),
            ("session", text("sup_00000000000000000000000000")),
            ("party", text("caller")),
            ("back", text("/")),
            ("handle", text("x")),
            ("worker", text("outbox")),
            ("item", text("x")),
            ("form[from]", text("2026-01-01T00:00")),
            ("form[which]", text("failed")),
            ("policy", text("sign_up")),
            ("value", text("open")),
            ("form[name]", text("x")),
            ("form[email]", text("x@acme.example")),
            ("form[role]", text("viewer")),
            ("form[kind]", text("IncomingCall")),
            ("form[payload]", text("{}")),
            ("form[password]", text("x")),
            ("form[code]", text("123456")),
            ("form[current]", text("x")),
            ("form[account]", self.ids[":acct"].clone()),
            ("form[reason]", text("x")),
            ("form[ticket]", text("x")),
            ("form[minutes]", text("15")),
            ("form[system]", text("asterisk")),
            ("form[number]", text("+441632960001")),
            ("form[routes]", text("*,acme")),
            ("form[mapping]", text("{}")),
            ("form[picked][]", text("provider")),
            ("number", text("*")),
            ("form[url]", text("https://a.example/")),
            ("form[events][]", text("IncomingCall")),
            ("form[scopes][]", text("events:read")),
        ]
    }
}

async fn arrive<'a>(app: &'a TestApp, here: &Account, there: &Account, visitor: Visitor) -> Browser<'a> {
    let place = match visitor {
        Visitor::Nobody => return Browser::new(app),
        Visitor::Stranger => Affiliation::Member(there.id.clone(), Role::Admin),
        Visitor::Member(role) => Affiliation::Member(here.id.clone(), role),
        Visitor::Agent => Affiliation::Staff(StaffRole::Support),
        Visitor::Operator => Affiliation::Staff(StaffRole::Operator),
    };
    let email = format!("{}@acme.example", format!("{visitor:?}").to_lowercase().replace(['(', ')'], "-"));
    app.room.engine.create_user(&Actor::COMMAND_LINE, &email, PASSWORD, place).await.unwrap();
    let mut browser = Browser::new(app);
    let form = [("form[email]", email.as_str()), ("form[password]", PASSWORD), ("form[next]", "/")];
    let signed_in = browser.post("/api/sign-in", &form).await;
    assert!(signed_in.status.is_redirection(), "{visitor:?}: {signed_in:?}");
    browser
}

fn access(table: &[(&str, Access)], name: &str) -> Access {
    let row = table.iter().find(|(known, _)| *known == name);
    row.unwrap_or_else(|| panic!("{name} has no policy: add a row that says who has access")).1
}

/// The routes of `routes.rs`, in its order.
pub(crate) fn routes() -> Vec<&'static str> {
    const SOURCE: &str = include_str!("../../../../app/src/routes.rs");
    SOURCE.split("path!(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// The paths of all server functions below `/api`.
pub(crate) fn functions() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../app/src/api");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let source: String = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    source.split("endpoint = \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_page_opens_exactly_to_those_its_policy_names() {
    let app = TestApp::start().await;
    let (here, there, receiver) = (app.account("acme").await, app.account("beta").await, Receiver::start().await);
    let full = Full::of(&here, &receiver).await;
    let routes = routes();
    assert_eq!(routes.len(), PAGES.len(), "a policy for each page, and a page for each policy");
    let mut wrong = Vec::new();
    for visitor in VISITORS {
        let mut browser = arrive(&app, &here.account, &there.account, visitor).await;
        for route in &routes {
            let response = browser.get(&full.path(route)).await;
            let wanted = verdict(access(PAGES, route), visitor);
            if !page_agrees(route, wanted, &response) {
                let got = (response.status, response.header("location"));
                wrong.push(format!("{visitor:?} at {route}: {wanted:?}, not {got:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn page_agrees(route: &str, wanted: Verdict, response: &TestResponse) -> bool {
    let leads_to = |path: &str| response.status.is_redirection() && response.header("location").starts_with(path);
    match wanted {
        // Pages of things that do not exist are not found by permitted visitors.
        Verdict::In
            if [
                ":job",
                ":imp",
                ":usr",
                ":link",
                "*any",
                "/support/start",
                "/ops/tokens/:tok",
                "/ops/connectors/:con",
            ]
            .iter()
            .any(|part| route.contains(part)) =>
        {
            !leads_to("/sign-in") && response.status != 403
        }
        Verdict::In => response.status.is_success() || (response.status.is_redirection() && !leads_to("/sign-in")),
        Verdict::SignIn => leads_to("/sign-in"),
        Verdict::Forbidden => response.status == 403,
        Verdict::NotThere => response.status == 404,
    }
}

#[tokio::test]
async fn every_server_function_obeys_exactly_those_its_policy_names() {
    let app = TestApp::start().await;
    let (here, there, receiver) = (app.account("acme").await, app.account("beta").await, Receiver::start().await);
    let full = Full::of(&here, &receiver).await;
    let functions = functions();
    assert_eq!(functions.len(), FUNCTIONS.len(), "a policy for each function, and a function for each policy");
    let mut wrong = Vec::new();
    for visitor in VISITORS {
        let browser = arrive(&app, &here.account, &there.account, visitor).await;
        for function in &functions {
            let wanted = verdict(access(FUNCTIONS, function), visitor);
            if wanted == Verdict::In {
                continue;
            }
            let response = post(&browser, &format!("/api/{function}"), &full).await;
            let message = match wanted {
                Verdict::SignIn => "Unauthenticated",
                Verdict::Forbidden => "Forbidden",
                _ => "NotFound",
            };
            if response.status.is_success() || !response.text.contains(message) {
                wrong.push(format!("{visitor:?} at {function}: {message}, not {} {}", response.status, response.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn what_pages_load_has_no_address_of_its_own() {
    let app = TestApp::start().await;
    let (here, there, receiver) = (app.account("acme").await, app.account("beta").await, Receiver::start().await);
    let full = Full::of(&here, &receiver).await;
    for visitor in VISITORS {
        let browser = arrive(&app, &here.account, &there.account, visitor).await;
        for name in LOADED {
            let response = post(&browser, &format!("/api/{name}"), &full).await;
            assert_eq!(response.status, 404, "{visitor:?} at {name}: {}", response.text);
        }
    }
}

/// Posts as a program would, which gets the error instead of a redirect to a page.
async fn post(browser: &Browser<'_>, path: &str, full: &Full) -> TestResponse {
    let fields = full.fields();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let step = ("turn", if path.contains("rotation") { "retire-token" } else { "pause" });
    let fields: Vec<(&str, &str)> = fields.into_iter().chain([step]).collect();
    let request = browser.request(Method::POST, path).header("sec-fetch-site", "same-origin");
    crate::test_app::response(with_form(request, &fields).header("accept", "application/json")).await
}

#[tokio::test]
async fn every_rest_call_obeys_its_scope_and_sees_one_account() {
    let app = TestApp::start().await;
    let (here, there, receiver) = (app.account("acme").await, app.account("beta").await, Receiver::start().await);
    let full = Full::of(&here, &receiver).await;
    let document = app.call(Method::GET, "/api/v1/openapi.json", "", None).await.json();
    let mut calls = 0;
    for (route, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            calls += 1;
            let any = operation["security"].as_array().unwrap().iter();
            let scopes: Vec<Scope> = any.filter_map(|one| Scope::parse(one["token"][0].as_str()?)).collect();
            assert!(!scopes.is_empty(), "{method} {route} names no scope");
            let call =
                RestCall { method: Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), route, scopes };
            call.try_all(&app, &here, &there, &full).await;
        }
    }
    assert!(calls > 20, "{calls}");
}

/// Every call of the document with a valid path and body; those that delete something come last.
pub(crate) fn rest_calls(document: &Value, full: &Full) -> Vec<(Method, String, Option<String>)> {
    let mut calls = Vec::new();
    for (route, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let call = RestCall { method: method.clone(), route, scopes: Vec::new() };
            let body = (method != Method::GET).then(|| Value::from(call.body()).to_string());
            calls.push((method, call.path(full), body));
        }
    }
    calls.sort_by_key(|(method, ..)| *method == Method::DELETE);
    calls
}

struct RestCall<'a> {
    method: Method,
    route: &'a str,
    /// One of these is enough.
    scopes: Vec<Scope>,
}

impl RestCall<'_> {
    async fn try_all(&self, app: &TestApp, here: &Tenant<'_>, there: &Tenant<'_>, full: &Full) {
        let path = self.path(full);
        let others: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| !self.scopes.contains(scope)).collect();
        let weak = app.token(Some(&here.account.id), &others).await;
        self.send(app, &path, "").await.is_problem(401);
        self.send(app, &path, "oh_unknown").await.is_problem(401);
        self.send(app, &path, &weak).await.is_problem(403);
        if self.route.contains("{id}") {
            self.send(app, &path, &there.token).await.is_problem(404);
        }
    }

    async fn send(&self, app: &TestApp, path: &str, token: &str) -> TestResponse {
        let body = (self.method != Method::GET).then(|| Value::from(self.body()).to_string());
        app.call(self.method.clone(), path, token, body.as_deref()).await
    }

    /// A valid body where one is needed, so that a refusal can only be about the token.
    fn body(&self) -> serde_json::Map<String, Value> {
        let body = match self.route.trim_start_matches("/api/v1/endpoints/{id}") {
            "/test" => json!({ "event": "IncomingCall" }),
            "/recover" => json!({ "from": "2026-01-01T00:00:00Z" }),
            path if path.ends_with("/state") => json!({ "connected": true }),
            path if path.ends_with("/gaps") => json!({ "from": "2026-01-01T00:00:00Z", "reason": "other" }),
            path if path.ends_with("/routes") && self.method == Method::PUT => json!({ "routes": [] }),
            path if path.ends_with("/routes") => json!({ "number": "*", "account": "ref-acme" }),
            _ => json!({}),
        };
        body.as_object().unwrap().clone()
    }

    fn path(&self, full: &Full) -> String {
        let noun = self.route.trim_start_matches("/api/v1/").split('/').next().unwrap();
        let id = match noun {
            "endpoints" => ":ep",
            "events" => ":evt",
            "deliveries" => ":dlv",
            "tokens" => ":tok",
            "jobs" => ":job",
            "connectors" => ":con",
            _ => return self.route.to_owned(),
        };
        self.route.replace("{id}", &full.ids[id]).replace("{import}", &full.ids[":imp"])
    }
}
