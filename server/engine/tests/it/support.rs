//! Support: search, sessions and how they end, what is hidden, and what the account's log records.

use domain::{
    Error,
    account::{AccountForm, Accounts, StaffRole},
    actor::Actor,
    audit::{Audit, AuditAction, AuditFilter, AuditRecord},
    delivery::Deliveries,
    endpoint::{Duplicate, EndpointForm, Endpoints},
    event::{EventFilter, EventKind, Events},
    filter::DeliveryFilter,
    id::AccountId,
    recover::Recovery,
    support::{CallParty, Support, SupportForm, SupportSession, SupportView},
    test_line::{Behaviour, TestLines},
    time::MINUTE_MS,
};
use engine::Affiliation;

use crate::{
    harness::{TestHarness, call_id, on_both},
    receiver::Reply,
};

on_both! { an_account_is_found_by_any_of_its_identifiers a_session_needs_a_reason_and_ends_automatically withdrawn_access_is_refused_at_the_next_request only_support_staff_have_support_access every_view_is_recorded_in_the_accounts_own_log numbers_are_hidden_until_they_are_revealed_one_by_one support_sees_no_credentials support_cannot_change_anything settings_record_what_changed an_agent_sees_their_own_history }

const REASON: &str = "Calls do not reach the CRM";

pub(crate) async fn staff(harness: &TestHarness, name: &str, role: StaffRole) -> Actor {
    let email = format!("{name}@provider.example");
    let place = Affiliation::Staff(role);
    let id = harness.engine.create_user(&Actor::COMMAND_LINE, &email, "correct horse battery", place).await.unwrap();
    harness.engine.staff(&id).await.unwrap().at("198.51.100.7")
}

fn form(account: &AccountId) -> SupportForm {
    SupportForm {
        account: account.to_string(),
        reason: REASON.into(),
        ticket: "4711".into(),
        minutes: "15".into(),
        rest: String::new(),
    }
}

/// An agent with a running session in the harness's account.
pub(crate) async fn inside(harness: &TestHarness) -> (Actor, Actor, SupportSession) {
    let sam = staff(harness, "sam", StaffRole::Support).await;
    let account = harness.admin.account().unwrap();
    harness.engine.start_support(&sam, &form(account).input().unwrap()).await.unwrap();
    let (support, _, session) = harness.engine.support_actor(&sam, account).await.unwrap();
    (sam, support, session)
}

/// The receiver rejects everything with this text.
fn echoes(harness: &TestHarness, body: &str) {
    let head = format!("HTTP/1.1 500 Broken\r\ncontent-length: {}\r\nconnection: close", body.len());
    harness.receiver.usually(Reply::Bytes(format!("{head}\r\n\r\n{body}")));
}

async fn log(harness: &TestHarness) -> Vec<AuditRecord> {
    harness.engine.audit(&harness.admin, &AuditFilter::parse("?area=support")).await.unwrap().rows
}

fn noted(record: &AuditRecord) -> String {
    record
        .changes
        .iter()
        .map(|c| format!("{}={}", c.what, c.after.clone().unwrap_or_default()))
        .collect::<Vec<_>>()
        .join(" ")
}

async fn an_account_is_found_by_any_of_its_identifiers(harness: TestHarness) {
    let endpoint = harness.endpoint_with(|form| form.url = "https://crm.acme.example/calls".into()).await;
    let accepted = harness.accept_as(EventKind::IncomingCall, 7, Some("own-event-7")).await.unwrap();
    harness.newcomer("Beta").await;
    let operator = Actor::COMMAND_LINE;
    harness.engine.create_account(&operator, "100% Ltd", Some("ref-42")).await.unwrap();
    let delivery = harness.only_delivery().await.row;
    let sam = staff(&harness, "sam", StaffRole::Support).await;
    let account = harness.admin.account().unwrap().to_string();
    let found = async |text: &str| {
        let found = harness.engine.find_accounts(&sam, text).await.unwrap();
        found.into_iter().map(|one| (one.account.name, one.rest)).collect::<Vec<_>>()
    };
    let acme = |rest: &str| vec![("Acme".to_owned(), rest.to_owned())];
    assert_eq!(found("acm").await, acme(""));
    assert_eq!(found(&account).await, acme(""));
    assert_eq!(found(endpoint.id.as_str()).await, acme(&format!("endpoints/{}", endpoint.id)));
    assert_eq!(found("https://CRM.acme.example/").await, acme("endpoints"));
    assert_eq!(found(delivery.id.as_str()).await, acme(&format!("deliveries/{}", delivery.id)));
    assert_eq!(found(accepted.id.as_str()).await, acme("events/own-event-7"));
    assert_eq!(found(&call_id(7).to_uppercase()).await, acme(&format!("calls/{}", call_id(7))));
    for number in [delivery.caller.as_str(), "01202 901-222"] {
        assert_eq!(found(number).await[0].0, "Acme", "{number}");
    }
    assert_eq!(found("ref-42").await[0].0, "100% Ltd");
    assert_eq!(found("100%").await[0].0, "100% Ltd");
    assert_eq!(found("%%%").await, []);
    assert!(matches!(harness.engine.find_accounts(&sam, " a ").await, Err(Error::Invalid(_))));
}

