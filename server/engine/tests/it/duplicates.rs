//! Two that report one phone system.

use domain::{
    actor::Actor,
    connector::{ConnectorForm, ConnectorProblem, Connectors, StateReport},
    id::ConnectorId,
};

use crate::{
    connectors::{connected, create, form},
    harness::{TestHarness, on_both},
};

on_both! { two_programs_that_report_one_connector_are_a_problem_until_one_stops two_connectors_of_one_phone_system_are_a_problem }

async fn two_programs_that_report_one_connector_are_a_problem_until_one_stops(harness: TestHarness) {
    let own = create(&harness, &harness.admin, "asterisk", "").await;
    let problem = async |run: &str, connected: bool| {
        harness.clock.step_ms(30_000);
        let report = StateReport { run: Some(run.into()), connected, ..StateReport::default() };
        let state = harness.engine.report_state(&harness.admin, &own.connector.id, &report).await.unwrap().state;
        (state.problem, state.detail)
    };
    for run in ["a", "a", "b"] {
        assert_eq!(problem(run, true).await.0, None, "{run}: a restart");
    }
    assert_eq!(problem("a", false).await.0, None, "the last report of one that is stopped");
    assert_eq!(problem("b", true).await.0, None);
    for run in ["c", "b", "c"] {
        let twice = (run != "c").then_some(ConnectorProblem::Duplicate);
        assert_eq!(problem(run, true).await.0.filter(|_| run != "c"), twice, "{run}");
    }
    let (shown, detail) = problem("c", true).await;
    assert_eq!(shown, Some(ConnectorProblem::Duplicate), "until it is known that the other one has stopped");
    assert!(detail.unwrap().contains("runs twice"));
    for _ in 0..4 {
        problem("c", true).await;
    }
    assert_eq!(problem("c", true).await, (None, None));
}

async fn two_connectors_of_one_phone_system_are_a_problem(harness: TestHarness) {
    let connector = async |name: &str, actor: &Actor| {
        let form = ConnectorForm { name: name.into(), identity: "pbx.example".into(), ..form("asterisk", "") };
        harness.engine.create_connector(actor, &form.input().unwrap()).await.unwrap().connector.id
    };
    let (first, second) = (connector("one", &harness.admin).await, connector("two", &harness.admin).await);
    let (other, _) = harness.newcomer("Beta").await;
    let foreign = connector("theirs", &other).await;
    let state = async |actor: &Actor, id: &ConnectorId, report: StateReport| {
        harness.engine.report_state(actor, id, &report).await.unwrap().state
    };
    assert_eq!(state(&harness.admin, &first, connected()).await.problem, None);
    assert_eq!(state(&other, &foreign, connected()).await.problem, None, "another account knows nothing of it");
    let twin = state(&harness.admin, &second, connected()).await;
    assert_eq!(
        (twin.problem, twin.detail.as_deref()),
        (Some(ConnectorProblem::Duplicate), Some("one has the same identity"))
    );
    assert_eq!(state(&harness.admin, &first, connected()).await.detail.as_deref(), Some("two has the same identity"));
    let own = StateReport { problem: Some(ConnectorProblem::ClockOff), ..connected() };
    assert_eq!(
        state(&harness.admin, &first, own).await.problem,
        Some(ConnectorProblem::ClockOff),
        "its own comes first"
    );
    state(&harness.admin, &first, StateReport::default()).await;
    assert_eq!(state(&harness.admin, &second, connected()).await.problem, None, "only one is connected");
}
