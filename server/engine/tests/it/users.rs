//! Members, invitations, passwords and sessions.

use domain::{
    Error,
    account::{Accounts, RequestOrigin, Role, SignUp},
    actor::{Actor, Who},
    audit::{Audit, AuditAction, AuditFilter},
    event::EventKind,
    id::UserId,
    member::{INVITATION_MS, Invite, InviteForm, Members, NewUserForm, Team, TeamKind, TeamRole},
    user::{EmailPreferences, NewPassword, RESET_MS, Users},
};
use engine::store::users::sessions::{Owner, Stored};

use crate::{
    harness::{TestHarness, on_both},
    receiver::Reply,
};

on_both! { a_new_user_joins_by_the_link_in_the_email a_link_works_once_and_for_a_week a_resent_invitation_has_a_new_link an_invitation_is_for_one_address invitees_and_members_cannot_be_invited_again only_admins_see_and_change_members an_account_always_keeps_an_admin two_admins_who_demote_each_other_leave_one a_reset_link_sets_the_password_once an_unknown_address_gets_the_same_response_and_no_email changing_the_password_ends_the_other_sessions each_admin_can_turn_off_failure_alerts weak_passwords_are_refused_wherever_one_is_set only_their_owner_lists_and_ends_sessions }

const PASSWORD: &str = "violet kettle ran 7 miles";
const OLD: &str = "correct horse battery";
const ANA: &str = "ana@acme.example";

/// The secret part of the link in the latest email.
async fn link(harness: &TestHarness) -> String {
    let email = harness.emails().await.pop().unwrap();
    let line = email.text.lines().find(|line| line.starts_with("http")).unwrap().to_owned();
    line.rsplit('/').next().unwrap().to_owned()
}

fn invite(email: &str, role: Role) -> domain::Result<Invite> {
    InviteForm { email: email.into(), role: role.as_str().into() }.parse(TeamKind::Account)
}

async fn invited(harness: &TestHarness, email: &str, role: Role) -> String {
    harness.engine.invite(&harness.admin, invite(email, role).unwrap()).await.unwrap();
    link(harness).await
}

/// A user who has joined the account.
async fn joined(harness: &TestHarness, email: &str, role: Role) -> Actor {
    let link = invited(harness, email, role).await;
    let form = NewUserForm { name: "Bob".into(), password: PASSWORD.into() };
    let (user, team) = harness.engine.join_as_new(TeamKind::Account, &link, &form, "203.0.113.9").await.unwrap();
    harness.engine.actor(&user.id, team.account().unwrap()).await.unwrap()
}

fn id(actor: &Actor) -> UserId {
    UserId::parse(actor.id().unwrap()).unwrap()
}

fn is_conflict<T: std::fmt::Debug>(result: domain::Result<T>, says: &str) {
    match result {
        Err(Error::Conflict { detail, .. }) => assert!(detail.contains(says), "{detail}"),
        other => panic!("{other:?}"),
    }
}

async fn a_new_user_joins_by_the_link_in_the_email(harness: TestHarness) {
    let link = invited(&harness, "Bob@Acme.example", Role::Developer).await;
    let email = harness.emails().await.pop().unwrap();
    assert_eq!(email.to, "bob@acme.example");
    assert!(email.text.contains(ANA) && email.text.contains("Acme") && email.text.contains("developer"));
    let shown = harness.engine.invited(TeamKind::Account, &link).await.unwrap();
    assert!(matches!(&shown.team, Team::Account(account) if account.name == "Acme"), "{shown:?}");
    assert_eq!((shown.invitation.invited_by.as_str(), shown.known), (ANA, false));
    let form = NewUserForm { name: " Bob ".into(), password: PASSWORD.into() };
    let (user, team) = harness.engine.join_as_new(TeamKind::Account, &link, &form, "203.0.113.9").await.unwrap();
    assert_eq!(
        harness.engine.sign_in("bob@acme.example", PASSWORD, "1.1.1.1", "").await.unwrap().enough(),
        Some(user.clone())
    );
    assert_eq!(harness.engine.memberships(&user.id).await.unwrap().1[0].account.id, *team.account().unwrap());
    let members = harness.engine.members(&harness.admin, TeamKind::Account).await.unwrap();
    assert_eq!(
        members.members.iter().map(|one| one.role).collect::<Vec<_>>(),
        [Role::Admin, Role::Developer].map(TeamRole::Account)
    );
    assert_eq!(members.invitations, []);
    let log = harness.engine.audit(&harness.admin, &AuditFilter::parse("?area=member")).await.unwrap().rows;
    assert_eq!(
        log.iter().map(|one| one.action).collect::<Vec<_>>(),
        [AuditAction::MemberJoined, AuditAction::MemberInvited]
    );
    assert_eq!(log[0].address.as_deref(), Some("203.0.113.9"));
    assert!(!format!("{log:?}").contains(&link), "no secret is recorded");
}

