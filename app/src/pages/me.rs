//! Theme and time zone of this browser.

use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use super::public_page;
use crate::api::me::ChooseZone;
use crate::components::button::{Button, Weight};
use crate::components::field::CONTROL;
use crate::components::heading::Heading;
use crate::components::top_bar::ThemeForm;
use crate::html::IntoHtml;
use crate::links;
use crate::zone::Zone;

/// Theme and time zone.
#[component]
pub fn Me() -> impl IntoView {
    public_page(async |_, visit| {
        let options = Zone::names().into_iter().map(|name| {
            let chosen = name == visit.zone;
            view! { <option value=name.clone() selected=chosen>{name.clone()}</option> }
        });
        let options = options.collect_view();
        Ok(view! {
            <Heading title="Time zone and display" lead="These settings apply to this browser only."/>
            <div class="max-w-80"><ThemeForm theme=visit.theme back=links::ME.to_owned()/></div>
            <form class="grid max-w-80 gap-3" method="post" action=ChooseZone::PATH>
                <div class="grid gap-1">
                    <label class="font-semibold" for="zone">"Time zone"</label>
                    <select class=CONTROL id="zone" name="zone">{options}</select>
                </div>
                <div><Button weight=Weight::Primary>"Save time zone"</Button></div>
            </form>
            <p><a href=links::SECURITY>"Password and security"</a></p>
            <p><a href=links::EMAIL_ALERTS>"Failure alerts by email"</a></p>
            <p><a href="/">"Back to your account"</a></p>
        }
        .into_html())
    })
}
