//! Emails wait in the outbox until the mail server accepts them.

use domain::{
    Error,
    account::{AccountInput, Accounts as _, RequestOrigin, Role, SignUp},
    event::EventKind,
    id::UserId,
    member::{Invite, InviteForm, MailStatus, Members as _, TeamKind},
    time::{HOUR_MS, MINUTE_MS},
    user::{NewPassword, Users as _},
};
use engine::{
    background::{Pause, Worker as _},
    mail::SendError,
};

use crate::{
    harness::{TestHarness, on_both},
    receiver::Reply,
};

on_both! { an_email_is_sent_again_until_the_mail_server_takes_it a_refused_email_is_not_sent_again an_email_is_not_sent_after_its_link_has_expired an_email_survives_the_process_that_queued_it an_email_is_queued_only_if_its_change_is_committed what_an_email_says_is_sealed_and_then_deleted an_email_that_its_node_did_not_finish_is_sent_later an_invitation_shows_what_became_of_its_email without_a_mail_server_whoever_invites_gets_the_link an_address_gets_a_bounded_number_of_emails_an_hour strangers_cannot_use_up_the_emails_that_users_need an_invitation_carries_no_link_but_ours alerts_wait_while_too_many_emails_were_written strangers_cannot_use_up_the_notices_of_a_user nothing_that_others_have_sent_to_a_user_keeps_a_reset_from_them }

const ANA: &str = "ana@acme.example";

fn temporary() -> SendError {
    SendError { reason: "451 try later".into(), is_final: false }
}

fn invite(email: &str) -> Invite {
    let form = InviteForm { email: email.into(), role: Role::Viewer.as_str().into() };
    form.parse(TeamKind::Account).unwrap()
}

/// What the list says of the only invitation's email.
async fn listed(harness: &TestHarness) -> Option<MailStatus> {
    let list = harness.engine.members(&harness.admin, TeamKind::Account).await.unwrap();
    assert_eq!(list.invitations.len(), 1);
    assert_eq!(list.invitations[0].link, None, "a link is shown once");
    list.invitations[0].mail.clone()
}

async fn tick(harness: &TestHarness) -> Pause {
    harness.engine.background().outbox.tick().await.unwrap()
}

async fn states(harness: &TestHarness) -> Vec<String> {
    harness.texts("SELECT state FROM emails WHERE recipient <> '' ORDER BY id".to_owned()).await
}

/// As if the installation had written this many emails for a purpose just now.
async fn written(harness: &TestHarness, purpose: &str, count: u32) {
    let now = harness.now().0;
    let rows = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})");
    let values =
        format!("'mail_{purpose}' || i, '{purpose}', 'user' || i || '@acme.example', '', 'sent', {now}, {now}, {now}");
    let columns = "id, purpose, recipient, subject, state, created_ms, expires_ms, ended_ms";
    harness.execute(&format!("INSERT INTO emails ({columns}) {rows} SELECT {values} FROM n")).await.unwrap();
}

async fn an_address_gets_a_bounded_number_of_emails_an_hour(harness: TestHarness) {
    for _ in 0..30 {
        assert_eq!(harness.engine.forgot(ANA).await, Ok(()), "the response is the same");
        harness.clock.step_ms(MINUTE_MS);
    }
    assert_eq!(harness.emails().await.len(), 10);
    harness.clock.step_ms(HOUR_MS);
    harness.engine.forgot(ANA).await.unwrap();
    assert_eq!(harness.emails().await.len(), 11);
}

async fn strangers_cannot_use_up_the_emails_that_users_need(harness: TestHarness) {
    let (engine, admin) = (&harness.engine, &harness.admin);
    written(&harness, "sign_up", 250).await;
    written(&harness, "reset", 249).await;
    engine.forgot(ANA).await.unwrap();
    harness.clock.step_ms(MINUTE_MS);
    engine.forgot(ANA).await.unwrap();
    assert_eq!(harness.emails().await.len(), 1, "the last reset");
    engine.invite(admin, invite("bob@acme.example")).await.unwrap();
    written(&harness, "invitation", 499).await;
    let refused = engine.invite(admin, invite("eve@acme.example")).await;
    assert_eq!(refused, Err(Error::TooMany { retry_after_s: 3_600 }));
    let list = engine.members(admin, TeamKind::Account).await.unwrap();
    assert_eq!(list.invitations.len(), 1, "an invitation that nobody gets is not made");
    let user = UserId::parse(admin.id().unwrap()).unwrap();
    let form =
        NewPassword { current_password: "correct horse battery".into(), password: "violet kettle ran 7 miles".into() };
    engine.change_password(&user, &form, "", "192.0.2.1").await.unwrap();
    assert!(harness.emails().await.pop().unwrap().subject.contains("password was changed"));
}

