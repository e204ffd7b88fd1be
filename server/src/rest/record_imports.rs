//! Imports of call record files: upload a file and import it, follow its progress, cancel it.

use std::sync::Arc;

use axum::{
    Json,
    body::{Body, HttpBody as _},
    extract::{Path, Request, State},
    http::{HeaderMap, StatusCode, header},
};
use domain::{
    Error,
    actor::{Actor, Permission},
    connector::{
        Connector,
        imports::{FILE_MAX_BYTES, ImportState, Reading, RecordFiles as _, RecordImport},
    },
    id::{ConnectorId, ImportId},
};
use futures::StreamExt as _;

use crate::{
    app_state::SharedState,
    record_arrival::{Arriving, UPLOAD_BYTES, too_large},
    records::{self, ConnectRecords},
    request_body,
    rest::{
        List,
        auth::Caller,
        body::{EmptyBody, JsonBody, payer},
        connectors::with_read_scope,
        openapi::Errors,
        problem::{Kind, Problem},
        query::Query,
        record_import_json::{BadRowJson, ImportJson, reading},
    },
};

type One = Result<Json<ImportJson>, Problem>;

/// Import a call record file.
///
/// The body is the file itself. It is stored as it arrives, and imported from then on: follow `GET …/imports/{import}`. How it is
/// read follows from `preset` or from the columns; without them, it is read as the last file of the connector, or by the preset of its
/// phone system. A file that is sent again adds nothing.
#[utoipa::path(post, path = "/connectors/{id}/imports", operation_id = "import_call_records", tag = "Connectors", params(
    ("id" = String, Path, description = "Connector id"),
    ("name" = Option<String>, Query, description = "Name of the file, to recognise it by"),
    ("preset" = Option<String>, Query, description = "`asterisk`, `3cx`, `freeswitch`, `grandstream`; or `columns`, with the columns below"),
    ("zone" = Option<String>, Query, description = "Time zone of the file's times; by default, that of the last file or of the connector"),
    ("caller" = Option<String>, Query, description = "Column of the caller's number: its number from 1, or its name in the first row. The same for all columns"),
    ("callee" = Option<String>, Query, description = "Column of the number called"),
    ("start" = Option<String>, Query, description = "Column of the beginning"),
    ("duration" = Option<String>, Query, description = "Column of the duration; or give `answer` and `end`"),
    ("answer" = Option<String>, Query, description = "Column of when it was answered"),
    ("end" = Option<String>, Query, description = "Column of the end"),
    ("status" = Option<String>, Query, description = "Column of the result"),
    ("statuses" = Option<String>, Query, description = "What its values mean: `ANSWERED:answered;BUSY:busy`"),
    ("direction" = Option<String>, Query, description = "Column of the direction; or `incoming` or `outgoing` for all calls"),
    ("directions" = Option<String>, Query, description = "What its values mean: `IN:incoming;OUT:outgoing`"),
    ("extension" = Option<String>, Query, description = "Column of the extension"),
    ("call" = Option<String>, Query, description = "Column of the call's ID"),
    ("cost" = Option<String>, Query, description = "Column of the cost"),
), request_body(content = Vec<u8>, content_type = "text/csv", description = "The file, at most 256 MiB"),
    responses((status = 202, description = "The import, which has begun", body = ImportJson), Errors),
    security(("token" = ["connectors:write"])))]
pub async fn start(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    query: Query,
    request: Request,
) -> Result<(StatusCode, Json<ImportJson>), Problem> {
    caller.require(Permission::ManageConnectors)?;
    let (parts, body) = request.into_parts();
    let mut body = Some(body);
    match imported(&state, &caller.0, &id, query, (&parts.headers, &mut body)).await {
        Ok(import) => Ok((StatusCode::ACCEPTED, Json(import.into()))),
        Err(problem) => {
            // So that the sender can read the response; one that asks first has sent nothing yet.
            if let Some(body) = body.filter(|_| !parts.headers.contains_key(header::EXPECT)) {
                request_body::drain(body).await;
            }
            Err(problem)
        }
    }
}