async fn a_link_works_once_and_for_a_week(harness: TestHarness) {
    let first = invited(&harness, "bob@acme.example", Role::Viewer).await;
    let form = NewUserForm { password: PASSWORD.into(), ..NewUserForm::default() };
    harness.engine.join_as_new(TeamKind::Account, &first, &form, "").await.unwrap();
    is_conflict(harness.engine.join_as_new(TeamKind::Account, &first, &form, "").await, "has already been used");
    let late = invited(&harness, "eve@acme.example", Role::Viewer).await;
    harness.clock.step_ms(INVITATION_MS);
    is_conflict(harness.engine.invited(TeamKind::Account, &late).await, "has expired");
    is_conflict(harness.engine.join_as_new(TeamKind::Account, &late, &form, "").await, "has expired");
    assert_eq!(harness.engine.invited(TeamKind::Account, "nonsense").await, Err(Error::NotFound("Invitation".into())));
    // An expired invitation does not block a new one.
    invited(&harness, "eve@acme.example", Role::Viewer).await;
    assert_eq!(harness.engine.members(&harness.admin, TeamKind::Account).await.unwrap().invitations.len(), 1);
}

async fn a_resent_invitation_has_a_new_link(harness: TestHarness) {
    let first = invited(&harness, "bob@acme.example", Role::Viewer).await;
    let open = harness.engine.members(&harness.admin, TeamKind::Account).await.unwrap().invitations;
    let again = harness.engine.resend_invitation(&harness.admin, TeamKind::Account, &open[0].id).await.unwrap();
    let second = link(&harness).await;
    assert_ne!(first, second);
    is_conflict(harness.engine.invited(TeamKind::Account, &first).await, "newer email");
    assert!(harness.engine.invited(TeamKind::Account, &second).await.is_ok());
    harness.engine.withdraw_invitation(&harness.admin, TeamKind::Account, &again.id).await.unwrap();
    is_conflict(harness.engine.invited(TeamKind::Account, &second).await, "withdrawn");
    let gone = harness.engine.withdraw_invitation(&harness.admin, TeamKind::Account, &again.id).await;
    assert_eq!(gone, Err(Error::NotFound("Invitation".into())));
}

async fn an_invitation_is_for_one_address(harness: TestHarness) {
    let (stranger, _) = harness.newcomer("Beta").await;
    let bobs = invited(&harness, "bob@acme.example", Role::Viewer).await;
    let refused = harness.engine.join(TeamKind::Account, &bobs, &id(&stranger), "").await.unwrap_err();
    assert!(matches!(&refused, Error::Forbidden(words) if words.contains("bob@acme.example")), "{refused:?}");
    let theirs = invited(&harness, "ana@beta.example", Role::Viewer).await;
    assert!(harness.engine.invited(TeamKind::Account, &theirs).await.unwrap().known);
    let form = NewUserForm { password: PASSWORD.into(), ..NewUserForm::default() };
    is_conflict(
        harness.engine.join_as_new(TeamKind::Account, &theirs, &form, "").await,
        "user with this email address already exists",
    );
    harness.engine.join(TeamKind::Account, &theirs, &id(&stranger), "").await.unwrap();
    let places = harness.engine.memberships(&id(&stranger)).await.unwrap().1;
    let named: Vec<_> = places.iter().map(|one| (one.account.name.as_str(), one.role)).collect();
    assert_eq!(named, [("Acme", Role::Viewer), ("Beta", Role::Admin)]);
}

