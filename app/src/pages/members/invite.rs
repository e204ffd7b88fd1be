//! Inviting a member by email.

use domain::account::{Role, StaffRole};
use domain::actor::Permission;
use domain::member::TeamRole;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::account_field;
use crate::api::members::{InviteMember, InviteStaff, mail_configured};
use crate::components::button::{Button, LinkButton, Weight};
use crate::components::field::Field;
use crate::components::heading::Heading;
use crate::components::role_field::RoleField;
use crate::components::sidebar::Part;
use crate::html::{Html, IntoHtml};
use crate::links::TeamPages;
use crate::pages::{account_page, ops_page};

/// `/a/:acct/members/invite`
#[component]
pub fn InvitePage() -> impl IntoView {
    account_page(Part::Members, async |place, frame| {
        frame.need(Permission::ManageMembers)?;
        Ok(invite(&TeamPages::Account(place.acct), mail_configured().await?))
    })
}

/// `/ops/staff/invite`
#[component]
pub fn InviteStaffPage() -> impl IntoView {
    ops_page(async |_, _| Ok(invite(&TeamPages::Staff, mail_configured().await?)))
}

fn invite(team: &TeamPages, by_email: bool) -> Html {
    let (lead, send) = if by_email {
        ("We’ll email a single-use link, valid for 7 days.", "Send invitation")
    } else {
        ("No mail server is configured: pass on a single-use link, valid for 7 days.", "Create invitation")
    };
    let (title, action, role) = match team {
        TeamPages::Account(_) => ("Invite member", InviteMember::PATH, TeamRole::Account(Role::Developer)),
        TeamPages::Staff => ("Invite staff", InviteStaff::PATH, TeamRole::Staff(StaffRole::Support)),
    };
    view! {
        <Heading title=title lead=lead/>
        <form class="grid max-w-column gap-6" method="post" action=action>
            {account_field(team)}
            <Field name="email" label="Email" kind="email" required=true first=true
                hint="Only someone with this email address can accept the invitation."/>
            <RoleField chosen=role/>
            <div class="flex flex-wrap gap-3">
                <Button weight=Weight::Primary>{send}</Button>
                <LinkButton href=team.list()>"Cancel"</LinkButton>
            </div>
        </form>
    }
    .into_html()
}
