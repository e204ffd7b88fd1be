//! Strangers who type more than a form needs, to have it stored.

use futures::future::join_all;
use reqwest::{RequestBuilder, StatusCode};

use super::capped::{Capped, RESIDENT_MAX_KIB};
use crate::{
    browser::with_form,
    test_app::{client, response},
};

/// What 40 posts may add to the database, with its log, in bytes.
const STORED_MAX_BYTES: u64 = 4 * 1_024 * 1_024;

fn post(server: &Capped, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
    // The cookie of a browser that has signed in before: such a browser gets its input back after signing in again.
    let request = client().post(server.url(path)).header("cookie", "seen=1").header("accept", "text/html");
    with_form(request.header("sec-fetch-site", "same-origin"), fields)
}

#[tokio::test]
async fn a_form_keeps_no_more_than_it_needs() {
    let server = Capped::start();
    let before = server.stored_bytes();
    let (mebibyte, kibibytes, payload) = ("x".repeat(1 << 20), "x".repeat(7 << 10), "x".repeat(900 << 10));
    for (path, field, text, status) in [
        ("/api/sign-in", "form[email]", &mebibyte, StatusCode::PAYLOAD_TOO_LARGE),
        ("/api/forgot", "form[email]", &mebibyte, StatusCode::PAYLOAD_TOO_LARGE),
        ("/api/sign-in", "form[email]", &kibibytes, StatusCode::FOUND),
        ("/api/tries/send", "form[payload]", &payload, StatusCode::FOUND),
    ] {
        let fields = [(field, text.as_str()), ("acct", "acct_1"), ("ep", "ep_1")];
        for answers in [0..8, 8..16, 16..24, 24..32, 32..40] {
            for done in join_all(answers.map(|_| response(post(&server, path, &fields)))).await {
                assert_eq!(done.status, status, "{path}: {}", done.text);
                assert!(status.is_redirection() || done.text.contains("at most 8 KiB"), "{}", done.text);
            }
        }
    }
    let added = server.stored_bytes() - before;
    assert!(added <= STORED_MAX_BYTES, "{added} bytes");
    assert!(server.peak_kib() <= RESIDENT_MAX_KIB, "{} KiB", server.peak_kib());
}
