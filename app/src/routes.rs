//! Every page route on one screen.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::any_nested_route::{AnyNestedRoute, IntoAnyNestedRoute};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::pages::audit::AuditPage;
use crate::pages::connectors::{
    connect::{ConnectPage, PlatformConnectPage},
    delete::{DeleteConnectorPage, DeletePlatformConnectorPage},
    edit::{EditConnectorPage, EditPlatformConnectorPage},
    list::{ConnectorsPage, PlatformConnectorsPage},
    mapping::{MappingPage, PlatformMappingPage},
    new::{NewConnectorPage, NewPlatformConnectorPage},
    records::{
        PlatformRecordsPage, RecordsPage,
        show::{ImportPage, PlatformImportPage},
    },
    rotate::{RotateConnectorPage, RotatePlatformConnectorPage},
    show::{ConnectorPage, PlatformConnectorPage},
    test_call::{PlatformTestCallPage, TestCallPage},
    trunks::{PlatformTrunksPage, TrunksPage},
};
use crate::pages::deliveries::{
    bulk::BulkPage, cancel::CancelPage, detail::DeliveryPage, list::DeliveriesPage, resend::ResendPage,
};
use crate::pages::endpoints::{
    delete::DeleteEndpointPage, edit::EditEndpointPage, list::EndpointsPage, new::NewEndpointPage,
    rotate_all::RotateAllPage, rotation::CredentialsPage, show::EndpointPage, test::TestPage,
};
use crate::pages::events::{call::CallPage, calls::CallsPage, detail::EventPage, list::EventsPage};
use crate::pages::help::{
    ApiPage, CausePage, CausesPage, ConnectAsteriskPage, ConnectFreeSwitchPage, ConnectHttpPage, ConnectKamailioPage,
    ConnectRecordsPage, HelpPage, RetriesPage, SettingUpPage, VerifyPage,
};
use crate::pages::members::{
    ChangeStaffPage, InvitePage, InviteStaffPage, MemberPage, MembersPage, RemoveMemberPage, RemoveStaffPage, StaffPage,
};
use crate::pages::ops::{
    account::AccountPage,
    accounts::AccountsPage,
    audit::OpsAuditPage,
    connectors::{import::ImportRoutesPage, routes::RoutesPage},
    health::HealthPage,
    new_account::NewAccountPage,
    policies::PoliciesPage,
    suspend::SuspendPage,
    tokens::{NewPlatformTokenPage, PlatformTokenPage, PlatformTokensPage, RevokePlatformTokenPage},
};
use crate::pages::recover::{job::JobPage, jobs::JobsPage, plan::RecoverPage};
use crate::pages::support::{home::SupportHomePage, log::LogPage, start::StartSupportPage};
use crate::pages::tokens::{list::TokensPage, new::NewTokenPage, revoke::RevokeTokenPage, show::TokenPage};
use crate::pages::{
    forgot::ForgotPage,
    home::Home,
    invitation::{InvitationPage, StaffInvitationPage},
    me::Me,
    not_found::NotFound,
    overview::Overview,
    reset::ResetPage,
    second_factor::SecondFactorPage,
    security::SecurityPage,
    settings::SettingsPage,
    sign_in::SignInPage,
    sign_up::{FinishSignUpPage, SignUpPage},
    start::StartPage,
    test_line::TestLinePage,
    verify::VerifySignInPage,
};

/// The application: one route per page. Responses are complete, so that pages work without script.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <Routes fallback=NotFound>
                <PublicRoutes/>
                <HelpRoutes/>
                <AccountRoutes/>
                <ConnectorRoutes/>
                <SupportRoutes/>
                <OpsRoutes/>
                <Route ssr=SsrMode::Async path=path!("/*any") view=NotFound/>
            </Routes>
        </Router>
    }
}

