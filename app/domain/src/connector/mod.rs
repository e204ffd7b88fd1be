//! Connectors: how phone systems report their calls.
//!
//! A connector belongs to an account, whose phone system it is, or to the platform: then one phone system has the calls of
//! many accounts, and each call is routed to one of them by its number ([`route`]).

mod form;
mod gap;
mod health;
pub mod imports;
mod mapping;
mod port;
mod reporters;
pub mod route;
mod session;
mod system;
mod trunks;

use serde::{Deserialize, Serialize};

pub use self::{
    form::{AMI_ADDRESS_FIELD, ConnectorForm, ConnectorInput, NewConnector},
    gap::{Gap, GapReason},
    health::{ConnectorProblem, ConnectorState, ConnectorStatus, DOWN_MS, REPORT_EVERY_MS, SILENT_MS, StateReport},
    mapping::{DryRun, DryRunField, MappingForm, MappingPreset, Mappings},
    port::{ConnectorDoors, Connectors, InsideConnector, OpenConnector},
    reporters::Reporters,
    session::{BegunSession, LatestSession, Saving, SessionNumber},
    system::{System, Way},
    trunks::{SeenEndpoint, TrunksForm, seen_endpoints},
};
use crate::{
    country::Country,
    id::{AccountId, ConnectorId},
    time::UnixMs,
};

/// Most connectors of one account.
pub const CONNECTORS_MAX: u32 = 50;
/// Most connectors of the platform.
pub const PLATFORM_CONNECTORS_MAX: u32 = 200;
/// Most trunks of a connector.
pub const TRUNKS_MAX: usize = 50;
/// Longest name of a trunk or of an endpoint of the phone system, in characters.
pub const TRUNK_MAX_CHARS: usize = 80;
/// Most endpoints that a connector reports to have seen.
pub const SEEN_MAX: usize = 200;
/// Largest mapping of an HTTP connector, in bytes.
pub const MAPPING_MAX_BYTES: usize = 16 * 1_024;
/// Gaps kept for each connector; older ones are deleted.
pub const GAPS_MAX: u32 = 500;
/// Path of the requests to HTTP connectors; the connector and its secret follow.
pub const REQUESTS_PATH_PREFIX: &str = "/in/";
/// Requests to an HTTP connector that are kept, to try a mapping on.
pub const REQUESTS_KEPT: u32 = 20;
/// How long they are kept, in milliseconds. They have phone numbers that nobody has masked.
pub const REQUESTS_KEPT_MS: i64 = crate::time::HOUR_MS;
/// Most bytes that are kept of a request.
pub const REQUEST_KEPT_BYTES: usize = 16 * 1_024;
/// How long open calls are kept that nothing more is reported of, in milliseconds.
pub const OPEN_CALLS_KEPT_MS: i64 = 7 * crate::time::DAY_MS;
/// Largest snapshot of a connector's open calls, in bytes. It is compressed: 10,000 calls take about one million.
pub const OPEN_CALLS_MAX_BYTES: usize = 8 * 1_024 * 1_024;

/// The first version of Asterisk whose events tell enough, and whose behaviour was recorded.
pub const ASTERISK_MIN: u32 = 16;

/// Whose connector it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectorOwner {
    /// The platform's: it has the calls of many accounts.
    Platform,
    /// An account's own.
    Account(AccountId),
}

impl ConnectorOwner {
    /// The account, if it is one's own.
    #[must_use]
    pub const fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Platform => None,
            Self::Account(account) => Some(account),
        }
    }
}

/// A connector, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connector {
    /// Id.
    pub id: ConnectorId,
    /// Whose it is.
    pub owner: ConnectorOwner,
    /// Display name.
    pub name: String,
    /// The phone system.
    pub system: System,
    /// How it is connected.
    pub way: Way,
    /// Where national numbers are dialled.
    pub country: Option<Country>,
    /// What its times without a zone mean: a name of the IANA database.
    pub time_zone: Option<String>,
    /// The phone system's endpoints that lead outside.
    pub trunks: Vec<String>,
    /// Whether calls between extensions are reported, too.
    pub include_internal: bool,
    /// Where the phone system's AMI is, as `host:port`; for [`Way::Ami`] only.
    pub ami_address: Option<String>,
    /// How requests become events, as a JSON object; for [`Way::Http`] only. Crate `connect` defines it.
    pub mapping: Option<String>,
    /// How its last call record file was read, as a JSON object. Crate `connect` defines it.
    pub records: Option<String>,
    /// What distinguishes this phone system from others. The ids of its calls derive from it, so it never changes: two
    /// connectors for one phone system that share it report each event once.
    pub identity: String,
    /// Since when it is paused: it reports no events.
    pub paused_at: Option<UnixMs>,
    /// The last four characters of its secret.
    pub secret_hint: String,
    /// Version, incremented by each change of its settings.
    pub version: u32,
    /// When it was created.
    pub created_at: UnixMs,
    /// What it last reported.
    pub state: ConnectorState,
}

impl Connector {
    /// How it is at this time.
    #[must_use]
    pub fn status(&self, now: UnixMs) -> ConnectorStatus {
        if self.paused_at.is_some() {
            return ConnectorStatus::Paused;
        }
        self.state.status(self.system, self.way, now)
    }
}

/// A connector with the secret that it was just given. It is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectorWithSecret {
    /// The connector.
    pub connector: Connector,
    /// Its secret.
    pub secret: String,
}

/// A request that an HTTP connector received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawRequest {
    /// When it arrived.
    pub received_at: UnixMs,
    /// `GET` or `POST`.
    pub method: String,
    /// Its query string.
    pub query: String,
    /// Its content type.
    pub content_type: String,
    /// The first [`REQUEST_KEPT_BYTES`] of its body.
    pub body: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connector for tests of this module's parts.
    pub(super) fn connector() -> Connector {
        Connector {
            id: ConnectorId::new(UnixMs(0), 1),
            owner: ConnectorOwner::Platform,
            name: "pbx-leeds".into(),
            system: System::Asterisk,
            way: Way::Beside,
            country: None,
            time_zone: None,
            trunks: Vec::new(),
            include_internal: false,
            ami_address: None,
            mapping: None,
            records: None,
            identity: "pbx-leeds".into(),
            paused_at: None,
            secret_hint: "3fA9".into(),
            version: 1,
            created_at: UnixMs(0),
            state: ConnectorState::default(),
        }
    }

    #[test]
    fn a_paused_connector_is_paused_whatever_it_reports() {
        let connector = connector();
        assert_eq!(connector.status(UnixMs(1)), ConnectorStatus::Waiting);
        let paused = Connector { paused_at: Some(UnixMs(1)), ..connector };
        assert_eq!(paused.status(UnixMs(1)), ConnectorStatus::Paused);
    }
}
