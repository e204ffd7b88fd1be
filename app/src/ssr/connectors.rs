//! The forms of connectors, for those of an account and for those of the platform.

use domain::{
    actor::{Actor, Permission},
    connector::{Connector, ConnectorForm, ConnectorInput, ConnectorWithSecret, MappingForm, TrunksForm, Way},
    id::ConnectorId,
    token::{NewToken, Scope},
};

use super::{Done, actor, backend, form, mappings, operator, setup_credentials::Shown};
use crate::{error::UiError, links::ConnectorPages};

/// What a token for a connector beside its phone system needs.
const SCOPES: [Scope; 2] = [Scope::EventsWrite, Scope::ConnectorsWrite];

/// The signed-in user as the owner of these connectors.
///
/// # Errors
/// As [`actor`] and [`operator`].
pub async fn connector_owner(pages: &ConnectorPages) -> Result<Actor, UiError> {
    match pages {
        ConnectorPages::Account(acct) => actor(acct).await,
        ConnectorPages::Platform => operator().await,
    }
}

/// The same, for a form: what is wrong in it concerns only whoever may send it.
///
/// # Errors
/// As [`connector_owner`], and `Forbidden` for others than managers.
pub(super) async fn manager(pages: &ConnectorPages) -> Result<Actor, UiError> {
    let actor = connector_owner(pages).await?;
    if *pages != ConnectorPages::Platform {
        actor.require(Permission::ManageConnectors)?;
    }
    Ok(actor)
}

/// Creates a connector, and a token for one beside its phone system. Then its setup page shows both, once.
///
/// # Errors
/// As [`form`].
pub async fn create_connector(pages: &ConnectorPages, posted: &ConnectorForm) -> Result<(), UiError> {
    let back = format!("{}/new?system={}", pages.list(), domain::query::encode(&posted.system));
    form(&back, posted, async {
        let actor = manager(pages).await?;
        let ConnectorWithSecret { connector, secret } =
            backend()?.create_connector(&actor, &new_connector(posted)?).await?;
        let mut message = format!(
            "{} created. Copy the text before you leave this page: its secrets are shown only here.",
            connector.name
        );
        let token = match connector.way {
            // The connector exists by now, so its page says what is missing.
            Way::Beside => new_token(&actor, &connector).await.unwrap_or_else(|error| {
                message = format!("{} created, but its token was not: {error}", connector.name);
                String::new()
            }),
            Way::Ari | Way::Ami | Way::Http | Way::Files => String::new(),
        };
        if connector.way == Way::Files {
            let page = pages.page(connector.id.as_str(), "records");
            return Ok(Done::to(page).saying(format!("{} created. Upload its first file.", connector.name)));
        }
        Ok(Done::to(pages.page(connector.id.as_str(), "connect")).keeping(&Shown { secret, token }).saying(message))
    })
    .await
}

fn new_connector(posted: &ConnectorForm) -> Result<ConnectorInput, UiError> {
    let input = posted.input()?;
    // The page always posts the field, whichever way is chosen.
    let ami_address = input.ami_address.filter(|_| input.way == Way::Ami);
    Ok(mappings()?.with_preset(ConnectorInput { ami_address, ..input })?)
}

/// Saves the mapping of an HTTP connector, or shows what it makes of the latest requests.
///
/// # Errors
/// As [`form`].
pub async fn save_mapping(pages: &ConnectorPages, con: &str, posted: &MappingForm, then: &str) -> Result<(), UiError> {
    let page = pages.page(con, "mapping");
    form(&page, posted, async {
        let (actor, id) = (manager(pages).await?, ConnectorId::parse(con)?);
        let current = backend()?.connector(&actor, &id).await?;
        mappings()?.check(&posted.mapping)?;
        if then == "try" {
            return Ok(Done::to(&page).keeping(posted));
        }
        let input = ConnectorInput { mapping: Some(posted.mapping.clone()), ..ConnectorInput::of(&current) };
        backend()?.update_connector(&actor, &id, &input, None).await?;
        Ok(Done::to(&page).saying("Mapping saved. It applies from the next request on."))
    })
    .await
}

async fn new_token(actor: &Actor, connector: &Connector) -> Result<String, UiError> {
    let wanted = NewToken { name: connector.name.clone(), scopes: SCOPES.to_vec(), expires_days: None };
    Ok(backend()?.create_api_token(actor, &wanted).await?.secret)
}