async fn a_session_needs_a_reason_and_ends_automatically(harness: TestHarness) {
    let sam = staff(&harness, "sam", StaffRole::Support).await;
    let account = harness.admin.account().unwrap().clone();
    let refused = harness.engine.support_actor(&sam, &account).await.unwrap_err();
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    let short = SupportForm { reason: "because".into(), ..form(&account) };
    assert_eq!(
        harness.engine.start_support(&sam, &short.input().unwrap()).await.unwrap_err().fields()[0].field,
        "reason"
    );

    let first = harness.engine.start_support(&sam, &form(&account).input().unwrap()).await.unwrap();
    let again = harness.engine.start_support(&sam, &form(&account).input().unwrap()).await.unwrap();
    assert_eq!(first.id, again.id, "one session at a time");
    harness.clock.step_ms(15 * MINUTE_MS - 1);
    assert!(harness.engine.support_actor(&sam, &account).await.is_ok());
    harness.clock.step_ms(1);
    assert!(matches!(harness.engine.support_actor(&sam, &account).await, Err(Error::Forbidden(_))));
    let ended = &log(&harness).await[0];
    assert_eq!((ended.action, ended.who.as_deref()), (AuditAction::SupportEnded, None));

    let second = harness.engine.start_support(&sam, &form(&account).input().unwrap()).await.unwrap();
    assert_ne!(first.id, second.id);
    harness.engine.end_support(&sam, &second.id).await.unwrap();
    harness.engine.end_support(&sam, &second.id).await.unwrap();
    assert!(harness.engine.support_actor(&sam, &account).await.is_err());
    let actions: Vec<_> = log(&harness).await.into_iter().map(|record| record.action).collect();
    let once = [AuditAction::SupportEnded, AuditAction::SupportStarted];
    assert_eq!(actions, [once, once].concat());
    let other = staff(&harness, "kim", StaffRole::Support).await;
    assert!(matches!(harness.engine.end_support(&other, &second.id).await, Err(Error::NotFound(_))));
}

async fn withdrawn_access_is_refused_at_the_next_request(harness: TestHarness) {
    let (sam, support, _) = inside(&harness).await;
    let account = harness.admin.account().unwrap().clone();
    let closed = AccountForm { name: "Acme".into(), ..AccountForm::default() };
    harness.engine.change_account(&harness.admin, &closed.input().unwrap()).await.unwrap();
    let refused = harness.engine.support_actor(&sam, &account).await.unwrap_err().to_string();
    assert!(refused.contains("does not allow support access"), "{refused}");
    assert!(harness.engine.record_support_view(&support, SupportView::at("deliveries", "")).await.is_err());
    assert!(harness.engine.start_support(&sam, &form(&account).input().unwrap()).await.is_err());
    harness
        .engine
        .change_account(&harness.admin, &AccountForm { support_access: true, ..closed }.input().unwrap())
        .await
        .unwrap();
    assert!(harness.engine.support_actor(&sam, &account).await.is_err(), "the session has ended");
    let ended = log(&harness).await.into_iter().find(|record| record.action == AuditAction::SupportEnded).unwrap();
    assert_eq!(ended.who.as_deref(), Some("ana@acme.example"));
}

async fn only_support_staff_have_support_access(harness: TestHarness) {
    let account = harness.admin.account().unwrap().clone();
    let olga = staff(&harness, "olga", StaffRole::Operator).await;
    for nobody in [&olga, &harness.admin, &harness.token, &Actor::COMMAND_LINE] {
        assert!(matches!(harness.engine.find_accounts(nobody, "acme").await, Err(Error::Forbidden(_))));
        assert!(matches!(
            harness.engine.start_support(nobody, &form(&account).input().unwrap()).await,
            Err(Error::Forbidden(_))
        ));
        assert!(matches!(harness.engine.support_actor(nobody, &account).await, Err(Error::Forbidden(_))));
        assert!(matches!(
            harness.engine.record_support_view(nobody, SupportView::default()).await,
            Err(Error::Forbidden(_))
        ));
    }
    let domain::actor::Who::Member { user, .. } = &harness.admin.who else { panic!("a member") };
    assert!(matches!(harness.engine.staff(user).await, Err(Error::NotFound(_))));
}

