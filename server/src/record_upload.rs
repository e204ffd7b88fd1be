//! Call record files that browsers upload, and the rows of them that were not imported, as a table.

use std::{
    fmt::Write as _,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Poll, ready},
};

use app::{flash::Flash, links::ConnectorPages};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use domain::{
    Error, FieldError,
    actor::Actor,
    client::network,
    connector::imports::{BadRecord, FILE_MAX_BYTES},
    error::Result,
    id::{ConnectorId, ImportId},
};
use futures::{Stream, StreamExt as _, stream};
use multer::{Constraints, Multipart, SizeLimit};
use tower_sessions::Session;

use crate::{
    app_state::{AppState, SharedState},
    audit_export::inert,
    client_ip,
    plain_error::PlainError,
    record_arrival::{Arriving, UPLOAD_BYTES, too_large},
    request_body, request_span, session_store, user,
};

/// What surrounds the file in its form.
const FORM_BYTES: u64 = 64 * 1_024;
/// The field of the file.
const FIELD: &str = "file";

/// `POST …/connectors/{con}/records`, and `GET …/records/{imp}/not-imported.csv`.
pub fn routes() -> Router<SharedState> {
    Router::new()
        .route("/a/{acct}/connectors/{con}/records", post(upload_of_account))
        .route("/ops/connectors/{con}/records", post(upload_of_platform))
        .route("/a/{acct}/connectors/{con}/records/{imp}/not-imported.csv", get(table_of_account))
        .route("/ops/connectors/{con}/records/{imp}/not-imported.csv", get(table_of_platform))
}

/// Whether a request may take as long as a file needs to arrive.
pub fn is_upload(parts: &Parts) -> bool {
    let path = parts.uri.path();
    parts.method == Method::POST
        && path.ends_with("/records")
        && (path.starts_with("/a/") || path.starts_with("/ops/connectors/"))
}

async fn upload_of_account(
    State(state): State<SharedState>,
    session: Session,
    Path((acct, con)): Path<(String, String)>,
    request: Request,
) -> Response {
    request_span::record_route(&request);
    match user::member(&state, &session, &acct).await {
        Ok(actor) => received(&state, &session, &actor, (&ConnectorPages::Account(acct), &con), request).await,
        Err(error) => refused(error),
    }
}

async fn upload_of_platform(
    State(state): State<SharedState>,
    session: Session,
    Path(con): Path<String>,
    request: Request,
) -> Response {
    request_span::record_route(&request);
    match user::operator(&state, &session).await {
        Ok(actor) => received(&state, &session, &actor, (&ConnectorPages::Platform, &con), request).await,
        Err(error) => refused(error),
    }
}

/// Receives the file, and leads to its page; or back to the form, which says what is wrong.
async fn received(
    state: &SharedState,
    session: &Session,
    actor: &Actor,
    (pages, con): (&ConnectorPages, &str),
    request: Request,
) -> Response {
    let error = match stored(state, actor, con, request).await {
        Ok(import) => return Redirect::to(&pages.page(con, &format!("records/{import}"))).into_response(),
        Err(error @ (Error::NotFound(_) | Error::Forbidden(_) | Error::Unauthenticated(_))) => return refused(error),
        Err(error) => error,
    };
    let form = pages.page(con, "records");
    let errors = match &error {
        Error::Invalid(fields) => fields.clone(),
        other => vec![FieldError::new(FIELD, other.to_string())],
    };
    let flash = Flash { path: form.clone(), errors, ..Flash::default() };
    match app::ssr::keep_flash_in(session, flash).await {
        Ok(()) => session_store::save(session, Redirect::to(&form).into_response()).await,
        Err(_) => refused(error),
    }
}

fn refused(error: Error) -> Response {
    PlainError::from(error).into_response()
}

