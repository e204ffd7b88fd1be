//! Token buckets in memory: how often a client may do something.
//!
//! The limits are per process. What must hold across nodes and restarts (failed sign-ins) is counted by the engine.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use domain::{UnixMs, time::SECOND_MS};

/// Most clients that are tracked; idle ones are dropped first.
const CLIENTS_MAX: usize = 10_000;
/// Standard header fields (draft-ietf-httpapi-ratelimit-headers).
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A limit per client: a burst, and a refill rate.
pub struct RateLimit {
    name: &'static str,
    burst: u32,
    per_s: u32,
    policy: HeaderValue,
    clients: Mutex<HashMap<String, Bucket>>,
}

struct Bucket {
    left: f64,
    at: UnixMs,
    quota: Quota,
}

/// The size of a burst, and how much is refilled each second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Quota {
    burst: u32,
    per_s: u32,
}

impl Bucket {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the burst, a u32")]
    fn take(&mut self, weight: u32, now: UnixMs) -> Decision {
        self.left = self.left(now);
        self.at = now;
        if self.left < 1.0 {
            let wait_s = (1.0 - self.left) / f64::from(self.quota.per_s);
            return Decision::Limited { retry_after_s: wait_s.ceil().max(1.0) as u32 };
        }
        self.left -= f64::from(weight);
        Decision::Allowed { left: self.left.max(0.0) as u32 }
    }

    #[expect(clippy::cast_precision_loss, reason = "milliseconds between two requests are far below 2^52")]
    fn left(&self, now: UnixMs) -> f64 {
        let passed_s = now.since_ms(self.at).max(0) as f64 / SECOND_MS as f64;
        passed_s.mul_add(f64::from(self.quota.per_s), self.left).min(f64::from(self.quota.burst))
    }
}

/// A full bucket is equivalent to none. If every client is active, all are reset: bounding memory comes first.
fn drop_idle(clients: &mut HashMap<String, Bucket>, now: UnixMs) {
    clients.retain(|_, bucket| bucket.left(now) < f64::from(bucket.quota.burst));
    if clients.len() >= CLIENTS_MAX {
        clients.clear();
    }
}

/// Whether a request is within the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is.
    Allowed {
        /// How many more are allowed at once.
        left: u32,
    },
    /// It is not.
    Limited {
        /// Seconds until the next one is.
        retry_after_s: u32,
    },
}

impl RateLimit {
    /// A limit of `burst` requests at once, refilled by `per_s` each second. Both are at least 1.
    #[must_use]
    pub fn new(name: &'static str, burst: u32, per_s: u32) -> Self {
        let window_s = burst.div_ceil(per_s.max(1));
        let policy = HeaderValue::try_from(format!("\"{name}\";q={burst};w={window_s}"));
        let policy = policy.unwrap_or_else(|_| HeaderValue::from_static(""));
        Self { name, burst, per_s: per_s.max(1), policy, clients: Mutex::default() }
    }

    /// Takes one from the client's bucket.
    pub fn take(&self, client: &str, now: UnixMs) -> Decision {
        self.take_at(client, Quota { burst: self.burst, per_s: self.per_s }, 1, now)
    }

    /// The same for a client with its own limit, `per_s` each second and as many at once, and for what counts as `weight`.
    /// Whoever has one left may take more, and waits until it is made up for: nothing is too heavy to be ever allowed.
    pub fn take_with_rate(&self, client: &str, per_s: u32, weight: u32, now: UnixMs) -> Decision {
        let per_s = per_s.max(1);
        self.take_at(client, Quota { burst: per_s, per_s }, weight, now)
    }

    fn take_at(&self, client: &str, quota: Quota, weight: u32, now: UnixMs) -> Decision {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = clients.get_mut(client) {
            bucket.quota = quota;
            return bucket.take(weight, now);
        }
        if clients.len() >= CLIENTS_MAX {
            drop_idle(&mut clients, now);
        }
        let bucket =
            clients.entry(client.to_owned()).or_insert(Bucket { left: f64::from(quota.burst), at: now, quota });
        bucket.take(weight, now)
    }

