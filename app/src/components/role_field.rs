//! A field to choose a role, in an account or among the provider's staff, with a description of each.

use domain::account::{Role, StaffRole};
use domain::member::TeamRole;
use leptos::prelude::*;

use crate::flash::Flash;

/// The display name of a role.
#[must_use]
pub const fn role_name(role: TeamRole) -> &'static str {
    match role {
        TeamRole::Account(Role::Viewer) => "Viewer",
        TeamRole::Account(Role::Developer) => "Developer",
        TeamRole::Account(Role::Admin) => "Admin",
        TeamRole::Staff(StaffRole::Support) => "Support",
        TeamRole::Staff(StaffRole::Operator) => "Operator",
    }
}

/// What a role can do, in one sentence.
const fn description(role: TeamRole) -> &'static str {
    match role {
        TeamRole::Account(Role::Viewer) => "Can view everything except credentials. Can't make changes.",
        TeamRole::Account(Role::Developer) => {
            "Can view everything including credentials, set up endpoints, send tests, and resend events."
        }
        TeamRole::Account(Role::Admin) => {
            "Can do everything a developer can, rotate credentials, and manage API tokens, members and settings."
        }
        TeamRole::Staff(StaffRole::Support) => {
            "Can view any account in a support session with a reason and a ticket. The account's audit log shows it."
        }
        TeamRole::Staff(StaffRole::Operator) => {
            "Can create, limit and suspend accounts, and manage platform tokens, staff and policies."
        }
    }
}

/// Radio buttons, submitted as `form[role]`.
#[component]
pub fn RoleField(
    /// The selected role, unless there is rejected input.
    chosen: TeamRole,
) -> impl IntoView {
    let flash = use_context::<Flash>().unwrap_or_default();
    let posted = flash.value("role").and_then(|name| TeamRole::parse(chosen.kind(), name));
    let chosen = posted.unwrap_or(chosen);
    let choices = TeamRole::all(chosen.kind()).into_iter().enumerate().map(|(at, role)| {
        // The first one has the group's own id, so that the error summary can link to it.
        let id = if at == 0 { "role".to_owned() } else { format!("role-{}", role.as_str()) };
        let described_by = format!("role-{}-description", role.as_str());
        view! {
            <div class="grid grid-cols-[auto_1fr] items-baseline gap-x-3">
                <input class="size-5 translate-y-1 accent-ink" type="radio" id=id.clone() name="form[role]"
                    value=role.as_str() checked=role == chosen aria-describedby=described_by.clone()/>
                <label class="font-semibold" for=id>{role_name(role)}</label>
                <span class="col-start-2 text-table text-ink-2" id=described_by>{description(role)}</span>
            </div>
        }
    });
    view! {
        <fieldset class="grid gap-2">
            <legend class="mb-1 font-semibold">"Role"</legend>
            {choices.collect_view()}
        </fieldset>
    }
}

/// The line of an invitation that names the role.
#[component]
pub fn YourRole(
    /// The role.
    role: TeamRole,
) -> impl IntoView {
    view! { <p>"Your role: " <strong>{role_name(role)}</strong> ". " {description(role)}</p> }
}
