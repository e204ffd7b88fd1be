//! Connectors as JSON, in requests and responses.

use domain::{
    Error, UnixMs,
    connector::{Connector, ConnectorForm, ConnectorInput, ConnectorOwner, ConnectorProblem, ConnectorWithSecret},
    time::iso_utc,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::rest::problem::Problem;

/// A connector to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateConnectorRequest {
    /// Name.
    #[schema(example = "pbx-1")]
    name: String,
    /// `asterisk`, `freeswitch`, `kamailio`, `yeastar`, `grandstream`, `3cx`, `twilio`, `telnyx`, `sipgate`, `placetel` or
    /// `other`.
    #[schema(example = "asterisk")]
    system: String,
    /// `beside`: a program beside the phone system posts its events; `ari`: Asterisk connects to this server; `ami`: this server
    /// connects to Asterisk on its own machine (operators only); `http`: the phone system sends requests; `files`: its call
    /// record files are imported. By default, the one that is recommended for the phone system.
    #[serde(default)]
    way: String,
    /// Where national numbers are dialled, by its ISO 3166-1 alpha-2 code.
    #[serde(default)]
    country: String,
    /// What its times without a zone mean, in call record files and requests: a name of the IANA database. Without
    /// one, such times in requests are not understood.
    #[serde(default)]
    #[schema(example = "Europe/London")]
    time_zone: String,
    /// The phone system's endpoints that lead outside, at most 50.
    #[serde(default)]
    trunks: Vec<String>,
    /// Report calls between extensions, too.
    #[serde(default)]
    include_internal: bool,
    /// Where the AMI is; for `ami` only.
    #[serde(default)]
    ami_address: String,
    /// How requests become events; for `http` only. At most 16 KiB.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    mapping: Option<Box<RawValue>>,
    /// What distinguishes the phone system from others: the ids of its calls derive from it. By default, the connector's id.
    #[serde(default)]
    identity: String,
}

impl CreateConnectorRequest {
    /// What the connector should be.
    ///
    /// # Errors
    /// 422 for an unknown phone system, way or country.
    pub fn input(self) -> Result<ConnectorInput, Problem> {
        let form = ConnectorForm {
            name: self.name,
            system: self.system,
            way: self.way,
            country: self.country,
            time_zone: self.time_zone,
            ami_address: self.ami_address,
            mapping: self.mapping.map(|mapping| mapping.get().to_owned()).unwrap_or_default(),
            identity: self.identity,
            include_internal: self.include_internal,
            trunks: String::new(),
        };
        Ok(ConnectorInput { trunks: self.trunks, ..form.input()? })
    }
}

/// Changes to a connector. Omitted fields keep their values. Phone system, way and identity cannot be changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateConnectorRequest {
    name: Option<String>,
    /// An empty text removes it.
    country: Option<String>,
    /// An empty text removes it.
    time_zone: Option<String>,
    trunks: Option<Vec<String>>,
    include_internal: Option<bool>,
    ami_address: Option<String>,
    /// Null removes it.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Object>)]
    mapping: Option<Option<Box<RawValue>>>,
    /// The version that the change is based on: returns 409 if the connector has changed since.
    pub version: Option<u32>,
}

/// Distinguishes null from an absent field.
fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Box<RawValue>>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl UpdateConnectorRequest {
    /// The current settings with the changes applied.
    ///
    /// # Errors
    /// 422 for an unknown country.
    pub fn apply(self, now: ConnectorInput) -> Result<ConnectorInput, Problem> {
        let country = match self.country {
            Some(code) => domain::country::country(&code, "country").map_err(Error::from)?,
            None => now.country,
        };
        let mapping = self.mapping.map(|mapping| mapping.map(|mapping| mapping.get().to_owned()));
        Ok(ConnectorInput {
            name: self.name.unwrap_or(now.name),
            country,
            time_zone: self.time_zone.map_or(now.time_zone, |zone| Some(zone).filter(|zone| !zone.is_empty())),
            trunks: self.trunks.unwrap_or(now.trunks),
            include_internal: self.include_internal.unwrap_or(now.include_internal),
            ami_address: self.ami_address.or(now.ami_address),
            mapping: mapping.unwrap_or(now.mapping),
            ..now
        })
    }
}