/// Pages that need no account, and those of the person who is signed in.
#[component(transparent)]
fn PublicRoutes() -> AnyNestedRoute {
    let ssr = SsrMode::Async;
    view! {
        <Route ssr=ssr.clone() path=path!("/") view=Home/>
        <Route ssr=ssr.clone() path=path!("/sign-in") view=SignInPage/>
        <Route ssr=ssr.clone() path=path!("/sign-in/verify") view=VerifySignInPage/>
        <Route ssr=ssr.clone() path=path!("/sign-up") view=SignUpPage/>
        <Route ssr=ssr.clone() path=path!("/sign-up/:link") view=FinishSignUpPage/>
        <Route ssr=ssr.clone() path=path!("/invite/:link") view=InvitationPage/>
        <Route ssr=ssr.clone() path=path!("/invite/staff/:link") view=StaffInvitationPage/>
        <Route ssr=ssr.clone() path=path!("/forgot") view=ForgotPage/>
        <Route ssr=ssr.clone() path=path!("/reset/:link") view=ResetPage/>
        <Route ssr=ssr.clone() path=path!("/me") view=Me/>
        <Route ssr=ssr.clone() path=path!("/me/security") view=SecurityPage/>
        <Route ssr=ssr path=path!("/me/security/second-factor") view=SecondFactorPage/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// The guides.
#[component(transparent)]
fn HelpRoutes() -> AnyNestedRoute {
    let ssr = SsrMode::Async;
    view! {
        <Route ssr=ssr.clone() path=path!("/help") view=HelpPage/>
        <Route ssr=ssr.clone() path=path!("/help/setting-up") view=SettingUpPage/>
        <Route ssr=ssr.clone() path=path!("/help/verify") view=VerifyPage/>
        <Route ssr=ssr.clone() path=path!("/help/retries") view=RetriesPage/>
        <Route ssr=ssr.clone() path=path!("/help/causes") view=CausesPage/>
        <Route ssr=ssr.clone() path=path!("/help/causes/:code") view=CausePage/>
        <Route ssr=ssr.clone() path=path!("/help/connect-asterisk") view=ConnectAsteriskPage/>
        <Route ssr=ssr.clone() path=path!("/help/connect-freeswitch") view=ConnectFreeSwitchPage/>
        <Route ssr=ssr.clone() path=path!("/help/connect-http") view=ConnectHttpPage/>
        <Route ssr=ssr.clone() path=path!("/help/connect-records") view=ConnectRecordsPage/>
        <Route ssr=ssr.clone() path=path!("/help/connect-kamailio") view=ConnectKamailioPage/>
        <Route ssr=ssr path=path!("/help/api") view=ApiPage/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// The pages of an account.
#[component(transparent)]
fn AccountRoutes() -> AnyNestedRoute {
    let ssr = SsrMode::Async;
    view! {
        <Route ssr=ssr.clone() path=path!("/a/:acct") view=Overview/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/start") view=StartPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/endpoints") view=EndpointsPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/endpoints/new") view=NewEndpointPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/endpoints/:ep") view=EndpointPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/endpoints/:ep/edit") view=EditEndpointPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/endpoints/:ep/test") view=TestPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/endpoints/:ep/secret") view=CredentialsPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/endpoints/:ep/delete") view=DeleteEndpointPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/endpoints/:ep/recover") view=RecoverPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/rotate") view=RotateAllPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/members") view=MembersPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/members/invite") view=InvitePage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/members/:usr") view=MemberPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/members/:usr/remove") view=RemoveMemberPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/jobs") view=JobsPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/jobs/:job") view=JobPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/tokens") view=TokensPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/tokens/new") view=NewTokenPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/tokens/:tok") view=TokenPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/tokens/:tok/revoke") view=RevokeTokenPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/test-line") view=TestLinePage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/deliveries") view=DeliveriesPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/deliveries/bulk") view=BulkPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/deliveries/:dlv") view=DeliveryPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/deliveries/:dlv/attempts/:n") view=DeliveryPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/deliveries/:dlv/resend") view=ResendPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/deliveries/:dlv/cancel") view=CancelPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/events") view=EventsPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/events/:evt") view=EventPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/calls") view=CallsPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/calls/:call") view=CallPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/audit") view=AuditPage/>
        <Route ssr=ssr path=path!("/a/:acct/settings") view=SettingsPage/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// The connectors of an account, and those of the platform.
#[component(transparent)]
fn ConnectorRoutes() -> AnyNestedRoute {
    let ssr = SsrMode::Async;
    view! {
        <Route ssr=ssr.clone() path=path!("/a/:acct/connectors") view=ConnectorsPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/connectors/new") view=NewConnectorPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/connectors/:con") view=ConnectorPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/connectors/:con/connect") view=ConnectPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/connectors/:con/trunks") view=TrunksPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/connectors/:con/test-call") view=TestCallPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/connectors/:con/mapping") view=MappingPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/connectors/:con/records") view=RecordsPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/connectors/:con/records/:imp") view=ImportPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/connectors/:con/edit") view=EditConnectorPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/connectors/:con/rotate") view=RotateConnectorPage/>
        <Route ssr=ssr.clone() path=path!("/a/:acct/connectors/:con/delete") view=DeleteConnectorPage/>
        <Route ssr=ssr.clone() path=path!("/ops/connectors") view=PlatformConnectorsPage/>
        <Route ssr=ssr.clone() path=path!("/ops/connectors/new") view=NewPlatformConnectorPage/>
        <Route ssr=ssr.clone() path=path!("/ops/connectors/:con") view=PlatformConnectorPage/>
        <Route ssr=ssr.clone() path=path!("/ops/connectors/:con/connect") view=PlatformConnectPage/>
        <Route ssr=ssr.clone() path=path!("/ops/connectors/:con/trunks") view=PlatformTrunksPage/>
        <Route ssr=ssr.clone() path=path!("/ops/connectors/:con/test-call") view=PlatformTestCallPage/>
        <Route ssr=ssr.clone() path=path!("/ops/connectors/:con/mapping") view=PlatformMappingPage/>
        <Route ssr=ssr.clone() path=path!("/ops/connectors/:con/records") view=PlatformRecordsPage/>
        <Route ssr=ssr.clone() path=path!("/ops/connectors/:con/records/:imp") view=PlatformImportPage/>
        <Route ssr=ssr.clone() path=path!("/ops/connectors/:con/edit") view=EditPlatformConnectorPage/>
        <Route ssr=ssr.clone() path=path!("/ops/connectors/:con/rotate") view=RotatePlatformConnectorPage/>
        <Route ssr=ssr.clone() path=path!("/ops/connectors/:con/delete") view=DeletePlatformConnectorPage/>
        <Route ssr=ssr.clone() path=path!("/ops/connectors/:con/routes") view=RoutesPage/>
        <Route ssr=ssr path=path!("/ops/connectors/:con/import") view=ImportRoutesPage/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// The provider's support: its own pages, and the pages of an account in a support session.
