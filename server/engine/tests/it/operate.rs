//! What operators do: accounts, suspension, limits, platform tokens, health, and that nobody else does it.

use domain::{
    Error,
    account::{AccountForm, Accounts, StaffRole},
    actor::{Actor, Permission},
    audit::{Audit, AuditFilter, Deed},
    cause::Cause,
    delivery::{Deliveries, Status},
    endpoint::{Duplicate, EndpointForm, Endpoints},
    event::{EventKind, Events},
    filter::DeliveryFilter,
    id::{AccountId, UserId},
    installation::{
        Installation, Policies, Staffing,
        accounts::{AccountFilter, LimitsForm, Naming, NewAccount},
        health::Mood,
        policy::PolicyName,
        staff::StaffInvite,
    },
    member::{Members, Newcomer},
    time::{DAY_MS, HOUR_MS, MINUTE_MS},
    token::{Scope, TokenForm, Tokens},
};
use engine::Place;

use crate::bed::{Bed, event, newcomer, on_both};

on_both! {
    the_health_page_tells_what_waits_and_who_fails
    accounts_are_found_and_paged
    an_account_is_opened_with_its_first_admin
    an_account_is_renamed_in_both_logs
    a_suspended_account_holds_its_events_and_lets_nobody_change_it
    a_resumed_account_begins_anew
    a_suspension_is_heard_at_once_by_what_is_in_memory
    limits_hold_where_they_matter
    an_operator_looks_after_the_tokens_of_the_platform
    nobody_else_operates
}

pub const PASSWORD: &str = "violet kettle ran 7 miles";

pub async fn staff(bed: &Bed, name: &str, role: StaffRole) -> Actor {
    let email = format!("{name}@provider.example");
    let place = Place::Staff(role);
    let id = bed.engine.create_user(&Actor::COMMAND_LINE, &email, PASSWORD, place).await.unwrap();
    bed.engine.staff(&id).await.unwrap().at("198.51.100.7")
}

pub async fn operator(bed: &Bed) -> Actor {
    staff(bed, "olga", StaffRole::Operator).await
}

pub fn acme(bed: &Bed) -> AccountId {
    bed.admin.account().unwrap().clone()
}

/// What the account's own log and the installation's say about deeds of this kind, newest first.
async fn deeds(bed: &Bed, olga: &Actor, area: &str) -> (Vec<Deed>, Vec<Deed>) {
    let filter = AuditFilter::parse(&format!("?area={area}"));
    let own = bed.engine.audit(&bed.admin, &filter).await.unwrap().rows;
    let all = bed.engine.installation_audit(olga, &filter).await.unwrap().rows;
    (own.into_iter().map(|record| record.deed).collect(), all.into_iter().map(|record| record.deed).collect())
}

/// The secret end of the link in the latest letter.
pub fn link(bed: &Bed) -> String {
    let letter = bed.mail.emails().pop().unwrap();
    let line = letter.text.lines().find(|line| line.starts_with("http")).unwrap().to_owned();
    line.rsplit('/').next().unwrap().to_owned()
}

/// The admin as the next click finds them.
async fn admin_again(bed: &Bed) -> Actor {
    bed.engine.actor(&UserId::parse(bed.admin.id().unwrap()).unwrap(), &acme(bed)).await.unwrap()
}

