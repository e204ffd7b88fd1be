//! What is counted of HTTP requests, and of events that were refused.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use engine::{Histogram, Labels, Metric, Value};

/// Upper bounds of the buckets for the duration of a request, in seconds.
const SECONDS: [f64; 11] = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Classes of HTTP statuses, from 1xx.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The counters.
#[derive(Debug, Default)]
pub struct HttpMetrics {
    /// By method and route. Both come from the router, so there are as many as it has.
    routes: RwLock<BTreeMap<(&'static str, String), Arc<RouteMetrics>>>,
    refused: Mutex<BTreeMap<&'static str, u64>>,
}

#[derive(Debug)]
struct RouteMetrics {
    classes: [AtomicU64; 5],
    seconds: Histogram,
}

impl HttpMetrics {
    /// Counts an event that was refused, or a whole batch. The reason is the name of its problem.
    pub fn refuse_event(&self, reason: &'static str) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    /// Counts a request that took this long to the head of its response.
    pub fn add(&self, method: &'static str, route: &str, status: u16, seconds: f64) {
        let route = self.route(method, route);
        if let Some(class) = usize::from(status / 100).checked_sub(1).and_then(|class| route.classes.get(class)) {
            class.fetch_add(1, Relaxed);
        }
        route.seconds.add(seconds);
    }

    fn route(&self, method: &'static str, route: &str) -> Arc<RouteMetrics> {
        let key = (method, route.to_owned());
        if let Some(known) = self.routes.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Arc::clone(known);
        }
        let new = || Arc::new(RouteMetrics { classes: Default::default(), seconds: Histogram::new(&SECONDS) });
        Arc::clone(self.routes.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert_with(new))
    }

    /// All of them.
    #[must_use]
    pub fn metrics(&self) -> [Metric; 3] {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner).clone();
        let labels = |(method, route): &(&str, String)| -> Labels {
            vec![("method", (*method).to_owned()), ("route", route.clone())]
        };
        let (mut requests, mut seconds) = (Vec::new(), Vec::new());
        for (key, route) in &routes {
            for (class, count) in CLASSES.iter().zip(&route.classes).filter(|(_, count)| count.load(Relaxed) > 0) {
                let labels = labels(key).into_iter().chain([("status", (*class).to_owned())]).collect();
                requests.push((labels, Value::counter(count.load(Relaxed))));
            }
            seconds.push((labels(key), route.seconds.value()));
        }
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let refused = refused.into_iter().map(|(kind, n)| (vec![("reason", snake_case(kind))], Value::counter(n)));
        [
            Metric {
                name: "offhook_http_requests_total",
                help: "HTTP requests, by method, route and class of status.",
                value: Value::Family(requests),
            },
            Metric {
                name: "offhook_http_request_duration_seconds",
                help: "Time from a request to the head of its response, seconds.",
                value: Value::Family(seconds),
            },
            Metric {
                name: "offhook_events_refused_total",
                help: "Posted events that were refused, by reason; a batch that was refused as a whole counts once.",
                value: Value::Family(refused.collect()),
            },
        ]
    }
}

/// `TooMany` as `too_many`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 2);
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
