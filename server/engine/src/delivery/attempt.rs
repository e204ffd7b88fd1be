//! One attempt: what is sent, and the response. It never fails; whatever happens is an outcome.

use std::{panic::AssertUnwindSafe, sync::Arc};

use domain::{
    UnixMs,
    body::body,
    endpoint::ATTEMPT_TIMEOUT_MAX_MS,
    retry::{self, RetryPolicy, is_late},
    signature,
};
use futures::FutureExt as _;
use tracing::Instrument as _;

use crate::{
    outbound::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, Post, Response},
    random, supervisor,
};

use super::{
    leased::LeasedDelivery,
    outcome::{Attempt, Outcome, Panicked},
    queue::Turn,
    sender::Sender,
    target::Target,
};

/// Handles a delivery whose turn it is. A panic on the way counts as a failed attempt, for which we are at fault.
pub(super) async fn take(sender: &Sender, turn: Turn) -> Outcome {
    let delivery = turn.delivery().clone();
    match AssertUnwindSafe(handle(sender, turn)).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(panic) => {
            sender.context.supervisor.note("attempts", supervisor::message(&*panic));
            let (url, deliver_late) = sender.targets.cached_url(&delivery.endpoint_id);
            Outcome::Panicked(Box::new(Panicked { delivery, url, deliver_late }))
        }
    }
}

async fn handle(sender: &Sender, turn: Turn) -> Outcome {
    match turn {
        Turn::Attempt(delivery) => {
            let number = delivery.attempts + 1;
            let span = tracing::debug_span!("attempt", delivery_id = delivery.id, number);
            attempt(sender, delivery).instrument(span).await
        }
        Turn::Expire(delivery) => expire(sender, delivery).await,
    }
}

/// Ends a delivery that is too late, unless its endpoint was changed meanwhile and accepts it.
async fn expire(sender: &Sender, delivery: LeasedDelivery) -> Outcome {
    let now = sender.now();
    let target = match target(sender, &delivery).await {
        Ok(target) => target,
        Err(failed) => return failed(delivery),
    };
    if !target.active {
        return Outcome::NotNow(delivery);
    }
    if is_late(RetryPolicy::of(delivery.kind, target.settings.deliver_late), delivery.fresh_from, now) {
        return Outcome::TooLate(delivery);
    }
    sender.queues().set_settings(&delivery.endpoint_id, target.settings, now);
    Outcome::NotNow(delivery)
}

async fn target(sender: &Sender, delivery: &LeasedDelivery) -> Result<Arc<Target>, fn(LeasedDelivery) -> Outcome> {
    match sender.targets.get(&delivery.account_id, &delivery.endpoint_id, sender.now()).await {
        Ok(Some(target)) => Ok(target),
        Ok(None) => Err(Outcome::OurFault),
        Err(error) => {
            tracing::warn!(%error, "an endpoint could not be read; its deliveries wait");
            Err(Outcome::NotNow)
        }
    }
}

/// Makes one attempt.
async fn attempt(sender: &Sender, delivery: LeasedDelivery) -> Outcome {
    let now = sender.now();
    if delivery.proof.is_some() {
        // A target cached before the rotation would prove nothing.
        sender.targets.forget(&delivery.endpoint_id);
    }
    let target = match target(sender, &delivery).await {
        Ok(target) => target,
        Err(failed) => return failed(delivery),
    };
    if !target.active {
        return Outcome::NotNow(delivery);
    }
    if is_late(RetryPolicy::of(delivery.kind, target.settings.deliver_late), delivery.fresh_from, now) {
        return Outcome::TooLate(delivery);
    }
    sender.queues().set_settings(&delivery.endpoint_id, target.settings, now);
    if sender.queues().is_throttled(&delivery.endpoint_id, now) {
        return Outcome::NotNow(delivery);
    }
    let Some(payload) = delivery.payload.clone() else { return Outcome::OurFault(delivery) };
    let credentials = target.credentials(delivery.proof);
    let proves = credentials.proves;
    let details = delivery.details.as_deref().filter(|_| target.send_details);
    let body = body(&payload, details, delivery.timestamp_s, credentials.auth_token);
    let signature = signature::header(credentials.secrets, &delivery.event_id, now.unix_seconds(), body.as_bytes());
    let headers = headers(&delivery, &target, now.unix_seconds(), &signature);
    let timeout_ms = target.timeout_ms.min(ATTEMPT_TIMEOUT_MAX_MS);
    let post = Post { to: target.to.clone(), headers, body, at: now, timeout_ms };
    let response = sender.outbound.post(post).await;
    tracing::debug!(
        status = response.status,
        cause = response.failure.as_ref().map(|failure| failure.cause.code()),
        duration_ms = response.duration_ms,
        "attempted"
    );
    let throttled_until = throttle(sender, &delivery, &response);
    let attempt = Attempt { delivery, target, started_at: now, signature, response, throttled_until, proves };
    Outcome::Attempted(Box::new(attempt))
}

/// Pauses the endpoint's queue at once if the response asks for it. Returns until when.
fn throttle(sender: &Sender, delivery: &LeasedDelivery, response: &Response) -> Option<UnixMs> {
    let failure = response.failure.as_ref()?;
    let asked_s = failure.facts.retry_after_s;
    let is_throttled = retry::is_throttled(failure.cause, asked_s);
    is_throttled.then(|| sender.queues().throttle(&delivery.endpoint_id, asked_s, sender.now(), random::jitter()))
}

/// The headers that product and standard promise, after the endpoint's own.
fn headers(delivery: &LeasedDelivery, target: &Arc<Target>, timestamp_s: i64, signature: &str) -> HeaderMap {
    let mut headers: HeaderMap = target.headers.iter().cloned().collect();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let ours = [
        (signature::ID_HEADER, delivery.event_id.clone()),
        (signature::TIMESTAMP_HEADER, timestamp_s.to_string()),
        (signature::SIGNATURE_HEADER, signature.to_owned()),
        ("offhook-event", delivery.kind.as_str().to_owned()),
        ("offhook-delivery", delivery.id.clone()),
        ("offhook-attempt", (delivery.attempts + 1).to_string()),
    ];
    for (name, value) in ours {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}
