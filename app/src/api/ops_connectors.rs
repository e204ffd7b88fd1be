//! Connectors of the platform: forms, and their routing tables.

use domain::{
    connector::{
        ConnectorForm, MappingForm, TrunksForm,
        imports::Reading,
        route::{NewRoute, Pattern, Route, Unrouted, parse_csv},
    },
    id::ConnectorId,
    ops::accounts::AccountFilter,
    query::Page,
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{error::UiError, links::ConnectorPages};

/// Routes on a page.
const ROUTES_SHOWN: u32 = 50;
/// With more accounts than this, they are named by ID or reference instead of being chosen from a list.
const ACCOUNTS_LISTED_MAX: u32 = 200;

/// An account to choose: ID and name.
pub type AccountChoice = (String, String);

/// The accounts to choose from; none if there are too many for a list.
pub async fn load_account_choices() -> Result<Option<Vec<AccountChoice>>, UiError> {
    use crate::ssr;
    let filter = AccountFilter { limit: ACCOUNTS_LISTED_MAX, ..AccountFilter::default() };
    let page = ssr::backend()?.accounts(&ssr::operator().await?, &filter).await?;
    let mut choices: Vec<_> = page.rows.into_iter().map(|row| (row.account.id.to_string(), row.account.name)).collect();
    choices.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(page.next.is_none().then_some(choices))
}

/// One page of a connector's routes: those whose pattern begins with `text`.
pub async fn load_routes(con: String, text: String, cursor: String) -> Result<Page<Route>, UiError> {
    use crate::ssr;
    let (operator, id) = (ssr::operator().await?, ConnectorId::parse(&con)?);
    let cursor = Some(cursor.as_str()).filter(|cursor| !cursor.is_empty());
    Ok(ssr::backend()?.routes(&operator, &id, &text, cursor, ROUTES_SHOWN).await?)
}

/// The numbers without a route, the latest first.
pub async fn load_unrouted(con: String) -> Result<Vec<Unrouted>, UiError> {
    use crate::ssr;
    Ok(ssr::backend()?.unrouted(&ssr::operator().await?, &ConnectorId::parse(&con)?).await?)
}

/// A route, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteForm {
    /// The number, or the beginning of one followed by `*`.
    #[serde(default)]
    pub number: String,
    /// The account's ID or reference.
    #[serde(default)]
    pub account: String,
}

impl RouteForm {
    /// Reads the form.
    ///
    /// # Errors
    /// `Invalid` with one entry per invalid field.
    fn read(&self) -> Result<NewRoute, domain::Error> {
        let account = self.account.trim().to_owned();
        let missing = account.is_empty().then(|| domain::FieldError::new("account", "Choose an account."));
        match (Pattern::parse(&self.number), missing) {
            (Ok(pattern), None) => Ok(NewRoute { pattern, account }),
            (pattern, missing) => {
                let wrong = pattern.err().map(|message| domain::FieldError::new("number", message));
                Err(domain::Error::Invalid(wrong.into_iter().chain(missing).collect()))
            }
        }
    }
}

/// A routing table, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableForm {
    /// Lines of number and account.
    #[serde(default)]
    pub routes: String,
}

/// Creates a connector of the platform.
#[server(prefix = "/api", endpoint = "ops/connectors/create")]
pub async fn create_platform_connector(form: ConnectorForm) -> Result<(), UiError> {
    crate::ssr::connectors::create_connector(&ConnectorPages::Platform, &form).await
}

/// Saves the settings of a connector of the platform.
#[server(prefix = "/api", endpoint = "ops/connectors/update")]
pub async fn update_platform_connector(con: String, version: u32, form: ConnectorForm) -> Result<(), UiError> {
    crate::ssr::connectors::update_connector(&ConnectorPages::Platform, &con, version, &form).await
}

/// Saves the trunks of a connector of the platform.
#[server(prefix = "/api", endpoint = "ops/connectors/trunks")]
pub async fn save_platform_trunks(con: String, form: TrunksForm) -> Result<(), UiError> {
    crate::ssr::connectors::save_trunks(&ConnectorPages::Platform, &con, &form).await
}

/// Pauses, resumes or deletes a connector of the platform, gives it a new secret, or creates a token for it.
#[server(prefix = "/api", endpoint = "ops/connectors/turn")]
pub async fn turn_platform_connector(con: String, turn: String) -> Result<(), UiError> {
    crate::ssr::connectors::turn_connector(&ConnectorPages::Platform, &con, &turn).await
}

