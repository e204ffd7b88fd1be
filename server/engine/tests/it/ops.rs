//! What operators do, and that only they may: accounts, suspension, limits, platform tokens, health.

use domain::{
    Error,
    account::{AccountForm, Accounts, LimitsForm, StaffRole},
    actor::{Actor, Permission},
    audit::{Audit, AuditAction, AuditFilter},
    cause::Cause,
    delivery::{Deliveries, Status},
    endpoint::{Duplicate, EndpointForm, EndpointStatus, Endpoints},
    event::{EventKind, Events},
    filter::DeliveryFilter,
    id::{AccountId, UserId},
    member::{InviteForm, Members, NewUserForm, TeamKind},
    ops::{
        OpsAccounts, Policies,
        accounts::{AccountFilter, AccountNameForm, NewAccount},
        health::HealthLevel,
        policy::PolicyName,
    },
    time::{DAY_MS, HOUR_MS, MINUTE_MS},
    token::{Scope, TokenForm, Tokens},
};
use engine::Affiliation;

use crate::harness::{TestHarness, event, on_both};

on_both! { the_health_page_shows_waiting_deliveries_and_failing_endpoints accounts_can_be_searched_and_paged an_account_is_created_with_its_first_admin renaming_an_account_is_recorded_in_both_logs a_suspended_account_holds_its_events_and_is_read_only resuming_an_account_resets_the_health_of_its_endpoints a_suspension_applies_at_once_to_deliveries_in_memory limits_are_enforced_where_they_matter one_host_members_and_tokens_are_limited an_operator_manages_platform_tokens only_operators_have_ops_access }

pub(crate) const PASSWORD: &str = "violet kettle ran 7 miles";

pub(crate) async fn staff(harness: &TestHarness, name: &str, role: StaffRole) -> Actor {
    let email = format!("{name}@provider.example");
    let place = Affiliation::Staff(role);
    let id = harness.engine.create_user(&Actor::COMMAND_LINE, &email, PASSWORD, place).await.unwrap();
    harness.engine.staff(&id).await.unwrap().at("198.51.100.7")
}

pub(crate) async fn operator(harness: &TestHarness) -> Actor {
    staff(harness, "olga", StaffRole::Operator).await
}

pub(crate) fn acme(harness: &TestHarness) -> AccountId {
    harness.admin.account().unwrap().clone()
}

/// Records of this action in the account's log and in the provider's log, newest first.
async fn records_of(harness: &TestHarness, olga: &Actor, area: &str) -> (Vec<AuditAction>, Vec<AuditAction>) {
    let filter = AuditFilter::parse(&format!("?area={area}"));
    let own = harness.engine.audit(&harness.admin, &filter).await.unwrap().rows;
    let all = harness.engine.ops_audit(olga, &filter).await.unwrap().rows;
    (own.into_iter().map(|record| record.action).collect(), all.into_iter().map(|record| record.action).collect())
}

/// The secret part of the link in the latest email.
pub(crate) async fn link(harness: &TestHarness) -> String {
    let email = harness.emails().await.pop().unwrap();
    let line = email.text.lines().find(|line| line.starts_with("http")).unwrap().to_owned();
    line.rsplit('/').next().unwrap().to_owned()
}

/// The admin with their current rights.
async fn reloaded_admin(harness: &TestHarness) -> Actor {
    harness.engine.actor(&UserId::parse(harness.admin.id().unwrap()).unwrap(), &acme(harness)).await.unwrap()
}