async fn every_view_is_recorded_in_the_accounts_own_log(harness: TestHarness) {
    let (_, support, session) = inside(&harness).await;
    harness.engine.record_support_view(&support, SupportView::at("deliveries", "q=01202901222")).await.unwrap();
    harness.engine.record_support_view(&support, SupportView::at("deliveries/dlv_1", "")).await.unwrap();
    let all = log(&harness).await;
    let actions: Vec<_> = all.iter().map(|record| record.action).collect();
    assert_eq!(actions, [AuditAction::SupportViewed, AuditAction::SupportViewed, AuditAction::SupportStarted]);
    for record in &all {
        assert_eq!(record.who.as_deref(), Some("sam@provider.example (provider support)"));
        assert_eq!(record.address.as_deref(), Some("198.51.100.7"));
        assert!(noted(record).starts_with(&format!("ticket=4711 reason={REASON}")), "{}", noted(record));
    }
    assert_eq!(all[0].object_id.as_deref(), Some("dlv_1"));
    assert!(noted(&all[0]).ends_with("page=a delivery"));
    assert!(noted(&all[1]).ends_with("page=the deliveries filter=q: 0120 ••• 222"));
    assert_eq!(all[2].object_id.as_deref(), Some(session.id.as_str()));
    assert_eq!(harness.engine.verify_audit().await.unwrap().broken, []);
}

