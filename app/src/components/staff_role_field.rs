//! The choice of a role in the provider's staff, each with what it means.

use domain::account::StaffRole;
use leptos::prelude::*;

use crate::flash::Flash;

/// Radio buttons, posted as `form[role]`.
#[component]
pub fn StaffRoleField(
    /// The role that is chosen unless another one was posted before.
    chosen: StaffRole,
) -> impl IntoView {
    let flash = use_context::<Flash>().unwrap_or_default();
    let chosen = flash.value("role").and_then(StaffRole::parse).unwrap_or(chosen);
    let choices = [StaffRole::Support, StaffRole::Operator].into_iter().enumerate().map(|(at, role)| {
        // The first has the group's own id: that is where a complaint's link leads.
        let id = if at == 0 { "role".to_owned() } else { format!("role-{}", role.as_str()) };
        let meaning = format!("role-{}-meaning", role.as_str());
        view! {
            <div class="grid grid-cols-[auto_1fr] items-baseline gap-x-3">
                <input class="size-5 translate-y-1 accent-ink" type="radio" id=id.clone() name="form[role]"
                    value=role.as_str() checked=role == chosen aria-describedby=meaning.clone()/>
                <label class="font-semibold" for=id>{name(role)}</label>
                <span class="col-start-2 text-table text-ink-2" id=meaning>{meant(role)}</span>
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

/// A role as a word of its own.
#[must_use]
pub const fn name(role: StaffRole) -> &'static str {
    match role {
        StaffRole::Support => "Support",
        StaffRole::Operator => "Operator",
    }
}

/// What somebody with this role does.
#[must_use]
pub const fn meant(role: StaffRole) -> &'static str {
    match role {
        StaffRole::Support => "Reads any account in a session with reason and ticket, on that account’s own record.",
        StaffRole::Operator => {
            "Opens, limits and suspends accounts, and looks after platform tokens, staff and policies."
        }
    }
}
