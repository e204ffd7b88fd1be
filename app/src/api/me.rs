//! Settings stored in the browser: theme and time zone.

use leptos::prelude::*;

use crate::error::UiError;

/// Sets the theme to light or dark, or to that of the system if empty.
#[server(prefix = "/api", endpoint = "me/theme")]
pub async fn choose_theme(theme: String, back: String) -> Result<(), UiError> {
    use crate::{links, ssr, visit::Theme};
    ssr::set_cookie("theme", Theme::parse(&theme).map_or("", Theme::as_str));
    leptos_axum::redirect(links::safe_next(&back).unwrap_or(links::ME));
    Ok(())
}

/// Sets the time zone.
#[server(prefix = "/api", endpoint = "me/zone")]
pub async fn choose_zone(zone: String) -> Result<(), UiError> {
    use crate::{links, ssr, zone::Zone};
    ssr::form(links::ME, &(), async {
        let chosen = Zone::parse(&zone).ok_or_else(|| domain::Error::invalid("zone", "Choose a valid time zone."))?;
        ssr::set_cookie("tz", chosen.name());
        Ok(ssr::Done::to(links::ME).saying(format!("Saved. Times are now in {}.", chosen.name())))
    })
    .await
}