/// Saves the settings of a connector, unless someone else has changed them meanwhile.
///
/// # Errors
/// As [`form`].
pub async fn update_connector(
    pages: &ConnectorPages,
    con: &str,
    version: u32,
    posted: &ConnectorForm,
) -> Result<(), UiError> {
    form(&pages.page(con, "edit"), posted, async {
        let (actor, id) = (manager(pages).await?, ConnectorId::parse(con)?);
        let current = backend()?.connector(&actor, &id).await?;
        let read = ConnectorForm {
            system: current.system.as_str().to_owned(),
            way: current.way.as_str().to_owned(),
            ..posted.clone()
        }
        .input()?;
        // The mapping has a page of its own.
        let input = ConnectorInput { mapping: current.mapping.clone(), ..read };
        let saved = backend()?.update_connector(&actor, &id, &input, Some(version)).await?;
        Ok(Done::to(pages.page(con, "")).saying(format!("{} saved. It applies from the next call on.", saved.name)))
    })
    .await
}

/// Saves the trunks and the country, as a step of the setup.
///
/// # Errors
/// As [`form`].
pub async fn save_trunks(pages: &ConnectorPages, con: &str, posted: &TrunksForm) -> Result<(), UiError> {
    form(&pages.page(con, "trunks"), posted, async {
        let (actor, id) = (manager(pages).await?, ConnectorId::parse(con)?);
        let current = backend()?.connector(&actor, &id).await?;
        let input = posted.applied_to(&current)?;
        backend()?.update_connector(&actor, &id, &input, None).await?;
        let trunks = domain::time::counted(i64::try_from(input.trunks.len()).unwrap_or(i64::MAX), "trunk");
        Ok(Done::to(pages.page(con, "test-call")).saying(format!("{trunks} saved.")))
    })
    .await
}

/// Pauses, resumes or deletes a connector, gives it a new secret, or creates a token for it.
///
/// # Errors
/// As [`form`]; `Invalid` for another `turn`.
pub async fn turn_connector(pages: &ConnectorPages, con: &str, turn: &str) -> Result<(), UiError> {
    let back = pages.page(con, if matches!(turn, "rotate" | "delete") { turn } else { "" });
    form(&back, &(), async {
        let (actor, id) = (manager(pages).await?, ConnectorId::parse(con)?);
        turned(pages, &actor, &id, turn).await
    })
    .await
}

/// Shows the setup page again with the credentials that were on it: browsers without script have no other way to wait for
/// the connection. The page sends them in a form, so that they are in no address, and are not stored while it is open.
///
/// # Errors
/// As [`form`].
pub async fn refresh_setup(pages: &ConnectorPages, con: &str, secret: String, token: String) -> Result<(), UiError> {
    let page = pages.page(con, "connect");
    form(&page, &(), async { Ok(Done::to(&page).keeping(&Shown { secret, token }.again(set_up(pages, con).await)?)) })
        .await
}

async fn set_up(pages: &ConnectorPages, con: &str) -> Result<Connector, UiError> {
    let (actor, id) = (manager(pages).await?, ConnectorId::parse(con)?);
    Ok(backend()?.connector(&actor, &id).await?)
}

async fn turned(pages: &ConnectorPages, actor: &Actor, id: &ConnectorId, turn: &str) -> Result<Done, UiError> {
    let (backend, page) = (backend()?, |rest| Done::to(pages.page(id.as_str(), rest)));
    Ok(match turn {
        "pause" => {
            let name = backend.pause_connector(actor, id).await?.name;
            page("").saying(format!("{name} is paused. Calls are not reported until you resume it."))
        }
        "resume" => {
            let name = backend.resume_connector(actor, id).await?.name;
            page("").saying(format!("{name} is resumed."))
        }
        "rotate" => {
            let ConnectorWithSecret { connector, secret } = backend.rotate_connector_secret(actor, id).await?;
            let message = format!(
                "{} has a new secret. Copy the text before you leave this page: the secret is shown only here.",
                connector.name
            );
            page("connect").keeping(&Shown { secret, ..Shown::default() }).saying(message)
        }
        "token" => {
            let token = new_token(actor, &backend.connector(actor, id).await?).await?;
            let message = "Token created. Copy the text before you leave this page: the token is shown only here.";
            page("connect").keeping(&Shown { token, ..Shown::default() }).saying(message)
        }
        "delete" => {
            let name = backend.connector(actor, id).await?.name;
            backend.delete_connector(actor, id).await?;
            Done::to(pages.list()).saying(format!("{name} deleted. Its events stay available."))
        }
        _ => return Err(domain::Error::invalid("turn", "Choose what to do with the connector.").into()),
    })
}
