//! The forms of imports of call record files.

use domain::{
    connector::imports::Reading,
    id::{ConnectorId, ImportId},
};

use super::{Done, backend, connectors::manager, form, record_files};
use crate::{error::UiError, links::ConnectorPages};

/// Imports a file, or shows what becomes of its first rows.
///
/// # Errors
/// As [`form`].
pub async fn start_import(
    pages: &ConnectorPages,
    (con, imp): (&str, &str),
    posted: &Reading,
    then: &str,
) -> Result<(), UiError> {
    let page = pages.page(con, &format!("records/{imp}"));
    form(&page, posted, async {
        let (actor, con, imp) = (manager(pages).await?, ConnectorId::parse(con)?, ImportId::parse(imp)?);
        let connector = backend()?.connector(&actor, &con).await?;
        let start = backend()?.first_piece(&actor, &con, &imp).await?;
        let preview = record_files()?.preview(&connector, posted, &start)?;
        if then == "preview" {
            return Ok(Done::to(&page).keeping(posted));
        }
        preview.check()?;
        backend()?.start_import(&actor, &con, &imp, posted).await?;
        Ok(Done::to(&page).saying("Import started. You can close this page; the import continues."))
    })
    .await
}

/// Stops an import, or discards a file.
///
/// # Errors
/// As [`form`].
pub async fn cancel_import(pages: &ConnectorPages, con: &str, imp: &str) -> Result<(), UiError> {
    let page = pages.page(con, &format!("records/{imp}"));
    form(&page, &(), async {
        let (actor, con_id, imp) = (manager(pages).await?, ConnectorId::parse(con)?, ImportId::parse(imp)?);
        let running = backend()?.record_import(&actor, &con_id, &imp).await?.started_at.is_some();
        backend()?.cancel_import(&actor, &con_id, &imp).await?;
        let to = if running { Done::to(&page) } else { Done::to(pages.page(con, "records")) };
        Ok(to.saying(if running { "Import cancelled. What was imported stays." } else { "File discarded." }))
    })
    .await
}
