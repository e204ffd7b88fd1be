//! Members, invitations, passwords and sessions of people.

use domain::{
    Error,
    account::{Accounts, Role, SignUp},
    actor::{Actor, Who},
    audit::{Audit, AuditFilter, Deed},
    event::EventKind,
    id::UserId,
    member::{INVITATION_MS, Invite, Members, Newcomer},
    person::{Letters, NewPassword, People, RESET_MS},
};
use engine::store::sessions::{Owner, Stored};

use crate::{
    bed::{Bed, newcomer, on_both},
    receiver::Reply,
};

on_both! {
    somebody_new_joins_by_the_link_in_the_letter
    a_link_works_once_and_for_a_week
    an_invitation_that_is_sent_again_has_a_new_link
    an_invitation_is_for_one_address
    nobody_is_invited_twice_or_as_a_member
    only_admins_see_and_change_members
    an_account_keeps_an_admin
    two_admins_who_demote_each_other_leave_one
    a_forgotten_password_is_set_by_the_link_once
    an_address_that_nobody_has_gets_the_same_answer_and_no_letter
    a_changed_password_ends_the_other_sessions
    each_admin_may_switch_off_letters_about_endpoints_that_fail
    weak_passwords_are_refused_wherever_one_is_chosen
    sessions_are_listed_and_ended_by_their_owner_alone
}

const PASSWORD: &str = "violet kettle ran 7 miles";
const OLD: &str = "correct horse battery";
const ANA: &str = "ana@acme.example";

/// The secret end of the link in the latest letter.
fn link(bed: &Bed) -> String {
    let letter = bed.mail.emails().pop().unwrap();
    let line = letter.text.lines().find(|line| line.starts_with("http")).unwrap().to_owned();
    line.rsplit('/').next().unwrap().to_owned()
}

async fn invited(bed: &Bed, email: &str, role: Role) -> String {
    let form = Invite { email: email.into(), role: role.as_str().into() };
    bed.engine.invite(&bed.admin, &form).await.unwrap();
    link(bed)
}

