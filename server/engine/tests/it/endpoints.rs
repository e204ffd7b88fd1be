//! Endpoints: created, changed, guarded.

use domain::{
    Error,
    account::Role,
    actor::Who,
    delivery::Deliveries,
    endpoint::{Duplicate, EndpointForm, Endpoints, HEADER_KEPT},
    event::{EventKind, Events},
};

use crate::{
    bed::{Bed, newcomer, on_both},
    receiver::Reply,
};

on_both! {
    the_same_url_twice_names_the_one_that_has_it
    all_that_is_wrong_with_a_form_is_said_at_once
    an_edit_keeps_header_values_that_were_not_retyped
    an_edit_is_refused_when_somebody_else_was_quicker
    another_accounts_things_are_not_there
    a_viewer_reads_and_changes_nothing
    credentials_that_a_server_says_back_are_shown_to_those_who_may_reveal_them
    where_somebody_was_is_for_those_who_read_the_audit_log
    credentials_are_sealed_and_can_be_revealed
    the_test_line_is_made_once
}

fn field(error: &Error) -> &str {
    &error.fields()[0].field
}

async fn the_same_url_twice_names_the_one_that_has_it(bed: Bed) {
    let first = bed.endpoint().await;
    let form = EndpointForm { url: bed.receiver.url(), events: vec!["IncomingCall".into()], ..EndpointForm::default() };
    let Err(Error::Conflict { existing, detail }) =
        bed.engine.create_endpoint(&bed.admin, &form, Duplicate::Refuse).await
    else {
        panic!("a second endpoint with the same URL must be refused");
    };
    assert_eq!(existing.as_deref(), Some(first.id.as_str()));
    assert!(detail.contains(&first.name), "{detail}");
    assert!(bed.engine.create_endpoint(&bed.admin, &form, Duplicate::Allow).await.is_ok());
}

async fn all_that_is_wrong_with_a_form_is_said_at_once(bed: Bed) {
    let form = EndpointForm { url: "http://10.0.0.1/".into(), timeout_s: "99".into(), ..EndpointForm::default() };
    let refused = bed.engine.create_endpoint(&bed.admin, &form, Duplicate::Refuse).await.unwrap_err();
    let fields: Vec<_> = refused.fields().iter().map(|said| said.field.as_str()).collect();
    assert_eq!(fields, ["url", "events", "timeout_s"], "{refused}");
}

async fn an_edit_keeps_header_values_that_were_not_retyped(bed: Bed) {
    let endpoint = bed.endpoint_with(|form| form.headers = "Authorization: Bearer x\nX-Team: a".into()).await;
    let (_, mut form) = bed.engine.endpoint_form(&bed.admin, &endpoint.id).await.unwrap();
    assert_eq!(form.headers, format!("Authorization: {HEADER_KEPT}\nX-Team: {HEADER_KEPT}"));
    form.headers = form.headers.replace(&format!("X-Team: {HEADER_KEPT}"), "X-Team: b");
    bed.engine.update_endpoint(&bed.admin, &endpoint.id, &form, None).await.unwrap();
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    let got = &bed.receiver.received()[0];
    assert_eq!(got.header("authorization").as_deref(), Some("Bearer x"));
    assert_eq!(got.header("x-team").as_deref(), Some("b"));
    form.headers = format!("X-New: {HEADER_KEPT}");
    let refused = bed.engine.update_endpoint(&bed.admin, &endpoint.id, &form, None).await.unwrap_err();
    assert_eq!(field(&refused), "headers");
}

async fn an_edit_is_refused_when_somebody_else_was_quicker(bed: Bed) {
    let endpoint = bed.endpoint().await;
    let (seen, form) = bed.engine.endpoint_form(&bed.admin, &endpoint.id).await.unwrap();
    bed.engine.update_endpoint(&bed.admin, &endpoint.id, &form, Some(seen.version)).await.unwrap();
    let late = bed.engine.update_endpoint(&bed.admin, &endpoint.id, &form, Some(seen.version)).await;
    assert!(matches!(late, Err(Error::Conflict { .. })));
}

async fn another_accounts_things_are_not_there(bed: Bed) {
    let endpoint = bed.endpoint().await;
    let accepted = bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    let delivery = bed.only_delivery().await.row.id;
    let (stranger, token) = newcomer(&bed.engine, "Other").await;
    for actor in [&stranger, &token] {
        assert!(matches!(bed.engine.endpoint(actor, &endpoint.id).await, Err(Error::NotFound(_))));
        assert!(matches!(bed.engine.delivery(actor, &delivery).await, Err(Error::NotFound(_))));
        assert!(matches!(bed.engine.event(actor, &accepted.id).await, Err(Error::NotFound(_))));
        assert!(matches!(bed.engine.resend(actor, &delivery).await, Err(Error::NotFound(_))));
        assert!(matches!(bed.engine.pause_endpoint(actor, &endpoint.id).await, Err(Error::NotFound(_))));
        assert!(matches!(bed.engine.delete_endpoint(actor, &endpoint.id).await, Err(Error::NotFound(_))));
    }
    let own = bed.token.account().unwrap().as_str();
    assert!(matches!(bed.engine.account_for_events(&token, Some(own)).await, Err(Error::NotFound(_))));
}