/// A connector, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectorJson {
    /// Id.
    #[schema(example = "con_01kb4qz1a2b3c4d5e6f7g8h9jk")]
    id: String,
    /// The account that it belongs to; null for a connector of the platform, whose calls are routed by number.
    account: Option<String>,
    /// Name.
    name: String,
    /// The phone system.
    #[schema(value_type = String)]
    system: &'static str,
    /// How it is connected.
    #[schema(value_type = String)]
    way: &'static str,
    /// Where national numbers are dialled.
    country: Option<String>,
    /// What its times without a zone mean.
    time_zone: Option<String>,
    /// The phone system's endpoints that lead outside.
    trunks: Vec<String>,
    /// Whether calls between extensions are reported.
    include_internal: bool,
    /// Where the AMI is.
    ami_address: Option<String>,
    /// How requests become events.
    #[schema(value_type = Option<Object>)]
    mapping: Option<Box<RawValue>>,
    /// What distinguishes the phone system from others.
    identity: String,
    /// `waiting` (for the first connection), `connected`, `reconnecting`, `down` (for 5 minutes) or `paused`.
    #[schema(value_type = String)]
    status: &'static str,
    /// Since when it is paused: it must not report events.
    paused_at: Option<String>,
    /// The last four characters of its secret.
    secret_hint: String,
    /// Incremented by each change.
    version: u32,
    /// When it was created.
    created_at: String,
    /// What it last reported.
    state: ConnectorStateJson,
}

/// What a connector last reported about itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectorStateJson {
    /// When it reported; null if it never did.
    reported_at: Option<String>,
    /// Since when it is connected to its phone system; null if it is not.
    connected_since: Option<String>,
    /// When it last saw an event of the phone system, or a request.
    last_event_at: Option<String>,
    /// Calls in progress.
    calls_open: u32,
    /// Milliseconds from an event of the phone system to the response here.
    lag_ms: Option<u32>,
    /// The version of the phone system.
    system_version: Option<String>,
    /// What is wrong, as a stable code.
    #[schema(value_type = Option<String>)]
    problem: Option<&'static str>,
    /// What is wrong and what to do, as sentences.
    #[schema(value_type = Option<String>)]
    problem_text: Option<&'static str>,
    /// What is wrong in particular.
    detail: Option<String>,
    /// Endpoints of the phone system that had calls: choose the trunks among them.
    seen: Vec<String>,
}

impl ConnectorJson {
    /// A connector at this time.
    #[must_use]
    pub fn new(connector: Connector, now: UnixMs) -> Self {
        let status = connector.status(now).as_str();
        let Connector { owner, state, .. } = connector;
        Self {
            account: if let ConnectorOwner::Account(account) = owner { Some(account.into()) } else { None },
            status,
            id: connector.id.into(),
            name: connector.name,
            system: connector.system.as_str(),
            way: connector.way.as_str(),
            country: connector.country.map(String::from),
            time_zone: connector.time_zone,
            trunks: connector.trunks,
            include_internal: connector.include_internal,
            ami_address: connector.ami_address,
            mapping: connector.mapping.and_then(|json| RawValue::from_string(json).ok()),
            identity: connector.identity,
            paused_at: connector.paused_at.map(iso_utc),
            secret_hint: connector.secret_hint,
            version: connector.version,
            created_at: iso_utc(connector.created_at),
            state: ConnectorStateJson {
                reported_at: state.reported_at.map(iso_utc),
                connected_since: state.connected_since.map(iso_utc),
                last_event_at: state.last_event_at.map(iso_utc),
                calls_open: state.calls_open,
                lag_ms: state.lag_ms,
                system_version: state.system_version,
                problem: state.problem.map(ConnectorProblem::as_str),
                problem_text: state.problem.map(ConnectorProblem::label),
                detail: state.detail,
                seen: state.seen,
            },
        }
    }
}

/// A connector with its secret, which is shown only once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectorWithSecretJson {
    /// The connector.
    #[serde(flatten)]
    connector: ConnectorJson,
    /// Its secret: for the phone system's configuration, and for `ari` and `http` what it sends to this server.
    secret: String,
}

impl ConnectorWithSecretJson {
    /// A connector at this time.
    #[must_use]
    pub fn new(created: ConnectorWithSecret, now: UnixMs) -> Self {
        Self { connector: ConnectorJson::new(created.connector, now), secret: created.secret }
    }
}
