//! Every REST call of the OpenAPI document.

use domain::token::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::Full;
use crate::{
    receiver::Receiver,
    test_app::{Tenant, TestApp, TestResponse},
};

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
            "calls" => ":call",
            "deliveries" => ":dlv",
            "tokens" => ":tok",
            "jobs" => ":job",
            "connectors" => ":con",
            _ => return self.route.to_owned(),
        };
        self.route.replace("{id}", &full.ids[id]).replace("{import}", &full.ids[":imp"])
    }
}
