//! Staff: invited by email, changed, removed; at least one is always an operator.

use domain::{
    Error,
    account::{Accounts, StaffRole},
    actor::{Actor, Permission},
    audit::{Audit, AuditAction, AuditFilter},
    id::UserId,
    member::{InviteForm, Members, NewUserForm, TeamKind, TeamRole},
    support::{Support, SupportForm},
};

use crate::{
    harness::{TestHarness, on_both},
    ops::{PASSWORD, acme, link, operator, staff},
};

on_both! { staff_are_invited_changed_and_removed there_is_always_an_operator }

async fn staff_are_invited_changed_and_removed(harness: TestHarness) {
    let olga = operator(&harness).await;
    let invite =
        |email: &str| InviteForm { email: email.into(), role: "support".into() }.parse(TeamKind::Staff).unwrap();
    harness.engine.invite(&olga, invite("sam@provider.example")).await.unwrap();
    let twice = harness.engine.invite(&olga, invite("sam@provider.example")).await.unwrap_err();
    assert_eq!(twice.fields()[0].field, "email");
    let first = link(&harness).await;
    let open = harness.engine.members(&olga, TeamKind::Staff).await.unwrap().invitations;
    harness.engine.resend_invitation(&olga, TeamKind::Staff, &open[0].id).await.unwrap();
    assert!(
        matches!(harness.engine.invited(TeamKind::Staff, &first).await, Err(Error::Conflict { .. })),
        "the earlier link has ended"
    );
    let second = link(&harness).await;
    assert_eq!(
        harness.engine.invited(TeamKind::Staff, &second).await.unwrap().invitation.role,
        TeamRole::Staff(StaffRole::Support)
    );
    let weak = NewUserForm { name: "Sam".into(), password: "short".into() };
    assert!(harness.engine.join_as_new(TeamKind::Staff, &second, &weak, "").await.is_err());
    let sam = NewUserForm { name: "Sam".into(), password: PASSWORD.into() };
    let (sam, _) = harness.engine.join_as_new(TeamKind::Staff, &second, &sam, "203.0.113.9").await.unwrap();
    assert!(
        matches!(harness.engine.invited(TeamKind::Staff, &second).await, Err(Error::Conflict { .. })),
        "a link works once"
    );
    let agent = harness.engine.staff(&sam.id).await.unwrap();

    let form = SupportForm {
        account: acme(&harness).to_string(),
        reason: "Calls do not reach the CRM".into(),
        ticket: "4711".into(),
        minutes: "15".into(),
        rest: String::new(),
    };
    harness.engine.start_support(&agent, &form.input().unwrap()).await.unwrap();
    harness.engine.change_role(&olga, &sam.id, TeamRole::Staff(StaffRole::Operator)).await.unwrap();
    assert!(harness.engine.staff(&sam.id).await.unwrap().may(Permission::Ops));
    let looks = harness.engine.audit(&harness.admin, &AuditFilter::parse("?area=support")).await.unwrap().rows;
    assert_eq!(looks[0].action, AuditAction::SupportEnded, "the session ended with the role");
    harness.engine.remove_member(&olga, TeamKind::Staff, &sam.id).await.unwrap();
    assert!(matches!(harness.engine.staff(&sam.id).await, Err(Error::NotFound(_))));

    // A user who already has an account can accept only as themselves.
    harness.engine.invite(&olga, invite("ana@acme.example")).await.unwrap();
    let third = link(&harness).await;
    let known = NewUserForm { name: "Ana".into(), password: PASSWORD.into() };
    assert!(matches!(
        harness.engine.join_as_new(TeamKind::Staff, &third, &known, "").await,
        Err(Error::Conflict { .. })
    ));
    assert!(matches!(harness.engine.join(TeamKind::Staff, &third, &sam.id, "").await, Err(Error::Forbidden(_))));
    let ana = UserId::parse(harness.admin.id().unwrap()).unwrap();
    harness.engine.join(TeamKind::Staff, &third, &ana, "").await.unwrap();
    assert!(harness.engine.staff(&ana).await.unwrap().may(Permission::UseSupport));
    harness.engine.invite(&olga, invite("kim@provider.example")).await.unwrap();
    let open = harness.engine.members(&olga, TeamKind::Staff).await.unwrap().invitations;
    harness.engine.withdraw_invitation(&olga, TeamKind::Staff, &open[0].id).await.unwrap();
    assert!(matches!(
        harness.engine.invited(TeamKind::Staff, &link(&harness).await).await,
        Err(Error::Conflict { .. })
    ));
    assert!(matches!(
        harness.engine.withdraw_invitation(&olga, TeamKind::Staff, &open[0].id).await,
        Err(Error::NotFound(_))
    ));
}

async fn there_is_always_an_operator(harness: TestHarness) {
    let olga = operator(&harness).await;
    let own = UserId::parse(olga.id().unwrap()).unwrap();
    let only = harness.engine.remove_member(&Actor::COMMAND_LINE, TeamKind::Staff, &own).await.unwrap_err();
    assert!(only.to_string().contains("olga@provider.example is the only operator"), "{only}");
    let omar = staff(&harness, "omar", StaffRole::Operator).await;
    let demoted = harness.engine.change_role(&olga, &own, TeamRole::Staff(StaffRole::Support)).await.unwrap_err();
    let removed = harness.engine.remove_member(&olga, TeamKind::Staff, &own).await.unwrap_err();
    assert!(matches!((&demoted, &removed), (Error::Forbidden(_), Error::Forbidden(_))), "{demoted} {removed}");
    let other = UserId::parse(omar.id().unwrap()).unwrap();
    let (one, two) = tokio::join!(
        harness.engine.remove_member(&olga, TeamKind::Staff, &other),
        harness.engine.remove_member(&omar, TeamKind::Staff, &own)
    );
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let left = harness.engine.members(&Actor::COMMAND_LINE, TeamKind::Staff).await.unwrap().members;
    assert_eq!(left.iter().filter(|one| one.role == TeamRole::Staff(StaffRole::Operator)).count(), 1);
}