async fn invitees_and_members_cannot_be_invited_again(harness: TestHarness) {
    invited(&harness, "bob@acme.example", Role::Viewer).await;
    for email in ["bob@acme.example", "ana@acme.example", "nonsense"] {
        let refused = match invite(email, Role::Viewer) {
            Ok(invite) => harness.engine.invite(&harness.admin, invite).await.unwrap_err(),
            Err(refused) => refused,
        };
        assert_eq!(refused.fields()[0].field, "email", "{email}");
    }
    assert_eq!(harness.emails().await.len(), 1);
}

async fn only_admins_see_and_change_members(harness: TestHarness) {
    let bob = joined(&harness, "bob@acme.example", Role::Developer).await;
    let (stranger, _) = harness.newcomer("Beta").await;
    let eve = invite("eve@acme.example", Role::Admin).unwrap();
    for who in [&bob, &harness.token] {
        assert!(matches!(harness.engine.members(who, TeamKind::Account).await, Err(Error::Forbidden(_))));
        assert!(matches!(harness.engine.invite(who, eve.clone()).await, Err(Error::Forbidden(_))));
        assert!(matches!(
            harness.engine.change_role(who, &id(&harness.admin), TeamRole::Account(Role::Viewer)).await,
            Err(Error::Forbidden(_))
        ));
        assert!(matches!(
            harness.engine.remove_member(who, TeamKind::Account, &id(&harness.admin)).await,
            Err(Error::Forbidden(_))
        ));
    }
    // Another account's members do not exist.
    assert_eq!(
        harness.engine.remove_member(&stranger, TeamKind::Account, &id(&bob)).await,
        Err(Error::NotFound("Member".into()))
    );
    let changed = harness.engine.change_role(&stranger, &id(&bob), TeamRole::Account(Role::Viewer)).await;
    assert_eq!(changed, Err(Error::NotFound("Member".into())));
    harness.engine.remove_member(&bob, TeamKind::Account, &id(&bob)).await.unwrap();
    let account = harness.admin.account().unwrap();
    assert_eq!(harness.engine.actor(&id(&bob), account).await, Err(Error::NotFound("Account".into())));
}

async fn an_account_always_keeps_an_admin(harness: TestHarness) {
    let ana = id(&harness.admin);
    assert!(matches!(
        harness.engine.change_role(&harness.admin, &ana, TeamRole::Account(Role::Viewer)).await,
        Err(Error::Forbidden(_))
    ));
    is_conflict(harness.engine.remove_member(&harness.admin, TeamKind::Account, &ana).await, "only admin");
    let bob = joined(&harness, "bob@acme.example", Role::Viewer).await;
    let promoted = harness.engine.change_role(&harness.admin, &id(&bob), TeamRole::Account(Role::Admin)).await.unwrap();
    assert_eq!(promoted.role, TeamRole::Account(Role::Admin));
    harness.engine.remove_member(&harness.admin, TeamKind::Account, &ana).await.unwrap();
    let bob = harness.engine.actor(&id(&bob), bob.account().unwrap()).await.unwrap();
    is_conflict(harness.engine.remove_member(&bob, TeamKind::Account, &id(&bob)).await, "only admin");
    assert!(matches!(&bob.who, Who::Member { role: Role::Admin, .. }));
}

async fn two_admins_who_demote_each_other_leave_one(harness: TestHarness) {
    let bob = joined(&harness, "bob@acme.example", Role::Admin).await;
    let (ana, other) = (id(&harness.admin), id(&bob));
    let (one, two) = futures::join!(
        harness.engine.change_role(&harness.admin, &other, TeamRole::Account(Role::Viewer)),
        harness.engine.change_role(&bob, &ana, TeamRole::Account(Role::Viewer))
    );
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1, "{one:?} {two:?}");
    let account = harness.admin.account().unwrap();
    let mut admins = 0;
    for user in [&ana, &other] {
        let actor = harness.engine.actor(user, account).await.unwrap();
        admins += usize::from(matches!(actor.who, Who::Member { role: Role::Admin, .. }));
    }
    assert_eq!(admins, 1);
}