async fn the_health_page_shows_waiting_deliveries_and_failing_endpoints(harness: TestHarness) {
    let olga = operator(&harness).await;
    let seen = harness.engine.health(&olga).await.unwrap();
    assert_eq!(seen.verdict(), (HealthLevel::Healthy, "Healthy: nothing is waiting.".into()));
    assert!(seen.database_bytes > 0 && seen.nodes[0].here && seen.accounts == 1, "{seen:?}");
    harness.endpoint().await;
    harness.receiver.usually(crate::receiver::Reply::Status(500));
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.clock.step_ms(HOUR_MS);
    let late = harness.engine.health(&olga).await.unwrap();
    assert_eq!(late.verdict().0, HealthLevel::Failing);
    assert!(late.verdict().1.starts_with("Deliveries are late: the oldest has been due for "), "{:?}", late.verdict());
    assert_eq!((late.waiting, late.held), (1, 0));
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.clock.step_ms(MINUTE_MS);
    let behind = harness.engine.health(&olga).await.unwrap();
    assert_eq!(behind.waiting, 2, "an event behind an earlier one of its call waits too");
    assert_eq!((late.troubled[0].name.as_str(), late.troubled[0].failed, late.troubled[0].delivered), ("Acme", 1, 0));
    assert!(late.ingest.commits >= 1);
    harness.engine.suspend_account(&olga, &acme(&harness), "Unpaid").await.unwrap();
    harness.clock.step_ms(MINUTE_MS);
    let held = harness.engine.health(&olga).await.unwrap();
    assert_eq!((held.waiting, held.held, held.oldest_due), (0, 2, None), "what is held is not late");
}

