//! The second factor in a browser without script.

use domain::{
    account::Role,
    id::UserId,
    totp::{TotpKey, step_at},
};
use engine::store::users::sessions::Owner;
use reqwest::{Method, StatusCode};

use crate::{
    browser::{Browser, EMAIL, PASSWORD, create_user, with_form},
    test_app::{TestApp, TestResponse, response},
};

const PAGE: &str = "/me/security/second-factor";
const VERIFY: &str = "/api/sign-in/verify";
const NEW: &str = "violet kettle ran 7 miles";

/// A user's phone: the authenticator app, and the recovery codes.
pub(crate) struct Phone {
    key: TotpKey,
    codes: Vec<String>,
}

impl Phone {
    /// Sets up a second factor for this user.
    pub(crate) async fn of(app: &TestApp, user: &UserId) -> Self {
        let backend = &app.room.backend;
        let draft = backend.draft_factor(user).await.unwrap();
        let shown = backend.drafted_factor(user, &draft).await.unwrap();
        let key = TotpKey::parse(&shown.key.replace(' ', "")).unwrap();
        let code = key.code(step_at(backend.clock().now()));
        let sealed = backend.switch_factor_on(user, &draft, &code, "", "").await.unwrap();
        let codes = backend.open_recovery_codes(user, &sealed).await.unwrap();
        Self { key, codes }
    }

    /// The code of the next step; that of the current one set up the factor and is used.
    fn code(&self, app: &TestApp) -> String {
        self.key.code(step_at(app.room.backend.clock().now()) + 1)
    }

    fn wrong(&self, app: &TestApp) -> String {
        let here = step_at(app.room.backend.clock().now());
        let near: Vec<_> = (here - 3..here + 9).map(|step| self.key.code(step)).collect();
        (0..).map(|n| format!("{n:06}")).find(|code| !near.contains(code)).unwrap()
    }
}

/// Ana, with a second factor, in a browser in which she has just entered her password.
async fn halfway<'a>(app: &'a TestApp, next: &str) -> (Browser<'a>, Phone) {
    let tenant = app.account("acme").await;
    let user = create_user(app, &tenant.account, Role::Admin).await;
    let phone = Phone::of(app, &user).await;
    let mut browser = Browser::new(app);
    let first = browser.sign_in(PASSWORD, next).await;
    assert!(first.status.is_redirection() && first.header("location").starts_with("/sign-in/verify"), "{first:?}");
    (browser, phone)
}

fn verify<'a>(code: &'a str, next: &'a str) -> [(&'static str, &'a str); 2] {
    [("form[code]", code), ("form[next]", next)]
}

async fn page_after(browser: &mut Browser<'_>, posted: &TestResponse) -> String {
    browser.get(posted.header("location")).await.text
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    text.split(before).nth(1).unwrap_or_else(|| panic!("{before}: {text}")).split(after).next().unwrap()
}

#[tokio::test]
async fn a_second_factor_is_set_up_on_its_page_and_its_codes_are_shown_once() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut ana = Browser::of_member(&app, &tenant.account, Role::Admin).await;
    assert!(ana.get(PAGE).await.text.contains("Two-factor authentication is off"));
    let begun = ana.post("/api/factor/begin", &[]).await;
    let page = page_after(&mut ana, &begun).await;
    assert!(page.contains("aria-label=\"QR code of the key\"") && !page.contains("style="), "{page}");
    let text = between(&page, "select-all\">", "<").to_owned();
    assert_eq!(ana.get(PAGE).await.text.matches(&text).count(), 1, "the key stays until it is verified");
    let key = TotpKey::parse(&text.replace(' ', "")).unwrap();
    let refused = ana.post("/api/factor/on", &[("form[code]", "12345x")]).await;
    let page = page_after(&mut ana, &refused).await;
    assert!(page.contains("6-digit code") && page.contains(&text) && !page.contains("12345x"), "{page}");
    let code = key.code(step_at(app.room.backend.clock().now()));
    let on = ana.post("/api/factor/on", &[("form[code]", &code)]).await;
    let page = page_after(&mut ana, &on).await;
    assert!(
        page.contains("Two-factor authentication is on") && page.contains("10 of 10 recovery codes left"),
        "{page}"
    );
    let codes: Vec<_> = page.split("<li><code>").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    assert_eq!(codes.len(), 10, "{page}");
    let again = ana.get(PAGE).await.text;
    assert!(again.contains("On since") && codes.iter().all(|code| !again.contains(code)), "{again}");
    assert!(app.emails().await.pop().unwrap().subject.contains("two-factor authentication"));
    let members = ana.get(&format!("/a/{}/members", tenant.account.id)).await.text;
    assert!(members.contains("Two-factor authentication on"), "{members}");
    // Nothing stores them in plain text, including the session and the file's free pages.
    let stored = database(&app);
    assert!(contains(&stored, EMAIL));
    let key = key.reveal();
    for secret in codes.into_iter().chain([key.as_str(), text.as_str()]) {
        assert!(!contains(&stored, secret), "{secret} is in the database");
    }
}