async fn session(harness: &TestHarness, name: &str, user: &UserId) {
    let owner = Owner { user: user.to_string(), agent: "Firefox/140 (Linux)".into(), address: "192.0.2.1".into() };
    let stored = Stored { id: name, data: "{}", expires: harness.now().plus_ms(RESET_MS * 9), owner: Some(&owner) };
    assert!(harness.engine.create_session(stored).await.unwrap());
}

async fn is_alive(harness: &TestHarness, name: &str) -> bool {
    harness.engine.load_session(name).await.unwrap().is_some()
}

async fn a_reset_link_sets_the_password_once(harness: TestHarness) {
    let ana = id(&harness.admin);
    session(&harness, "one", &ana).await;
    harness.engine.forgot(" Ana@acme.example").await.unwrap();
    let first = link(&harness).await;
    harness.engine.reset_link(&first).await.unwrap();
    assert!(matches!(harness.engine.reset_password(&first, "short", "").await, Err(Error::Invalid(_))));
    harness.engine.reset_password(&first, PASSWORD, "203.0.113.9").await.unwrap();
    assert!(harness.engine.sign_in(ANA, PASSWORD, "1.1.1.1", "").await.is_ok());
    assert!(harness.engine.sign_in(ANA, OLD, "1.1.1.1", "").await.is_err());
    assert!(!is_alive(&harness, "one").await, "all sessions end");
    is_conflict(harness.engine.reset_password(&first, OLD, "").await, "has already been used");
    assert!(harness.emails().await.pop().unwrap().subject.contains("was changed"));
    harness.clock.step_ms(RESET_MS);
    harness.engine.forgot(ANA).await.unwrap();
    let second = link(&harness).await;
    harness.clock.step_ms(RESET_MS);
    is_conflict(harness.engine.reset_link(&second).await, "has expired");
    is_conflict(harness.engine.reset_password(&second, OLD, "").await, "has expired");
    let account = harness.engine.audit(&harness.admin, &AuditFilter::default()).await.unwrap().rows;
    assert!(account.iter().all(|one| one.action != AuditAction::PasswordReset), "it is not in the account's log");
}

async fn an_unknown_address_gets_the_same_response_and_no_email(harness: TestHarness) {
    assert_eq!(harness.engine.forgot("nobody@acme.example").await, Ok(()));
    assert_eq!(harness.emails().await, []);
    for _ in 0..3 {
        assert_eq!(harness.engine.forgot(ANA).await, Ok(()));
    }
    assert_eq!(harness.emails().await.len(), 1, "one email a minute");
    assert!(matches!(harness.engine.forgot("nonsense").await, Err(Error::Invalid(_))));
}

async fn changing_the_password_ends_the_other_sessions(harness: TestHarness) {
    let ana = id(&harness.admin);
    session(&harness, "here", &ana).await;
    session(&harness, "there", &ana).await;
    let form = |current: &str, new: &str| NewPassword { current_password: current.into(), password: new.into() };
    let change = async |form: NewPassword| harness.engine.change_password(&ana, &form, "here", "").await;
    assert_eq!(change(form("wrong", PASSWORD)).await.unwrap_err().fields()[0].field, "current_password");
    assert_eq!(change(form(OLD, OLD)).await.unwrap_err().fields()[0].field, "password");
    assert_eq!(change(form(OLD, "Password1234!")).await.unwrap_err().fields()[0].field, "password");
    change(form(OLD, PASSWORD)).await.unwrap();
    assert!(is_alive(&harness, "here").await && !is_alive(&harness, "there").await);
    assert!(harness.engine.sign_in(ANA, PASSWORD, "1.1.1.1", "").await.is_ok());
    for _ in 0..5 {
        assert!(matches!(change(form("wrong", OLD)).await, Err(Error::Invalid(_))));
    }
    assert!(
        matches!(change(form(PASSWORD, OLD)).await, Err(Error::TooMany { .. })),
        "failed guesses delay the next one"
    );
}

