//! Signing up with a mail server: nothing exists until the emailed link has been opened.

use domain::{
    Error,
    account::{Accounts, RequestOrigin, SIGN_UP_MS, SignUp, SignUpOutcome},
    user::Users as _,
};
use engine::{background::Worker as _, mail::Email};

use crate::harness::{TestHarness, on_both};

on_both! { a_user_exists_only_once_they_have_opened_the_link_in_their_email a_link_works_once_and_for_a_day signing_up_tells_nobody_whether_an_address_has_a_user a_password_is_checked_when_it_is_chosen an_address_gets_a_bounded_number_of_sign_up_emails sign_ups_that_nobody_finished_are_deleted }

const ANA: &str = "ana@acme.example";
const EVE: &str = "eve@evil.example";
const IP: &str = "203.0.113.9";
const PASSWORD: &str = "violet kettle ran 7 miles";

fn form(email: &str) -> SignUp {
    SignUp { email: email.into(), account: "Pay at evil.example".into(), name: "Eve".into(), ..SignUp::default() }
}

async fn sign_up(harness: &TestHarness, email: &str) -> Email {
    assert_eq!(harness.engine.sign_up(form(email), RequestOrigin::Elsewhere, IP).await, Ok(SignUpOutcome::LinkSent));
    harness.emails().await.pop().unwrap()
}

/// The secret part of the link in an email.
fn link(email: &Email) -> String {
    let page = email.text.lines().find(|line| line.starts_with("http")).unwrap();
    page.rsplit('/').next().unwrap().to_owned()
}

async fn a_user_exists_only_once_they_have_opened_the_link_in_their_email(harness: TestHarness) {
    let users = async || harness.texts("SELECT email FROM users ORDER BY email".to_owned()).await;
    let email = sign_up(&harness, EVE).await;
    assert_eq!(email.to, EVE);
    assert!(email.text.contains("“Pay at evil example”") && !email.text.contains("evil.example "), "{}", email.text);
    assert_eq!(users().await, [ANA]);
    assert!(harness.engine.sign_in(EVE, PASSWORD, IP, "").await.is_err());
    let pending = harness.engine.linked_sign_up(&link(&email)).await.unwrap();
    assert_eq!((pending.email.as_str(), pending.account.as_str()), (EVE, "Pay at evil.example"));
    let (user, account) = harness.engine.finish_sign_up(&link(&email), PASSWORD, IP).await.unwrap();
    assert_eq!((user.email.as_str(), user.name.as_str(), account.name.as_str()), (EVE, "Eve", "Pay at evil.example"));
    assert!(harness.engine.actor(&user.id, &account.id).await.is_ok());
    assert!(harness.engine.sign_in(EVE, PASSWORD, IP, "").await.is_ok());
}

async fn a_link_works_once_and_for_a_day(harness: TestHarness) {
    let (first, second) = (link(&sign_up(&harness, EVE).await), link(&sign_up(&harness, EVE).await));
    harness.clock.step_ms(SIGN_UP_MS - 1);
    harness.engine.finish_sign_up(&first, PASSWORD, IP).await.unwrap();
    let again = harness.engine.finish_sign_up(&first, PASSWORD, IP).await;
    assert!(matches!(again, Err(Error::NotFound(_))), "{again:?}");
    let taken = harness.engine.finish_sign_up(&second, PASSWORD, IP).await.unwrap_err();
    assert!(taken.to_string().contains("already exists"), "{taken}");
    harness.clock.step_ms(1);
    let late = harness.engine.finish_sign_up(&second, PASSWORD, IP).await;
    assert!(matches!(&late, Err(Error::Conflict { detail, .. }) if detail.contains("expired")), "{late:?}");
    assert!(matches!(harness.engine.linked_sign_up("nonsense").await, Err(Error::NotFound(_))));
}

async fn signing_up_tells_nobody_whether_an_address_has_a_user(harness: TestHarness) {
    let rows = async || {
        let count = "SELECT CAST((SELECT COUNT(*) FROM emails) + 100 * (SELECT COUNT(*) FROM sign_ups) AS TEXT)";
        harness.texts(count.to_owned()).await.pop().unwrap()
    };
    // Nothing is sent meanwhile: a mail server that is stuck changes nothing in the response.
    assert_eq!(harness.engine.sign_up(form(EVE), RequestOrigin::Elsewhere, IP).await, Ok(SignUpOutcome::LinkSent));
    assert_eq!(rows().await, "101");
    assert_eq!(harness.engine.sign_up(form(ANA), RequestOrigin::Elsewhere, IP).await, Ok(SignUpOutcome::LinkSent));
    assert_eq!(rows().await, "202", "the same is written");
    assert_eq!(harness.engine.forgot(EVE).await, harness.engine.forgot(ANA).await);
    let emails = harness.emails().await;
    let notice = emails.iter().find(|email| email.to == ANA && email.subject.contains("already")).unwrap();
    assert!(notice.text.contains("/sign-in") && notice.text.contains("/forgot") && !notice.text.contains("/sign-up"));
}

async fn a_password_is_checked_when_it_is_chosen(harness: TestHarness) {
    let link = link(&sign_up(&harness, EVE).await);
    for weak in ["short", "Password1234!", "evil.example eve"] {
        let refused = harness.engine.finish_sign_up(&link, weak, IP).await.unwrap_err();
        assert_eq!(refused.fields()[0].field, "password", "{weak}");
    }
    assert!(harness.engine.finish_sign_up(&link, PASSWORD, IP).await.is_ok(), "the link still works");
}

async fn an_address_gets_a_bounded_number_of_sign_up_emails(harness: TestHarness) {
    for _ in 0..10 {
        sign_up(&harness, EVE).await;
    }
    let refused = harness.engine.sign_up(form(EVE), RequestOrigin::Elsewhere, IP).await;
    assert_eq!(refused, Err(Error::TooMany { retry_after_s: 3_600 }));
    let kept = harness.texts("SELECT email FROM sign_ups".to_owned()).await;
    assert_eq!(kept.len(), 10, "nothing is kept of what was refused");
}

async fn sign_ups_that_nobody_finished_are_deleted(harness: TestHarness) {
    sign_up(&harness, EVE).await;
    harness.clock.step_ms(3 * SIGN_UP_MS);
    harness.engine.background().expiry.tick().await.unwrap();
    assert!(harness.texts("SELECT email FROM sign_ups".to_owned()).await.is_empty());
}
