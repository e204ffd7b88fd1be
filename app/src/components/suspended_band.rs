//! What every page of a suspended account says on top: why, what that means, and whom to ask.

use domain::account::Account;
use leptos::prelude::*;

use super::render_context::RenderContext;

/// The band; nothing for an account that is not suspended.
#[component]
pub fn SuspendedBand(
    /// The account.
    account: Account,
    /// Whom its people ask; empty where the operator has not said.
    contact: String,
    /// Whose clock.
    view: RenderContext,
) -> impl IntoView {
    let suspension = account.suspended?;
    let since = view.zone.short(suspension.since);
    let ask =
        if contact.is_empty() { "Ask your provider.".to_owned() } else { format!("Ask your provider: {contact}") };
    Some(view! {
        <section aria-label="Account suspended" class="border-b border-line bg-held-soft">
            <div class="mx-auto max-w-page border-l-4 border-held-fill px-4 py-2 wrap-anywhere">
                <p class="font-bold">{format!("{} is suspended since {since}: {}", account.name, suspension.reason)}</p>
                <p class="text-table text-ink-2">
                    "Events are still taken in and wait. Nothing is sent, and nothing here can be changed. API tokens are refused. " {ask}
                </p>
            </div>
        </section>
    })
}
