//! The connection behind the `Live` island: on each tick it fetches the page again and updates the region `#live`.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use leptos::prelude::*;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{Document, Element, EventSource, XmlHttpRequest, XmlHttpRequestResponseType};

use super::{
    live_state::LiveState,
    patch::{self, Patched},
};

/// How long to wait before reconnecting after the server has closed the feed.
const REOPEN_AFTER: Duration = Duration::from_secs(5);

/// An open feed.
#[derive(Clone)]
pub(super) struct Feed(Rc<Inner>);

struct Inner {
    address: String,
    state: RwSignal<LiveState>,
    source: RefCell<Option<EventSource>>,
    fetching: Cell<bool>,
    refetch: Cell<bool>,
    waiting: RefCell<Option<Element>>,
    last: RefCell<String>,
}

impl Feed {
    /// Opens the feed at `address`.
    pub(super) fn start(address: String, state: RwSignal<LiveState>) -> Self {
        let feed = Self(Rc::new(Inner {
            address,
            state,
            source: RefCell::new(None),
            fetching: Cell::new(false),
            refetch: Cell::new(false),
            waiting: RefCell::new(None),
            last: RefCell::new(String::new()),
        }));
        match patch::region(&document()) {
            Some(region) if patch::ended(&region) => feed.end(),
            Some(region) => {
                feed.0.last.replace(patch::moment(&region));
                feed.open();
            }
            None => feed.end(),
        }
        feed
    }

    fn open(&self) {
        let Ok(source) = EventSource::new(&self.0.address) else { return };
        let feed = self.clone();
        let on_change = Closure::<dyn FnMut()>::new(move || feed.tick());
        let _ = source.add_event_listener_with_callback("change", on_change.as_ref().unchecked_ref());
        let feed = self.clone();
        // Changes while the page was loading, or while the connection was lost, have no tick of their own.
        let on_open = Closure::<dyn FnMut()>::new(move || feed.opened());
        source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        let feed = self.clone();
        let on_error = Closure::<dyn FnMut()>::new(move || feed.lost());
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        // The listeners live as long as the page.
        on_change.forget();
        on_open.forget();
        on_error.forget();
        self.0.source.replace(Some(source));
    }

    fn opened(&self) {
        self.0.state.update(|state| state.lost = None);
        self.tick();
    }

    fn lost(&self) {
        let last = self.0.last.borrow().clone();
        self.0.state.update(|state| state.lost = Some(last));
        let closed = self.0.source.borrow().as_ref().is_some_and(|source| source.ready_state() == EventSource::CLOSED);
        if closed {
            let feed = self.clone();
            set_timeout(move || feed.open(), REOPEN_AFTER);
        }
    }

    fn end(&self) {
        if let Some(source) = self.0.source.take() {
            source.close();
        }
        self.0.state.update(|state| state.ended = true);
    }

    /// Fetches the page again, one request at a time. Ticks in the meantime lead to one more fetch.
    pub(super) fn tick(&self) {
        if self.0.state.read_untracked().paused {
            return;
        }
        if self.0.fetching.replace(true) {
            self.0.refetch.set(true);
        } else if self.fetch().is_none() {
            self.0.fetching.set(false);
        }
    }

    fn fetch(&self) -> Option<()> {
        let request = XmlHttpRequest::new().ok()?;
        let address = window().location().href().ok()?;
        request.open_with_async("GET", &address, true).ok()?;
        // The browser parses the response into a document without running its scripts.
        request.set_response_type(XmlHttpRequestResponseType::Document);
        let (feed, finished) = (self.clone(), request.clone());
        let on_end = Closure::once_into_js(move || feed.received(&finished));
        request.set_onloadend(Some(on_end.unchecked_ref()));
        request.send().ok()
    }

    fn received(&self, request: &XmlHttpRequest) {
        self.0.fetching.set(false);
        if request.status() == Ok(200)
            && let Ok(Some(fresh)) = request.response_xml()
        {
            self.update(&fresh);
        }
        if self.0.refetch.replace(false) {
            self.tick();
        }
    }

    fn update(&self, fresh: &Document) {
        let (Some(old), Some(new)) = (patch::region(&document()), patch::region(fresh)) else {
            // The server now sends another page, such as the sign-in page: show it.
            let _ = window().location().reload();
            return;
        };
        document().set_title(&fresh.title());
        self.0.last.replace(patch::moment(&new));
        let ended = patch::ended(&new);
        match patch::apply(&old, &new) {
            Patched::Done => self.wait_with(None, 0, false),
            Patched::Rows(list, count) => self.wait_with(Some(list), count, false),
            Patched::Whole(region) => self.wait_with(Some(region), 1, true),
        }
        if ended {
            self.end();
        }
    }

    fn wait_with(&self, element: Option<Element>, waiting: u32, whole: bool) {
        self.0.waiting.replace(element);
        self.0.state.update(|state| (state.waiting, state.whole) = (waiting, whole));
    }

    /// Shows the waiting content.
    pub(super) fn show(&self) {
        if let Some(element) = self.0.waiting.take() {
            patch::put(&element);
        }
        self.wait_with(None, 0, false);
    }
}
