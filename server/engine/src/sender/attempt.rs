//! One attempt: what is sent, and what comes back. Never fails; whatever happens is an outcome.

use std::sync::Arc;

use domain::{
    body::body,
    endpoint::ATTEMPT_TIMEOUT_MAX_MS,
    retry::{Rhythm, is_late},
    signature,
};

use crate::outbound::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, Post};

use super::{
    Sender,
    lane::Job,
    outcome::{Outcome, Sent},
    queue::Turn,
    target::Target,
};

/// Does what is to be done with a delivery whose turn it is.
pub(super) async fn take(sender: &Sender, turn: Turn) -> Outcome {
    match turn {
        Turn::Try(job) => attempt(sender, job).await,
        Turn::Late(job) => late(sender, job).await,
    }
}

/// Ends what is too late, unless its endpoint has changed meanwhile and takes it nevertheless.
async fn late(sender: &Sender, job: Job) -> Outcome {
    let now = sender.now();
    match sender.targets.get(&job.account_id, &job.endpoint_id, now).await {
        Ok(Some(target)) if !target.active => Outcome::NotNow(job),
        Ok(Some(target)) if is_late(Rhythm::of(job.kind, target.terms.deliver_late), job.fresh_from, now) => {
            Outcome::TooLate(job)
        }
        Ok(Some(target)) => {
            sender.queues().set_terms(&job.endpoint_id, target.terms);
            Outcome::NotNow(job)
        }
        Ok(None) => Outcome::OurFault(job),
        Err(error) => {
            tracing::warn!(%error, "an endpoint could not be read; its deliveries wait");
            Outcome::NotNow(job)
        }
    }
}

/// Tries a delivery once.
async fn attempt(sender: &Sender, job: Job) -> Outcome {
    let now = sender.now();
    if job.proof.is_some() {
        // A target from before the rotation would prove nothing.
        sender.targets.forget(&job.endpoint_id);
    }
    let target = match sender.targets.get(&job.account_id, &job.endpoint_id, now).await {
        Ok(Some(target)) => target,
        Ok(None) => return Outcome::OurFault(job),
        Err(error) => {
            tracing::warn!(%error, "an endpoint could not be read; its deliveries wait");
            return Outcome::NotNow(job);
        }
    };
    if !target.active {
        return Outcome::NotNow(job);
    }
    if is_late(Rhythm::of(job.kind, target.terms.deliver_late), job.fresh_from, now) {
        return Outcome::TooLate(job);
    }
    sender.queues().set_terms(&job.endpoint_id, target.terms);
    let Some(payload) = job.payload.clone() else { return Outcome::OurFault(job) };
    let used = target.used(job.proof);
    let proves = used.proves;
    let body = body(&payload, job.timestamp_s, used.auth_token);
    let signed = signature::header(used.secrets, &job.event_id, now.unix_seconds(), body.as_bytes());
    let headers = headers(&job, &target, now.unix_seconds(), &signed);
    let timeout_ms = target.timeout_ms.min(ATTEMPT_TIMEOUT_MAX_MS);
    let post = Post { to: target.to.clone(), headers, body, at: now, timeout_ms };
    let answer = sender.outbound.post(post).await;
    Outcome::Tried(Box::new(Sent { job, target, started_at: now, signature: signed, answer, proves }))
}

/// The headers that product and standard promise, after the endpoint's own.
fn headers(job: &Job, target: &Arc<Target>, timestamp_s: i64, signed: &str) -> HeaderMap {
    let mut headers: HeaderMap = target.headers.iter().cloned().collect();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let ours = [
        (signature::ID_HEADER, job.event_id.clone()),
        (signature::TIMESTAMP_HEADER, timestamp_s.to_string()),
        (signature::SIGNATURE_HEADER, signed.to_owned()),
        ("offhook-event", job.kind.as_str().to_owned()),
        ("offhook-delivery", job.id.clone()),
        ("offhook-attempt", (job.attempts + 1).to_string()),
    ];
    for (name, value) in ours {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}
