//! Endpoints: creating, editing, permissions.

use std::sync::Arc;

use domain::{
    Error,
    account::Role,
    actor::Who,
    delivery::{Deliveries, Status},
    endpoint::{Duplicate, EndpointForm, Endpoints, HEADER_KEPT},
    event::{EventKind, Events},
};
use tokio::sync::Semaphore;

use crate::{
    harness::{TestHarness, on_both},
    receiver::Reply,
};

on_both! { a_duplicate_url_is_refused_naming_the_existing_endpoint all_errors_of_a_form_are_reported_at_once an_edit_keeps_header_values_that_were_not_retyped an_edit_is_refused_after_a_concurrent_edit another_accounts_endpoints_are_not_found a_viewer_can_read_but_not_change echoed_credentials_are_shown_only_to_users_who_may_reveal_them only_users_who_read_the_audit_log_see_addresses credentials_are_sealed_and_can_be_revealed the_test_line_is_created_once an_attempt_during_which_its_endpoint_is_deleted_is_recorded }

fn field(error: &Error) -> &str {
    &error.fields()[0].field
}

async fn a_duplicate_url_is_refused_naming_the_existing_endpoint(harness: TestHarness) {
    let first = harness.endpoint().await;
    let form =
        EndpointForm { url: harness.receiver.url(), events: vec!["IncomingCall".into()], ..EndpointForm::default() };
    let Err(Error::Conflict { existing, detail }) =
        harness.engine.create_endpoint(&harness.admin, &form.input().unwrap(), Duplicate::Refuse).await
    else {
        panic!("a second endpoint with the same URL must be refused");
    };
    assert_eq!(existing.as_deref(), Some(first.id.as_str()));
    assert!(detail.contains(&first.name), "{detail}");
    assert!(harness.engine.create_endpoint(&harness.admin, &form.input().unwrap(), Duplicate::Allow).await.is_ok());
}

async fn all_errors_of_a_form_are_reported_at_once(harness: TestHarness) {
    let form = EndpointForm { url: "http://10.0.0.1/".into(), timeout_s: "99".into(), ..EndpointForm::default() };
    let refused =
        harness.engine.create_endpoint(&harness.admin, &form.input().unwrap(), Duplicate::Refuse).await.unwrap_err();
    let fields: Vec<_> = refused.fields().iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["url", "events", "timeout_s"], "{refused}");
}

async fn an_edit_keeps_header_values_that_were_not_retyped(harness: TestHarness) {
    let endpoint = harness.endpoint_with(|form| form.headers = "Authorization: Bearer x\nX-Team: a".into()).await;
    let mut form = EndpointForm::of(&harness.engine.endpoint(&harness.admin, &endpoint.id).await.unwrap().endpoint);
    assert_eq!(form.headers, format!("Authorization: {HEADER_KEPT}\nX-Team: {HEADER_KEPT}"));
    form.headers = form.headers.replace(&format!("X-Team: {HEADER_KEPT}"), "X-Team: b");
    harness.engine.update_endpoint(&harness.admin, &endpoint.id, &form.input().unwrap(), None).await.unwrap();
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    let got = &harness.receiver.received()[0];
    assert_eq!(got.header("authorization").as_deref(), Some("Bearer x"));
    assert_eq!(got.header("x-team").as_deref(), Some("b"));
    form.headers = format!("X-New: {HEADER_KEPT}");
    let refused =
        harness.engine.update_endpoint(&harness.admin, &endpoint.id, &form.input().unwrap(), None).await.unwrap_err();
    assert_eq!(field(&refused), "headers");
}

async fn an_edit_is_refused_after_a_concurrent_edit(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    let seen = harness.engine.endpoint(&harness.admin, &endpoint.id).await.unwrap().endpoint;
    let form = EndpointForm::of(&seen);
    harness
        .engine
        .update_endpoint(&harness.admin, &endpoint.id, &form.input().unwrap(), Some(seen.version))
        .await
        .unwrap();
    let late =
        harness.engine.update_endpoint(&harness.admin, &endpoint.id, &form.input().unwrap(), Some(seen.version)).await;
    assert!(matches!(late, Err(Error::Conflict { .. })));
}

async fn another_accounts_endpoints_are_not_found(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    let accepted = harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    let delivery = harness.only_delivery().await.row.id;
    let (stranger, token) = harness.newcomer("Other").await;
    for actor in [&stranger, &token] {
        assert!(matches!(harness.engine.endpoint(actor, &endpoint.id).await, Err(Error::NotFound(_))));
        assert!(matches!(harness.engine.delivery(actor, &delivery, None).await, Err(Error::NotFound(_))));
        assert!(matches!(harness.engine.event(actor, &accepted.id).await, Err(Error::NotFound(_))));
        assert!(matches!(harness.engine.resend(actor, &delivery).await, Err(Error::NotFound(_))));
        assert!(matches!(harness.engine.pause_endpoint(actor, &endpoint.id).await, Err(Error::NotFound(_))));
        assert!(matches!(harness.engine.delete_endpoint(actor, &endpoint.id).await, Err(Error::NotFound(_))));
    }
    let own = harness.token.account().unwrap().as_str();
    assert!(matches!(harness.engine.account_for_events(&token, Some(own)).await, Err(Error::NotFound(_))));
}