/// Stores the file of a form.
async fn stored(state: &SharedState, actor: &Actor, con: &str, request: Request) -> Result<ImportId> {
    let con = ConnectorId::parse(con)?;
    let mut arriving = match Arriving::begin(state, actor, &con).await {
        Ok(arriving) => arriving,
        Err(error) => {
            if matches!(error, Error::Conflict { .. }) {
                drained(request).await;
            }
            return Err(error);
        }
    };
    let arrived = match pieces(state, &mut arriving, request).await {
        Ok(name) => arriving.end(&name, |_| Ok(())).await,
        Err(error) => Err(error),
    };
    if arrived.is_err() {
        arriving.abandon().await;
    }
    arrived
}

/// Keeps the file of a form, and returns its name.
async fn pieces(state: &AppState, arriving: &mut Arriving, request: Request) -> Result<String> {
    let (parts, body) = request.into_parts();
    if content_length(&parts.headers).is_some_and(|bytes| bytes > FILE_MAX_BYTES + FORM_BYTES) {
        drained(Request::from_parts(parts, body)).await;
        return Err(too_large());
    }
    let mut held = state.bodies.forms.part_of(network(client_ip::of(&parts, &state.trusted_proxies)));
    if !held.grow_to(UPLOAD_BYTES) {
        return Err(request_body::busy());
    }
    let is_found = Arc::new(AtomicBool::new(false));
    let mut form = form(&parts.headers, small_before_file(body, Arc::clone(&is_found)))?;
    let mut file = loop {
        match form.next_field().await.map_err(|error| broken(&error))? {
            Some(field) if field.name() == Some(FIELD) => break field,
            Some(_) => {}
            None => return Err(Error::invalid(FIELD, "Choose a file.")),
        }
    };
    is_found.store(true, Ordering::SeqCst);
    let name = file_name(file.headers());
    if name.is_empty() {
        return Err(Error::invalid(FIELD, "Choose a file."));
    }
    while let Some(chunk) = file.chunk().await.map_err(|error| broken(&error))? {
        if let Err(error) = arriving.add(&chunk).await {
            request_body::drain(Body::from_stream(file)).await;
            return Err(error);
        }
    }
    Ok(name)
}

/// The name of the file of a part: in UTF-8, or as ISO 8859-1 has it. The parser knows only the former.
fn file_name(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_DISPOSITION).map(HeaderValue::as_bytes).unwrap_or_default();
    let text = String::from_utf8(value.to_vec()).unwrap_or_else(|_| value.iter().copied().map(char::from).collect());
    let Some((_, rest)) = text.split_once("filename=") else { return String::new() };
    let Some(quoted) = rest.strip_prefix('"') else {
        return rest.split([';', ' ']).next().unwrap_or_default().to_owned();
    };
    let mut escaped = false;
    let end = quoted.find(|c| {
        let is_end = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        is_end
    });
    quoted.get(..end.unwrap_or(quoted.len())).unwrap_or_default().replace("\\\"", "\"")
}

/// Reads on, so that the sender can read the response; one that asks first has sent nothing yet.
async fn drained(request: Request) {
    if !request.headers().contains_key(header::EXPECT) {
        request_body::drain(request.into_body()).await;
    }
}

/// The body of a form, which fails if there is much before the file: until then, the parser keeps all that arrives in memory,
/// and searches it again with each chunk.
fn small_before_file(body: Body, is_found: Arc<AtomicBool>) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (mut body, mut bytes, mut was_searched) = (body.into_data_stream(), 0, false);
    stream::poll_fn(move |context| {
        if bytes > FORM_BYTES && !is_found.load(Ordering::SeqCst) {
            if was_searched {
                return Poll::Ready(Some(Err(io::Error::other("too much before the file"))));
            }
            // The parser reads all that there is before it searches, and what there is may contain the file.
            was_searched = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = ready!(body.poll_next_unpin(context));
        bytes += next.as_ref().and_then(|chunk| chunk.as_ref().ok()).map_or(0, |chunk| chunk.len() as u64);
        Poll::Ready(next.map(|chunk| chunk.map_err(io::Error::other)))
    })
}

