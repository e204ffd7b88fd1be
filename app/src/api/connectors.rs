//! Connectors: loading, and forms for those of an account.

use domain::{
    audit::AuditRecord,
    connector::{
        Connector, ConnectorForm, DryRun, Gap, MappingForm, MappingPreset, RawRequest, TrunksForm,
        imports::{BadRecord, FileColumn, FilePreset, FilePreview, Reading, RecordImport},
    },
    event::EventRow,
    id::{ConnectorId, ImportId},
    query::Page,
};
use leptos::prelude::*;

use crate::{error::UiError, links::ConnectorPages};

/// Gaps on a page.
const GAPS_SHOWN: u32 = 10;
/// Events shown while waiting for a test call.
const EVENTS_SHOWN: u32 = 6;

/// All connectors of an account, or of the platform.
pub async fn load_connectors(pages: ConnectorPages) -> Result<Vec<Connector>, UiError> {
    use crate::ssr;
    let actor = ssr::connectors::connector_owner(&pages).await?;
    Ok(ssr::backend()?.connectors(&actor).await?)
}

/// One connector.
pub async fn load_connector(pages: ConnectorPages, con: String) -> Result<Connector, UiError> {
    use crate::ssr;
    let (actor, id) = (ssr::connectors::connector_owner(&pages).await?, ConnectorId::parse(&con)?);
    Ok(ssr::backend()?.connector(&actor, &id).await?)
}

/// One page of a connector's gaps, newest first, and its audit log.
pub async fn load_connector_history(
    pages: ConnectorPages,
    con: String,
    cursor: String,
) -> Result<(Page<Gap>, Vec<AuditRecord>), UiError> {
    use crate::ssr;
    let (actor, id) = (ssr::connectors::connector_owner(&pages).await?, ConnectorId::parse(&con)?);
    let cursor = Some(cursor.as_str()).filter(|cursor| !cursor.is_empty());
    let gaps = ssr::backend()?.gaps(&actor, &id, cursor, GAPS_SHOWN).await?;
    Ok((gaps, ssr::backend()?.connector_log(&actor, &id).await?))
}

/// The latest events of an account, while its owner makes a test call.
pub async fn load_latest_events(pages: ConnectorPages) -> Result<Vec<EventRow>, UiError> {
    use crate::ssr;
    let ConnectorPages::Account(acct) = pages else { return Ok(Vec::new()) };
    let filter = domain::event::EventFilter { limit: EVENTS_SHOWN, ..Default::default() };
    Ok(ssr::backend()?.events(&ssr::actor(&acct).await?, &filter).await?.rows)
}

/// A request, and what a mapping makes of it: one result for each call in it, or why it can't be tried.
pub type Tried = (RawRequest, Result<Vec<DryRun>, String>);

/// The latest requests to an HTTP connector, newest first, with what this mapping makes of each.
pub async fn load_tried(pages: ConnectorPages, connector: Connector, mapping: String) -> Result<Vec<Tried>, UiError> {
    use crate::ssr;
    let (actor, mappings) = (ssr::connectors::connector_owner(&pages).await?, ssr::mappings()?);
    let requests = ssr::backend()?.raw_requests(&actor, &connector.id).await?;
    let tried = |request: RawRequest| {
        let result = mappings.dry_run(&connector, &mapping, &request).map_err(|error| error.to_string());
        (request, result)
    };
    Ok(requests.into_iter().map(tried).collect())
}

/// All presets of mappings.
pub fn load_presets() -> Result<Vec<MappingPreset>, UiError> {
    Ok(crate::ssr::mappings()?.presets())
}

/// The latest imports of call record files, newest first.
pub async fn load_imports(pages: ConnectorPages, con: String) -> Result<Vec<RecordImport>, UiError> {
    use crate::ssr;
    let (actor, id) = (ssr::connectors::connector_owner(&pages).await?, ConnectorId::parse(&con)?);
    Ok(ssr::backend()?.record_imports(&actor, &id).await?)
}

/// One import.
pub async fn load_import(pages: ConnectorPages, con: String, imp: String) -> Result<RecordImport, UiError> {
    use crate::ssr;
    let (actor, id) = (ssr::connectors::connector_owner(&pages).await?, ConnectorId::parse(&con)?);
    Ok(ssr::backend()?.record_import(&actor, &id, &ImportId::parse(&imp)?).await?)
}

/// The kinds of files that are understood without choosing columns.
pub fn load_file_presets() -> Result<Vec<FilePreset>, UiError> {
    Ok(crate::ssr::record_files()?.presets())
}

