//! Asterisk dials us: a WebSocket with the events of its calls, and our requests to its REST interface (ARI).
//!
//! The connection is authenticated like any other HTTP request: the user is the ID of a connector, the password its secret.
//! [`connect::asterisk::ari::session`] decides what to ask and what is a call; here are the socket ([`socket`]), what a
//! connector keeps between two connections ([`lines`], `phone_systems`), and how open calls and events are saved and posted ([`save`]).

mod lines;
mod save;
mod socket;
mod watch;

use std::net::IpAddr;

use axum::{
    Router,
    extract::{
        State,
        ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware,
    response::{IntoResponse as _, Response},
    routing::{any, get},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    Error,
    client::network,
    connector::{OpenConnector, Way},
};

use crate::{
    app_state::{AppState, SharedState},
    client_ip,
    plain_error::PlainError,
    rate_limit::Decision,
    rest::problem,
};

/// Where Asterisk connects. The text that administrators paste has it, too.
const PATH: &str = "/connect/asterisk";
/// The subprotocol.
const PROTOCOL: &str = "ari";
/// Largest message in bytes: a list of about 1,300 channels.
const MESSAGE_MAX_BYTES: usize = 1_024 * 1_024;
/// Bytes that are read at once.
const READ_BYTES: usize = 16 * 1_024;
/// Requests that may wait because Asterisk does not read them, in bytes.
const UNSENT_MAX_BYTES: usize = 4 * 1_024 * 1_024;

const NO_CREDENTIALS: &str =
    "Set username and password in websocket_client.conf: the ID of a connector, and its secret.\n";
const WRONG_SECRET: &str = "There is no such connector, or its secret is wrong. Copy the current text into \
    websocket_client.conf, or rotate the secret.\n";
const OTHER_WAY: &str =
    "This connector is connected in another way. Create one for which Asterisk connects to this server.\n";
const NO_PATH: &str = "Asterisk connects to /connect/asterisk. Copy the current text into websocket_client.conf.\n";
const NO_WEBSOCKET: &str = "Asterisk opens a WebSocket here, as type = outbound_websocket in ari.conf tells it to.\n";
const NO_PROTOCOL: &str = "Set protocols = ari in websocket_client.conf.\n";
const TOO_MANY: &str = "Too many phone systems are connected to this server, or from your address. Try again later.\n";
/// Seconds after which a refused phone system should try again.
const RETRY_AFTER_S: u32 = 5;

/// The route.
pub fn routes() -> Router<SharedState> {
    Router::new()
        .route(PATH, get(connect))
        .route("/connect/{*path}", any(async || (StatusCode::NOT_FOUND, NO_PATH)))
        .layer(middleware::from_fn(problem::documents_of_lines))
}

async fn connect(
    State(state): State<SharedState>,
    parts: Parts,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let address = network(client_ip::of(&parts, &state.trusted_proxies));
    let (open, secret) = match authenticate(&state, address, &parts.headers).await {
        Ok(opened) => opened,
        Err(refused) => return refused,
    };
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade.protocols([PROTOCOL]),
        Err(rejection) => return (rejection.status(), NO_WEBSOCKET).into_response(),
    };
    if upgrade.selected_protocol().is_none() {
        return (StatusCode::BAD_REQUEST, NO_PROTOCOL).into_response();
    }
    let Some(place) = state.phone_systems.place(address) else {
        let wait = [(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S))];
        return (StatusCode::SERVICE_UNAVAILABLE, wait, TOO_MANY).into_response();
    };
    let upgrade = upgrade.read_buffer_size(READ_BYTES).max_write_buffer_size(UNSENT_MAX_BYTES);
    let upgrade = upgrade.max_message_size(MESSAGE_MAX_BYTES).max_frame_size(MESSAGE_MAX_BYTES);
    upgrade.on_upgrade(move |socket| async move {
        tracing::info!(connector = %open.connector.id, %address, "a phone system has connected");
        socket::follow(state, open, secret, socket, place).await;
    })
}

/// The connector that the request names, and its secret.
async fn authenticate(
    state: &AppState,
    address: IpAddr,
    headers: &HeaderMap,
) -> Result<(OpenConnector, String), Response> {
    let limit = state.rates.phone_systems.take(&address.to_string(), state.backend.clock().now());
    if let Decision::Limited { retry_after_s } = limit {
        return Err(PlainError::from(Error::TooMany { retry_after_s }).into_response());
    }
    let (id, secret) = basic(headers).ok_or_else(|| unauthenticated(NO_CREDENTIALS))?;
    let open = match state.backend.open_connector(&id, &secret).await {
        Ok(open) => open,
        // What cannot be an ID belongs to no connector.
        Err(Error::NotFound(_) | Error::Invalid(_)) => return Err(unauthenticated(WRONG_SECRET)),
        Err(error) => return Err(PlainError::from(error).into_response()),
    };
    if open.connector.way != Way::Ari {
        return Err((StatusCode::CONFLICT, OTHER_WAY).into_response());
    }
    Ok((open, secret))
}

fn unauthenticated(text: &'static str) -> Response {
    let scheme = [(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Offhook\""))];
    (StatusCode::UNAUTHORIZED, scheme, text).into_response()
}

/// User and password (RFC 7617).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let (user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_are_read() {
        let read = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            basic(&headers)
        };
        let encoded = STANDARD.encode("con_1:a:b");
        let expected = Some(("con_1".to_owned(), "a:b".to_owned()));
        assert_eq!(read(&format!("Basic {encoded}")), expected);
        assert_eq!(read(&format!("basic {encoded}")), expected);
        for wrong in ["", "Basic", "Basic !", &format!("Bearer {encoded}"), &format!("Basic {}", STANDARD.encode("x"))]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
