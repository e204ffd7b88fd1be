//! Choices that a browser keeps: theme and time zone.

use leptos::prelude::*;

use crate::error::UiError;

/// Chooses light or dark; empty for the system's.
#[server(prefix = "/api", endpoint = "me/theme")]
pub async fn choose_theme(theme: String, back: String) -> Result<(), UiError> {
    use crate::{links, ssr, visit::Theme};
    ssr::set_cookie("theme", Theme::parse(&theme).map_or("", Theme::as_str));
    leptos_axum::redirect(links::safe_next(&back).unwrap_or(links::ME));
    Ok(())
}

/// Chooses the zone that times are shown in.
#[server(prefix = "/api", endpoint = "me/zone")]
pub async fn choose_zone(zone: String) -> Result<(), UiError> {
    use crate::{links, ssr, zone::Zone};
    ssr::form(links::ME, &(), async {
        let known = Zone::parse(&zone).ok_or_else(|| domain::Error::invalid("zone", "There is no such time zone."))?;
        ssr::set_cookie("tz", known.name());
        Ok(ssr::Done::to(links::ME).saying(format!("Times are now shown in {}.", known.name())))
    })
    .await
}