    /// Reports the limit and what is left of it.
    pub fn write_headers(&self, decision: Decision, headers: &mut HeaderMap) {
        let (left, wait_s) = match decision {
            Decision::Allowed { left } => (left, 1),
            Decision::Limited { retry_after_s } => (0, retry_after_s),
        };
        headers.insert(RATE_LIMIT_POLICY, self.policy.clone());
        if let Ok(value) = HeaderValue::try_from(format!("\"{}\";r={left};t={wait_s}", self.name)) {
            headers.insert(RATE_LIMIT, value);
        }
        if let Decision::Limited { retry_after_s } = decision {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_refills_over_time() {
        let limit = RateLimit::new("test", 2, 1);
        assert_eq!(limit.take("ana", UnixMs(0)), Decision::Allowed { left: 1 });
        assert_eq!(limit.take("ana", UnixMs(0)), Decision::Allowed { left: 0 });
        assert_eq!(limit.take("ana", UnixMs(100)), Decision::Limited { retry_after_s: 1 });
        assert_eq!(limit.take("bob", UnixMs(100)), Decision::Allowed { left: 1 });
        assert_eq!(limit.take("ana", UnixMs(1_100)), Decision::Allowed { left: 0 });
    }

    #[test]
    fn a_clock_that_steps_back_grants_nothing() {
        let limit = RateLimit::new("test", 1, 1);
        assert_eq!(limit.take("ana", UnixMs(10_000)), Decision::Allowed { left: 0 });
        assert_eq!(limit.take("ana", UnixMs(0)), Decision::Limited { retry_after_s: 1 });
    }

    #[test]
    fn a_client_may_have_its_own_limit() {
        let limit = RateLimit::new("test", 100, 100);
        assert_eq!(limit.take_with_rate("acme", 2, 1, UnixMs(0)), Decision::Allowed { left: 1 });
        assert_eq!(limit.take_with_rate("acme", 2, 1, UnixMs(0)), Decision::Allowed { left: 0 });
        assert_eq!(limit.take_with_rate("acme", 2, 1, UnixMs(0)), Decision::Limited { retry_after_s: 1 });
        assert_eq!(limit.take_with_rate("acme", 2, 1, UnixMs(500)), Decision::Allowed { left: 0 });
        assert_eq!(
            limit.take_with_rate("acme", 4, 1, UnixMs(1_500)),
            Decision::Allowed { left: 3 },
            "a new limit applies at once"
        );
    }

    #[test]
    fn what_weighs_more_than_is_left_is_made_up_for() {
        let limit = RateLimit::new("test", 100, 100);
        let take = |weight, at| limit.take_with_rate("acme", 4, weight, UnixMs(at));
        assert_eq!(take(3, 0), Decision::Allowed { left: 1 });
        assert_eq!(take(9, 0), Decision::Allowed { left: 0 });
        assert_eq!(take(1, 0), Decision::Limited { retry_after_s: 3 });
        assert_eq!(take(0, 2_000), Decision::Limited { retry_after_s: 1 });
        assert_eq!(take(1, 2_250), Decision::Allowed { left: 0 });
    }

    #[test]
    fn memory_is_bounded_for_any_number_of_clients() {
        let limit = RateLimit::new("test", 1, 1);
        for client in 0..3 * CLIENTS_MAX {
            limit.take(&client.to_string(), UnixMs(0));
        }
        assert!(limit.clients.lock().is_ok_and(|clients| clients.len() <= CLIENTS_MAX));
    }

    #[test]
    fn the_headers_are_the_standard_ones() {
        let limit = RateLimit::new("calls", 10, 5);
        let mut headers = HeaderMap::new();
        limit.write_headers(Decision::Limited { retry_after_s: 3 }, &mut headers);
        assert_eq!(headers.get("ratelimit-policy").map(HeaderValue::as_bytes), Some(&b"\"calls\";q=10;w=2"[..]));
        assert_eq!(headers.get("ratelimit").map(HeaderValue::as_bytes), Some(&b"\"calls\";r=0;t=3"[..]));
        assert_eq!(headers.get("retry-after").map(HeaderValue::as_bytes), Some(&b"3"[..]));
    }
}
