//! What a server responds while it starts: it is alive, but not ready. A migration of a large database takes minutes, and a
//! supervisor that gets no response would kill it in the middle.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::{Router, extract::Request, response::Response, routing::get};
use domain::Error;

use crate::{health, plain_error};

/// Seconds after which clients should try again.
const RETRY_AFTER_S: u32 = 5;

/// The current routes: those of a server that starts, then its real ones.
#[derive(Debug, Clone)]
pub struct Routes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    starting: Router,
    started: OnceLock<Router>,
    phase: Arc<Mutex<&'static str>>,
}

impl Routes {
    /// The routes of a server that starts with this phase.
    #[must_use]
    pub fn starting(phase: &'static str) -> Self {
        let phase = Arc::new(Mutex::new(phase));
        Self(Arc::new(Inner { starting: starting(&phase), started: OnceLock::new(), phase }))
    }

    /// The routes of another listener of the same server.
    #[must_use]
    pub fn of_another_listener(&self) -> Self {
        let phase = Arc::clone(&self.0.phase);
        Self(Arc::new(Inner { starting: starting(&phase), started: OnceLock::new(), phase }))
    }

    /// Says what is under way now.
    pub fn enter(&self, phase: &'static str) {
        *self.0.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
        tracing::info!(phase, "starting");
    }

    /// The server has started: from now on these are its routes.
    pub fn start(&self, router: Router) {
        let _ = self.0.started.set(router);
    }

    /// The routes for the next request.
    pub fn current(&self) -> Router {
        self.0.started.get().unwrap_or(&self.0.starting).clone()
    }
}

impl From<Router> for Routes {
    fn from(router: Router) -> Self {
        let routes = Self::starting("");
        routes.start(router);
        routes
    }
}

fn starting(phase: &Arc<Mutex<&'static str>>) -> Router {
    let reason = {
        let phase = Arc::clone(phase);
        move || format!("starting: {}", phase.lock().unwrap_or_else(PoisonError::into_inner))
    };
    Router::new().merge(health::alive()).route("/readyz", get(async move || health::not_ready(reason()))).fallback(wait)
}

async fn wait(request: Request) -> Response {
    let error = Error::Unavailable {
        detail: "Offhook is starting. Try again shortly.".to_owned(),
        retry_after_s: RETRY_AFTER_S,
    };
    plain_error::respond(request.uri().path(), request.headers(), error)
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::StatusCode,
    };
    use tower::ServiceExt as _;

    use super::*;

    async fn get_from(routes: &Routes, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = routes.current().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        (head.status, String::from_utf8(to_bytes(body, 10_000).await.unwrap().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_server_that_starts_is_alive_and_says_what_is_under_way() {
        let routes = Routes::starting("reading the keys");
        routes.enter("migrating the database");
        assert_eq!(get_from(&routes, "/healthz").await, (StatusCode::OK, "ok\n".to_owned()));
        let (status, text) = get_from(&routes, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(text.contains("starting: migrating the database"), "{text}");
        let (status, text) = get_from(&routes, "/api/v1/events").await;
        assert!(
            status == StatusCode::SERVICE_UNAVAILABLE && text.contains("\"detail\":\"Offhook is starting."),
            "{text}"
        );
        assert_eq!(get_from(&routes, "/sign-in").await.0, StatusCode::SERVICE_UNAVAILABLE);
        routes.start(Router::new().route("/sign-in", get(async || "here")));
        assert_eq!(get_from(&routes, "/sign-in").await, (StatusCode::OK, "here".to_owned()));
    }
}