/// The bytes of the database's files.
fn database(app: &TestApp) -> Vec<u8> {
    let files = std::fs::read_dir(app.folder.path()).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("offhook.db"));
    files.flat_map(|path| std::fs::read(path).unwrap()).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn a_correct_password_alone_opens_nothing() {
    let app = TestApp::start().await;
    let (mut ana, _) = halfway(&app, "/me/security").await;
    for page in ["/", "/me/security", PAGE] {
        let redirect = ana.get(page).await;
        assert!(
            redirect.status.is_redirection() && redirect.header("location").starts_with("/sign-in"),
            "{page}: {redirect:?}"
        );
    }
    for function in ["factor/codes", "factor/begin", "security/end", "security/end-others", "security/letters"] {
        let request = ana.request(Method::POST, &format!("/api/{function}")).header("sec-fetch-site", "same-origin");
        let form = with_form(request, &[("handle", "x"), ("failing", "false")]);
        let refused = response(form.header("accept", "application/json")).await;
        assert!(!refused.status.is_success() && refused.text.contains("Unauthenticated"), "{function}: {refused:?}");
    }
}

#[tokio::test]
async fn the_session_has_a_new_id_after_each_step() {
    let app = TestApp::start().await;
    let (_, phone) = halfway(&app, "/me").await;
    let mut victim = Browser::new(&app);
    victim.sign_in("wrong wrong wrong", "/").await;
    let planted = victim.cookie().to_owned();
    victim.sign_in(PASSWORD, "/").await;
    let half = victim.cookie().to_owned();
    let done = victim.post(VERIFY, &verify(&phone.code(&app), "/me/security")).await;
    assert_eq!(done.header("location"), "/me/security", "{done:?}");
    assert!(planted != half && half != victim.cookie() && planted != victim.cookie());
    assert_eq!(victim.get("/me/security").await.status, StatusCode::OK);
    for cookie in [planted, half] {
        let page = response(app.http.get(app.url("/me/security")).header("cookie", cookie)).await;
        assert!(page.header("location").starts_with("/sign-in"), "{page:?}");
    }
}

