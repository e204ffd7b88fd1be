//! Pages while the database cannot be reached.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};

use crate::{
    browser::{EMAIL, PASSWORD, with_form},
    command::{offhook, serve::serve},
    pgbouncer::PgBouncer,
    postgres::database,
    test_app::{client, response},
};

/// How long someone may have to wait until a page says so.
const SAID_WITHIN: Duration = Duration::from_secs(5);

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is measured")]
async fn a_page_says_within_seconds_that_the_database_is_away() {
    let (folder, upstream) = (tempfile::tempdir().unwrap(), database().await);
    let pgbouncer = PgBouncer::start(folder.path(), &upstream, "session").await;
    let mut command = offhook(folder.path());
    command.env("OFFHOOK_DATABASE_URL", pgbouncer.url(&upstream)).env("OFFHOOK_SIGN_UP", "open");
    let (_server, address) = serve(command);
    let request = |method, path: &str| {
        let request = client().request(method, format!("http://{address}{path}")).header("accept", "text/html");
        request.header("sec-fetch-site", "same-origin")
    };
    let sign_up = [("form[email]", EMAIL), ("form[password]", PASSWORD), ("form[account]", "Acme")];
    let signed_up = response(with_form(request(Method::POST, "/api/sign-up"), &sign_up)).await;
    let account = signed_up.header("location").to_owned();
    let set = signed_up.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
    let cookie = set.map(|line| line.split(';').next().unwrap()).collect::<Vec<_>>().join("; ");
    let opened = response(request(Method::GET, &account).header("cookie", &cookie)).await;
    assert_eq!(opened.status, StatusCode::OK, "{}", opened.text);
    drop(pgbouncer);
    let sign_in =
        with_form(request(Method::POST, "/api/sign-in"), &[("form[email]", EMAIL), ("form[password]", PASSWORD)]);
    for request in [request(Method::GET, &account).header("cookie", &cookie), sign_in] {
        let begun = Instant::now();
        let said = response(request).await;
        assert_eq!(said.status, StatusCode::SERVICE_UNAVAILABLE, "{}", said.text);
        assert!(said.text.contains("<h1") && said.text.contains("The database is unavailable."), "{}", said.text);
        assert!(begun.elapsed() < SAID_WITHIN, "{:?}", begun.elapsed());
    }
}
