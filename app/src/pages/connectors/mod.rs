//! Connectors, of an account and of the platform. Both have the same pages; [`Area`] is what differs.

pub mod connect;
pub mod delete;
pub mod edit;
mod fields;
mod gaps;
pub mod list;
pub mod mapping;
pub mod new;
mod paste;
pub mod records;
pub mod rotate;
pub mod show;
mod state;
pub mod test_call;
pub mod trunks;

use domain::{
    actor::Permission,
    connector::{Connector, System, Way},
};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::{
    api::{
        connectors::{
            CancelImport, CreateConnector, RefreshSetup, SaveMapping, SaveTrunks, StartImport, TurnConnector,
            UpdateConnector,
        },
        ops_connectors::{
            CancelPlatformImport, CreatePlatformConnector, RefreshPlatformSetup, SavePlatformMapping,
            SavePlatformTrunks, StartPlatformImport, TurnPlatformConnector, UpdatePlatformConnector,
        },
    },
    components::{render_context::RenderContext, steps::Step},
    error::UiError,
    flash::Flash,
    links::ConnectorPages,
    visit::{Frame, Visit},
};

/// Whose connectors a page shows, and to whom.
#[derive(Debug, Clone)]
pub struct Area {
    /// Their pages.
    pub pages: ConnectorPages,
    /// Account and time zone.
    pub view: RenderContext,
    /// The result of the previous form.
    pub flash: Flash,
    /// Whether the user manages them.
    pub manages: bool,
    /// Address of the live feed; none in a support session.
    pub feed: Option<String>,
}

impl Area {
    /// The connectors of an account.
    #[must_use]
    pub fn account(frame: &Frame) -> Self {
        let view = RenderContext::from(frame);
        let feed = frame.support.is_none().then(|| view.path("deliveries/live"));
        Self {
            pages: ConnectorPages::Account(frame.acct().to_owned()),
            flash: frame.visit.flash.clone(),
            manages: frame.may(Permission::ManageConnectors),
            feed,
            view,
        }
    }

    /// The connectors of the platform.
    #[must_use]
    pub fn platform(visit: &Visit) -> Self {
        Self {
            pages: ConnectorPages::Platform,
            view: RenderContext::from(visit),
            flash: visit.flash.clone(),
            manages: true,
            feed: Some(format!("{}/live", crate::links::OPS_CONNECTORS)),
        }
    }

    /// Refuses a page whose form could not be submitted.
    ///
    /// # Errors
    /// `Forbidden`, naming the roles that may.
    fn need_manager(&self) -> Result<(), UiError> {
        match use_context::<Frame>() {
            Some(frame) => frame.need(Permission::ManageConnectors),
            None => Ok(()),
        }
    }

    const fn is_platform(&self) -> bool {
        matches!(self.pages, ConnectorPages::Platform)
    }

    /// A page of this connector.
    fn page(&self, connector: &Connector, rest: &str) -> String {
        self.pages.page(connector.id.as_str(), rest)
    }

    /// Where its forms are posted to.
    const fn actions(&self) -> Actions {
        match self.pages {
            ConnectorPages::Account(_) => Actions {
                create: CreateConnector::PATH,
                update: UpdateConnector::PATH,
                trunks: SaveTrunks::PATH,
                turn: TurnConnector::PATH,
                refresh: RefreshSetup::PATH,
                mapping: SaveMapping::PATH,
                start_import: StartImport::PATH,
                cancel_import: CancelImport::PATH,
            },
            ConnectorPages::Platform => Actions {
                create: CreatePlatformConnector::PATH,
                update: UpdatePlatformConnector::PATH,
                trunks: SavePlatformTrunks::PATH,
                turn: TurnPlatformConnector::PATH,
                refresh: RefreshPlatformSetup::PATH,
                mapping: SavePlatformMapping::PATH,
                start_import: StartPlatformImport::PATH,
                cancel_import: CancelPlatformImport::PATH,
            },
        }
    }

    /// The hidden field that names the account in a form.
    fn owner_field(&self) -> Option<impl IntoView + use<>> {
        match &self.pages {
            ConnectorPages::Account(acct) => {
                let acct = acct.clone();
                Some(view! { <input type="hidden" name="acct" value=acct/> })
            }
            ConnectorPages::Platform => None,
        }
    }

    /// The hidden fields that name a connector in a form.
    fn fields(&self, connector: &Connector) -> impl IntoView + use<> {
        view! {
            {self.owner_field()}
            <input type="hidden" name="con" value=connector.id.to_string()/>
        }
    }
}

/// Paths of server functions.
struct Actions {
    create: &'static str,
    update: &'static str,
    trunks: &'static str,
    turn: &'static str,
    refresh: &'static str,
    mapping: &'static str,
    start_import: &'static str,
    cancel_import: &'static str,
}

/// The steps of setting up a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SetUp {
    System,
    Connect,
    Trunks,
    TestCall,
}

/// Whether calls are distinguished by the trunks they use.
fn has_trunks(connector: &Connector) -> bool {
    match connector.way {
        Way::Files => connector.system == System::Asterisk,
        way => way.is_connected(connector.system),
    }
}

/// The steps for this connector, and the index of the current one.
fn steps(area: &Area, connector: &Connector, here: SetUp) -> (Vec<Step>, usize) {
    let state = &connector.state;
    let connected = state.connected_at.is_some() || state.last_event_at.is_some();
    let first = if connector.way == Way::Http { "First request" } else { "First connection" };
    let page = |rest| Some(area.page(connector, rest));
    let mut steps = vec![
        (SetUp::System, Step { label: "Phone system", href: None, done: true }),
        (SetUp::Connect, Step { label: first, href: page("connect"), done: connected }),
    ];
    if has_trunks(connector) {
        let done = !connector.trunks.is_empty();
        steps.push((SetUp::Trunks, Step { label: "Trunks", href: page("trunks"), done }));
    }
    // A call that only showed the endpoints was not reported.
    let done = state.last_event_at.is_some() && (!has_trunks(connector) || !connector.trunks.is_empty());
    steps.push((SetUp::TestCall, Step { label: "Test call", href: page("test-call"), done }));
    let at = steps.iter().position(|(step, _)| *step == here).unwrap_or_default();
    (steps.into_iter().map(|(_, step)| step).collect(), at)
}
