//! Who may do what: every page, every server function and every REST call, tried by every kind of visitor. The lists
//! come from the router, the sources and the OpenAPI document, so that a new one without a policy fails here.

mod full;
mod rest;
mod table;

use domain::{
    account::{Account, Role, StaffRole},
    actor::Actor,
};
use engine::Affiliation;
use reqwest::Method;

use crate::{
    browser::{Browser, PASSWORD, with_form},
    receiver::Receiver,
    test_app::{TestApp, TestResponse},
};
pub(crate) use full::Full;
pub(crate) use rest::rest_calls;
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