async fn numbers_are_hidden_until_they_are_revealed_one_by_one(harness: TestHarness) {
    harness.endpoint().await;
    echoes(&harness, r#"{"auth_token":"my-token","from":"01202901222"}"#);
    let event = harness.accept(EventKind::IncomingCall, 1).await.id;
    harness.run().await;
    let (_, support, _) = inside(&harness).await;
    let seen = async || {
        let rows = harness.engine.deliveries(&support, &DeliveryFilter::default()).await.unwrap().rows;
        let detail = harness.engine.delivery(&support, &rows[0].id, None).await.unwrap();
        let events = harness.engine.events(&support, &EventFilter::default()).await.unwrap().rows;
        let event = harness.engine.event(&support, &events[0].id).await.unwrap();
        format!("{rows:?} {detail:?} {events:?} {event:?}")
    };
    let hidden = seen().await;
    assert!(!hidden.contains("01202901222") && !hidden.contains("01202912204"), "{hidden}");
    assert!(hidden.contains("0120 ••• 222") && hidden.contains(&call_id(1)), "{hidden}");
    harness.engine.reveal_number(&support, &event, CallParty::Caller).await.unwrap();
    let shown = seen().await;
    assert!(shown.contains("01202901222") && !shown.contains("01202912204"), "{shown}");
    let record = &log(&harness).await[0];
    assert_eq!((record.action, record.object_id.as_deref()), (AuditAction::SupportRevealed, Some(event.as_str())));
    assert!(noted(record).ends_with("caller=0120 ••• 222"));
    let whole = harness.engine.event(&harness.admin, &event).await.unwrap();
    assert_eq!(whole.event.callee, "01202912204", "the account's own members see everything");
}

async fn support_sees_no_credentials(harness: TestHarness) {
    let endpoint = harness
        .endpoint_with(|form| {
            form.url = format!("{}?key=url-credential", form.url);
            form.headers = "X-Key: header-credential".into();
        })
        .await;
    echoes(&harness, r#"you sent {"auth_token":"my-token"} and header-credential, my-token"#);
    harness.accept(EventKind::IncomingCall, 1).await;
    harness.run().await;
    let known = harness.engine.reveal_credentials(&harness.admin, &endpoint.id).await.unwrap();
    let (_, support, _) = inside(&harness).await;
    let id = &harness.deliveries().await[0].id;
    let seen = format!(
        "{:?} {:?} {:?}",
        harness.engine.delivery(&support, id, None).await.unwrap(),
        harness.engine.endpoint(&support, &endpoint.id).await.unwrap(),
        harness.engine.endpoints(&support).await.unwrap()
    );
    for secret in
        ["my-token", "header-credential", "url-credential", &known.signing_secret, &known.signing_secret[44..]]
    {
        assert!(!seen.contains(secret), "{secret}: {seen}");
    }
    assert!(harness.engine.reveal_credentials(&support, &endpoint.id).await.is_err());
}

async fn support_cannot_change_anything(harness: TestHarness) {
    let endpoint = harness.endpoint().await;
    harness.accept(EventKind::IncomingCall, 1).await;
    let (_, support, _) = inside(&harness).await;
    let (engine, id, dlv) = (&harness.engine, &endpoint.id, harness.deliveries().await[0].id.clone());
    let new =
        EndpointForm { url: harness.receiver.url(), events: vec!["IncomingCall".into()], ..EndpointForm::default() };
    let refused = [
        engine.create_endpoint(&support, &new.input().unwrap(), Duplicate::Allow).await.err(),
        engine.update_endpoint(&support, id, &new.input().unwrap(), None).await.err(),
        engine.pause_endpoint(&support, id).await.err(),
        engine.resume_endpoint(&support, id, None).await.err(),
        engine.delete_endpoint(&support, id).await.err(),
        engine.send_test(&support, id, EventKind::IncomingCall, None).await.err(),
        engine.resend(&support, &dlv).await.err(),
        engine.cancel_delivery(&support, &dlv).await.err(),
        engine.plan_recovery(&support, id, &crate::recover::form().input().unwrap()).await.err(),
        engine.start_recovery(&support, id, &crate::recover::form().input().unwrap()).await.err(),
        engine.use_test_line(&support).await.err(),
        engine.test_line(&support).await.err(),
        engine.set_test_line(&support, Behaviour::Gone).await.err(),
        engine.clear_test_line(&support).await.err(),
        engine.reveal_credentials(&support, id).await.err(),
        engine.change_account(&support, &AccountForm::default().input().unwrap()).await.err(),
        engine.audit(&support, &AuditFilter::default()).await.err(),
    ];
    for (at, error) in refused.iter().enumerate() {
        assert!(matches!(error, Some(Error::Forbidden(_))), "{at}: {error:?}");
    }
}

async fn settings_record_what_changed(harness: TestHarness) {
    let form = AccountForm {
        name: " Acme Ltd ".into(),
        developers_rotate: true,
        support_access: true,
        ..AccountForm::default()
    };
    let changed = harness.engine.change_account(&harness.admin, &form.input().unwrap()).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.settings.developers_rotate), ("Acme Ltd", true));
    harness.engine.change_account(&harness.admin, &form.input().unwrap()).await.unwrap();
    let records = harness.engine.audit(&harness.admin, &AuditFilter::parse("?area=account")).await.unwrap().rows;
    let actions: Vec<_> = records.iter().map(|record| record.action).collect();
    assert_eq!(
        actions,
        [AuditAction::AccountChanged, AuditAction::AccountCreated],
        "unchanged fields are not recorded"
    );
    let recorded: Vec<_> =
        records[0].changes.iter().map(|c| (c.what.as_str(), c.before.as_deref(), c.after.as_deref())).collect();
    assert_eq!(
        recorded,
        [("name", Some("Acme"), Some("Acme Ltd")), ("developers may rotate", Some("no"), Some("yes"))]
    );
    let unnamed = AccountForm { name: " ".into(), ..form };
    assert!(matches!(
        harness.engine.change_account(&harness.admin, &unnamed.input().unwrap()).await,
        Err(Error::Invalid(_))
    ));
    assert!(matches!(
        harness.engine.change_account(&harness.token, &unnamed.input().unwrap()).await,
        Err(Error::Forbidden(_))
    ));
}

async fn an_agent_sees_their_own_history(harness: TestHarness) {
    let (sam, support, session) = inside(&harness).await;
    harness.engine.record_support_view(&support, SupportView::at("", "")).await.unwrap();
    let kim = staff(&harness, "kim", StaffRole::Support).await;
    assert_eq!(harness.engine.support_log(&kim, None).await.unwrap().len(), 0);
    assert_eq!(harness.engine.support_sessions(&kim).await.unwrap(), []);
    let own = harness.engine.support_log(&sam, None).await.unwrap();
    assert_eq!(
        own.iter().map(|one| one.record.action).collect::<Vec<_>>(),
        [AuditAction::SupportViewed, AuditAction::SupportStarted]
    );
    assert_eq!(own[0].account_name, "Acme");
    let older = harness.engine.support_log(&sam, Some(own[0].record.id.as_str())).await.unwrap();
    assert_eq!(older.len(), 1);
    assert_eq!(harness.engine.support_sessions(&sam).await.unwrap()[0].id, session.id);
}