/// Shows the setup page of a connector of the platform again, with the credentials that are on it.
#[server(prefix = "/api", endpoint = "ops/connectors/refresh")]
pub async fn refresh_platform_setup(
    con: String,
    #[server(default)] secret: String,
    #[server(default)] token: String,
) -> Result<(), UiError> {
    crate::ssr::connectors::refresh_setup(&ConnectorPages::Platform, &con, secret, token).await
}

/// Saves the mapping of an HTTP connector of the platform; `then=try` only tries it.
#[server(prefix = "/api", endpoint = "ops/connectors/mapping")]
pub async fn save_platform_mapping(
    con: String,
    form: MappingForm,
    #[server(default)] then: String,
) -> Result<(), UiError> {
    crate::ssr::connectors::save_mapping(&ConnectorPages::Platform, &con, &form, &then).await
}

/// Imports a call record file; `then=preview` only shows what becomes of its first rows.
#[server(prefix = "/api", endpoint = "ops/connectors/records/start")]
pub async fn start_platform_import(
    con: String,
    imp: String,
    form: Reading,
    #[server(default)] then: String,
) -> Result<(), UiError> {
    crate::ssr::imports::start_import(&ConnectorPages::Platform, (&con, &imp), &form, &then).await
}

/// Stops an import, or discards a file.
#[server(prefix = "/api", endpoint = "ops/connectors/records/cancel")]
pub async fn cancel_platform_import(con: String, imp: String) -> Result<(), UiError> {
    crate::ssr::imports::cancel_import(&ConnectorPages::Platform, &con, &imp).await
}

/// Adds or changes a route. `back` is the page of the connector that the form is on.
#[server(prefix = "/api", endpoint = "ops/connectors/route")]
pub async fn set_route(con: String, form: RouteForm, #[server(default)] back: String) -> Result<(), UiError> {
    use crate::ssr;
    let page = ConnectorPages::Platform.page(&con, if back == "unrouted" { "" } else { "routes" });
    ssr::form(&page, &form, async {
        let (operator, id, route) = (ssr::operator().await?, ConnectorId::parse(&con)?, form.read()?);
        let number = route.pattern.as_str().to_owned();
        ssr::backend()?.set_route(&operator, &id, route).await?;
        Ok(ssr::Done::to(&page).saying(format!("{number} is routed from the next call on.")))
    })
    .await
}

/// Removes a route.
#[server(prefix = "/api", endpoint = "ops/connectors/unroute")]
pub async fn remove_route(con: String, number: String) -> Result<(), UiError> {
    use crate::ssr;
    let page = ConnectorPages::Platform.page(&con, "routes");
    ssr::form(&page, &(), async {
        let (operator, id) = (ssr::operator().await?, ConnectorId::parse(&con)?);
        let pattern = Pattern::parse(&number).map_err(|message| domain::Error::invalid("number", message))?;
        ssr::backend()?.remove_route(&operator, &id, &pattern).await?;
        Ok(ssr::Done::to(&page).saying(format!("Route {number} removed.")))
    })
    .await
}

/// Replaces the routing table.
#[server(prefix = "/api", endpoint = "ops/connectors/import")]
pub async fn import_routes(con: String, form: TableForm) -> Result<(), UiError> {
    use crate::ssr;
    ssr::form(&ConnectorPages::Platform.page(&con, "import"), &form, async {
        let (operator, id) = (ssr::operator().await?, ConnectorId::parse(&con)?);
        let changed = ssr::backend()?.replace_routes(&operator, &id, parse_csv(&form.routes)?).await?;
        let message = format!(
            "Routing table replaced: {} added, {} changed, {} removed.",
            changed.added, changed.changed, changed.removed
        );
        Ok(ssr::Done::to(ConnectorPages::Platform.page(&con, "routes")).saying(message))
    })
    .await
}

/// Forgets the numbers without a route.
#[server(prefix = "/api", endpoint = "ops/connectors/clear")]
pub async fn clear_unrouted(con: String) -> Result<(), UiError> {
    use crate::ssr;
    let page = ConnectorPages::Platform.page(&con, "");
    ssr::form(&page, &(), async {
        ssr::backend()?.clear_unrouted(&ssr::operator().await?, &ConnectorId::parse(&con)?).await?;
        Ok(ssr::Done::to(&page).saying("List cleared. A number without a route is listed again at its next call."))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_reports_every_invalid_field() {
        let wrong = RouteForm { number: "acme".into(), account: " ".into() }.read().unwrap_err();
        assert_eq!(wrong.fields().iter().map(|error| error.field.as_str()).collect::<Vec<_>>(), ["number", "account"]);
        let route = RouteForm { number: "01632 960001".into(), account: "acct_1".into() }.read().unwrap();
        assert_eq!((route.pattern.as_str(), route.account.as_str()), ("01632960001", "acct_1"));
    }
}