#[tokio::test]
async fn wrong_and_used_codes_are_distinguished_and_the_return_path_is_kept() {
    let app = TestApp::start().await;
    let next = "/me/security?x=1";
    let (mut ana, phone) = halfway(&app, next).await;
    let refused = ana.post(VERIFY, &verify(&phone.wrong(&app), next)).await;
    let page = page_after(&mut ana, &refused).await;
    assert!(page.contains("Incorrect code") && page.contains("value=\"/me/security?x=1\""), "{page}");
    for part in ["autocomplete=\"one-time-code\"", "inputmode=\"numeric\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let code = phone.code(&app);
    assert_eq!(ana.post(VERIFY, &verify(&code, next)).await.header("location"), next);
    let mut other = Browser::new(&app);
    other.sign_in(PASSWORD, "/").await;
    let again = other.post(VERIFY, &verify(&code, "/")).await;
    assert!(page_after(&mut other, &again).await.contains("This code has already been used"));
    for evil in ["https://evil.example/", "//evil.example/"] {
        let redirect = other.post(VERIFY, &verify("", evil)).await;
        assert!(!redirect.header("location").contains("evil"), "{redirect:?}");
    }
}

#[tokio::test]
async fn a_recovery_code_signs_in_and_shows_how_many_are_left() {
    let app = TestApp::start().await;
    let (mut ana, phone) = halfway(&app, "/me").await;
    let page = ana.get("/sign-in/verify?with=recovery&next=%2Fme").await.text;
    assert!(page.contains("16 letters and digits"), "{page}");
    let fields = [("form[code]", phone.codes[0].as_str()), ("form[with]", "recovery"), ("form[next]", "/me")];
    let done = ana.post(VERIFY, &fields).await;
    assert_eq!(done.header("location"), format!("{PAGE}?next=%2Fme"));
    let page = page_after(&mut ana, &done).await;
    assert!(page.contains("You have 9 recovery codes left") && page.contains("href=\"/me\""), "{page}");
    let mut other = Browser::new(&app);
    other.sign_in(PASSWORD, "/").await;
    let again = other.post(VERIFY, &fields).await;
    assert!(again.header("location").contains("with=recovery"), "{again:?}");
    assert!(page_after(&mut other, &again).await.contains("This recovery code has already been used"));
}

#[tokio::test]
async fn the_second_step_without_a_password_redirects_to_the_first() {
    let app = TestApp::start().await;
    let mut nobody = Browser::new(&app);
    let page = nobody.get("/sign-in/verify?next=%2Fme").await;
    assert_eq!((page.status, page.header("location")), (StatusCode::SEE_OTHER, "/sign-in?next=%2Fme"));
    let posted = nobody.post(VERIFY, &verify("123456", "/me")).await;
    assert_eq!(posted.header("location"), "/sign-in?next=%2Fme", "{posted:?}");
    let (mut ana, phone) = halfway(&app, "/me").await;
    make_old(&app, &ana, None, "until").await;
    let page = ana.get("/sign-in/verify?next=%2Fme").await;
    assert_eq!(page.header("location"), "/sign-in?late=1&next=%2Fme");
    let posted = ana.post(VERIFY, &verify(&phone.code(&app), "/me")).await;
    assert_eq!(posted.header("location"), "/sign-in?late=1&next=%2Fme", "{posted:?}");
    let page = page_after(&mut ana, &posted).await;
    assert!(page.contains("Your sign-in took too long"), "{page}");
}

/// Moves a time stored in a session into the past.
async fn make_old(app: &TestApp, browser: &Browser<'_>, user: Option<&UserId>, moment: &str) {
    let id = browser.cookie().strip_prefix("offhook=").unwrap();
    let record = app.room.engine.load_session(id).await.unwrap().unwrap();
    let at = between(&record, &format!("\"{moment}\":"), ",").split('}').next().unwrap();
    let data = record.replace(at, "1");
    let owner = user.map(|user| Owner { user: user.to_string(), ..Owner::default() });
    let expires = app.room.backend.clock().now().plus_ms(domain::time::HOUR_MS);
    app.room.engine.update_session(id, |_| Some((data, expires, owner))).await.unwrap();
}

#[tokio::test]
async fn a_fresh_sign_in_requires_both_steps() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let user = create_user(&app, &tenant.account, Role::Admin).await;
    let phone = Phone::of(&app, &user).await;
    let (acct, ep) = (tenant.account.id.to_string(), tenant.endpoint("https://a.example/").await["id"].clone());
    let reveal = [("acct", acct.as_str()), ("ep", ep.as_str().unwrap())];
    let mut ana = Browser::new(&app);
    ana.sign_in(PASSWORD, "/").await;
    ana.post(VERIFY, &verify(&phone.code(&app), "/")).await;
    let shown = ana.post("/api/endpoints/reveal", &reveal).await;
    assert!(page_after(&mut ana, &shown).await.contains("my-token"));
    make_old(&app, &ana, Some(&user), "signed_in_at").await;
    for (path, fields) in
        [("/api/endpoints/reveal", &reveal[..]), ("/api/factor/codes", &[]), ("/api/factor/off", &verify("", ""))]
    {
        let redirect = ana.post(path, fields).await;
        let to = redirect.header("location");
        assert!(to.starts_with("/sign-in?") && to.ends_with("&again=1"), "{path}: {redirect:?}");
    }
    assert!(ana.sign_in(PASSWORD, "/").await.header("location").starts_with("/sign-in/verify"));
    let redirect = ana.post("/api/endpoints/reveal", &reveal).await;
    assert!(
        redirect.header("location").starts_with("/sign-in?"),
        "the password alone does not make it fresh: {redirect:?}"
    );
    ana.post(VERIFY, &verify(&phone.codes[0], "/")).await;
    let shown = ana.post("/api/endpoints/reveal", &reveal).await;
    assert!(page_after(&mut ana, &shown).await.contains("my-token"));
    let off = ana.post("/api/factor/off", &[("form[code]", &phone.codes[1])]).await;
    assert!(page_after(&mut ana, &off).await.contains("Two-factor authentication is off"));
    assert_eq!(Browser::new(&app).sign_in(PASSWORD, "/me").await.header("location"), "/me");
}

#[tokio::test]
async fn a_password_reset_does_not_bypass_the_second_factor() {
    let app = TestApp::start().await;
    let (mut ana, phone) = halfway(&app, "/me").await;
    ana.post("/api/forgot", &[("form[email]", EMAIL)]).await;
    let email = app.emails().await.pop().unwrap().text;
    let link = email.lines().find_map(|line| line.split("/reset/").nth(1)).unwrap();
    let mut thief = Browser::new(&app);
    thief.post("/api/reset", &[("link", link), ("form[password]", NEW)]).await;
    assert!(thief.sign_in(NEW, "/me").await.header("location").starts_with("/sign-in/verify"));
    assert!(thief.get("/me/security").await.header("location").starts_with("/sign-in"));
    let old = ana.post(VERIFY, &verify(&phone.code(&app), "/me")).await;
    assert_eq!(old.header("location"), "/sign-in?late=1&next=%2Fme", "the old password no longer counts");
}
