//! A client may disconnect at any moment, and the web server then drops the future of its request. Whatever a call had
//! reached by then, every delivery still ends, without a restart and without lease reconciliation.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use domain::{
    account::{Accounts as _, Limits, RequestOrigin, SignUp},
    actor::Actor,
    delivery::Deliveries as _,
    endpoint::{Duplicate, EndpointInput, Endpoints as _},
    event::{EventKind, Events as _},
    id::{DeliveryId, EndpointId, JobId, TokenId},
    ops::{OpsAccounts as _, Policies as _, accounts::AccountNameForm, policy::PolicyName},
    recover::Recovery as _,
    rotation::{AllowUnverified, Credential, RotationStep, Rotations as _},
    time::HOUR_MS,
    token::{NewToken, Scope, Tokens as _},
};
use futures::future::{BoxFuture, join_all};

use crate::{
    harness::{TestHarness, event, on_both},
    ops::{acme, operator},
    receiver::Reply,
    recover,
};

on_both! { dropped_endpoint_calls_strand_nothing dropped_delivery_calls_strand_nothing dropped_rotation_calls_strand_nothing dropped_calls_of_operators_strand_nothing dropped_calls_with_tokens_strand_nothing }

/// What the calls of one round concern.
struct Scene {
    olga: Actor,
    endpoint: EndpointId,
    /// Has ended.
    ended: DeliveryId,
    /// Waits for a retry.
    retrying: DeliveryId,
    token: TokenId,
    job: Option<JobId>,
}

type Call = for<'a> fn(&'a TestHarness, &'a Scene) -> BoxFuture<'a, ()>;

/// Calls by name. Their results do not matter: a repeated step may be refused.
macro_rules! calls {
    ($($name:literal: |$harness:ident, $scene:ident| $call:expr;)+) => {
        &[$(($name, |$harness, $scene| Box::pin(async move { let _result = $call.await; }))),+]
    };
}