async fn an_invitation_carries_no_link_but_ours(harness: TestHarness) {
    let name = "Acme. Pay at https://evil.example/x or evil.example/y";
    let input = AccountInput { name: name.into(), support_access: true, ..AccountInput::default() };
    harness.engine.change_account(&harness.admin, &input).await.unwrap();
    harness.engine.invite(&harness.admin, invite("bob@acme.example")).await.unwrap();
    let email = harness.emails().await.pop().unwrap();
    assert_eq!(email.subject, "Invitation to join the account “Acme. Pay at or evil example y” on Offhook");
    assert!(!email.text.contains("evil.example"), "{}", email.text);
    assert_eq!(email.text.matches("http").count(), 1, "{}", email.text);
}

async fn an_email_is_sent_again_until_the_mail_server_takes_it(harness: TestHarness) {
    harness.mail.fail([temporary(), temporary()]);
    harness.engine.forgot(ANA).await.unwrap();
    assert_eq!(harness.emails().await, []);
    harness.clock.step_ms(MINUTE_MS - 1);
    assert_eq!(harness.emails().await, [], "not before the wait is over");
    harness.clock.step_ms(1);
    assert_eq!(harness.emails().await, [], "refused for the second time");
    assert_eq!(states(&harness).await, ["waiting"]);
    harness.clock.step_ms(5 * MINUTE_MS);
    assert_eq!(harness.emails().await.len(), 1);
    assert_eq!(states(&harness).await, ["sent"]);
    harness.clock.step_ms(HOUR_MS);
    assert_eq!(harness.emails().await.len(), 1, "once");
}

async fn a_refused_email_is_not_sent_again(harness: TestHarness) {
    harness.mail.fail([SendError { reason: "550 no such user".into(), is_final: true }]);
    harness.engine.forgot(ANA).await.unwrap();
    assert_eq!(harness.emails().await, []);
    assert_eq!(states(&harness).await, ["failed"]);
    assert_eq!(harness.text("SELECT failure FROM emails").await, "550 no such user");
    harness.clock.step_ms(HOUR_MS);
    assert_eq!(harness.emails().await, []);
}

async fn an_email_is_not_sent_after_its_link_has_expired(harness: TestHarness) {
    harness.engine.forgot(ANA).await.unwrap();
    // As after a long stop of the server.
    harness.clock.step_ms(HOUR_MS);
    assert_eq!(harness.emails().await, []);
    assert_eq!(states(&harness).await, ["failed"]);
}

async fn an_email_survives_the_process_that_queued_it(harness: TestHarness) {
    harness.engine.forgot(ANA).await.unwrap();
    let next = harness.another().await;
    assert_eq!(harness.mail.emails(), []);
    next.background().outbox.tick().await.unwrap();
    assert_eq!(harness.mail.emails().len(), 1);
}

async fn an_email_is_queued_only_if_its_change_is_committed(harness: TestHarness) {
    let engine = &harness.engine;
    engine.invite(&harness.admin, invite("bob@acme.example")).await.unwrap();
    engine.invite(&harness.admin, invite("bob@acme.example")).await.unwrap_err();
    let invited = engine.invite(&harness.admin, invite("eve@acme.example")).await.unwrap();
    engine.withdraw_invitation(&harness.admin, TeamKind::Account, &invited.id).await.unwrap();
    let emails = harness.emails().await;
    assert_eq!(emails.iter().map(|email| email.to.as_str()).collect::<Vec<_>>(), ["bob@acme.example"]);
}

async fn what_an_email_says_is_sealed_and_then_deleted(harness: TestHarness) {
    harness.engine.forgot(ANA).await.unwrap();
    let stored = harness.text("SELECT text_sealed FROM emails").await;
    let email = harness.emails().await.pop().unwrap();
    let link = email.text.split("/reset/").nth(1).unwrap().lines().next().unwrap();
    assert!(!stored.contains(link) && !stored.contains("reset"), "{stored}");
    assert_eq!(harness.text("SELECT COALESCE(text_sealed, 'gone') FROM emails").await, "gone");
    harness.engine.reset_link(link).await.unwrap();
}

