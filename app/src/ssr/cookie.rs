//! Cookies of the response.

use domain::query::encode;
use http::{HeaderValue, header::SET_COOKIE};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// Lifetime of preference cookies: a year, in seconds.
const COOKIE_MAX_AGE_S: u32 = 365 * 24 * 60 * 60;

/// Whether browsers use https, so that cookies are `Secure`. The server provides it in the context.
#[derive(Debug, Clone, Copy)]
pub struct SecureCookies(pub bool);

/// Sets a cookie that no script can read.
pub fn set_secret_cookie(name: &str, value: &str, days: u32) {
    let age_s = days * 24 * 60 * 60;
    append(&format!("{name}={}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Lax{}", encode(value), secure()));
}

/// Sets a preference cookie, readable by scripts; an empty value deletes it.
pub fn set_cookie(name: &str, value: &str) {
    let age_s = if value.is_empty() { 0 } else { COOKIE_MAX_AGE_S };
    append(&format!("{name}={}; Path=/; Max-Age={age_s}; SameSite=Lax{}", encode(value), secure()));
}

fn secure() -> &'static str {
    if use_context::<SecureCookies>().is_some_and(|secure| secure.0) { "; Secure" } else { "" }
}

fn append(line: &str) {
    if let (Some(response), Ok(line)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(line)) {
        response.append_header(SET_COOKIE, line);
    }
}
