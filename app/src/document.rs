//! The document around every page.

use domain::Error;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::{
    App,
    components::error_page::{ErrorText, title},
    html::IntoHtml as _,
    ssr::theme,
    visit::PageError,
};

/// URLs of the site's assets for the document head.
///
/// The server provides this in the context of each page. All `None` if the site was not built, as in `cargo test`: pages
/// then have neither style nor script, and still work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Assets {
    /// The stylesheet.
    pub css: Option<&'static str>,
    /// The module that starts the islands.
    pub boot: Option<&'static str>,
    /// The JavaScript module that `boot` imports, preloaded.
    pub js: Option<&'static str>,
    /// The wasm module of the islands, preloaded.
    pub wasm: Option<&'static str>,
    /// The user interface font (Latin), preloaded.
    pub font: Option<&'static str>,
}

/// The HTML document around every page.
///
/// Replaces the `HydrationScripts` component of Leptos, which writes an inline script and reads file names from a file
/// next to the executable. Our content security policy blocks the former, and a single executable has no such file.
pub fn shell() -> impl IntoView {
    // Only islands are hydrated, so the rest needs no hydration markers.
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

/// The document of an error before there is a page: it needs no session, no database and no route.
#[must_use]
pub fn error_document(error: Error, assets: Assets) -> String {
    let failure = PageError { error: error.into(), request_id: None, ready: false };
    let title = format!("{} · Offhook", title(&failure));
    let document = view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <title>{title}</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                {assets.css.map(|href| view! { <link rel="stylesheet" href=href/> })}
            </head>
            <body class="min-h-dvh">
                <main class="mx-auto max-w-page px-4"><ErrorText failure=failure/></main>
            </body>
        </html>
    };
    document.into_html().to_html()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_a_document_without_a_page() {
        let error = Error::LimitReached { detail: "Too many requests & <b>".into(), retry_after_s: 1 };
        let html = error_document(error, Assets { css: Some("/pkg/offhook.css"), ..Assets::default() });
        for part in ["<!DOCTYPE html>", "<title>Too many requests · Offhook</title>", "<h1", "/pkg/offhook.css"] {
            assert!(html.contains(part), "{part} is missing in {html}");
        }
        assert!(html.contains("Too many requests &amp; &lt;b&gt;."), "{html}");
    }
}