/// Polls a future `n` times, then drops it. True if it has completed.
async fn polled(n: usize, future: impl Future<Output = ()>) -> bool {
    let (mut future, mut polls) = (pin!(future), 0);
    poll_fn(|context| {
        if polls == n {
            return Poll::Ready(false);
        }
        polls += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending if polls == n => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Aborts each call at each of its awaits.
async fn abort_at_each_await(harness: TestHarness, calls: &[(&str, Call)]) {
    let olga = operator(&harness).await;
    let mut endpoint = harness.endpoint().await.id;
    let token = create_token(&harness).await;
    let mut number = 0;
    for (name, call) in calls {
        for n in (0..).step_by(polls_per_step(&harness)) {
            number += 10;
            let scene = scene(&harness, number, &olga, &mut endpoint, token.clone()).await;
            let completed = polled(n, call(&harness, &scene)).await;
            all_end(&harness, &scene, &format!("{name}, dropped after {n} polls")).await;
            if completed {
                break;
            }
        }
    }
}

/// PostgreSQL takes several polls for each statement, one per message.
fn polls_per_step(harness: &TestHarness) -> usize {
    if harness.database_url().starts_with("postgres") { 4 } else { 1 }
}

async fn create_token(harness: &TestHarness) -> TokenId {
    let form = NewToken { name: "t".into(), scopes: vec![Scope::EventsWrite], expires_days: None };
    harness.engine.create_api_token(&harness.admin, &form).await.unwrap().token.id
}

/// An endpoint with one delivery that has ended, one that waits for a retry, and three in memory.
async fn scene(harness: &TestHarness, number: u32, olga: &Actor, endpoint: &mut EndpointId, token: TokenId) -> Scene {
    if harness.engine.endpoint(&harness.admin, endpoint).await.unwrap().endpoint.state.as_str() == "deleted" {
        *endpoint = harness.endpoint().await.id;
    }
    harness.receiver.next([Reply::Status(200), Reply::Status(500)]);
    let mut ids = Vec::new();
    for call in [number, number + 1] {
        let accepted = harness.accept(EventKind::CallProcessed, call).await;
        harness.run().await;
        ids.push(harness.engine.event(&harness.admin, &accepted.id).await.unwrap().deliveries.pop().unwrap().id);
    }
    let (retrying, ended) = (ids.pop().unwrap(), ids.pop().unwrap());
    let job = harness.engine.jobs(&harness.admin, Some(endpoint)).await.unwrap();
    let job = job.into_iter().find(|job| !job.state.is_final()).map(|job| job.id);
    join_all((2..5).map(|call| harness.accept(EventKind::CallProcessed, number + call))).await;
    Scene { olga: olga.clone(), endpoint: endpoint.clone(), ended, retrying, token, job }
}

/// Lifts whatever holds deliveries, and sends until all have ended.
async fn all_end(harness: &TestHarness, scene: &Scene, what: &str) {
    let engine = &harness.engine;
    for _ in 0..20 {
        let restored = engine.restore_account(&scene.olga, &acme(harness)).await;
        let _resumed = engine.resume_endpoint(&harness.admin, &scene.endpoint, None).await;
        restored.unwrap_or_else(|error| panic!("{what}: {error}"));
        harness.run_after_ms(HOUR_MS).await;
        engine.background().deleted_endpoints.round().await.unwrap();
        engine.background().recovery_jobs.round().await.unwrap();
        if unfinished(harness).await.is_empty() {
            return;
        }
    }
    panic!("{what}: {}", unfinished(harness).await);
}

async fn unfinished(harness: &TestHarness) -> String {
    let query = "SELECT COALESCE(MAX(state || ' for ' || COALESCE(lease_owner, 'nobody')), '') FROM deliveries \
                 WHERE state IN ('queued', 'retrying')";
    harness.text(query).await
}

async fn dropped_endpoint_calls_strand_nothing(harness: TestHarness) {
    let calls: &[(&str, Call)] = calls! {
        "pause": |harness, scene| harness.engine.pause_endpoint(&harness.admin, &scene.endpoint);
        "resume": |harness, scene| harness.engine.resume_endpoint(&harness.admin, &scene.endpoint, Some(5));
        "update": |harness, scene| async {
            let form = EndpointInput { name: "Other".into(), ..form(harness) };
            harness.engine.update_endpoint(&harness.admin, &scene.endpoint, &form, None).await
        };
        "test": |harness, scene|
            harness.engine.send_test(&harness.admin, &scene.endpoint, EventKind::CallProcessed, None);
        "create": |harness, _scene| async {
            let form = EndpointInput { events: vec![EventKind::IncomingCall], ..form(harness) };
            harness.engine.create_endpoint(&harness.admin, &form, Duplicate::Allow).await
        };
        "delete": |harness, scene| harness.engine.delete_endpoint(&harness.admin, &scene.endpoint);
    };
    abort_at_each_await(harness, calls).await;
}

fn form(harness: &TestHarness) -> EndpointInput {
    EndpointInput { url: harness.receiver.url(), events: vec![EventKind::CallProcessed], ..EndpointInput::default() }
}

async fn dropped_delivery_calls_strand_nothing(harness: TestHarness) {
    let calls: &[(&str, Call)] = calls! {
        "accept": |harness, scene| async {
            let event = event(EventKind::IncomingCall, 9, None);
            harness.engine.accept_event(&harness.token, &acme(harness), event).await.map(|_| scene)
        };
        "resend an ended one": |harness, scene| harness.engine.resend(&harness.admin, &scene.ended);
        "resend a waiting one": |harness, scene| harness.engine.resend(&harness.admin, &scene.retrying);
        "cancel": |harness, scene| harness.engine.cancel_delivery(&harness.admin, &scene.retrying);
        "start recovery": |harness, scene| async {
            harness.engine.start_recovery(&harness.admin, &scene.endpoint, &recover::form().input().unwrap()).await
        };
        "cancel recovery": |harness, scene| async {
            let job = scene.job.as_ref()?;
            harness.engine.cancel_job(&harness.admin, job).await.ok()
        };
    };
    abort_at_each_await(harness, calls).await;
}

async fn step(harness: &TestHarness, scene: &Scene, step: RotationStep) {
    let _taken = harness.engine.rotate(&harness.admin, &scene.endpoint, &step).await;
}

async fn dropped_rotation_calls_strand_nothing(harness: TestHarness) {
    let calls: &[(&str, Call)] = calls! {
        "prepare": |harness, scene| step(harness, scene, RotationStep::PrepareToken(None));
        "test": |harness, scene| step(harness, scene, RotationStep::Test(Credential::AuthToken));
        "switch": |harness, scene| step(harness, scene, RotationStep::SwitchToken(None, AllowUnverified::Allow));
        "undo": |harness, scene| step(harness, scene, RotationStep::UndoToken);
        "retire": |harness, scene| step(harness, scene, RotationStep::RetireToken);
        "rotate": |harness, scene| step(harness, scene, RotationStep::RotateSecret(3_600));
        "retire secret": |harness, scene| step(harness, scene, RotationStep::RetireSecret(AllowUnverified::Allow));
    };
    abort_at_each_await(harness, calls).await;
}

async fn dropped_calls_of_operators_strand_nothing(harness: TestHarness) {
    let calls: &[(&str, Call)] = calls! {
        "suspend": |harness, scene| async {
            harness.engine.suspend_account(&scene.olga, &acme(harness), "Unpaid").await
        };
        "restore": |harness, scene| async {
            let _suspended = harness.engine.suspend_account(&scene.olga, &acme(harness), "Unpaid").await;
            harness.engine.restore_account(&scene.olga, &acme(harness)).await
        };
        "rename": |harness, scene| async {
            let form = AccountNameForm { name: "Acme".into(), reference: "acme-1".into() };
            harness.engine.rename_account(&scene.olga, &acme(harness), &form).await
        };
        "limit": |harness, scene| async {
            harness.engine.limit_account(&scene.olga, &acme(harness), Limits::default()).await
        };
        "set policy": |harness, scene| harness.engine.set_policy(&scene.olga, PolicyName::Contact, Some("Ask Olga"));
    };
    abort_at_each_await(harness, calls).await;
}

async fn dropped_calls_with_tokens_strand_nothing(harness: TestHarness) {
    let calls: &[(&str, Call)] = calls! {
        "create token": |harness, _scene| create_token(harness);
        "rotate token": |harness, scene| harness.engine.rotate_api_token(&harness.admin, &scene.token, 1);
        "revoke token": |harness, scene| harness.engine.revoke_api_token(&harness.admin, &scene.token, None);
        "sign up": |harness, _scene| async {
            let form = SignUp {
                name: "Eve".into(),
                email: "eve@other.example".into(),
                password: "correct horse battery".into(),
                account: "Other".into(),
            };
            harness.engine.sign_up(form, RequestOrigin::Elsewhere, "203.0.113.9").await
        };
    };
    abort_at_each_await(harness, calls).await;
}