/// Somebody who has joined the account.
async fn joined(bed: &Bed, email: &str, role: Role) -> Actor {
    let link = invited(bed, email, role).await;
    let form = Newcomer { name: "Bob".into(), password: PASSWORD.into() };
    let (user, account) = bed.engine.join_as_new(&link, &form, "203.0.113.9").await.unwrap();
    bed.engine.actor(&user.id, &account.id).await.unwrap()
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

async fn somebody_new_joins_by_the_link_in_the_letter(bed: Bed) {
    let link = invited(&bed, "Bob@Acme.example", Role::Developer).await;
    let letter = bed.mail.emails().pop().unwrap();
    assert_eq!(letter.to, "bob@acme.example");
    assert!(letter.text.contains(ANA) && letter.text.contains("Acme") && letter.text.contains("developer"));
    let shown = bed.engine.invited(&link).await.unwrap();
    assert_eq!((shown.account.as_str(), shown.invited_by.as_str(), shown.known), ("Acme", ANA, false));
    let form = Newcomer { name: " Bob ".into(), password: PASSWORD.into() };
    let (user, account) = bed.engine.join_as_new(&link, &form, "203.0.113.9").await.unwrap();
    assert_eq!(bed.engine.sign_in("bob@acme.example", PASSWORD, "1.1.1.1").await.unwrap().enough(), Some(user.clone()));
    assert_eq!(bed.engine.memberships(&user.id).await.unwrap().1[0].account.id, account.id);
    let people = bed.engine.people(&bed.admin).await.unwrap();
    assert_eq!(people.members.iter().map(|one| one.role).collect::<Vec<_>>(), [Role::Admin, Role::Developer]);
    assert_eq!(people.invitations, []);
    let log = bed.engine.audit(&bed.admin, &AuditFilter::parse("?area=member")).await.unwrap().rows;
    assert_eq!(log.iter().map(|one| one.deed).collect::<Vec<_>>(), [Deed::MemberJoined, Deed::MemberInvited]);
    assert_eq!(log[0].address.as_deref(), Some("203.0.113.9"));
    assert!(!format!("{log:?}").contains(&link), "no secret is on record");
}

async fn a_link_works_once_and_for_a_week(bed: Bed) {
    let first = invited(&bed, "bob@acme.example", Role::Viewer).await;
    let form = Newcomer { password: PASSWORD.into(), ..Newcomer::default() };
    bed.engine.join_as_new(&first, &form, "").await.unwrap();
    is_conflict(bed.engine.join_as_new(&first, &form, "").await, "has been used");
    let late = invited(&bed, "eve@acme.example", Role::Viewer).await;
    bed.clock.step_ms(INVITATION_MS);
    is_conflict(bed.engine.invited(&late).await, "has expired");
    is_conflict(bed.engine.join_as_new(&late, &form, "").await, "has expired");
    assert_eq!(bed.engine.invited("nonsense").await, Err(Error::NotFound("Invitation".into())));
    // An expired one is in nobody's way.
    invited(&bed, "eve@acme.example", Role::Viewer).await;
    assert_eq!(bed.engine.people(&bed.admin).await.unwrap().invitations.len(), 1);
}

async fn an_invitation_that_is_sent_again_has_a_new_link(bed: Bed) {
    let first = invited(&bed, "bob@acme.example", Role::Viewer).await;
    let open = bed.engine.people(&bed.admin).await.unwrap().invitations;
    let again = bed.engine.resend_invitation(&bed.admin, &open[0].id).await.unwrap();
    let second = link(&bed);
    assert_ne!(first, second);
    is_conflict(bed.engine.invited(&first).await, "later letter");
    assert!(bed.engine.invited(&second).await.is_ok());
    bed.engine.withdraw_invitation(&bed.admin, &again.id).await.unwrap();
    is_conflict(bed.engine.invited(&second).await, "withdrawn");
    let gone = bed.engine.withdraw_invitation(&bed.admin, &again.id).await;
    assert_eq!(gone, Err(Error::NotFound("Invitation".into())));
}

async fn an_invitation_is_for_one_address(bed: Bed) {
    let (stranger, _) = newcomer(&bed.engine, "Beta").await;
    let bobs = invited(&bed, "bob@acme.example", Role::Viewer).await;
    let refused = bed.engine.join(&bobs, &id(&stranger), "").await.unwrap_err();
    assert!(matches!(&refused, Error::Forbidden(words) if words.contains("bob@acme.example")), "{refused:?}");
    let theirs = invited(&bed, "ana@beta.example", Role::Viewer).await;
    assert!(bed.engine.invited(&theirs).await.unwrap().known);
    let form = Newcomer { password: PASSWORD.into(), ..Newcomer::default() };
    is_conflict(bed.engine.join_as_new(&theirs, &form, "").await, "signs in with this address already");
    bed.engine.join(&theirs, &id(&stranger), "").await.unwrap();
    let places = bed.engine.memberships(&id(&stranger)).await.unwrap().1;
    let named: Vec<_> = places.iter().map(|one| (one.account.name.as_str(), one.role)).collect();
    assert_eq!(named, [("Acme", Role::Viewer), ("Beta", Role::Admin)]);
}

async fn nobody_is_invited_twice_or_as_a_member(bed: Bed) {
    invited(&bed, "bob@acme.example", Role::Viewer).await;
    for email in ["bob@acme.example", "ana@acme.example", "nonsense"] {
        let form = Invite { email: email.into(), role: "viewer".into() };
        let refused = bed.engine.invite(&bed.admin, &form).await.unwrap_err();
        assert_eq!(refused.fields()[0].field, "email", "{email}");
    }
    assert_eq!(bed.mail.emails().len(), 1);
}

async fn only_admins_see_and_change_members(bed: Bed) {
    let bob = joined(&bed, "bob@acme.example", Role::Developer).await;
    let (stranger, _) = newcomer(&bed.engine, "Beta").await;
    let form = Invite { email: "eve@acme.example".into(), role: "admin".into() };
    for who in [&bob, &bed.token] {
        assert!(matches!(bed.engine.people(who).await, Err(Error::Forbidden(_))));
        assert!(matches!(bed.engine.invite(who, &form).await, Err(Error::Forbidden(_))));
        assert!(matches!(bed.engine.change_role(who, &id(&bed.admin), Role::Viewer).await, Err(Error::Forbidden(_))));
        assert!(matches!(bed.engine.remove_member(who, &id(&bed.admin)).await, Err(Error::Forbidden(_))));
    }
    // Another account's members do not exist.
    assert_eq!(bed.engine.remove_member(&stranger, &id(&bob)).await, Err(Error::NotFound("Member".into())));
    let changed = bed.engine.change_role(&stranger, &id(&bob), Role::Viewer).await;
    assert_eq!(changed, Err(Error::NotFound("Member".into())));
    bed.engine.remove_member(&bob, &id(&bob)).await.unwrap();
    let account = bed.admin.account().unwrap();
    assert_eq!(bed.engine.actor(&id(&bob), account).await, Err(Error::NotFound("Account".into())));
}

async fn an_account_keeps_an_admin(bed: Bed) {
    let ana = id(&bed.admin);
    assert!(matches!(bed.engine.change_role(&bed.admin, &ana, Role::Viewer).await, Err(Error::Forbidden(_))));
    is_conflict(bed.engine.remove_member(&bed.admin, &ana).await, "only admin");
    let bob = joined(&bed, "bob@acme.example", Role::Viewer).await;
    let promoted = bed.engine.change_role(&bed.admin, &id(&bob), Role::Admin).await.unwrap();
    assert_eq!(promoted.role, Role::Admin);
    bed.engine.remove_member(&bed.admin, &ana).await.unwrap();
    let bob = bed.engine.actor(&id(&bob), bob.account().unwrap()).await.unwrap();
    is_conflict(bed.engine.remove_member(&bob, &id(&bob)).await, "only admin");
    assert!(matches!(&bob.who, Who::Member { role: Role::Admin, .. }));
}

async fn two_admins_who_demote_each_other_leave_one(bed: Bed) {
    let bob = joined(&bed, "bob@acme.example", Role::Admin).await;
    let (ana, other) = (id(&bed.admin), id(&bob));
    let (one, two) = futures::join!(
        bed.engine.change_role(&bed.admin, &other, Role::Viewer),
        bed.engine.change_role(&bob, &ana, Role::Viewer)
    );
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1, "{one:?} {two:?}");
    let account = bed.admin.account().unwrap();
    let mut admins = 0;
    for user in [&ana, &other] {
        let actor = bed.engine.actor(user, account).await.unwrap();
        admins += usize::from(matches!(actor.who, Who::Member { role: Role::Admin, .. }));
    }
    assert_eq!(admins, 1);
}

