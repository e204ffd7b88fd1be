//! The banner of a suspended account: why, what it means, and who to contact.

use domain::account::Account;
use leptos::prelude::*;

use super::render_context::RenderContext;

/// The banner; nothing if the account is not suspended.
#[component]
pub fn SuspendedBand(
    /// The account.
    account: Account,
    /// Support contact; empty if the operator has not set one.
    contact: String,
    /// The reader's clock.
    view: RenderContext,
) -> impl IntoView {
    let suspension = account.suspended?;
    let since = view.zone.short(suspension.since);
    let ask = if contact.is_empty() {
        "Contact your provider.".to_owned()
    } else {
        format!("Contact your provider: {contact}")
    };
    Some(view! {
        <section aria-label="Account suspended" class="border-b border-line bg-held-soft">
            <div class="mx-auto max-w-page border-l-4 border-held-fill px-4 py-2 wrap-anywhere">
                <p class="font-bold">{format!("{} has been suspended since {since}: {}", account.name, suspension.reason)}</p>
                <p class="text-table text-ink-2">
                    "Events are still accepted and held. Nothing is sent, nothing here can be changed, and API tokens are rejected. " {ask}
                </p>
            </div>
        </section>
    })
}