async fn imported(
    state: &SharedState,
    actor: &Actor,
    id: &str,
    query: Query,
    (headers, body): (&HeaderMap, &mut Option<Body>),
) -> Result<RecordImport, Problem> {
    let con = ConnectorId::parse(id)?;
    // Importing needs the settings, which the response shows anyway.
    let actor = &with_read_scope(actor);
    let connector = state.backend.connector(actor, &con).await?;
    let (name, reading) = reading(query, &connector)?;
    // What can be refused without the file is refused before it is sent.
    records::format(&connector, &reading)?;
    refuse_form(headers)?;
    let mut held = state.bodies.calls.part_of(payer(actor).unwrap_or_default().to_owned());
    if body.as_ref().is_some_and(|body| body.size_hint().lower() > FILE_MAX_BYTES) {
        return Err(too_large().into());
    }
    if !held.grow_to(UPLOAD_BYTES) {
        return Err(request_body::busy().into());
    }
    let mut arriving = Arriving::begin(state, actor, &con).await?;
    if let Err(problem) = received(&mut arriving, body.take().unwrap_or_default()).await {
        arriving.abandon().await;
        return Err(problem);
    }
    let (state, actor) = (Arc::clone(state), actor.clone());
    // All of it has arrived: also if the client disconnects now, it is imported or discarded, and not left for someone to start.
    let started = tokio::spawn(async move {
        let _held = held;
        started(&state, &actor, &connector, arriving, (&name, &reading)).await
    });
    Ok(started.await.map_err(|_| Error::Internal)??)
}

/// Imports a file that has arrived; one that can't be imported is deleted.
async fn started(
    state: &SharedState,
    actor: &Actor,
    connector: &Connector,
    mut arriving: Arriving,
    (name, reading): (&str, &Reading),
) -> domain::Result<RecordImport> {
    let useful = |start: &[u8]| ConnectRecords.preview(connector, reading, start)?.check();
    let imp = match arriving.end(name, useful).await {
        Ok(imp) => imp,
        Err(error) => {
            arriving.abandon().await;
            return Err(error);
        }
    };
    if let Err(error) = state.backend.start_import(actor, &connector.id, &imp, reading).await {
        // Nobody would come back for the file.
        let _ = state.backend.cancel_import(actor, &connector.id, &imp).await;
        return Err(error);
    }
    state.backend.record_import(actor, &connector.id, &imp).await
}

async fn received(arriving: &mut Arriving, body: Body) -> Result<(), Problem> {
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk
            .map_err(|_| Problem::new(Kind::Malformed, "The file did not arrive completely. Nothing was stored."))?;
        if let Err(error) = arriving.add(&chunk).await {
            // So that the sender can read the response.
            request_body::drain(Body::from_stream(chunks)).await;
            return Err(error.into());
        }
    }
    Ok(())
}

/// A form would be taken for the first rows.
fn refuse_form(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.trim_start().to_ascii_lowercase().starts_with("multipart/") {
        let detail = "Send the file itself as the body, with Content-Type: text/csv, not a form.";
        return Err(Problem::new(Kind::MediaType, detail));
    }
    Ok(())
}

/// List the latest imports of a connector, newest first. They are kept for 7 days.
#[utoipa::path(get, path = "/connectors/{id}/imports", operation_id = "list_call_record_imports", tag = "Connectors",
    params(("id" = String, Path, description = "Connector id")),
    responses((status = 200, description = "The latest 20", body = List<ImportJson>), Errors),
    security(("token" = ["connectors:read"])))]