async fn the_health_page_tells_what_waits_and_who_fails(bed: Bed) {
    let olga = operator(&bed).await;
    let seen = bed.engine.health(&olga).await.unwrap();
    assert_eq!(seen.verdict(), (Mood::Quiet, "All quiet: nothing waits.".into()));
    assert!(seen.database_bytes > 0 && seen.nodes[0].here && seen.accounts == 1, "{seen:?}");
    bed.endpoint().await;
    bed.receiver.usually(crate::receiver::Reply::Status(500));
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    bed.clock.step_ms(HOUR_MS);
    let late = bed.engine.health(&olga).await.unwrap();
    assert_eq!(late.verdict().0, Mood::Late);
    assert!(late.verdict().1.starts_with("Deliveries are late: the oldest has been due for "), "{:?}", late.verdict());
    assert_eq!((late.waiting, late.held), (1, 0));
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.clock.step_ms(MINUTE_MS);
    let behind = bed.engine.health(&olga).await.unwrap();
    assert_eq!(behind.waiting, 2, "what waits behind an earlier one of its call waits too");
    assert_eq!((late.troubled[0].name.as_str(), late.troubled[0].failed, late.troubled[0].delivered), ("Acme", 1, 0));
    assert!(late.ingest.commits >= 1);
    bed.engine.suspend_account(&olga, &acme(&bed), "Unpaid").await.unwrap();
    bed.clock.step_ms(MINUTE_MS);
    let held = bed.engine.health(&olga).await.unwrap();
    assert_eq!((held.waiting, held.held, held.oldest_due), (0, 2, None), "what is held is not late");
}

