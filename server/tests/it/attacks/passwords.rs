//! Strangers who make the server compute password hashes: each takes a core and 19 MiB.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use futures::future::join_all;
use reqwest::{RequestBuilder, StatusCode};
use tokio::{net::TcpStream, sync::Notify};

use super::{
    capped::{Capped, RESIDENT_MAX_KIB},
    connections::connected,
};
use crate::{
    browser::{EMAIL, PASSWORD, with_form},
    test_app::{client, response},
};

/// Newer requests after which an attacker's request leaves.
const LEAVE_AFTER: usize = 20;
/// How long other people may need to sign in meanwhile.
const SIGN_IN_MAX: Duration = Duration::from_secs(2);

/// A form from this client address, as a trusted proxy forwards it.
fn form(server: &Capped, path: &str, client_ip: &str, fields: &[(&str, &str)]) -> RequestBuilder {
    let request = client().post(server.url(path)).header("x-forwarded-for", client_ip);
    with_form(request.header("sec-fetch-site", "same-origin").header("accept", "text/html"), fields)
}

/// Addresses of as many clients.
pub(super) fn clients(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("198.51.{}.{}", n / 256, n % 256))
}

async fn sign_up(server: &Capped) {
    let fields = [("form[email]", EMAIL), ("form[password]", PASSWORD), ("form[account]", "Acme")];
    let done = response(form(server, "/api/sign-up", "203.0.113.9", &fields)).await;
    assert!(done.header("location").starts_with("/a/"), "{done:?}");
}

/// Signs in as someone who repeats what was refused; returns how long it took.
#[expect(clippy::disallowed_methods, reason = "how long it takes is measured")]
async fn sign_in(server: &Capped) -> Duration {
    let (begun, fields) = (Instant::now(), [("form[email]", EMAIL), ("form[password]", PASSWORD)]);
    while begun.elapsed() < SIGN_IN_MAX {
        let done = response(form(server, "/api/sign-in", "203.0.113.9", &fields)).await;
        if done.status != StatusCode::SERVICE_UNAVAILABLE {
            assert_eq!(done.header("location"), "/", "{done:?}");
            break;
        }
    }
    begun.elapsed()
}

/// Posts a wrong password from this address through a proxy, and leaves when the connection is dropped.
pub(super) async fn post_wrong_password(from: &str, address: &str, client_ip: &str) -> TcpStream {
    let body = "form[email]=nobody@acme.example&form[password]=not-the-right-password";
    let head = format!(
        "POST /api/sign-in HTTP/1.1\r\nhost: {address}\r\nx-forwarded-for: {client_ip}\r\nsec-fetch-site: same-origin\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    connected(from, address, &format!("{head}{body}")).await
}

#[tokio::test]
async fn requests_that_are_dropped_do_not_add_up_to_more_hashes_at_once() {
    // Each client has an address of its own in `X-Forwarded-For`, so none is on this machine.
    let server = Capped::start_with(&[("OFFHOOK_SIGN_UP", "open")]);
    sign_up(&server).await;
    let (mut waiting, http, halfway) = (VecDeque::new(), client(), Notify::new());
    let attack = async {
        for (n, client_ip) in clients(500).enumerate() {
            if n == 250 {
                halfway.notify_one();
            }
            waiting.push_back(post_wrong_password("127.0.0.1", &server.address, &client_ip).await);
            // A round trip gives the server the time to begin; the oldest one then leaves.
            response(http.get(server.url("/healthz"))).await;
            if waiting.len() > LEAVE_AFTER {
                waiting.pop_front();
            }
        }
    };
    let other = async {
        halfway.notified().await;
        sign_in(&server).await
    };
    let ((), took) = tokio::join!(attack, other);
    assert!(took < SIGN_IN_MAX, "{took:?}");
    assert!(server.peak_kib() <= RESIDENT_MAX_KIB, "{} KiB", server.peak_kib());
}

#[tokio::test]
async fn more_sign_ins_than_can_be_checked_soon_are_refused_at_once_with_the_form_still_filled_in() {
    let server = Capped::start();
    let fields = [("form[email]", EMAIL), ("form[password]", "not the right password")];
    let clients: Vec<String> = clients(300).collect();
    let posts = clients.iter().map(|client_ip| response(form(&server, "/api/sign-in", client_ip, &fields)));
    let (refused, judged): (Vec<_>, Vec<_>) =
        join_all(posts).await.into_iter().partition(|done| done.status == StatusCode::SERVICE_UNAVAILABLE);
    assert!(!refused.is_empty() && !judged.is_empty(), "{} and {}", refused.len(), judged.len());
    for page in refused {
        assert_eq!(page.header("retry-after"), "2");
        assert!(page.text.contains("Too many passwords are being checked right now"), "{}", page.text);
        assert!(page.text.contains(EMAIL) && !page.text.contains("not the right password"), "{}", page.text);
    }
    assert!(server.peak_kib() <= RESIDENT_MAX_KIB, "{} KiB", server.peak_kib());
}

/// People of an office who sign in at the same time, behind one address.
const OFFICE: usize = 50;
/// How long the last of them may need, with an unoptimised program.
const OFFICE_MAX: Duration = Duration::from_secs(10);

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is measured")]
async fn an_office_behind_one_address_signs_in_at_once() {
    let server = Capped::start_with(&[("OFFHOOK_SIGN_UP", "open")]);
    sign_up(&server).await;
    let (begun, fields) = (Instant::now(), [("form[email]", EMAIL), ("form[password]", PASSWORD)]);
    let posts = (0..OFFICE).map(|_| response(form(&server, "/api/sign-in", "203.0.113.9", &fields)));
    for done in join_all(posts).await {
        assert_eq!(done.header("location"), "/", "{done:?}");
    }
    assert!(begun.elapsed() < OFFICE_MAX, "{:?}", begun.elapsed());
    assert!(server.peak_kib() <= RESIDENT_MAX_KIB, "{} KiB", server.peak_kib());
}
