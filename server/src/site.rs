//! The built site (style, islands, fonts, icons), embedded in the executable, and the rendering of pages.
//!
//! `.make/site` writes hashed, compressed files to `target/site`; `build.rs` turns them into [`FILES`]. Without a built
//! site the table is empty, and everything here still compiles and works.

use app::Assets;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use axum::{Router, routing::get};
use futures::{Stream, StreamExt as _, stream};
use leptos::prelude::{IntoView, RenderHtml as _};
use std::pin::Pin;

/// A file of the site. A compressed body is absent where it would not be smaller. tower-http serves precompressed files
/// only from a file system, so content negotiation is done here.
struct File {
    path: &'static str,
    mime: &'static str,
    etag: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/site.rs"));

/// The content behind a hashed name never changes.
const CACHE_HASHED: &str = "public, max-age=31536000, immutable";
/// The few files with fixed names (favicon, robots.txt): one hour, then revalidate by ETag.
const CACHE_FIXED: &str = "public, max-age=3600";

/// One route per file of the site: `/pkg/…`, `/fonts/…`, `/favicon.svg` and the rest of `public/`.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    FILES.iter().fold(Router::new(), |router, file| {
        router.route(file.path, get(async move |headers: HeaderMap| serve(file, &headers)))
    })
}

/// The paths that [`app::shell`] writes into the document head.
pub fn assets() -> Assets {
    Assets {
        css: find("/pkg/offhook.", ".css"),
        boot: find("/pkg/boot.", ".js"),
        js: find("/pkg/offhook.", ".js"),
        wasm: find("/pkg/offhook_bg.", ".wasm"),
        font: find("/fonts/atkinson-hyperlegible-next-latin-wght-normal.", ".woff2"),
    }
}

fn find(start: &str, end: &str) -> Option<&'static str> {
    FILES.iter().map(|file| file.path).find(|path| path.starts_with(start) && path.ends_with(end))
}

fn serve(file: &File, request: &HeaderMap) -> Response<Body> {
    let (encoding, body) = choose(file, request.get(header::ACCEPT_ENCODING));
    let known = request.get(header::IF_NONE_MATCH).is_some_and(|tags| lists(tags, file.etag));
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
    let hashed = file.path.starts_with("/pkg/") || file.path.starts_with("/fonts/");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.mime));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(if hashed { CACHE_HASHED } else { CACHE_FIXED }));
    headers.insert(header::ETAG, HeaderValue::from_static(file.etag));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// The smallest body that the client accepts.
fn choose(file: &File, accept: Option<&HeaderValue>) -> (Option<&'static str>, &'static [u8]) {
    let accepts = |name| accept.and_then(|value| value.to_str().ok()).is_some_and(|value| accepts(value, name));
    match (file.brotli, file.gzip) {
        (Some(body), _) if accepts("br") => (Some("br"), body),
        (_, Some(body)) if accepts("gzip") => (Some("gzip"), body),
        _ => (None, file.plain),
    }
}

/// Whether an `Accept-Encoding` value names this coding without ruling it out by `q=0` (RFC 9110, 12.5.3).
fn accepts(value: &str, name: &str) -> bool {
    value.split(',').any(|item| {
        let (coding, weight) = item.split_once(';').unwrap_or((item, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0);
        coding.trim().eq_ignore_ascii_case(name) && !refused
    })
}

/// Whether an `If-None-Match` value lists this tag, by weak comparison (RFC 9110, 13.1.2).
fn lists(value: &HeaderValue, etag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/") == etag.trim_start_matches("W/");
    value.to_str().is_ok_and(|value| value.trim() == "*" || value.split(',').any(bare))
}

type Chunks = Pin<Box<dyn Stream<Item = String> + Send>>;

/// Renders a whole page before responding: `context` provides what the page needs, `shell` is [`app::shell`].
///
/// Replaces the page handlers of leptos_axum. They end every page with inline scripts that carry the data of resources
/// to the browser. Islands get their data as props, and our content security policy blocks inline scripts, so those
/// chunks are dropped, and `boot.js` defines the empty globals that islands expect.
pub async fn render<V: IntoView + 'static>(
    context: impl Fn() + Clone + Send + 'static,
    shell: impl FnOnce() -> V + Send + 'static,
    request: Request,
) -> Response<Body> {
    leptos_axum::handle_response_inner(context, shell, request, |page, _scripts, _| {
        Box::pin(async move {
            let html = page.into_view().to_html_stream_in_order().collect::<String>().await;
            Box::pin(stream::once(async move { html })) as Chunks
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_with_weight_zero_is_not_used() {
        assert!(accepts("gzip, deflate, br", "br"));
        assert!(accepts("br;q=0.5", "br"));
        assert!(!accepts("br;q=0, gzip", "br"));
        assert!(!accepts("gzip", "br"));
    }

    #[test]
    fn a_tag_is_found_in_a_list_whether_strong_or_weak() {
        let list = HeaderValue::from_static("\"one\", W/\"two\"");
        assert!(lists(&list, "\"two\""));
        assert!(!lists(&list, "\"three\""));
        assert!(lists(&HeaderValue::from_static("*"), "\"three\""));
    }
}
