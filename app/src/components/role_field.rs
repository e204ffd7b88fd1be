//! A field to choose a role, in an account or among the provider's staff, with a description of each.

use domain::account::{Role, StaffRole};
use leptos::prelude::*;

use crate::flash::Flash;

/// How a role is described to users.
pub trait RoleText: Copy + PartialEq + 'static {
    /// All roles of this kind, least privileged first.
    const CHOICES: &'static [Self];

    /// The value in a form.
    fn value(self) -> &'static str;

    /// The display name.
    fn name(self) -> &'static str;

    /// What the role can do, in one sentence.
    fn description(self) -> &'static str;
}

impl RoleText for Role {
    const CHOICES: &'static [Self] = &Self::ALL;

    fn value(self) -> &'static str {
        self.as_str()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Viewer => "Viewer",
            Self::Developer => "Developer",
            Self::Admin => "Admin",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Viewer => "Can view everything except credentials. Can't make changes.",
            Self::Developer => {
                "Can view everything including credentials, set up endpoints, send tests, and resend events."
            }
            Self::Admin => {
                "Can do everything a developer can, rotate credentials, and manage API tokens, members and settings."
            }
        }
    }
}

impl RoleText for StaffRole {
    const CHOICES: &'static [Self] = &Self::ALL;

    fn value(self) -> &'static str {
        self.as_str()
    }

    fn name(self) -> &'static str {
        match self {
            Self::Support => "Support",
            Self::Operator => "Operator",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Support => {
                "Can view any account in a support session with a reason and a ticket. The account's audit log shows it."
            }
            Self::Operator => "Can create, limit and suspend accounts, and manage platform tokens, staff and policies.",
        }
    }
}

/// Radio buttons, submitted as `form[role]`.
#[component]
pub fn RoleField<R: RoleText>(
    /// The selected role, unless there is rejected input.
    chosen: R,
) -> impl IntoView {
    let flash = use_context::<Flash>().unwrap_or_default();
    let posted = flash.value("role").and_then(|value| R::CHOICES.iter().copied().find(|role| role.value() == value));
    let chosen = posted.unwrap_or(chosen);
    let choices = R::CHOICES.iter().enumerate().map(|(at, &role)| {
        // The first one has the group's own id, so that the error summary can link to it.
        let id = if at == 0 { "role".to_owned() } else { format!("role-{}", role.value()) };
        let description = format!("role-{}-description", role.value());
        view! {
            <div class="grid grid-cols-[auto_1fr] items-baseline gap-x-3">
                <input class="size-5 translate-y-1 accent-ink" type="radio" id=id.clone() name="form[role]"
                    value=role.value() checked=role == chosen aria-describedby=description.clone()/>
                <label class="font-semibold" for=id>{role.name()}</label>
                <span class="col-start-2 text-table text-ink-2" id=description>{role.description()}</span>
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
pub fn YourRole<R: RoleText>(
    /// The role.
    role: R,
) -> impl IntoView {
    view! { <p>"Your role: " <strong>{role.name()}</strong> ". " {role.description()}</p> }
}
