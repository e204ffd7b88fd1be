//! Inviting a member by email.

use domain::account::{Role, StaffRole};
use domain::actor::Permission;
use domain::member::TeamRole;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::account_field;
use crate::api::members::{InviteMember, InviteStaff};
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
        Ok(invite(&TeamPages::Account(place.acct)))
    })
}

/// `/ops/staff/invite`
#[component]
pub fn InviteStaffPage() -> impl IntoView {
    ops_page(async |_, _| Ok(invite(&TeamPages::Staff)))
}

fn invite(team: &TeamPages) -> Html {
    let (title, action, role) = match team {
        TeamPages::Account(_) => ("Invite member", InviteMember::PATH, TeamRole::Account(Role::Developer)),
        TeamPages::Staff => ("Invite staff", InviteStaff::PATH, TeamRole::Staff(StaffRole::Support)),
    };
    view! {
        <Heading title=title lead="We’ll email a single-use link, valid for 7 days."/>
        <form class="grid max-w-column gap-6" method="post" action=action>
            {account_field(team)}
            <Field name="email" label="Email" kind="email" required=true first=true
                hint="Only someone with this email address can accept the invitation."/>
            <RoleField chosen=role/>
            <div class="flex flex-wrap gap-3">
                <Button weight=Weight::Primary>"Send invitation"</Button>
                <LinkButton href=team.list()>"Cancel"</LinkButton>
            </div>
        </form>
    }
    .into_html()
}