#[component(transparent)]
fn SupportRoutes() -> AnyNestedRoute {
    let ssr = SsrMode::Async;
    view! {
        <Route ssr=ssr.clone() path=path!("/support") view=SupportHomePage/>
        <Route ssr=ssr.clone() path=path!("/support/start") view=StartSupportPage/>
        <Route ssr=ssr.clone() path=path!("/support/log") view=LogPage/>
        <Route ssr=ssr.clone() path=path!("/support/a/:acct") view=Overview/>
        <Route ssr=ssr.clone() path=path!("/support/a/:acct/endpoints") view=EndpointsPage/>
        <Route ssr=ssr.clone() path=path!("/support/a/:acct/endpoints/:ep") view=EndpointPage/>
        <Route ssr=ssr.clone() path=path!("/support/a/:acct/connectors") view=ConnectorsPage/>
        <Route ssr=ssr.clone() path=path!("/support/a/:acct/connectors/:con") view=ConnectorPage/>
        <Route ssr=ssr.clone() path=path!("/support/a/:acct/connectors/:con/records") view=RecordsPage/>
        <Route ssr=ssr.clone() path=path!("/support/a/:acct/connectors/:con/records/:imp") view=ImportPage/>
        <Route ssr=ssr.clone() path=path!("/support/a/:acct/deliveries") view=DeliveriesPage/>
        <Route ssr=ssr.clone() path=path!("/support/a/:acct/deliveries/:dlv") view=DeliveryPage/>
        <Route ssr=ssr.clone() path=path!("/support/a/:acct/deliveries/:dlv/attempts/:n") view=DeliveryPage/>
        <Route ssr=ssr.clone() path=path!("/support/a/:acct/events") view=EventsPage/>
        <Route ssr=ssr.clone() path=path!("/support/a/:acct/events/:evt") view=EventPage/>
        <Route ssr=ssr.clone() path=path!("/support/a/:acct/calls") view=CallsPage/>
        <Route ssr=ssr path=path!("/support/a/:acct/calls/:call") view=CallPage/>
    }
    .into_inner()
    .into_any_nested_route()
}

/// The operator's pages.
#[component(transparent)]
fn OpsRoutes() -> AnyNestedRoute {
    let ssr = SsrMode::Async;
    view! {
        <Route ssr=ssr.clone() path=path!("/ops") view=HealthPage/>
        <Route ssr=ssr.clone() path=path!("/ops/accounts") view=AccountsPage/>
        <Route ssr=ssr.clone() path=path!("/ops/accounts/new") view=NewAccountPage/>
        <Route ssr=ssr.clone() path=path!("/ops/accounts/:acct") view=AccountPage/>
        <Route ssr=ssr.clone() path=path!("/ops/accounts/:acct/suspend") view=SuspendPage/>
        <Route ssr=ssr.clone() path=path!("/ops/tokens") view=PlatformTokensPage/>
        <Route ssr=ssr.clone() path=path!("/ops/tokens/new") view=NewPlatformTokenPage/>
        <Route ssr=ssr.clone() path=path!("/ops/tokens/:tok") view=PlatformTokenPage/>
        <Route ssr=ssr.clone() path=path!("/ops/tokens/:tok/revoke") view=RevokePlatformTokenPage/>
        <Route ssr=ssr.clone() path=path!("/ops/staff") view=StaffPage/>
        <Route ssr=ssr.clone() path=path!("/ops/staff/invite") view=InviteStaffPage/>
        <Route ssr=ssr.clone() path=path!("/ops/staff/:usr") view=ChangeStaffPage/>
        <Route ssr=ssr.clone() path=path!("/ops/staff/:usr/remove") view=RemoveStaffPage/>
        <Route ssr=ssr.clone() path=path!("/ops/policies") view=PoliciesPage/>
        <Route ssr=ssr path=path!("/ops/audit") view=OpsAuditPage/>
    }
    .into_inner()
    .into_any_nested_route()
}
