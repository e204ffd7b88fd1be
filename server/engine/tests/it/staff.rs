//! Staff: invited by email, changed, removed; at least one is always an operator.

use domain::{
    Error,
    account::{Accounts, StaffRole},
    actor::{Actor, Permission},
    audit::{Audit, AuditAction, AuditFilter},
    id::UserId,
    member::{InviteForm, NewUserForm},
    ops::StaffAdmin,
    support::{Support, SupportForm},
};

use crate::{
    harness::{TestHarness, on_both},
    ops::{PASSWORD, acme, link, operator, staff},
};

on_both! { staff_are_invited_changed_and_removed there_is_always_an_operator }

async fn staff_are_invited_changed_and_removed(harness: TestHarness) {
    let olga = operator(&harness).await;
    let invite = |email: &str| InviteForm { email: email.into(), role: "support".into() };
    harness.engine.invite_staff(&olga, &invite("sam@provider.example")).await.unwrap();
    let twice = harness.engine.invite_staff(&olga, &invite("sam@provider.example")).await.unwrap_err();
    assert_eq!(twice.fields()[0].field, "email");
    let first = link(&harness).await;
    let open = harness.engine.staff_list(&olga).await.unwrap().invitations;
    harness.engine.resend_staff_invitation(&olga, &open[0].id).await.unwrap();
    assert!(
        matches!(harness.engine.staff_invited(&first).await, Err(Error::Conflict { .. })),
        "the earlier link has ended"
    );
    let second = link(&harness).await;
    assert_eq!(harness.engine.staff_invited(&second).await.unwrap().role, StaffRole::Support);
    let weak = NewUserForm { name: "Sam".into(), password: "short".into() };
    assert!(harness.engine.join_staff_as_new(&second, &weak, "").await.is_err());
    let sam = NewUserForm { name: "Sam".into(), password: PASSWORD.into() };
    let sam = harness.engine.join_staff_as_new(&second, &sam, "203.0.113.9").await.unwrap();
    assert!(matches!(harness.engine.staff_invited(&second).await, Err(Error::Conflict { .. })), "a link works once");
    let agent = harness.engine.staff(&sam.id).await.unwrap();

    let form = SupportForm {
        account: acme(&harness).to_string(),
        reason: "Calls do not reach the CRM".into(),
        ticket: "4711".into(),
        minutes: "15".into(),
        rest: String::new(),
    };
    harness.engine.start_support(&agent, &form).await.unwrap();
    harness.engine.change_staff(&olga, &sam.id, Some(StaffRole::Operator)).await.unwrap();
    assert!(harness.engine.staff(&sam.id).await.unwrap().may(Permission::Ops));
    let looks = harness.engine.audit(&harness.admin, &AuditFilter::parse("?area=support")).await.unwrap().rows;
    assert_eq!(looks[0].action, AuditAction::SupportEnded, "the session ended with the role");
    harness.engine.change_staff(&olga, &sam.id, None).await.unwrap();
    assert!(matches!(harness.engine.staff(&sam.id).await, Err(Error::NotFound(_))));

    // A user who already has an account can accept only as themselves.
    harness.engine.invite_staff(&olga, &invite("ana@acme.example")).await.unwrap();
    let third = link(&harness).await;
    let known = NewUserForm { name: "Ana".into(), password: PASSWORD.into() };
    assert!(matches!(harness.engine.join_staff_as_new(&third, &known, "").await, Err(Error::Conflict { .. })));
    assert!(matches!(harness.engine.join_staff(&third, &sam.id, "").await, Err(Error::Forbidden(_))));
    let ana = UserId::parse(harness.admin.id().unwrap()).unwrap();
    harness.engine.join_staff(&third, &ana, "").await.unwrap();
    assert!(harness.engine.staff(&ana).await.unwrap().may(Permission::UseSupport));
    harness.engine.invite_staff(&olga, &invite("kim@provider.example")).await.unwrap();
    let open = harness.engine.staff_list(&olga).await.unwrap().invitations;
    harness.engine.withdraw_staff_invitation(&olga, &open[0].id).await.unwrap();
    assert!(matches!(harness.engine.staff_invited(&link(&harness).await).await, Err(Error::Conflict { .. })));
    assert!(matches!(harness.engine.withdraw_staff_invitation(&olga, &open[0].id).await, Err(Error::NotFound(_))));
}

async fn there_is_always_an_operator(harness: TestHarness) {
    let olga = operator(&harness).await;
    let own = UserId::parse(olga.id().unwrap()).unwrap();
    let only = harness.engine.change_staff(&Actor::COMMAND_LINE, &own, None).await.unwrap_err();
    assert!(only.to_string().contains("olga@provider.example is the only operator"), "{only}");
    let omar = staff(&harness, "omar", StaffRole::Operator).await;
    for role in [None, Some(StaffRole::Support)] {
        let oneself = harness.engine.change_staff(&olga, &own, role).await.unwrap_err();
        assert!(matches!(oneself, Error::Forbidden(_)), "{oneself}");
    }
    let other = UserId::parse(omar.id().unwrap()).unwrap();
    let (one, two) =
        tokio::join!(harness.engine.change_staff(&olga, &other, None), harness.engine.change_staff(&omar, &own, None));
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    let left = harness.engine.staff_list(&Actor::COMMAND_LINE).await.unwrap().members;
    assert_eq!(left.iter().filter(|one| one.role == StaffRole::Operator).count(), 1);
}
