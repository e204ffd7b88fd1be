//! Live: the page keeps itself up to date without ever moving under the pointer.
//!
//! A tick of the account's feed says only that something changed. The island then fetches the page's own address
//! again, so that every filter is applied by the server, and takes the new list out of the answer. Rows that are
//! already shown change in place. New rows come in at the top while nobody is pointing at the list, reading
//! further down or selecting in it; else they wait behind "14 new · show".

use std::cell::RefCell;

use leptos::prelude::*;

use super::feed::Feed;

thread_local! {
    /// The page's connection. It belongs to the browser's one thread; in a stored value it would belong to the page
    /// on the server, too, where a page may be dropped by another thread than the one that made it, and panic.
    static RUNNING: RefCell<Option<Feed>> = const { RefCell::new(None) };
}

/// Does something with the connection, once there is one.
fn with_feed(act: fn(&Feed)) {
    RUNNING.with_borrow(|feed| feed.iter().for_each(act));
}

/// What the island says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LiveState {
    /// New rows that wait to be shown.
    pub(super) waiting: u32,
    /// Whether what waits is a whole new content, not rows of a list.
    pub(super) whole: bool,
    /// When the page was last true, while the connection is lost.
    pub(super) lost: Option<String>,
    /// Whether the person has stopped it.
    pub(super) paused: bool,
    /// Whether nothing more will come.
    pub(super) ended: bool,
}

impl LiveState {
    fn words(&self) -> String {
        match &self.lost {
            Some(at) if !self.paused => format!("Reconnecting… last update {at}"),
            _ => String::new(),
        }
    }

    fn waiting_words(&self) -> String {
        if self.whole { "Changed · show".to_owned() } else { format!("{} new · show", self.waiting) }
    }
}

/// The switch for live updates, with what it says while it works.
#[island]
pub fn Live(
    /// Address of the account's feed.
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
            <span role="status" class="text-meta text-retrying">{move || state.read().words()}</span>
            <button type="button" class=format!("{button} font-semibold") hidden=move || state.read().waiting == 0 on:click=show>
                {move || state.read().waiting_words()}
            </button>
            <button
                type="button"
                class=button
                aria-pressed=move || (!state.read().paused).to_string()
                hidden=move || state.read().ended
                on:click=toggle
            >
                <span aria-hidden="true" class=move || lamp(&state.read())></span>
                "Live"
            </button>
        </div>
    }
}

fn lamp(state: &LiveState) -> &'static str {
    if state.paused {
        "size-2.5 border border-control"
    } else if state.lost.is_some() {
        "size-2.5 border border-retrying bg-retrying-soft"
    } else {
        "size-2.5 border border-ink bg-lamp"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_has_it_may_be_dropped_by_another_thread() {
        let owner = Owner::new();
        let html = owner.with(|| view! { <Live feed="/feed".to_owned()/> }.to_html());
        assert!(html.contains("Live"));
        assert!(std::thread::spawn(move || drop(owner)).join().is_ok());
    }
}
