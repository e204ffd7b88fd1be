//! The choice of a role, in an account or in the provider's staff, each with what it means.

use domain::account::{Role, StaffRole};
use leptos::prelude::*;

use crate::flash::Flash;

/// A role in the words of people.
pub trait RoleText: Copy + PartialEq + 'static {
    /// All roles of this kind, least first.
    const CHOICES: &'static [Self];

    /// The value in a form.
    fn value(self) -> &'static str;

    /// The role as a word of its own.
    fn name(self) -> &'static str;

    /// What somebody with this role does.
    fn meant(self) -> &'static str;
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

    fn meant(self) -> &'static str {
        match self {
            Self::Viewer => "Reads everything, sees no credentials, changes nothing.",
            Self::Developer => "Reads everything, sets up endpoints, sends tests, resends, and sees credentials.",
            Self::Admin => {
                "Does what a developer does, rotates credentials, and looks after API tokens, members and settings."
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

    fn meant(self) -> &'static str {
        match self {
            Self::Support => "Reads any account in a session with reason and ticket, on that account’s own record.",
            Self::Operator => {
                "Opens, limits and suspends accounts, and looks after platform tokens, staff and policies."
            }
        }
    }
}

/// Radio buttons, posted as `form[role]`.
#[component]
pub fn RoleField<R: RoleText>(
    /// The role that is chosen unless another one was posted before.
    chosen: R,
) -> impl IntoView {
    let flash = use_context::<Flash>().unwrap_or_default();
    let posted = flash.value("role").and_then(|value| R::CHOICES.iter().copied().find(|role| role.value() == value));
    let chosen = posted.unwrap_or(chosen);
    let choices = R::CHOICES.iter().enumerate().map(|(at, &role)| {
        // The first has the group's own id: that is where a complaint's link leads.
        let id = if at == 0 { "role".to_owned() } else { format!("role-{}", role.value()) };
        let meaning = format!("role-{}-meaning", role.value());
        view! {
            <div class="grid grid-cols-[auto_1fr] items-baseline gap-x-3">
                <input class="size-5 translate-y-1 accent-ink" type="radio" id=id.clone() name="form[role]"
                    value=role.value() checked=role == chosen aria-describedby=meaning.clone()/>
                <label class="font-semibold" for=id>{role.name()}</label>
                <span class="col-start-2 text-table text-ink-2" id=meaning>{role.meant()}</span>
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

/// The line of an invitation that says as what somebody is invited.
#[component]
pub fn YourRole<R: RoleText>(
    /// The role.
    role: R,
) -> impl IntoView {
    view! { <p>"Your role: " <strong>{role.name()}</strong> ". " {role.meant()}</p> }
}