async fn an_email_that_its_node_did_not_finish_is_sent_later(harness: TestHarness) {
    use engine::store::emails;
    harness.engine.forgot(ANA).await.unwrap();
    let (db, now) = (&harness.engine.context().db, harness.now());
    // Another node claims it, and dies.
    assert_eq!(emails::claim(db, now, now.plus_ms(MINUTE_MS), 8).await.unwrap().len(), 1);
    assert_ne!(tick(&harness).await, Pause::Fixed(0));
    harness.clock.step_ms(MINUTE_MS);
    assert_eq!(harness.emails().await.len(), 1);
    let sent = &harness.mail.outgoing()[0];
    assert_eq!((sent.written_at, sent.id.starts_with("mail_")), (now, true));
}

async fn an_invitation_shows_what_became_of_its_email(harness: TestHarness) {
    let refused = SendError { reason: "550 no such user".into(), is_final: true };
    harness.mail.fail([temporary(), refused]);
    let sent = harness.engine.invite(&harness.admin, invite("bob@acme.example")).await.unwrap();
    assert_eq!((listed(&harness).await, sent.link), (Some(MailStatus::Waiting(None)), None));
    harness.emails().await;
    assert_eq!(listed(&harness).await, Some(MailStatus::Waiting(Some("451 try later".into()))));
    harness.clock.step_ms(MINUTE_MS);
    harness.emails().await;
    assert_eq!(listed(&harness).await, Some(MailStatus::Failed("550 no such user".into())));
    let again = harness.engine.resend_invitation(&harness.admin, TeamKind::Account, &sent.id).await.unwrap();
    assert_eq!((harness.emails().await.len(), again.link), (1, None));
    assert_eq!(listed(&harness).await, Some(MailStatus::Sent));
}

async fn without_a_mail_server_whoever_invites_gets_the_link(harness: TestHarness) {
    harness.mail.configure(false);
    let sent = harness.engine.invite(&harness.admin, invite("bob@acme.example")).await.unwrap();
    assert!(!format!("{sent:?}").contains("/invite/"), "{sent:?}");
    let link = sent.link.unwrap().0;
    harness.emails().await;
    assert_eq!(listed(&harness).await, Some(MailStatus::Failed("no mail server is configured".into())));
    let secret = link.split("/invite/").nth(1).unwrap();
    let opened = harness.engine.invited(TeamKind::Account, secret).await.unwrap();
    assert_eq!(opened.invitation.email, "bob@acme.example");
}

async fn alerts_wait_while_too_many_emails_were_written(harness: TestHarness) {
    harness.endpoint_with(|form| form.name = "Desk".into()).await;
    harness.receiver.usually(Reply::Status(410));
    written(&harness, "notice", 2_000).await;
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    assert_eq!(harness.emails().await.len(), 0);
    harness.clock.step_ms(HOUR_MS + 1);
    harness.engine.background().alerts.tick().await.unwrap();
    assert_eq!(harness.emails().await.into_iter().map(|email| email.subject).collect::<Vec<_>>(), ["“Desk” is paused"]);
}

async fn strangers_cannot_use_up_the_notices_of_a_user(harness: TestHarness) {
    for _ in 0..30 {
        harness.engine.forgot(ANA).await.unwrap();
        harness.clock.step_ms(MINUTE_MS);
    }
    harness.endpoint_with(|form| form.name = "Desk".into()).await;
    harness.receiver.usually(Reply::Status(410));
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    assert_eq!(harness.emails().await.pop().unwrap().subject, "“Desk” is paused");
}

async fn nothing_that_others_have_sent_to_a_user_keeps_a_reset_from_them(harness: TestHarness) {
    let (stranger, _) = harness.newcomer("Beta").await;
    let sign_up = || SignUp { name: "Eve".into(), email: ANA.into(), account: "Eve".into(), password: String::new() };
    for _ in 0..30 {
        let _ = harness.engine.sign_up(sign_up(), RequestOrigin::Elsewhere, "192.0.2.1").await;
        if let Ok(sent) = harness.engine.invite(&stranger, invite(ANA)).await {
            harness.emails().await;
            harness.engine.withdraw_invitation(&stranger, TeamKind::Account, &sent.id).await.unwrap();
        }
    }
    let before = harness.emails().await;
    let invitations = before.iter().filter(|email| email.subject.starts_with("Invitation")).count();
    assert_eq!((before.len() - invitations, invitations), (10, 5), "sign-ups, and invitations by one account");
    harness.engine.forgot(ANA).await.unwrap();
    assert_eq!(harness.emails().await.pop().unwrap().subject, "Reset your Offhook password");
}