async fn each_admin_can_turn_off_failure_alerts(harness: TestHarness) {
    const BOB: &str = "bob@acme.example";
    let ana = id(&harness.admin);
    joined(&harness, BOB, Role::Admin).await;
    joined(&harness, "eve@acme.example", Role::Developer).await;
    let alerted = async || {
        let before = harness.emails().await.len();
        harness.endpoint().await;
        harness.receiver.next([Reply::Status(410)]);
        harness.accept(EventKind::CallProcessed, 1).await;
        harness.run().await;
        let emails = harness.emails().await.split_off(before);
        assert!(emails.iter().all(|email| email.text.contains("/me/security#letters")));
        emails.into_iter().map(|email| email.to).collect::<Vec<_>>()
    };
    assert_eq!(harness.engine.email_preferences(&ana).await, Ok(EmailPreferences { failing: true }));
    assert_eq!(alerted().await, [ANA, BOB]);
    for _ in 0..2 {
        harness
            .engine
            .change_email_preferences(&ana, EmailPreferences { failing: false }, "203.0.113.9")
            .await
            .unwrap();
        assert_eq!(harness.engine.email_preferences(&ana).await, Ok(EmailPreferences { failing: false }));
    }
    assert_eq!(alerted().await, [BOB]);
    harness.engine.change_email_preferences(&ana, EmailPreferences { failing: true }, "203.0.113.9").await.unwrap();
    assert_eq!(alerted().await, [ANA, BOB]);
    let records = harness.texts("SELECT who FROM audit_log WHERE action = 'person.letters_changed'".to_owned()).await;
    assert_eq!(records, [ANA, ANA], "a change without effect is not recorded");
}

async fn weak_passwords_are_refused_wherever_one_is_set(harness: TestHarness) {
    let weak = "Password1234!";
    let sign_up = SignUp { email: "new".into(), password: weak.into(), account: "New".into(), ..SignUp::default() };
    harness.mail.configure(false);
    let refused = harness.engine.sign_up(sign_up, RequestOrigin::Elsewhere, "203.0.113.9").await.unwrap_err();
    harness.mail.configure(true);
    assert_eq!(refused.fields().iter().map(|e| e.field.as_str()).collect::<Vec<_>>(), ["email", "password"]);
    let link = invited(&harness, "bob@acme.example", Role::Viewer).await;
    let form = NewUserForm { password: weak.into(), ..NewUserForm::default() };
    assert_eq!(
        harness.engine.join_as_new(TeamKind::Account, &link, &form, "").await.unwrap_err().fields()[0].field,
        "password"
    );
    let place = engine::Affiliation::Staff(domain::account::StaffRole::Support);
    let made = harness.engine.create_user(&Actor::COMMAND_LINE, "sam@provider.example", weak, place).await;
    assert_eq!(made.unwrap_err().fields()[0].field, "password");
}

async fn only_their_owner_lists_and_ends_sessions(harness: TestHarness) {
    let ana = id(&harness.admin);
    let (stranger, _) = harness.newcomer("Beta").await;
    for name in ["here", "there", "elsewhere"] {
        session(&harness, name, &ana).await;
    }
    session(&harness, "theirs", &id(&stranger)).await;
    let all = harness.engine.browsers(&ana, "here").await.unwrap();
    assert_eq!((all.len(), all[0].here, all[0].label().as_str()), (3, true, "Firefox on Linux"));
    assert!(all.iter().all(|one| one.handle != "here" && one.handle != "there"), "a handle is no cookie");
    let there = harness.engine.browsers(&ana, "there").await.unwrap()[0].handle.clone();
    let refused = harness.engine.end_session(&id(&stranger), &there).await;
    assert_eq!(refused, Err(Error::NotFound("Session".into())));
    harness.engine.end_session(&ana, &there).await.unwrap();
    assert!(!is_alive(&harness, "there").await && is_alive(&harness, "elsewhere").await);
    assert_eq!(harness.engine.end_other_sessions(&ana, "here", "").await, Ok(1));
    assert!(
        is_alive(&harness, "here").await
            && is_alive(&harness, "theirs").await
            && !is_alive(&harness, "elsewhere").await
    );
}
