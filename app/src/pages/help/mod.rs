//! The help pages. Their texts are Markdown files in `docs/help`, rendered when this crate is built. Public.

use leptos::prelude::*;

mod causes;
mod page;

pub use causes::{CausePage, CausesPage};
use page::help_page;

/// `/help`.
#[component]
pub fn HelpPage() -> impl IntoView {
    help_page("")
}

/// `/help/setting-up`.
#[component]
pub fn SettingUpPage() -> impl IntoView {
    help_page("/setting-up")
}

/// `/help/verify`.
#[component]
pub fn VerifyPage() -> impl IntoView {
    help_page("/verify")
}

/// `/help/retries`.
#[component]
pub fn RetriesPage() -> impl IntoView {
    help_page("/retries")
}

/// `/help/api`.
#[component]
pub fn ApiPage() -> impl IntoView {
    help_page("/api")
}

/// `/help/connect-asterisk`.
#[component]
pub fn ConnectAsteriskPage() -> impl IntoView {
    help_page("/connect-asterisk")
}

/// `/help/connect-freeswitch`.
#[component]
pub fn ConnectFreeSwitchPage() -> impl IntoView {
    help_page("/connect-freeswitch")
}

/// `/help/connect-http`.
#[component]
pub fn ConnectHttpPage() -> impl IntoView {
    help_page("/connect-http")
}

/// `/help/connect-records`.
#[component]
pub fn ConnectRecordsPage() -> impl IntoView {
    help_page("/connect-records")
}

/// `/help/connect-kamailio`.
#[component]
pub fn ConnectKamailioPage() -> impl IntoView {
    help_page("/connect-kamailio")
}