/// A file's columns, and what becomes of its first rows, or why it can't be read like this.
pub type Previewed = (Vec<FileColumn>, Result<FilePreview, String>);

/// The beginning of a file, read like this.
pub async fn load_file(
    pages: ConnectorPages,
    connector: Connector,
    imp: String,
    reading: Reading,
) -> Result<Previewed, UiError> {
    use crate::ssr;
    let (actor, files) = (ssr::connectors::connector_owner(&pages).await?, ssr::record_files()?);
    let start = ssr::backend()?.first_piece(&actor, &connector.id, &ImportId::parse(&imp)?).await?;
    let preview = files.preview(&connector, &reading, &start).map_err(|error| unread(&error));
    Ok((files.columns(&start), preview))
}

/// Why there is no preview. What several fields lack is shown beside each of them once the form is sent.
fn unread(error: &domain::Error) -> String {
    match error {
        domain::Error::Invalid(fields) if fields.len() > 1 => {
            "Choose which column is what, then update the preview.".to_owned()
        }
        error => error.to_string(),
    }
}

/// The rows of a file that were not imported; none for those who don't see them.
pub async fn load_bad_records(
    pages: ConnectorPages,
    con: String,
    imp: String,
) -> Result<Option<Vec<BadRecord>>, UiError> {
    use crate::ssr;
    let (actor, id) = (ssr::connectors::connector_owner(&pages).await?, ConnectorId::parse(&con)?);
    match ssr::backend()?.bad_records(&actor, &id, &ImportId::parse(&imp)?).await {
        Ok(rows) => Ok(Some(rows)),
        Err(domain::Error::Forbidden(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Address of this server, for the configuration of phone systems.
#[must_use]
pub fn public_url() -> String {
    crate::ssr::public_url()
}

/// Creates a connector.
#[server(prefix = "/api", endpoint = "connectors/create")]
pub async fn create_connector(acct: String, form: ConnectorForm) -> Result<(), UiError> {
    crate::ssr::connectors::create_connector(&ConnectorPages::Account(acct), &form).await
}

/// Saves the settings of a connector.
#[server(prefix = "/api", endpoint = "connectors/update")]
pub async fn update_connector(acct: String, con: String, version: u32, form: ConnectorForm) -> Result<(), UiError> {
    crate::ssr::connectors::update_connector(&ConnectorPages::Account(acct), &con, version, &form).await
}

/// Saves the trunks of a connector.
#[server(prefix = "/api", endpoint = "connectors/trunks")]
pub async fn save_trunks(acct: String, con: String, form: TrunksForm) -> Result<(), UiError> {
    crate::ssr::connectors::save_trunks(&ConnectorPages::Account(acct), &con, &form).await
}

/// Pauses, resumes or deletes a connector, gives it a new secret, or creates a token for it.
#[server(prefix = "/api", endpoint = "connectors/turn")]
pub async fn turn_connector(acct: String, con: String, turn: String) -> Result<(), UiError> {
    crate::ssr::connectors::turn_connector(&ConnectorPages::Account(acct), &con, &turn).await
}

/// Shows the setup page of a connector again, with the credentials that are on it.
#[server(prefix = "/api", endpoint = "connectors/refresh")]
pub async fn refresh_setup(
    acct: String,
    con: String,
    #[server(default)] secret: String,
    #[server(default)] token: String,
) -> Result<(), UiError> {
    crate::ssr::connectors::refresh_setup(&ConnectorPages::Account(acct), &con, secret, token).await
}

/// Saves the mapping of an HTTP connector; `then=try` only tries it.
#[server(prefix = "/api", endpoint = "connectors/mapping")]
pub async fn save_mapping(
    acct: String,
    con: String,
    form: MappingForm,
    #[server(default)] then: String,
) -> Result<(), UiError> {
    crate::ssr::connectors::save_mapping(&ConnectorPages::Account(acct), &con, &form, &then).await
}

/// Imports a call record file; `then=preview` only shows what becomes of its first rows.
#[server(prefix = "/api", endpoint = "connectors/records/start")]
pub async fn start_import(
    acct: String,
    con: String,
    imp: String,
    form: Reading,
    #[server(default)] then: String,
) -> Result<(), UiError> {
    crate::ssr::imports::start_import(&ConnectorPages::Account(acct), (&con, &imp), &form, &then).await
}

/// Stops an import, or discards a file.
#[server(prefix = "/api", endpoint = "connectors/records/cancel")]
pub async fn cancel_import(acct: String, con: String, imp: String) -> Result<(), UiError> {
    crate::ssr::imports::cancel_import(&ConnectorPages::Account(acct), &con, &imp).await
}
