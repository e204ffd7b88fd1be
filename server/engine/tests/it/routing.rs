//! Routing: calls of platform connectors find their accounts, and numbers without one are noted.

use std::collections::BTreeMap;

use domain::{
    Error,
    account::StaffRole,
    actor::Actor,
    audit::{Audit, AuditFilter},
    connector::{
        Connectors,
        route::{CallRoute, Destination, NewRoute, Pattern, RoutesChanged, UNROUTED_MAX},
    },
    id::{AccountId, ConnectorId},
    time::MINUTE_MS,
};
use engine::background::Worker as _;

use crate::{
    connectors::{create, platform_token},
    harness::{TestHarness, on_both},
    support::staff,
};

on_both! { a_call_goes_to_the_account_of_its_number numbers_without_a_route_are_noted_and_assigned a_table_is_replaced_by_another a_wrong_table_changes_nothing only_platform_connectors_route a_connector_without_a_connection_shows_that_it_is_used a_paused_connector_routes_nothing the_number_of_unrouted_numbers_is_limited many_routes_are_found_quickly_and_deleted_in_steps }

fn dialled(number: &str) -> CallRoute {
    CallRoute { dialled: Some(number.into()), ..CallRoute::default() }
}

fn route(pattern: &str, account: &str) -> NewRoute {
    NewRoute { pattern: Pattern::parse(pattern).unwrap(), account: account.into() }
}

/// A platform with a connector, an operator, and two accounts: `customer-1` and `customer-2`.
async fn platform(harness: &TestHarness) -> (Actor, ConnectorId, [AccountId; 2]) {
    let olga = staff(harness, "olga", StaffRole::Operator).await;
    let id = create(harness, &olga, "asterisk", "").await.connector.id;
    let mut accounts = Vec::new();
    for n in 1..=2 {
        let reference = format!("customer-{n}");
        let account = harness.engine.create_account(&Actor::COMMAND_LINE, &reference, Some(&reference)).await.unwrap();
        accounts.push(account.id);
    }
    (olga, id, accounts.try_into().unwrap())
}

async fn destination(harness: &TestHarness, id: &ConnectorId, call: &CallRoute) -> Destination {
    harness.engine.route_event(&platform_token(harness), id, Some(call)).await.unwrap()
}

async fn a_call_goes_to_the_account_of_its_number(harness: TestHarness) {
    let (olga, id, [one, two]) = platform(&harness).await;
    for new in
        [route("01632*", "customer-1"), route("01632 960001", two.as_str()), route("extension:7048", "customer-2")]
    {
        harness.engine.set_route(&olga, &id, new).await.unwrap();
    }
    let mut stored = harness.engine.routes(&olga, &id, "", None, 0).await.unwrap().rows;
    stored.sort_by(|a, b| a.pattern.cmp(&b.pattern));
    let shown: Vec<_> = stored.iter().map(|route| (route.pattern.as_str(), route.account_name.as_str())).collect();
    assert_eq!(shown, [("+441632*", "customer-1"), ("+441632960001", "customer-2"), ("extension:7048", "customer-2")]);
    assert_eq!(harness.engine.routes(&olga, &id, "+44", None, 0).await.unwrap().rows.len(), 2);
    for (call, account) in [
        (dialled("01632960001"), &two),
        (dialled("+441632960001"), &two),
        (dialled("01632960002"), &one),
        (CallRoute { extension: Some("7048".into()), ..CallRoute::default() }, &two),
    ] {
        assert_eq!(destination(&harness, &id, &call).await, Destination::Account(account.clone()), "{call:?}");
    }
    harness.engine.set_route(&olga, &id, route("*", "customer-1")).await.unwrap();
    assert_eq!(destination(&harness, &id, &dialled("s")).await, Destination::Account(one));
    harness.engine.remove_route(&olga, &id, &Pattern::parse("+441632960001").unwrap()).await.unwrap();
    let again = harness.engine.remove_route(&olga, &id, &Pattern::parse("+441632960001").unwrap()).await;
    assert_eq!(again, Err(Error::NotFound("Route".into())));
    assert_ne!(destination(&harness, &id, &dialled("01632960001")).await, Destination::Account(two));
}

async fn numbers_without_a_route_are_noted_and_assigned(harness: TestHarness) {
    let (olga, id, [one, _]) = platform(&harness).await;
    for number in ["01632960001", "+441632960001", "01632960002", ""] {
        let nowhere = destination(&harness, &id, &dialled(number)).await;
        assert!(matches!(nowhere, Destination::Unrouted(_)), "{number}");
        harness.clock.step_ms(1_000);
    }
    let noted = harness.engine.unrouted(&olga, &id).await.unwrap();
    let seen: Vec<_> = noted.iter().map(|one| (one.number.as_str(), one.events)).collect();
    assert_eq!(seen, [("", 1), ("+441632960002", 1), ("+441632960001", 2)], "the latest first");
    assert_eq!(noted[2].last_at.since_ms(noted[2].first_at), 1_000);
    harness.engine.set_route(&olga, &id, route(&noted[2].number, "customer-1")).await.unwrap();
    assert_eq!(destination(&harness, &id, &dialled("01632960001")).await, Destination::Account(one));
    assert_eq!(harness.engine.unrouted(&olga, &id).await.unwrap().len(), 2, "it is assigned");
    harness.engine.clear_unrouted(&olga, &id).await.unwrap();
    assert_eq!(harness.engine.unrouted(&olga, &id).await.unwrap(), []);
}