fn form(
    headers: &HeaderMap,
    body: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Result<Multipart<'static>> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(kind).map_err(|error| broken(&error))?;
    let limits = SizeLimit::new().whole_stream(FILE_MAX_BYTES + FORM_BYTES).for_field(FIELD, FILE_MAX_BYTES);
    Ok(Multipart::with_constraints(body, boundary, Constraints::new().size_limit(limits)))
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn broken(error: &multer::Error) -> Error {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => too_large(),
        multer::Error::ReadHeaderFailed(_) | multer::Error::DecodeHeaderValue { .. } => Error::invalid(
            FIELD,
            "The name of the file has characters that can’t be sent. Rename the file, then upload it again.",
        ),
        _ => Error::invalid(FIELD, "The file did not arrive completely. Nothing was stored; upload it again."),
    }
}

async fn table_of_account(
    State(state): State<SharedState>,
    session: Session,
    Path((acct, con, imp)): Path<(String, String, String)>,
) -> std::result::Result<Response, PlainError> {
    let actor = user::member(&state, &session, &acct).await?;
    table(&state, &actor, &con, &imp).await
}

async fn table_of_platform(
    State(state): State<SharedState>,
    session: Session,
    Path((con, imp)): Path<(String, String)>,
) -> std::result::Result<Response, PlainError> {
    let actor = user::operator(&state, &session).await?;
    table(&state, &actor, &con, &imp).await
}

async fn table(state: &AppState, actor: &Actor, con: &str, imp: &str) -> std::result::Result<Response, PlainError> {
    let (con, imp) = (ConnectorId::parse(con)?, ImportId::parse(imp)?);
    let rows = state.backend.bad_records(actor, &con, &imp).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"not-imported.csv\""),
    ];
    Ok((StatusCode::OK, headers, csv(rows)).into_response())
}

/// Rows as a table (RFC 4180), in which no cell becomes a formula.
fn csv(rows: Vec<BadRecord>) -> String {
    let mut table = String::from("\"line\",\"reason\"\r\n");
    for row in rows {
        let line = row.line.map(|line| line.to_string()).unwrap_or_default();
        let reason = inert(row.reason).replace('"', "\"\"");
        // Writing to a string cannot fail.
        let _ = write!(table, "\"{line}\",\"{reason}\"\r\n");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_reason_becomes_a_formula_or_moves_to_another_column() {
        let row = |line, reason: &str| BadRecord { line, reason: reason.to_owned() };
        let table = csv(vec![row(Some(4), "=1+1, \"x\""), row(None, "why")]);
        assert_eq!(table, "\"line\",\"reason\"\r\n\"4\",\"'=1+1, \"\"x\"\"\"\r\n\"\",\"why\"\r\n");
    }

    #[test]
    fn a_file_name_is_read_in_utf_8_and_in_latin_1() {
        let name = |disposition: &[u8]| {
            let value = HeaderValue::from_bytes(&[b"form-data; name=\"file\"", disposition].concat()).unwrap();
            file_name(&HeaderMap::from_iter([(header::CONTENT_DISPOSITION, value)]))
        };
        assert_eq!(name("; filename=\"gespräche.csv\"".as_bytes()), "gespräche.csv");
        assert_eq!(name(b"; filename=\"gespr\xe4che.csv\"; x=\"y\""), "gespräche.csv");
        assert_eq!(name(b"; filename=\"a \\\"b\\\".csv\""), "a \"b\".csv");
        assert_eq!(name(b"; filename=calls.csv; x=y"), "calls.csv");
        assert_eq!(name(b"; filename=\"\""), "");
        assert_eq!(name(b""), "");
    }

    #[test]
    fn only_files_may_take_longer_to_arrive() {
        let parts = |method: &str, path: &str| {
            axum::http::Request::builder().method(method).uri(path).body(()).unwrap().into_parts().0
        };
        assert!(is_upload(&parts("POST", "/a/acct_1/connectors/con_1/records")));
        assert!(is_upload(&parts("POST", "/ops/connectors/con_1/records")));
        for (method, path) in [("GET", "/a/x/connectors/y/records"), ("POST", "/api/records"), ("POST", "/a/x/events")]
        {
            assert!(!is_upload(&parts(method, path)), "{path}");
        }
    }
}
