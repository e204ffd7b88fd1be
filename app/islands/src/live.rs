//! Live updates that never move content under the pointer.
//!
//! A tick of the account's feed only signals that something changed. The island then fetches the current URL again, so
//! that the server applies all filters, and takes the new list from the response. Rows already shown are updated in
//! place. New rows appear at the top unless the user is pointing at the list, has scrolled down or is selecting text;
//! then they wait behind "Show 14 new".

use std::cell::RefCell;

use leptos::prelude::*;

use crate::{feed::Feed, live_state::LiveState};

thread_local! {
    /// The page's feed. In a stored value it would also exist on the server, where another thread than the one that
    /// created a page may drop it, which panics.
    static RUNNING: RefCell<Option<Feed>> = const { RefCell::new(None) };
}

/// Runs `act` on the feed, once there is one.
fn with_feed(act: fn(&Feed)) {
    RUNNING.with_borrow(|feed| feed.iter().for_each(act));
}

/// The switch for live updates, with its status.
#[island]
pub fn Live(
    /// URL of the account's feed.
    feed: String,
) -> impl IntoView {
    let state = RwSignal::new(LiveState::default());
    Effect::new(move |_| RUNNING.set(Some(Feed::start(feed.clone(), state))));
    let show = move |_| with_feed(Feed::show);
    let toggle = move |_| {
        state.update(|state| state.paused = !state.paused);
        with_feed(Feed::tick);
    };
    let button = "inline-flex items-center gap-2 min-h-9 px-3 rounded-s border border-control bg-surface text-table hover:bg-sunk";
    view! {
        <div class="hidden in-data-islands:flex flex-wrap items-center justify-end gap-2">
            <span role="status" class="text-meta text-retrying">{move || state.read().connection_text()}</span>
            <button type="button" class=format!("{button} font-semibold") hidden=move || state.read().waiting == 0 on:click=show>
                {move || state.read().waiting_text()}
            </button>
            <button
                type="button"
                class=button
                aria-pressed=move || (!state.read().paused).to_string()
                hidden=move || state.read().ended
                on:click=toggle
            >
                <span aria-hidden="true" class=move || indicator(&state.read())></span>
                "Live"
            </button>
        </div>
    }
}

fn indicator(state: &LiveState) -> &'static str {
    if state.paused {
        "size-2.5 border border-control"
    } else if state.lost.is_some() {
        "size-2.5 border border-retrying bg-retrying-soft"
    } else {
        "size-2.5 border border-ink bg-highlight"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_live_updates_can_be_dropped_by_another_thread() {
        let owner = Owner::new();
        let html = owner.with(|| view! { <Live feed="/feed".to_owned()/> }.to_html());
        assert!(html.contains("Live"));
        assert!(std::thread::spawn(move || drop(owner)).join().is_ok());
    }
}