async fn accounts_are_found_and_paged(bed: Bed) {
    let olga = operator(&bed).await;
    for n in 0..5 {
        let form = NewAccount { name: format!("Beta {n}"), reference: format!("ref-{n}"), admin: String::new() };
        bed.engine.open_account(&olga, &form).await.unwrap();
    }
    let list = async |query: &str| {
        let page = bed.engine.accounts(&olga, &AccountFilter::parse(query)).await.unwrap();
        (page.rows.into_iter().map(|row| row.account.name).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(list("?q=BETA+3").await.0, ["Beta 3"]);
    assert_eq!(list("?q=ref-4").await.0, ["Beta 4"]);
    assert_eq!(list(&format!("?q={}", acme(&bed))).await.0, ["Acme"]);
    assert_eq!(list("?q=%25").await.0, [""; 0]);
    let (first, next) = list("?limit=4").await;
    assert_eq!(first, ["Beta 4", "Beta 3", "Beta 2", "Beta 1"]);
    let (second, end) = list(&format!("?limit=4&cursor={}", next.unwrap())).await;
    assert_eq!((second, end), (vec!["Beta 0".to_owned(), "Acme".to_owned()], None));
    bed.endpoint().await;
    bed.accept(EventKind::IncomingCall, 1).await;
    bed.run().await;
    let card = bed.engine.account_card(&olga, &acme(&bed)).await.unwrap();
    assert_eq!((card.row.endpoints, card.row.delivered_24h, card.row.failed_24h, card.members), (1, 1, 0, 1));
}

async fn an_account_is_opened_with_its_first_admin(bed: Bed) {
    let olga = operator(&bed).await;
    let form = NewAccount { name: "Beta".into(), reference: "r-1".into(), admin: "Bob@Beta.example".into() };
    let (account, invitation) = bed.engine.open_account(&olga, &form).await.unwrap();
    assert_eq!(invitation.unwrap().email, "bob@beta.example");
    let newcomer = Newcomer { name: "Bob".into(), password: PASSWORD.into() };
    let (bob, joined) = bed.engine.join_as_new(&link(&bed), &newcomer, "").await.unwrap();
    assert_eq!(joined.id, account.id);
    assert!(bed.engine.actor(&bob.id, &account.id).await.unwrap().may(Permission::ManageMembers));
    let again = bed.engine.open_account(&olga, &NewAccount { admin: String::new(), ..form }).await.unwrap_err();
    assert_eq!(again.fields()[0].field, "reference");
    let (_, all) = deeds(&bed, &olga, "account").await;
    assert_eq!(all, [Deed::AccountCreated]);
    assert_eq!(bed.engine.verify_audit().await.unwrap().broken, []);
}

async fn an_account_is_renamed_in_both_logs(bed: Bed) {
    let olga = operator(&bed).await;
    let naming = Naming { name: "Acme Ltd".into(), reference: "r-7".into() };
    let account = bed.engine.rename_account(&olga, &acme(&bed), &naming).await.unwrap();
    assert_eq!((account.name.as_str(), account.reference.as_deref()), ("Acme Ltd", Some("r-7")));
    bed.engine.rename_account(&olga, &acme(&bed), &naming).await.unwrap();
    let (own, all) = deeds(&bed, &olga, "account").await;
    assert_eq!((own, all), (vec![Deed::AccountRenamed, Deed::AccountCreated], vec![Deed::AccountRenamed]));
    let (beta, _) = newcomer(&bed.engine, "Beta").await;
    let taken = bed.engine.rename_account(&olga, beta.account().unwrap(), &naming).await.unwrap_err();
    assert_eq!(taken.fields()[0].field, "reference");
    let unknown = AccountId::new(bed.now(), 9);
    assert!(matches!(bed.engine.rename_account(&olga, &unknown, &naming).await, Err(Error::NotFound(_))));
}

async fn a_suspended_account_holds_its_events_and_lets_nobody_change_it(bed: Bed) {
    let olga = operator(&bed).await;
    let endpoint = bed.endpoint().await;
    let account = acme(&bed);
    let (_, own) = bed.engine.create_token(&bed.admin, Some(&account), "crm", &[Scope::EventsWrite]).await.unwrap();
    let (_, platform) =
        bed.engine.create_token(&Actor::COMMAND_LINE, None, "pbx", &[Scope::EventsWrite]).await.unwrap();
    bed.engine.authenticate(&own, "").await.unwrap();
    let short = bed.engine.suspend_account(&olga, &account, " no ").await.unwrap_err();
    assert_eq!(short.fields()[0].field, "reason");
    let suspended = bed.engine.suspend_account(&olga, &account, "Unpaid since May").await.unwrap();
    assert_eq!(suspended.suspended.unwrap().reason, "Unpaid since May");

    let refused = bed.engine.authenticate(&own, "").await.unwrap_err();
    assert_eq!(refused, Error::Suspended("This account is suspended: Unpaid since May. Ask your provider.".into()));
    let pbx = bed.engine.authenticate(&platform, "").await.unwrap();
    let accepted = bed.engine.accept_event(&pbx, &account, event(EventKind::CallProcessed, 1, None)).await.unwrap();
    assert_eq!(accepted.deliveries, 1, "nothing is dropped in silence");
    assert_eq!(bed.run_after_ms(HOUR_MS).await, 0, "and nothing is sent");
    let row = bed.only_delivery().await.row;
    assert_eq!((row.status, row.failure.map(|f| f.cause)), (Status::Held, Some(Cause::NotSentSuspended)));
    for (query, found) in [("?status=held", 1), ("?status=queued", 0), ("?status=sending", 0), ("?status=retrying", 0)]
    {
        let rows = bed.engine.deliveries(&bed.admin, &DeliveryFilter::parse(query)).await.unwrap().rows;
        assert_eq!(rows.len(), found, "{query}");
    }

    let ana = admin_again(&bed).await;
    assert!(bed.engine.endpoints(&ana).await.is_ok() && bed.engine.audit(&ana, &AuditFilter::default()).await.is_ok());
    let refused = [
        bed.engine.pause_endpoint(&ana, &endpoint.id).await.err(),
        bed.engine.send_test(&ana, &endpoint.id, EventKind::IncomingCall, None).await.err(),
        bed.engine.reveal_credentials(&ana, &endpoint.id).await.err(),
        bed.engine.cancel_delivery(&ana, &row.id).await.err(),
        bed.engine.change_account(&ana, &AccountForm::default()).await.err(),
        bed.engine.people(&ana).await.err(),
        bed.engine.api_tokens(&ana).await.err(),
    ];
    for (at, error) in refused.iter().enumerate() {
        assert!(matches!(error, Some(Error::Suspended(_))), "{at}: {error:?}");
    }

    bed.engine.restore_account(&olga, &account).await.unwrap();
    bed.engine.restore_account(&olga, &account).await.unwrap();
    assert!(bed.engine.authenticate(&own, "").await.is_ok());
    assert_eq!(bed.run().await, 1);
    assert_eq!(bed.only_delivery().await.row.status, Status::Delivered);
    let (own, all) = deeds(&bed, &olga, "account").await;
    assert_eq!(own[..2], [Deed::AccountRestored, Deed::AccountSuspended]);
    assert_eq!(all, [Deed::AccountRestored, Deed::AccountSuspended]);
}

async fn a_resumed_account_begins_anew(bed: Bed) {
    let olga = operator(&bed).await;
    let endpoint = bed.endpoint().await;
    bed.receiver.usually(crate::receiver::Reply::Status(500));
    bed.accept(EventKind::CallProcessed, 1).await;
    bed.run().await;
    bed.engine.suspend_account(&olga, &acme(&bed), "Unpaid").await.unwrap();
    bed.clock.step_ms(6 * DAY_MS);
    bed.engine.restore_account(&olga, &acme(&bed)).await.unwrap();
    bed.run().await;
    let now = bed.engine.endpoint(&bed.admin, &endpoint.id).await.unwrap().endpoint;
    assert_eq!(now.state, domain::endpoint::EndpointState::Active, "six days of rest are no six days of failures");
}

async fn a_suspension_is_heard_at_once_by_what_is_in_memory(bed: Bed) {
    let olga = operator(&bed).await;
    bed.endpoint().await;
    // Taken in hand in memory at birth, before the suspension.
    bed.accept(EventKind::CallProcessed, 1).await;
    let sending = DeliveryFilter::parse("?status=sending");
    assert_eq!(bed.engine.deliveries(&bed.admin, &sending).await.unwrap().rows.len(), 1);
    bed.engine.suspend_account(&olga, &acme(&bed), "Unpaid").await.unwrap();
    assert_eq!(bed.run().await, 0);
    assert_eq!(bed.only_delivery().await.row.status, Status::Held);
    let changed = bed.engine.suspend_account(&olga, &acme(&bed), "Still unpaid").await.unwrap().suspended.unwrap();
    assert_eq!((changed.reason.as_str(), changed.since), ("Still unpaid", bed.now()));
}

async fn limits_hold_where_they_matter(bed: Bed) {
    let olga = operator(&bed).await;
    let account = acme(&bed);
    let form = LimitsForm { endpoints_max: "1".into(), events_per_s: "5".into(), retention_max_days: "10".into() };
    bed.engine.limit_account(&olga, &account, &form).await.unwrap();
    bed.endpoint().await;
    let second =
        EndpointForm { url: bed.receiver.url(), events: vec!["IncomingCall".into()], ..EndpointForm::default() };
    let refused = bed.engine.create_endpoint(&bed.admin, &second, Duplicate::Allow).await.unwrap_err();
    assert_eq!(refused.to_string(), "This account has at most 1 endpoint. Delete one, or ask your provider for more.");
    let (_, text) = bed.engine.create_token(&bed.admin, Some(&account), "crm", &[Scope::EventsWrite]).await.unwrap();
    assert_eq!(bed.engine.authenticate(&text, "").await.unwrap().events_per_s, Some(5));
    let longer = AccountForm { name: "Acme".into(), bodies_days: "11".into(), ..AccountForm::default() };
    let refused = bed.engine.change_account(&bed.admin, &longer).await.unwrap_err();
    assert!(refused.to_string().contains("Choose 1 to 10 days."), "{refused}");
    let wrong = LimitsForm { retention_max_days: "366".into(), ..LimitsForm::default() };
    assert!(matches!(bed.engine.limit_account(&olga, &account, &wrong).await, Err(Error::Invalid(_))));
    bed.engine.limit_account(&olga, &account, &LimitsForm::default()).await.unwrap();
    assert!(bed.engine.create_endpoint(&bed.admin, &second, Duplicate::Allow).await.is_ok());
    let (own, all) = deeds(&bed, &olga, "account").await;
    assert_eq!((own[..2].to_vec(), all), (vec![Deed::AccountLimited; 2], vec![Deed::AccountLimited; 2]));
}

async fn an_operator_looks_after_the_tokens_of_the_platform(bed: Bed) {
    let olga = operator(&bed).await;
    let form = |scopes: &[&str]| TokenForm {
        name: "PBX".into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        expires_days: String::new(),
    };
    let more = bed.engine.make_api_token(&olga, &form(&["events:read"])).await.unwrap_err();
    assert_eq!(more.fields()[0].field, "scopes");
    let made = bed.engine.make_api_token(&olga, &form(&["events:write"])).await.unwrap();
    let pbx = bed.engine.authenticate(&made.secret, "203.0.113.9").await.unwrap();
    assert!(bed.engine.account_for_events(&pbx, Some(acme(&bed).as_str())).await.is_ok());
    let next = bed.engine.rotate_api_token(&olga, &made.token.id, 1).await.unwrap();
    assert!(
        bed.engine.authenticate(&made.secret, "").await.is_ok()
            && bed.engine.authenticate(&next.secret, "").await.is_ok()
    );
    bed.clock.step_ms(HOUR_MS);
    assert!(bed.engine.authenticate(&made.secret, "").await.is_err());
    let all = bed.engine.api_tokens(&olga).await.unwrap();
    assert_eq!(all.iter().map(|token| &token.id).collect::<Vec<_>>(), [&next.token.id, &made.token.id]);
    bed.engine.revoke_api_token(&olga, &next.token.id, Some("PBX")).await.unwrap();
    assert!(bed.engine.authenticate(&next.secret, "").await.is_err());
    assert!(matches!(bed.engine.api_token(&bed.admin, &made.token.id).await, Err(Error::NotFound(_))));
    let of_account = bed.engine.api_tokens(&bed.admin).await.unwrap()[0].id.clone();
    assert!(matches!(bed.engine.api_token(&olga, &of_account).await, Err(Error::NotFound(_))));
    let (own, installation) = deeds(&bed, &olga, "token").await;
    assert_eq!(installation, [Deed::ApiTokenRevoked, Deed::ApiTokenRotated, Deed::ApiTokenCreated]);
    assert_eq!(own, [Deed::ApiTokenCreated], "the account's own");
}

async fn nobody_else_operates(bed: Bed) {
    let sam = staff(&bed, "sam", StaffRole::Support).await;
    let account = acme(&bed);
    let id = UserId::parse(sam.id().unwrap()).unwrap();
    for nobody in [&sam, &bed.admin, &bed.token] {
        let engine = &bed.engine;
        let refused = [
            engine.health(nobody).await.err(),
            engine.accounts(nobody, &AccountFilter::default()).await.err(),
            engine.account_card(nobody, &account).await.err(),
            engine.open_account(nobody, &NewAccount { name: "x".into(), ..NewAccount::default() }).await.err(),
            engine.rename_account(nobody, &account, &Naming { name: "x".into(), ..Naming::default() }).await.err(),
            engine.suspend_account(nobody, &account, "because").await.err(),
            engine.restore_account(nobody, &account).await.err(),
            engine.limit_account(nobody, &account, &LimitsForm::default()).await.err(),
            engine.installation_audit(nobody, &AuditFilter::default()).await.err(),
            engine.policies(nobody).await.err(),
            engine.set_policy(nobody, PolicyName::SignUp, None).await.err(),
            engine.staff_roster(nobody).await.err(),
            engine.change_staff(nobody, &id, None).await.err(),
            engine
                .invite_staff(nobody, &StaffInvite { email: "x@acme.example".into(), role: "operator".into() })
                .await
                .err(),
        ];
        for (at, error) in refused.iter().enumerate() {
            assert!(matches!(error, Some(Error::Forbidden(_))), "{at}: {error:?}");
        }
    }
}
