//! Emails wait in the outbox until the mail server accepts them.

use domain::{
    account::Role,
    member::{Invite, InviteForm, MailStatus, Members as _, TeamKind},
    time::{HOUR_MS, MINUTE_MS},
    user::Users as _,
};
use engine::{
    background::{Pause, Worker as _},
    mail::SendError,
};

use crate::harness::{TestHarness, on_both};

on_both! { an_email_is_sent_again_until_the_mail_server_takes_it a_refused_email_is_not_sent_again an_email_is_not_sent_after_its_link_has_expired an_email_survives_the_process_that_queued_it an_email_is_queued_only_if_its_change_is_committed what_an_email_says_is_sealed_and_then_deleted an_email_that_its_node_did_not_finish_is_sent_later an_invitation_shows_what_became_of_its_email without_a_mail_server_whoever_invites_gets_the_link }

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
    harness.mail.unconfigure();
    let sent = harness.engine.invite(&harness.admin, invite("bob@acme.example")).await.unwrap();
    assert!(!format!("{sent:?}").contains("/invite/"), "{sent:?}");
    let link = sent.link.unwrap().0;
    harness.emails().await;
    assert_eq!(listed(&harness).await, Some(MailStatus::Failed("no mail server is configured".into())));
    let secret = link.split("/invite/").nth(1).unwrap();
    let opened = harness.engine.invited(TeamKind::Account, secret).await.unwrap();
    assert_eq!(opened.invitation.email, "bob@acme.example");
}