pub async fn list(
    State(state): State<SharedState>,
    caller: Caller,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<List<ImportJson>>, Problem> {
    query.finish()?;
    let imports = state.backend.record_imports(&caller.0, &ConnectorId::parse(&id)?).await?;
    Ok(Json(List::of_short(imports.into_iter().map(ImportJson::from).collect(), None)))
}

/// Show an import: how far it is, and what became of its rows.
#[utoipa::path(get, path = "/connectors/{id}/imports/{import}", operation_id = "show_call_record_import", tag = "Connectors",
    params(("id" = String, Path, description = "Connector id"), ("import" = String, Path, description = "Import id")),
    responses((status = 200, description = "The import", body = ImportJson), Errors),
    security(("token" = ["connectors:read"])))]
pub async fn show(
    State(state): State<SharedState>,
    caller: Caller,
    Path((id, import)): Path<(String, String)>,
    query: Query,
) -> One {
    query.finish()?;
    let (con, imp) = (ConnectorId::parse(&id)?, ImportId::parse(&import)?);
    Ok(Json(state.backend.record_import(&caller.0, &con, &imp).await?.into()))
}

/// List the rows of a file that were not imported, in its order. The first 10,000 are kept.
#[utoipa::path(get, path = "/connectors/{id}/imports/{import}/not-imported", operation_id = "list_rows_not_imported", tag = "Connectors", params(
    ("id" = String, Path, description = "Connector id"),
    ("import" = String, Path, description = "Import id"),
    ("limit" = Option<u32>, Query, minimum = 1, maximum = 250, description = "Rows per page; default 50"),
    ("cursor" = Option<String>, Query, description = "`next` of the previous page"),
), responses((status = 200, description = "One page", body = List<BadRowJson>), Errors),
    security(("token" = ["connectors:read"])))]
pub async fn not_imported(
    State(state): State<SharedState>,
    caller: Caller,
    Path((id, import)): Path<(String, String)>,
    mut query: Query,
) -> Result<Json<List<BadRowJson>>, Problem> {
    let (limit, cursor) = (query.limit(), query.cursor(|text| text.parse::<usize>().is_ok()));
    query.finish()?;
    let (con, imp) = (ConnectorId::parse(&id)?, ImportId::parse(&import)?);
    let from: usize = cursor.and_then(|text| text.parse().ok()).unwrap_or_default();
    let all = state.backend.bad_records(&caller.0, &con, &imp).await?;
    let end = from.saturating_add(limit as usize);
    let next = (all.len() > end).then(|| end.to_string());
    // A row may be quoted in full: as many as fit, and the next page begins with the others.
    let rows: Vec<_> = all.into_iter().enumerate().skip(from).take(limit as usize).collect();
    Ok(Json(List::of(rows, next, |(at, _)| (at + 1).to_string(), |(_, row)| row.into())))
}

/// Cancel an import, or discard a file. What was imported stays.
#[utoipa::path(post, path = "/connectors/{id}/imports/{import}/cancel", operation_id = "cancel_call_record_import", tag = "Connectors",
    params(("id" = String, Path, description = "Connector id"), ("import" = String, Path, description = "Import id")),
    responses((status = 200, description = "The cancelled import", body = ImportJson), Errors),
    security(("token" = ["connectors:write"])))]
pub async fn cancel(
    State(state): State<SharedState>,
    caller: Caller,
    Path((id, import)): Path<(String, String)>,
    body: JsonBody,
) -> One {
    caller.require(Permission::ManageConnectors)?;
    let EmptyBody {} = body.parse_or_default()?;
    let (con, imp) = (ConnectorId::parse(&id)?, ImportId::parse(&import)?);
    let actor = &with_read_scope(&caller.0);
    let before = state.backend.record_import(actor, &con, &imp).await?;
    state.backend.cancel_import(actor, &con, &imp).await?;
    match state.backend.record_import(actor, &con, &imp).await {
        Ok(cancelled) => Ok(Json(cancelled.into())),
        // Of a file that had not arrived, nothing is left.
        Err(Error::NotFound(_)) => Ok(Json(RecordImport { state: ImportState::Cancelled, ..before }.into())),
        Err(error) => Err(error.into()),
    }
}
