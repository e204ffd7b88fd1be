//! Every page route on one screen.

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;

use crate::islands::counter::Counter;

/// The application: one route per page.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <Routes fallback=|| view! { <h1>"Page not found"</h1> }>
                <Route path=path!("/") view=Hello/>
            </Routes>
        </Router>
    }
}

#[component]
fn Hello() -> impl IntoView {
    view! {
        <Title text="Offhook"/>
        <main class="p-6 max-w-[72ch]">
            <h1 class="text-title font-bold">"Offhook"</h1>
            <p class="text-ink-2">"Webhooks for phone platforms."</p>
            <Counter start=0/>
        </main>
    }
}