async fn session(bed: &Bed, name: &str, user: &UserId) {
    let owner = Owner { user: user.to_string(), agent: "Firefox/140 (Linux)".into(), address: "192.0.2.1".into() };
    let stored = Stored { id: name, data: "{}", expires: bed.now().plus_ms(RESET_MS * 9), owner: Some(&owner) };
    assert!(bed.engine.create_session(stored).await.unwrap());
}

async fn is_alive(bed: &Bed, name: &str) -> bool {
    bed.engine.load_session(name).await.unwrap().is_some()
}

async fn a_forgotten_password_is_set_by_the_link_once(bed: Bed) {
    let ana = id(&bed.admin);
    session(&bed, "one", &ana).await;
    bed.engine.forgot(" Ana@acme.example").await.unwrap();
    let first = link(&bed);
    bed.engine.reset_link(&first).await.unwrap();
    assert!(matches!(bed.engine.reset_password(&first, "short", "").await, Err(Error::Invalid(_))));
    bed.engine.reset_password(&first, PASSWORD, "203.0.113.9").await.unwrap();
    assert!(bed.engine.sign_in(ANA, PASSWORD, "1.1.1.1").await.is_ok());
    assert!(bed.engine.sign_in(ANA, OLD, "1.1.1.1").await.is_err());
    assert!(!is_alive(&bed, "one").await, "all sessions end");
    is_conflict(bed.engine.reset_password(&first, OLD, "").await, "has been used");
    assert!(bed.mail.emails().pop().unwrap().subject.contains("was changed"));
    bed.clock.step_ms(RESET_MS);
    bed.engine.forgot(ANA).await.unwrap();
    let second = link(&bed);
    bed.clock.step_ms(RESET_MS);
    is_conflict(bed.engine.reset_link(&second).await, "has expired");
    is_conflict(bed.engine.reset_password(&second, OLD, "").await, "has expired");
    let account = bed.engine.audit(&bed.admin, &AuditFilter::default()).await.unwrap().rows;
    assert!(account.iter().all(|one| one.deed != Deed::PasswordReset), "accounts learn nothing of it");
}

async fn an_address_that_nobody_has_gets_the_same_answer_and_no_letter(bed: Bed) {
    assert_eq!(bed.engine.forgot("nobody@acme.example").await, Ok(()));
    assert_eq!(bed.mail.emails(), []);
    for _ in 0..3 {
        assert_eq!(bed.engine.forgot(ANA).await, Ok(()));
    }
    assert_eq!(bed.mail.emails().len(), 1, "one letter a minute");
    assert!(matches!(bed.engine.forgot("nonsense").await, Err(Error::Invalid(_))));
}