async fn a_table_is_replaced_by_another(harness: TestHarness) {
    let (olga, id, [_, two]) = platform(&harness).await;
    let table =
        |rows: &[(&str, &str)]| rows.iter().map(|(pattern, account)| route(pattern, account)).collect::<Vec<_>>();
    let first = table(&[("01632960001", "customer-1"), ("01632960002", "customer-1"), ("*", "customer-1")]);
    let replace = async |routes| harness.engine.replace_routes(&olga, &id, routes).await.unwrap();
    assert_eq!(replace(first.clone()).await, RoutesChanged { added: 3, changed: 0, removed: 0 });
    assert_eq!(replace(first).await, RoutesChanged::default(), "nothing changed");
    let second = table(&[("+441632960001", "customer-2"), ("01632960002", "customer-1"), ("020*", "customer-2")]);
    assert_eq!(replace(second).await, RoutesChanged { added: 1, changed: 1, removed: 1 });
    assert_eq!(destination(&harness, &id, &dialled("01632960001")).await, Destination::Account(two));
    let record = &harness.engine.ops_audit(&olga, &AuditFilter::parse("?area=connector")).await.unwrap().rows[0];
    let noted: BTreeMap<_, _> =
        record.changes.iter().map(|change| (change.what.as_str(), change.after.clone())).collect();
    assert_eq!(noted["removed"].as_deref(), Some("1"));
}

async fn a_wrong_table_changes_nothing(harness: TestHarness) {
    let (olga, id, _) = platform(&harness).await;
    harness.engine.set_route(&olga, &id, route("01632960001", "customer-1")).await.unwrap();
    for (wrong, says) in [
        (vec![route("01632960002", "nobody")], "there is no account \"nobody\""),
        (vec![route("01632960002", "a\u{0}b")], "there is no account"),
        (vec![route("01632960002", "customer-1"), route("+441632960002", "customer-2")], "has two accounts"),
    ] {
        let refused = harness.engine.replace_routes(&olga, &id, wrong).await.unwrap_err();
        assert!(refused.fields()[0].message.contains(says), "{refused}");
    }
    let twice = vec![route("01632960001", "customer-1"), route("+441632960001", "customer-1")];
    let unchanged = harness.engine.replace_routes(&olga, &id, twice).await.unwrap();
    assert_eq!(unchanged, RoutesChanged::default(), "two spellings of one route");
}

async fn only_platform_connectors_route(harness: TestHarness) {
    let (olga, _, _) = platform(&harness).await;
    let own = create(&harness, &harness.admin, "asterisk", "").await.connector.id;
    for actor in [&harness.admin, &olga] {
        assert!(harness.engine.routes(actor, &own, "", None, 0).await.is_err());
        assert!(harness.engine.set_route(actor, &own, route("*", "customer-1")).await.is_err());
        assert!(harness.engine.unrouted(actor, &own).await.is_err());
    }
    let refused = harness.engine.route_event(&harness.token, &own, Some(&dialled("1"))).await;
    assert_eq!(refused.unwrap_err().fields()[0].field, "route");
    let refused = harness.engine.route_event(&platform_token(&harness), &own, Some(&dialled("1"))).await;
    assert_eq!(refused, Err(Error::NotFound("Connector".into())));
}

async fn a_connector_without_a_connection_shows_that_it_is_used(harness: TestHarness) {
    let (olga, _, _) = platform(&harness).await;
    let id = create(&harness, &olga, "kamailio", "").await.connector.id;
    let seen = async || harness.engine.connector(&olga, &id).await.unwrap().state.last_event_at;
    assert_eq!(seen().await, None);
    destination(&harness, &id, &dialled("1")).await;
    let first = harness.now();
    harness.clock.step_ms(MINUTE_MS - 1);
    destination(&harness, &id, &dialled("1")).await;
    assert_eq!(seen().await, Some(first), "once a minute");
    harness.clock.step_ms(1);
    destination(&harness, &id, &dialled("1")).await;
    assert_eq!(seen().await, Some(harness.now()));
}

async fn a_paused_connector_routes_nothing(harness: TestHarness) {
    let (olga, id, [one, _]) = platform(&harness).await;
    harness.engine.set_route(&olga, &id, route("*", "customer-1")).await.unwrap();
    harness.engine.pause_connector(&olga, &id).await.unwrap();
    assert_eq!(destination(&harness, &id, &dialled("1")).await, Destination::Paused);
    harness.engine.resume_connector(&olga, &id).await.unwrap();
    assert_eq!(destination(&harness, &id, &dialled("1")).await, Destination::Account(one));
}

async fn the_number_of_unrouted_numbers_is_limited(harness: TestHarness) {
    let (olga, id, _) = platform(&harness).await;
    for n in 0..UNROUTED_MAX + 3 {
        destination(&harness, &id, &dialled(&format!("0163296{n:04}"))).await;
        harness.clock.step_ms(1);
    }
    let noted = harness.engine.unrouted(&olga, &id).await.unwrap();
    assert_eq!(noted.len(), UNROUTED_MAX as usize);
    assert_eq!(noted[0].number, "+441632961002", "the latest are kept");
}

async fn many_routes_are_found_quickly_and_deleted_in_steps(harness: TestHarness) {
    let (olga, id, [one, _]) = platform(&harness).await;
    let routes: Vec<NewRoute> = (0..5_000).map(|n| route(&format!("0163{n:07}"), "customer-1")).collect();
    let changed = harness.engine.replace_routes(&olga, &id, routes).await.unwrap();
    assert_eq!(changed.added, 5_000);
    assert_eq!(destination(&harness, &id, &dialled("01630004711")).await, Destination::Account(one));
    harness.engine.delete_connector(&olga, &id).await.unwrap();
    harness.engine.background().connector_watch.tick().await.unwrap();
    assert_eq!(harness.texts("SELECT pattern FROM connector_routes".into()).await, [""; 0]);
}