async fn a_viewer_reads_and_changes_nothing(bed: Bed) {
    let endpoint = bed.endpoint().await;
    let mut viewer = bed.admin.clone();
    let Who::Member { role, .. } = &mut viewer.who else { panic!("the admin is a person") };
    *role = Role::Viewer;
    assert!(bed.engine.endpoint(&viewer, &endpoint.id).await.is_ok());
    assert!(matches!(bed.engine.pause_endpoint(&viewer, &endpoint.id).await, Err(Error::Forbidden(_))));
    assert!(matches!(bed.engine.reveal_credentials(&viewer, &endpoint.id).await, Err(Error::Forbidden(_))));
    let test = bed.engine.send_test(&viewer, &endpoint.id, EventKind::IncomingCall, None).await;
    assert!(matches!(test, Err(Error::Forbidden(_))));
}

async fn credentials_that_a_server_says_back_are_shown_to_those_who_may_reveal_them(bed: Bed) {
    bed.endpoint_with(|form| form.headers = "X-Key: open sesame".into()).await;
    let said = r#"{"auth_token":"my-token"} open sesame"#;
    let answer = format!("HTTP/1.1 200 OK\r\nx-key: open sesame\r\ncontent-length: {}\r\n\r\n{said}", said.len());
    bed.receiver.next([Reply::Bytes(answer)]);
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    let id = bed.only_delivery().await.row.id;
    let mut viewer = bed.admin.clone();
    let Who::Member { role, .. } = &mut viewer.who else { panic!("the admin is a person") };
    *role = Role::Viewer;
    for (who, shown) in [(&bed.admin, true), (&viewer, false), (&bed.token, false)] {
        let detail = bed.engine.delivery(who, &id).await.unwrap();
        let answer = format!("{} {}", detail.attempts[0].response_head, detail.attempts[0].response_body);
        for credential in ["my-token", "open sesame"] {
            assert_eq!(answer.contains(credential), shown, "{credential} in {answer} for {who:?}");
        }
    }
}

async fn where_somebody_was_is_for_those_who_read_the_audit_log(bed: Bed) {
    let endpoint = bed.endpoint().await;
    let admin = bed.admin.clone().at("2001:db8::7".to_owned());
    bed.engine.pause_endpoint(&admin, &endpoint.id).await.unwrap();
    let mut viewer = bed.admin.clone();
    let Who::Member { role, .. } = &mut viewer.who else { panic!("the admin is a person") };
    *role = Role::Viewer;
    for (who, shown) in [(&bed.admin, Some("2001:db8::7")), (&viewer, None)] {
        let log = bed.engine.endpoint_log(who, &endpoint.id).await.unwrap();
        assert_eq!(log[0].address.as_deref(), shown);
    }
}

async fn credentials_are_sealed_and_can_be_revealed(bed: Bed) {
    let endpoint = bed.endpoint().await;
    let shown = bed.engine.reveal_credentials(&bed.admin, &endpoint.id).await.unwrap();
    assert_eq!(shown.auth_token, "my-token");
    let summary = bed.engine.endpoint(&bed.admin, &endpoint.id).await.unwrap();
    assert_eq!(summary.auth_token_masked, "••••••••");
    assert!(summary.signing_secret_masked.starts_with("whsec_••••••••"));
    assert!(!format!("{summary:?}").contains(&shown.signing_secret[6..]));
}

async fn the_test_line_is_made_once(bed: Bed) {
    let first = bed.engine.use_test_line(&bed.admin).await.unwrap();
    let again = bed.engine.use_test_line(&bed.admin).await.unwrap();
    assert_eq!(first.id, again.id);
    assert!(first.url.as_str().starts_with("http://127.0.0.1:3000/test-line/"));
}

#[tokio::test]
async fn an_address_that_we_do_not_call_is_refused_when_it_is_saved_and_when_it_is_called() {
    let bed = Bed::new(crate::bed::On::Sqlite).await;
    for url in
        ["http://10.0.0.1/", "http://169.254.169.254/latest/meta-data", "http://[::1]:80/", "http://[::ffff:10.0.0.1]/"]
    {
        let form = EndpointForm { url: url.into(), events: vec!["IncomingCall".into()], ..EndpointForm::default() };
        let refused = bed.engine.create_endpoint(&bed.admin, &form, Duplicate::Allow).await.unwrap_err();
        assert_eq!(field(&refused), "url", "{url}");
        assert!(refused.to_string().contains("private address"), "{refused}");
    }
}