async fn a_changed_password_ends_the_other_sessions(bed: Bed) {
    let ana = id(&bed.admin);
    session(&bed, "here", &ana).await;
    session(&bed, "there", &ana).await;
    let form = |current: &str, new: &str| NewPassword { current_password: current.into(), password: new.into() };
    let change = async |form: NewPassword| bed.engine.change_password(&ana, &form, "here", "").await;
    assert_eq!(change(form("wrong", PASSWORD)).await.unwrap_err().fields()[0].field, "current_password");
    assert_eq!(change(form(OLD, OLD)).await.unwrap_err().fields()[0].field, "password");
    assert_eq!(change(form(OLD, "Password1234!")).await.unwrap_err().fields()[0].field, "password");
    change(form(OLD, PASSWORD)).await.unwrap();
    assert!(is_alive(&bed, "here").await && !is_alive(&bed, "there").await);
    assert!(bed.engine.sign_in(ANA, PASSWORD, "1.1.1.1").await.is_ok());
    for _ in 0..5 {
        assert!(matches!(change(form("wrong", OLD)).await, Err(Error::Invalid(_))));
    }
    assert!(matches!(change(form(PASSWORD, OLD)).await, Err(Error::TooMany { .. })), "guesses make the next one wait");
}

async fn each_admin_may_switch_off_letters_about_endpoints_that_fail(bed: Bed) {
    const BOB: &str = "bob@acme.example";
    let ana = id(&bed.admin);
    joined(&bed, BOB, Role::Admin).await;
    joined(&bed, "eve@acme.example", Role::Developer).await;
    let told = async || {
        let before = bed.mail.emails().len();
        bed.endpoint().await;
        bed.receiver.next([Reply::Status(410)]);
        bed.accept(EventKind::CallProcessed, 1).await;
        bed.run().await;
        let letters = bed.mail.emails().split_off(before);
        assert!(letters.iter().all(|letter| letter.text.contains("/me/security#letters")));
        letters.into_iter().map(|letter| letter.to).collect::<Vec<_>>()
    };
    assert_eq!(bed.engine.letters(&ana).await, Ok(Letters { failing: true }));
    assert_eq!(told().await, [ANA, BOB]);
    for _ in 0..2 {
        bed.engine.change_letters(&ana, Letters { failing: false }, "203.0.113.9").await.unwrap();
        assert_eq!(bed.engine.letters(&ana).await, Ok(Letters { failing: false }));
    }
    assert_eq!(told().await, [BOB]);
    bed.engine.change_letters(&ana, Letters { failing: true }, "203.0.113.9").await.unwrap();
    assert_eq!(told().await, [ANA, BOB]);
    let records = bed.texts("SELECT who FROM audit_log WHERE deed = 'person.letters_changed'".to_owned()).await;
    assert_eq!(records, [ANA, ANA], "what changes nothing is not on record");
}

async fn weak_passwords_are_refused_wherever_one_is_chosen(bed: Bed) {
    let weak = "Password1234!";
    let sign_up = SignUp { email: "new".into(), password: weak.into(), account: "New".into(), ..SignUp::default() };
    let refused = bed.engine.sign_up(sign_up).await.unwrap_err();
    assert_eq!(refused.fields().iter().map(|e| e.field.as_str()).collect::<Vec<_>>(), ["email", "password"]);
    let link = invited(&bed, "bob@acme.example", Role::Viewer).await;
    let form = Newcomer { password: weak.into(), ..Newcomer::default() };
    assert_eq!(bed.engine.join_as_new(&link, &form, "").await.unwrap_err().fields()[0].field, "password");
    let place = engine::Place::Staff(domain::account::StaffRole::Support);
    let made = bed.engine.create_user(&Actor::COMMAND_LINE, "sam@provider.example", weak, place).await;
    assert_eq!(made.unwrap_err().fields()[0].field, "password");
}

async fn sessions_are_listed_and_ended_by_their_owner_alone(bed: Bed) {
    let ana = id(&bed.admin);
    let (stranger, _) = newcomer(&bed.engine, "Beta").await;
    for name in ["here", "there", "elsewhere"] {
        session(&bed, name, &ana).await;
    }
    session(&bed, "theirs", &id(&stranger)).await;
    let all = bed.engine.browsers(&ana, "here").await.unwrap();
    assert_eq!((all.len(), all[0].here, all[0].words().as_str()), (3, true, "Firefox on Linux"));
    assert!(all.iter().all(|one| one.handle != "here" && one.handle != "there"), "a handle is no cookie");
    let there = bed.engine.browsers(&ana, "there").await.unwrap()[0].handle.clone();
    let refused = bed.engine.end_session(&id(&stranger), &there).await;
    assert_eq!(refused, Err(Error::NotFound("Session".into())));
    bed.engine.end_session(&ana, &there).await.unwrap();
    assert!(!is_alive(&bed, "there").await && is_alive(&bed, "elsewhere").await);
    assert_eq!(bed.engine.end_other_sessions(&ana, "here", "").await, Ok(1));
    assert!(is_alive(&bed, "here").await && is_alive(&bed, "theirs").await && !is_alive(&bed, "elsewhere").await);
}
