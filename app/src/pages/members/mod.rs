//! Members of an account, the provider's staff, and pending invitations. For admins and operators.

mod change;
mod invite;
mod list;
mod remove;

use leptos::prelude::*;

pub use self::{
    change::{ChangeStaffPage, MemberPage},
    invite::{InvitePage, InviteStaffPage},
    list::{MembersPage, StaffPage},
    remove::{RemoveMemberPage, RemoveStaffPage},
};
use crate::components::button::LinkButton;
use crate::links::TeamPages;

/// Which account a form is about; nothing for the staff.
fn account_field(team: &TeamPages) -> impl IntoView + use<> {
    match team {
        TeamPages::Account(acct) => {
            let acct = acct.clone();
            Some(view! { <input type="hidden" name="acct" value=acct/> })
        }
        TeamPages::Staff => None,
    }
}

/// Shown to users who open the page of their own role.
fn own_role(team: &TeamPages) -> impl IntoView + use<> {
    let (words, back) = match team {
        TeamPages::Account(_) => ("You can’t change your own role. Ask another admin to change it.", "Back to members"),
        TeamPages::Staff => ("You can’t change your own role. Ask another operator to change it.", "Back to staff"),
    };
    view! {
        <p class="max-w-column">{words}</p>
        <p><LinkButton href=team.list()>{back}</LinkButton></p>
    }
}
