//! The document around every page.

use leptos::prelude::*;
use leptos_meta::MetaTags;

use super::visitor::theme;
use crate::App;

/// Addresses of the built site's files, as the document head names them.
///
/// The server provides this in the context of each page. All `None` when the site was never built, as in
/// `cargo test`: pages then come without style and script, and still work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Assets {
    /// The style sheet.
    pub css: Option<&'static str>,
    /// The module that starts the islands.
    pub boot: Option<&'static str>,
    /// The glue module that `boot` imports; named here so that the browser fetches it at once.
    pub js: Option<&'static str>,
    /// The islands themselves, which `js` fetches.
    pub wasm: Option<&'static str>,
    /// The font of the interface (Latin letters), wanted by every page.
    pub font: Option<&'static str>,
}

/// The HTML document around every page.
///
/// This stands in for the `HydrationScripts` component of Leptos, which writes an inline script and reads the
/// names of the files from a file beside the executable: our content policy refuses the first, and one
/// executable with the site inside has no second.
pub fn shell() -> impl IntoView {
    // Outside of islands nothing is hydrated: no ids and no data for the browser.
    if let Some(shared) = Owner::current_shared_context() {
        shared.set_is_hydrating(false);
    }
    let assets = use_context::<Assets>().unwrap_or_default();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme().map(crate::visit::Theme::as_str)>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                {assets.css.map(|href| view! { <link rel="stylesheet" href=href/> })}
                {assets.font.map(|href| view! { <link rel="preload" href=href r#as="font" r#type="font/woff2" crossorigin=""/> })}
                {assets.js.map(|href| view! { <link rel="modulepreload" href=href/> })}
                {assets.wasm.map(|href| view! { <link rel="preload" href=href r#as="fetch" r#type="application/wasm" crossorigin=""/> })}
                {assets.boot.map(|src| view! { <script type="module" src=src></script> })}
                <MetaTags/>
            </head>
            <body class="min-h-dvh">
                <App/>
            </body>
        </html>
    }
}
