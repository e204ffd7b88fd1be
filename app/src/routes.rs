//! Every page route on one screen.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

use crate::pages::{me::Me, not_found::NotFound};

/// The application: one route per page. Pages are sent whole, so that they need no script.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let ssr = SsrMode::Async;
    view! {
        <Router>
            <Routes fallback=NotFound>
                <Route ssr=ssr.clone() path=path!("/me") view=Me/>
                <Route ssr=ssr path=path!("/*any") view=NotFound/>
            </Routes>
        </Router>
    }
}
