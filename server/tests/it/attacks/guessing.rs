//! An admin of one account who knows ids of another and requests them in their own account.

use domain::account::Role;
use reqwest::{Method, StatusCode};

use crate::{
    browser::{Browser, with_form},
    policy::{Full, functions, routes},
    receiver::Receiver,
    test_app::{Tenant, TestApp, response},
};

/// Routes with an account that are neither pages nor server functions nor REST, with what another account gets.
const OTHER_ROUTES: [&str; 5] = [
    "/a/{acct}/audit/export.csv",
    "/a/{acct}/audit/export.json",
    "/a/{acct}/connectors/{con}/records",
    "/a/{acct}/connectors/{con}/records/{imp}/not-imported.csv",
    "/a/{acct}/deliveries/live",
];

/// One account's objects under the id of another.
async fn mixed(here: &Tenant<'_>, there: &Tenant<'_>, receiver: &Receiver) -> (Full, Full) {
    let full = Full::of(here, receiver).await;
    let mut ids = full.ids.clone();
    ids.insert(":acct", there.account.id.to_string());
    (full, Full { ids })
}

#[tokio::test]
async fn no_page_shows_data_of_another_account() {
    let app = TestApp::start().await;
    let (here, there, receiver) = (app.account("acme").await, app.account("beta").await, Receiver::start().await);
    let (_, mixed) = mixed(&here, &there, &receiver).await;
    let mut stranger = Browser::of_member(&app, &there.account, Role::Admin).await;
    let things = [":ep", ":dlv", ":evt", ":tok", ":call", ":job", ":usr"];
    let takes_id = |route: &&&str| route.starts_with("/a/") && route.split('/').any(|part| things.contains(&part));
    let routes = routes();
    let taking: Vec<&&str> = routes.iter().filter(takes_id).collect();
    assert!(taking.len() > 10, "{taking:?}");
    for route in taking {
        let page = stranger.get(&mixed.path(route)).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{route}: {}", page.text);
        assert!(!page.text.contains(&receiver.url), "{route} shows the endpoint's URL");
    }
}

#[tokio::test]
async fn no_function_reads_or_changes_data_of_another_account() {
    let app = TestApp::start().await;
    let (here, there, receiver) = (app.account("acme").await, app.account("beta").await, Receiver::start().await);
    let (full, mixed) = mixed(&here, &there, &receiver).await;
    let stranger = Browser::of_member(&app, &there.account, Role::Admin).await;
    let standing = async || {
        let paths =
            ["endpoints/:ep", "endpoints/:ep/rotation", "deliveries/:dlv", "tokens/:tok", "audit", "deliveries"];
        let mut all = Vec::new();
        for path in paths {
            all.push(here.get(&full.path(&format!("/api/v1/{path}"))).await.text);
        }
        all
    };
    let before = standing().await;
    let fields = mixed.fields();
    let mut functions = functions();
    functions.sort_by_key(|name| name == "sign-out" || name.starts_with("security/"));
    for function in functions {
        for turn in ["retire-token", "drop", "pause", "cancel", "undo"] {
            let mut fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            fields.push(("turn", turn));
            let request = stranger.request(Method::POST, &format!("/api/{function}"));
            let request = request.header("sec-fetch-site", "same-origin").header("accept", "application/json");
            let response = response(with_form(request, &fields)).await;
            assert!(!response.text.contains(&receiver.url), "{function} tells of another account: {}", response.text);
            if !function.contains("turn") {
                break;
            }
        }
    }
    assert_eq!(standing().await, before);
}

#[tokio::test]
async fn other_routes_are_closed_to_other_accounts_as_well() {
    let (app, receiver) = (TestApp::start().await, Receiver::start().await);
    let (here, there) = (app.account("acme").await, app.account("beta").await);
    let full = Full::of(&here, &receiver).await;
    let mut stranger = Browser::of_member(&app, &there.account, Role::Admin).await;
    let mut nobody = Browser::new(&app);
    for route in OTHER_ROUTES {
        let path = full.path(&route.replace('{', ":").replace('}', ""));
        let status = async |browser: &mut Browser| {
            // The upload, beside which there is a page.
            let is_post = route.ends_with("/records");
            if is_post { browser.post(&path, &[]).await.status } else { browser.get(&path).await.status }
        };
        assert_eq!(status(&mut stranger).await, StatusCode::NOT_FOUND, "{route}");
        assert_eq!(status(&mut nobody).await, StatusCode::UNAUTHORIZED, "{route}");
    }
}

/// Add new routes of this kind above.
#[test]
fn every_other_route_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let source: String = files.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let literals = source.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let mut found: Vec<&str> = literals.filter(|route| route.contains("{acct}")).collect();
    found.sort_unstable();
    assert_eq!(found, OTHER_ROUTES);
}
