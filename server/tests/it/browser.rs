//! A browser without script: posts forms, keeps its cookie.

use domain::actor::Actor;
use domain::{
    account::{Account, Role},
    id::UserId,
};
use engine::Affiliation;
use reqwest::Method;

use crate::test_app::{TestApp, TestResponse, response};

pub(crate) const EMAIL: &str = "ana@acme.example";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A browser that talks to one Offhook.
pub(crate) struct Browser<'a> {
    app: &'a TestApp,
    cookie: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(app: &'a TestApp) -> Self {
        Self { app, cookie: String::new() }
    }

    /// A browser with a signed-in new member of the account.
    pub(crate) async fn of_member(app: &'a TestApp, account: &Account, role: Role) -> Self {
        Self::of_member_named(app, account, role, EMAIL).await
    }

    /// The same for one with this address.
    pub(crate) async fn of_member_named(app: &'a TestApp, account: &Account, role: Role, email: &str) -> Self {
        create_user_named(app, account, role, email).await;
        let mut browser = Self::new(app);
        let signed_in = browser.sign_in_as(email, PASSWORD, "/").await;
        assert!(signed_in.status.is_redirection(), "{signed_in:?}");
        browser
    }

    pub(crate) async fn sign_in(&mut self, password: &str, next: &str) -> TestResponse {
        self.sign_in_as(EMAIL, password, next).await
    }

    async fn sign_in_as(&mut self, email: &str, password: &str, next: &str) -> TestResponse {
        self.post("/api/sign-in", &[("form[email]", email), ("form[password]", password), ("form[next]", next)]).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> TestResponse {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> TestResponse {
        let request = self.request(Method::POST, path).header("sec-fetch-site", "same-origin");
        self.send(with_form(request, fields)).await
    }

    /// A request with the cookie and a browser's `accept` header.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.app.http.request(method, self.app.url(path)).header("accept", "text/html");
        if self.cookie.is_empty() { request } else { request.header("cookie", &self.cookie) }
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> TestResponse {
        let response = response(request).await;
        for line in response.headers.get_all("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            if pair.starts_with("offhook=") {
                self.cookie = pair.to_owned();
            }
        }
        response
    }

    /// As if the session had expired: only the cookie that remembers a past sign-in is left.
    pub(crate) fn expire_session(&mut self) {
        self.cookie = "seen=1".to_owned();
    }

    pub(crate) fn cookie(&self) -> &str {
        &self.cookie
    }
}

pub(crate) fn with_form(request: reqwest::RequestBuilder, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields);
    request.header("content-type", "application/x-www-form-urlencoded").body(form.finish())
}

pub(crate) async fn create_user(app: &TestApp, account: &Account, role: Role) -> UserId {
    create_user_named(app, account, role, EMAIL).await
}

async fn create_user_named(app: &TestApp, account: &Account, role: Role, email: &str) -> UserId {
    app.room
        .engine
        .create_user(&Actor::COMMAND_LINE, email, PASSWORD, Affiliation::Member(account.id.clone(), role))
        .await
        .unwrap()
}
