//! The banner shown while the provider's support views an account.

use domain::support::SupportSession;
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::api::support::EndSupport;
use crate::zone::Zone;

/// The account, the ticket, the end of the session, and the button to end it now.
#[component]
pub fn SupportBand(
    /// The session.
    session: SupportSession,
    /// The reader's time zone.
    zone: Zone,
) -> impl IntoView {
    let ends: String = zone.clock(session.ends_at).chars().take("14:32".len()).collect();
    let text =
        format!("Support view of {} · ticket {} · ends {ends} · read-only", session.account_name, session.ticket);
    view! {
        <section aria-label="Support session" class="support-band flex min-h-8 flex-wrap items-center justify-between gap-x-4 px-2 pt-1">
            <p class="min-w-0 bg-surface px-2 text-table font-semibold wrap-anywhere text-ink">{text}</p>
            <form method="post" action=EndSupport::PATH>
                <input type="hidden" name="session" value=session.id.to_string()/>
                <button type="submit" class="min-h-7 bg-surface px-3 text-table font-semibold text-ink underline hover:bg-sunk pointer-coarse:min-h-11">
                    "End session"
                </button>
            </form>
        </section>
    }
}