async fn accounts_can_be_searched_and_paged(harness: TestHarness) {
    let olga = operator(&harness).await;
    for n in 0..5 {
        let form = NewAccount { name: format!("Beta {n}"), reference: format!("ref-{n}"), ..NewAccount::default() };
        harness.engine.create_customer_account(&olga, &form).await.unwrap();
    }
    let list = async |query: &str| {
        let page = harness.engine.accounts(&olga, &AccountFilter::parse(query)).await.unwrap();
        (page.rows.into_iter().map(|row| row.account.name).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(list("?q=BETA+3").await.0, ["Beta 3"]);
    assert_eq!(list("?q=ref-4").await.0, ["Beta 4"]);
    assert_eq!(list(&format!("?q={}", acme(&harness))).await.0, ["Acme"]);
    assert_eq!(list("?q=%25").await.0, [""; 0]);
    let (first, next) = list("?limit=4").await;
    assert_eq!(first, ["Beta 4", "Beta 3", "Beta 2", "Beta 1"]);
    let (second, end) = list(&format!("?limit=4&cursor={}", next.unwrap())).await;
    assert_eq!((second, end), (vec!["Beta 0".to_owned(), "Acme".to_owned()], None));
    harness.endpoint().await;
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.run().await;
    let card = harness.engine.account_detail(&olga, &acme(&harness)).await.unwrap();
    assert_eq!((card.row.endpoints, card.row.delivered_24h, card.row.failed_24h, card.usage.members), (1, 1, 0, 1));
}

async fn an_account_is_created_with_its_first_admin(harness: TestHarness) {
    let olga = operator(&harness).await;
    let form = NewAccount {
        name: "Beta".into(),
        reference: "r-1".into(),
        country: "GB".into(),
        admin: "Bob@Beta.example".into(),
    };
    let (account, invitation) = harness.engine.create_customer_account(&olga, &form).await.unwrap();
    assert_eq!(invitation.unwrap().email, "bob@beta.example");
    let newcomer = NewUserForm { name: "Bob".into(), password: PASSWORD.into() };
    let (bob, joined) =
        harness.engine.join_as_new(TeamKind::Account, &link(&harness).await, &newcomer, "").await.unwrap();
    assert_eq!(joined.account(), Some(&account.id));
    assert!(harness.engine.actor(&bob.id, &account.id).await.unwrap().may(Permission::ManageMembers));
    let again =
        harness.engine.create_customer_account(&olga, &NewAccount { admin: String::new(), ..form }).await.unwrap_err();
    assert_eq!(again.fields()[0].field, "reference");
    let (_, all) = records_of(&harness, &olga, "account").await;
    assert_eq!(all, [AuditAction::AccountCreated]);
    assert_eq!(harness.engine.verify_audit().await.unwrap().broken, []);
}

async fn renaming_an_account_is_recorded_in_both_logs(harness: TestHarness) {
    let olga = operator(&harness).await;
    let naming = AccountNameForm { name: "Acme Ltd".into(), reference: "r-7".into() };
    let account = harness.engine.rename_account(&olga, &acme(&harness), &naming).await.unwrap();
    assert_eq!((account.name.as_str(), account.reference.as_deref()), ("Acme Ltd", Some("r-7")));
    harness.engine.rename_account(&olga, &acme(&harness), &naming).await.unwrap();
    let (own, all) = records_of(&harness, &olga, "account").await;
    assert_eq!(
        (own, all),
        (vec![AuditAction::AccountRenamed, AuditAction::AccountCreated], vec![AuditAction::AccountRenamed])
    );
    let (beta, _) = harness.newcomer("Beta").await;
    let taken = harness.engine.rename_account(&olga, beta.account().unwrap(), &naming).await.unwrap_err();
    assert_eq!(taken.fields()[0].field, "reference");
    let unknown = AccountId::new(harness.now(), 9);
    assert!(matches!(harness.engine.rename_account(&olga, &unknown, &naming).await, Err(Error::NotFound(_))));
}

async fn a_suspended_account_holds_its_events_and_is_read_only(harness: TestHarness) {
    let olga = operator(&harness).await;
    let endpoint = harness.endpoint().await;
    let account = acme(&harness);
    let (_, own) =
        harness.engine.create_token(&harness.admin, Some(&account), "crm", &[Scope::EventsWrite]).await.unwrap();
    let (_, platform) =
        harness.engine.create_token(&Actor::COMMAND_LINE, None, "pbx", &[Scope::EventsWrite]).await.unwrap();
    harness.engine.authenticate(&own, "").await.unwrap();
    let short = harness.engine.suspend_account(&olga, &account, " no ").await.unwrap_err();
    assert_eq!(short.fields()[0].field, "reason");
    let suspended = harness.engine.suspend_account(&olga, &account, "Unpaid since May").await.unwrap();
    assert_eq!(suspended.suspended.unwrap().reason, "Unpaid since May");

    let refused = harness.engine.authenticate(&own, "").await.unwrap_err();
    assert_eq!(refused, Error::Suspended("This account is suspended: Unpaid since May. Ask your provider.".into()));
    let pbx = harness.engine.authenticate(&platform, "").await.unwrap();
    let accepted = harness.engine.accept_event(&pbx, &account, event(EventKind::CallProcessed, 1, None)).await.unwrap();
    assert_eq!(accepted.deliveries, 1, "nothing is dropped silently");
    assert_eq!(harness.run_after_ms(HOUR_MS).await, 0, "and nothing is sent");
    let row = harness.only_delivery().await.row;
    assert_eq!((row.status, row.failure.map(|f| f.cause)), (Status::Held, Some(Cause::NotSentSuspended)));
    for (query, found) in [("?status=held", 1), ("?status=queued", 0), ("?status=sending", 0), ("?status=retrying", 0)]
    {
        let rows = harness.engine.deliveries(&harness.admin, &DeliveryFilter::parse(query)).await.unwrap().rows;
        assert_eq!(rows.len(), found, "{query}");
    }

    let ana = reloaded_admin(&harness).await;
    assert!(
        harness.engine.endpoints(&ana).await.is_ok()
            && harness.engine.audit(&ana, &AuditFilter::default()).await.is_ok()
    );
    let refused = [
        harness.engine.pause_endpoint(&ana, &endpoint.id).await.err(),
        harness.engine.send_test(&ana, &endpoint.id, EventKind::IncomingCall, None).await.err(),
        harness.engine.reveal_credentials(&ana, &endpoint.id).await.err(),
        harness.engine.cancel_delivery(&ana, &row.id).await.err(),
        harness.engine.change_account(&ana, &AccountForm::default().input().unwrap()).await.err(),
        harness.engine.members(&ana, TeamKind::Account).await.err(),
        harness.engine.api_tokens(&ana).await.err(),
    ];
    for (at, error) in refused.iter().enumerate() {
        assert!(matches!(error, Some(Error::Suspended(_))), "{at}: {error:?}");
    }

    harness.engine.restore_account(&olga, &account).await.unwrap();
    harness.engine.restore_account(&olga, &account).await.unwrap();
    assert!(harness.engine.authenticate(&own, "").await.is_ok());
    assert_eq!(harness.run().await, 1);
    assert_eq!(harness.only_delivery().await.row.status, Status::Delivered);
    let (own, all) = records_of(&harness, &olga, "account").await;
    assert_eq!(own[..2], [AuditAction::AccountRestored, AuditAction::AccountSuspended]);
    assert_eq!(all, [AuditAction::AccountRestored, AuditAction::AccountSuspended]);
}

async fn resuming_an_account_resets_the_health_of_its_endpoints(harness: TestHarness) {
    let olga = operator(&harness).await;
    let endpoint = harness.endpoint().await;
    harness.receiver.usually(crate::receiver::Reply::Status(500));
    harness.accept(EventKind::CallProcessed, 1).await;
    harness.run().await;
    harness.engine.suspend_account(&olga, &acme(&harness), "Unpaid").await.unwrap();
    harness.clock.step_ms(6 * DAY_MS);
    harness.engine.restore_account(&olga, &acme(&harness)).await.unwrap();
    let resumed = harness.engine.endpoint(&harness.admin, &endpoint.id).await.unwrap();
    assert_eq!(EndpointStatus::of(&resumed, harness.now()), EndpointStatus::Unproven);
    assert_eq!(resumed.failure, None, "its earlier failure says nothing about it now");
    harness.run().await;
    let now = harness.engine.endpoint(&harness.admin, &endpoint.id).await.unwrap().endpoint;
    assert_eq!(
        now.state,
        domain::endpoint::EndpointState::Active,
        "six days of suspension are not six days of failures"
    );
}

async fn a_suspension_applies_at_once_to_deliveries_in_memory(harness: TestHarness) {
    let olga = operator(&harness).await;
    harness.endpoint().await;
    // Leased in memory when accepted, before the suspension.
    harness.accept(EventKind::CallProcessed, 1).await;
    let sending = DeliveryFilter::parse("?status=sending");
    assert_eq!(harness.engine.deliveries(&harness.admin, &sending).await.unwrap().rows.len(), 1);
    harness.engine.suspend_account(&olga, &acme(&harness), "Unpaid").await.unwrap();
    assert_eq!(harness.run().await, 0);
    assert_eq!(harness.only_delivery().await.row.status, Status::Held);
    let changed =
        harness.engine.suspend_account(&olga, &acme(&harness), "Still unpaid").await.unwrap().suspended.unwrap();
    assert_eq!((changed.reason.as_str(), changed.since), ("Still unpaid", harness.now()));
}

async fn limits_are_enforced_where_they_matter(harness: TestHarness) {
    let olga = operator(&harness).await;
    let account = acme(&harness);
    let form = LimitsForm {
        endpoints_max: "1".into(),
        events_per_s: "5".into(),
        retention_max_days: "10".into(),
        ..LimitsForm::default()
    };
    harness.engine.limit_account(&olga, &account, form.input().unwrap()).await.unwrap();
    harness.endpoint().await;
    let second =
        EndpointForm { url: harness.receiver.url(), events: vec!["IncomingCall".into()], ..EndpointForm::default() };
    let refused =
        harness.engine.create_endpoint(&harness.admin, &second.input().unwrap(), Duplicate::Allow).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "This account is limited to 1 endpoint. Delete one, or ask your provider to raise the limit."
    );
    let (_, text) =
        harness.engine.create_token(&harness.admin, Some(&account), "crm", &[Scope::EventsWrite]).await.unwrap();
    assert_eq!(harness.engine.authenticate(&text, "").await.unwrap().events_per_s, Some(5));
    let longer = AccountForm { name: "Acme".into(), bodies_days: "11".into(), ..AccountForm::default() };
    let refused = harness.engine.change_account(&harness.admin, &longer.input().unwrap()).await.unwrap_err();
    assert!(refused.to_string().contains("Choose 1 to 10 days."), "{refused}");
    let wrong = LimitsForm { retention_max_days: "366".into(), ..LimitsForm::default() };
    assert!(matches!(
        harness.engine.limit_account(&olga, &account, wrong.input().unwrap()).await,
        Err(Error::Invalid(_))
    ));
    harness.engine.limit_account(&olga, &account, LimitsForm::default().input().unwrap()).await.unwrap();
    assert!(harness.engine.create_endpoint(&harness.admin, &second.input().unwrap(), Duplicate::Allow).await.is_ok());
    let (own, all) = records_of(&harness, &olga, "account").await;
    assert_eq!((own[..2].to_vec(), all), (vec![AuditAction::AccountLimited; 2], vec![AuditAction::AccountLimited; 2]));
}

async fn one_host_members_and_tokens_are_limited(harness: TestHarness) {
    let olga = operator(&harness).await;
    let (account, engine, admin) = (acme(&harness), &harness.engine, &harness.admin);
    let first = harness.endpoint().await;
    engine.create_token(admin, Some(&account), "crm", &[Scope::EventsWrite]).await.unwrap();
    let one = LimitsForm {
        endpoints_per_host_max: "1".into(),
        members_max: "2".into(),
        tokens_max: "2".into(),
        ..LimitsForm::default()
    };
    engine.limit_account(&olga, &account, one.input().unwrap()).await.unwrap();
    let form =
        |url: &str| EndpointForm { url: url.into(), events: vec!["IncomingCall".into()], ..EndpointForm::default() };
    let here = form(&harness.receiver.url()).input().unwrap();
    let refused = engine.create_endpoint(admin, &here, Duplicate::Allow).await.unwrap_err().to_string();
    assert!(refused.starts_with("This account is limited to 1 endpoint at 127.0.0.1."), "{refused}");
    let elsewhere = form("https://crm.acme.example/calls").input().unwrap();
    let second = engine.create_endpoint(admin, &elsewhere, Duplicate::Allow).await.unwrap().endpoint;
    assert!(matches!(engine.update_endpoint(admin, &second.id, &here, None).await, Err(Error::Conflict { .. })));
    assert!(engine.update_endpoint(admin, &first.id, &here, None).await.is_ok(), "it is there already");
    let invite =
        |email: &str| InviteForm { email: email.into(), role: "viewer".into() }.parse(TeamKind::Account).unwrap();
    engine.invite(admin, invite("bob@acme.example")).await.unwrap();
    let refused = engine.invite(admin, invite("eve@acme.example")).await.unwrap_err().to_string();
    assert!(refused.starts_with("This account is limited to 2 members, including pending invitations."), "{refused}");
    let new =
        || TokenForm { name: "x".into(), scopes: vec!["events:write".into()], ..TokenForm::default() }.input().unwrap();
    while engine.account_usage(admin).await.unwrap().tokens < 2 {
        engine.create_api_token(admin, &new()).await.unwrap();
    }
    assert!(matches!(engine.create_api_token(admin, &new()).await, Err(Error::Conflict { .. })));
    let usage = engine.account_usage(admin).await.unwrap();
    assert_eq!((usage.endpoints, usage.members, usage.invited, usage.tokens), (2, 1, 1, 2));
    assert_eq!(usage.busiest_host.map(|(_, count)| count), Some(1));
    assert_eq!(engine.account_detail(&olga, &account).await.unwrap().usage.endpoints, 2);
}

async fn an_operator_manages_platform_tokens(harness: TestHarness) {
    let olga = operator(&harness).await;
    let form = |scopes: &[&str]| TokenForm {
        name: "PBX".into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        expires_days: String::new(),
    };
    let more = harness.engine.create_api_token(&olga, &form(&["events:read"]).input().unwrap()).await.unwrap_err();
    assert_eq!(more.fields()[0].field, "scopes");
    let made = harness.engine.create_api_token(&olga, &form(&["events:write"]).input().unwrap()).await.unwrap();
    let pbx = harness.engine.authenticate(&made.secret, "203.0.113.9").await.unwrap();
    assert!(harness.engine.account_for_events(&pbx, Some(acme(&harness).as_str())).await.is_ok());
    let next = harness.engine.rotate_api_token(&olga, &made.token.id, 1).await.unwrap();
    assert!(
        harness.engine.authenticate(&made.secret, "").await.is_ok()
            && harness.engine.authenticate(&next.secret, "").await.is_ok()
    );
    harness.clock.step_ms(HOUR_MS);
    assert!(harness.engine.authenticate(&made.secret, "").await.is_err());
    let all = harness.engine.api_tokens(&olga).await.unwrap();
    assert_eq!(all.iter().map(|token| &token.id).collect::<Vec<_>>(), [&next.token.id, &made.token.id]);
    harness.engine.revoke_api_token(&olga, &next.token.id, Some("PBX")).await.unwrap();
    assert!(harness.engine.authenticate(&next.secret, "").await.is_err());
    assert!(matches!(harness.engine.api_token(&harness.admin, &made.token.id).await, Err(Error::NotFound(_))));
    let of_account = harness.engine.api_tokens(&harness.admin).await.unwrap()[0].id.clone();
    assert!(matches!(harness.engine.api_token(&olga, &of_account).await, Err(Error::NotFound(_))));
    let (own, ops_records) = records_of(&harness, &olga, "token").await;
    assert_eq!(ops_records, [AuditAction::ApiTokenRevoked, AuditAction::ApiTokenRotated, AuditAction::ApiTokenCreated]);
    assert_eq!(own, [AuditAction::ApiTokenCreated], "the account's own");
}

async fn only_operators_have_ops_access(harness: TestHarness) {
    let sam = staff(&harness, "sam", StaffRole::Support).await;
    let account = acme(&harness);
    let id = UserId::parse(sam.id().unwrap()).unwrap();
    let invite = InviteForm { email: "x@acme.example".into(), role: "operator".into() };
    for nobody in [&sam, &harness.admin, &harness.token] {
        let engine = &harness.engine;
        let refused = [
            engine.health(nobody).await.err(),
            engine.accounts(nobody, &AccountFilter::default()).await.err(),
            engine.account_detail(nobody, &account).await.err(),
            engine
                .create_customer_account(nobody, &NewAccount { name: "x".into(), ..NewAccount::default() })
                .await
                .err(),
            engine
                .rename_account(nobody, &account, &AccountNameForm { name: "x".into(), ..AccountNameForm::default() })
                .await
                .err(),
            engine.suspend_account(nobody, &account, "because").await.err(),
            engine.restore_account(nobody, &account).await.err(),
            engine.limit_account(nobody, &account, LimitsForm::default().input().unwrap()).await.err(),
            engine.ops_audit(nobody, &AuditFilter::default()).await.err(),
            engine.policies(nobody).await.err(),
            engine.set_policy(nobody, PolicyName::SignUp, None).await.err(),
            engine.members(nobody, TeamKind::Staff).await.err(),
            engine.remove_member(nobody, TeamKind::Staff, &id).await.err(),
            engine.invite(nobody, invite.parse(TeamKind::Staff).unwrap()).await.err(),
        ];
        for (at, error) in refused.iter().enumerate() {
            assert!(matches!(error, Some(Error::Forbidden(_))), "{at}: {error:?}");
        }
    }
}
