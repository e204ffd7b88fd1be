//! Loads the audit log.

use domain::audit::AuditPage;

use crate::error::UiError;

/// One page of the records that match a query string.
pub async fn list(acct: String, query: String) -> Result<AuditPage, UiError> {
    use crate::ssr;
    let filter = domain::audit::AuditFilter::parse(&query);
    Ok(ssr::backend()?.audit(&ssr::actor(&acct).await?, &filter).await?)
}