async fn a_viewer_can_read_but_not_change(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    let mut viewer = harness.admin.clone();
    let Who::Member { role, .. } = &mut viewer.who else { panic!("the admin is a member") };
    *role = Role::Viewer;
    assert!(harness.engine.endpoint(&viewer, &endpoint.id).await.is_ok());
    assert!(matches!(harness.engine.pause_endpoint(&viewer, &endpoint.id).await, Err(Error::Forbidden(_))));
    assert!(matches!(harness.engine.reveal_credentials(&viewer, &endpoint.id).await, Err(Error::Forbidden(_))));
    let test = harness.engine.send_test(&viewer, &endpoint.id, EventKind::IncomingCall, None).await;
    assert!(matches!(test, Err(Error::Forbidden(_))));
}

async fn echoed_credentials_are_shown_only_to_users_who_may_reveal_them(harness: TestHarness) {
    harness.endpoint_with(|form| form.headers = "X-Key: open sesame".into()).await;
    let echo = r#"{"auth_token":"my-token"} open sesame"#;
    let answer = format!("HTTP/1.1 200 OK\r\nx-key: open sesame\r\ncontent-length: {}\r\n\r\n{echo}", echo.len());
    harness.receiver.next([Reply::Bytes(answer)]);
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    let id = harness.only_delivery().await.row.id;
    let mut viewer = harness.admin.clone();
    let Who::Member { role, .. } = &mut viewer.who else { panic!("the admin is a member") };
    *role = Role::Viewer;
    for (who, shown) in [(&harness.admin, true), (&viewer, false), (&harness.token, false)] {
        let detail = harness.engine.delivery(who, &id, None).await.unwrap();
        let answer = format!("{} {}", detail.attempts[0].response_head, detail.attempts[0].response_body);
        for credential in ["my-token", "open sesame"] {
            assert_eq!(answer.contains(credential), shown, "{credential} in {answer} for {who:?}");
        }
    }
}

async fn only_users_who_read_the_audit_log_see_addresses(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    let admin = harness.admin.clone().at("2001:db8::7".to_owned());
    harness.engine.pause_endpoint(&admin, &endpoint.id).await.unwrap();
    let mut viewer = harness.admin.clone();
    let Who::Member { role, .. } = &mut viewer.who else { panic!("the admin is a member") };
    *role = Role::Viewer;
    for (who, shown) in [(&harness.admin, Some("2001:db8::7")), (&viewer, None)] {
        let log = harness.engine.endpoint_log(who, &endpoint.id).await.unwrap();
        assert_eq!(log[0].address.as_deref(), shown);
    }
}

async fn credentials_are_sealed_and_can_be_revealed(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    let shown = harness.engine.reveal_credentials(&harness.admin, &endpoint.id).await.unwrap();
    assert_eq!(shown.auth_token, "my-token");
    let summary = harness.engine.endpoint(&harness.admin, &endpoint.id).await.unwrap();
    assert_eq!(summary.auth_token_masked, "••••••••");
    assert!(summary.signing_secret_masked.starts_with("whsec_••••••••"));
    assert!(!format!("{summary:?}").contains(&shown.signing_secret[6..]));
}

async fn the_test_line_is_created_once(harness: TestHarness) {
    let first = harness.engine.use_test_line(&harness.admin).await.unwrap();
    let again = harness.engine.use_test_line(&harness.admin).await.unwrap();
    assert_eq!(first.id, again.id);
    assert!(first.url.as_str().starts_with("http://127.0.0.1:3000/test-line/"));
}

#[tokio::test]
async fn a_blocked_address_is_refused_when_saved_and_when_called() {
    let harness = TestHarness::new(crate::harness::On::Sqlite).await;
    for url in
        ["http://10.0.0.1/", "http://169.254.169.254/latest/meta-data", "http://[::1]:80/", "http://[::ffff:10.0.0.1]/"]
    {
        let form = EndpointForm { url: url.into(), events: vec!["IncomingCall".into()], ..EndpointForm::default() };
        let refused =
            harness.engine.create_endpoint(&harness.admin, &form.input().unwrap(), Duplicate::Allow).await.unwrap_err();
        assert_eq!(field(&refused), "url", "{url}");
        assert!(refused.to_string().contains("private address"), "{refused}");
    }
}

async fn an_attempt_during_which_its_endpoint_is_deleted_is_recorded(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    let gate = Arc::new(Semaphore::new(0));
    harness.receiver.next([Reply::Wait(gate.clone())]);
    harness.accept(EventKind::CallProcessed, 1).await;
    let deleting = async {
        harness.receiver.has_received(1).await;
        harness.engine.delete_endpoint(&harness.admin, &endpoint.id).await.unwrap();
        gate.add_permits(1);
    };
    let (attempts, ()) = tokio::join!(harness.run(), deleting);
    assert_eq!(attempts, 1);
    let delivery = harness.only_delivery().await;
    assert_eq!((delivery.row.status, delivery.row.attempts), (Status::Cancelled, 1));
    assert_eq!(delivery.attempts.iter().map(|attempt| attempt.status_code).collect::<Vec<_>>(), [Some(200)]);
}
