//! `offhook connector …`

use clap::{Args, Subcommand};
use domain::{
    actor::Actor,
    connector::{ConnectorForm, ConnectorInput, Mappings as _},
    id::ConnectorId,
    time::Clock as _,
};
use engine::SystemClock;
use serde_json::json;

use crate::{
    command::{CommandError, engine, engine_with_keys, print_json},
    config::Store,
    mappings::ConnectMappings,
    rest::connector_json::{ConnectorJson, ConnectorWithSecretJson},
};

/// Connector commands.
#[derive(Debug, Subcommand)]
pub enum Connector {
    /// Create a connector. Its secret is shown only once.
    Create(Create),
    /// List the connectors of an account, or of the platform.
    List(List),
    /// Show a connector and what it last reported.
    Show(One),
    /// Pause a connector: it reports nothing until it is resumed.
    Pause(One),
    /// Resume a connector.
    Resume(One),
    /// Give a connector a new secret. The old one stops working at once.
    Rotate(One),
    /// Delete a connector with its gaps and routes. Its events stay.
    Delete(One),
}

/// A new connector.
#[derive(Debug, Args)]
pub struct Create {
    /// The account whose phone system it is; without it, the platform's.
    #[arg(long, value_name = "acct_…|REF")]
    account: Option<String>,
    /// Name.
    #[arg(long)]
    name: String,
    /// asterisk, freeswitch, kamailio, yeastar, grandstream, 3cx, twilio, telnyx, sipgate, placetel or other.
    #[arg(long, value_name = "SYSTEM")]
    system: String,
    /// beside, ari, ami, http or files [default: the one that is recommended for the phone system].
    #[arg(long, default_value = "", hide_default_value = true, value_name = "WAY")]
    way: String,
    /// Where national numbers are dialled, such as GB (ISO 3166-1 alpha-2).
    #[arg(long, default_value = "", hide_default_value = true, value_name = "CODE")]
    country: String,
    /// What its times without a zone mean, such as Europe/London.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ZONE")]
    time_zone: String,
    /// An endpoint of the phone system that leads outside; repeat it for each.
    #[arg(long = "trunk", value_name = "ENDPOINT")]
    trunks: Vec<String>,
    /// Report calls between extensions, too.
    #[arg(long)]
    internal: bool,
    /// Where the AMI is, on this machine; for the way ami.
    #[arg(long, default_value = "", hide_default_value = true, value_name = "ADDRESS")]
    ami: String,
    /// What distinguishes the phone system from others [default: the connector's id].
    #[arg(long, default_value = "", hide_default_value = true, value_name = "TEXT")]
    identity: String,
    #[command(flatten)]
    store: Store,
}

/// Which connectors to list.
#[derive(Debug, Args)]
pub struct List {
    /// The account; without it, the platform.
    #[arg(long, value_name = "acct_…|REF")]
    account: Option<String>,
    #[command(flatten)]
    store: Store,
}

/// A connector.
#[derive(Debug, Args)]
pub struct One {
    /// Its id.
    #[arg(value_name = "con_…")]
    id: String,
    #[command(flatten)]
    store: Store,
}

pub(super) async fn run(verb: Connector) -> Result<(), CommandError> {
    let (actor, now) = (&Actor::COMMAND_LINE, SystemClock.now());
    match verb {
        Connector::Create(new) => {
            let engine = engine_with_keys(&new.store).await?;
            let owner = engine.connector_owner(new.account.as_deref()).await?;
            let created = engine.create_connector_for(actor, owner, &ConnectMappings.with_preset(input(new)?)?).await?;
            print_json(&ConnectorWithSecretJson::new(created, now))
        }
        Connector::List(list) => {
            let engine = engine(&list.store).await?;
            let owner = engine.connector_owner(list.account.as_deref()).await?;
            let all = engine.connectors_of(actor, &owner).await?;
            all.into_iter().try_for_each(|connector| print_json(&ConnectorJson::new(connector, now)))
        }
        Connector::Show(one) => {
            let connector = engine(&one.store).await?.any_connector(actor, &id(&one)?).await?;
            print_json(&ConnectorJson::new(connector, now))
        }
        Connector::Pause(one) => set_paused(&one, true).await,
        Connector::Resume(one) => set_paused(&one, false).await,
        Connector::Rotate(one) => {
            let rotated = engine_with_keys(&one.store).await?.rotate_any_connector(actor, &id(&one)?).await?;
            print_json(&ConnectorWithSecretJson::new(rotated, now))
        }
        Connector::Delete(one) => {
            let id = id(&one)?;
            engine(&one.store).await?.delete_any_connector(actor, &id).await?;
            print_json(&json!({ "id": id, "deleted": true }))
        }
    }
}

async fn set_paused(one: &One, paused: bool) -> Result<(), CommandError> {
    let engine = engine(&one.store).await?;
    let connector = engine.pause_any_connector(&Actor::COMMAND_LINE, &id(one)?, paused).await?;
    print_json(&ConnectorJson::new(connector, SystemClock.now()))
}

fn id(one: &One) -> Result<ConnectorId, CommandError> {
    ConnectorId::parse(&one.id)
        .map_err(|_| CommandError::Usage("the connector must be given by its id, con_…".to_owned()))
}

fn input(new: Create) -> Result<ConnectorInput, CommandError> {
    let form = ConnectorForm {
        name: new.name,
        system: new.system,
        way: new.way,
        country: new.country,
        time_zone: new.time_zone,
        include_internal: new.internal,
        ami_address: new.ami,
        identity: new.identity,
        ..ConnectorForm::default()
    };
    Ok(ConnectorInput { trunks: new.trunks, ..form.input()? })
}
