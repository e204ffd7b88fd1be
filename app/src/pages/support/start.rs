//! Starting a support session: reason, ticket, duration, and what the customer sees.

use domain::{account::Account, support::SESSION_MINUTES};
use leptos::prelude::*;
use leptos::server_fn::ServerFn as _;

use crate::html::IntoHtml;
use crate::{
    api::support::{StartSupport, load_account},
    components::{
        button::{Button, LinkButton, Weight},
        field::{Field, Lines},
        heading::Heading,
    },
    flash::Flash,
    links,
    pages::support_page,
};

/// `/support/start?account=`
#[component]
pub fn StartSupportPage() -> impl IntoView {
    support_page(async |place, visit| {
        let account = load_account(place.query_param("account")).await?;
        let title = format!("Start support session in {}", account.name);
        let content = if account.settings.support_access {
            view! { <StartForm account=account rest=place.query_param("rest") flash=visit.flash/> }.into_html()
        } else {
            refused(&account.name).into_html()
        };
        Ok(view! { <Heading title=title/> {content} }.into_html())
    })
}

fn refused(name: &str) -> impl IntoView + use<> {
    let words = format!(
        "{name} doesn’t allow support access. Ask an admin of the account to allow it in Settings, then reload this page."
    );
    view! {
        <p class="max-w-column border-l-4 border-retrying-fill bg-retrying-soft px-4 py-2 text-retrying">{words}</p>
        <p><LinkButton href=links::SUPPORT>"Find another account"</LinkButton></p>
    }
}

#[component]
fn StartForm(account: Account, rest: String, flash: Flash) -> impl IntoView {
    view! {
        <form class="grid max-w-column gap-6" method="post" action=StartSupport::PATH>
            <input type="hidden" name="form[account]" value=account.id.to_string()/>
            <input type="hidden" name="form[rest]" value=rest/>
            <Lines name="reason" label="Reason" hint="At least 10 characters. The customer sees it." rows=3 required=true/>
            <Field name="ticket" label="Ticket" required=true/>
            <Minutes flash=flash/>
            <section class="grid gap-1" aria-labelledby="recorded">
                <h2 class="font-bold" id="recorded">"What the customer sees"</h2>
                <p class="text-ink-2">
                    "Your email, the reason, the ticket, every page you open and every number you reveal are recorded in the account’s \
                     audit log. You have read-only access, and credentials are hidden."
                </p>
            </section>
            <div class="flex flex-wrap gap-3">
                <Button weight=Weight::Primary>"Start session"</Button>
                <LinkButton href=links::SUPPORT>"Cancel"</LinkButton>
            </div>
        </form>
    }
}

#[component]
fn Minutes(flash: Flash) -> impl IntoView {
    let entered = flash.value("minutes").unwrap_or("15").to_owned();
    let complaint = flash.error("minutes").map(str::to_owned);
    let choices = SESSION_MINUTES.into_iter().enumerate().map(|(at, minutes)| {
        let value = minutes.to_string();
        let id = if at == 0 { "minutes".to_owned() } else { format!("minutes-{minutes}") };
        let checked = entered == value;
        view! {
            <label class="inline-flex min-h-7 items-center gap-1.5">
                <input class="size-4.5 accent-ink" type="radio" id=id name="form[minutes]" value=value checked=checked/>
                {format!("{minutes} minutes")}
            </label>
        }
    });
    view! {
        <fieldset class="grid gap-1">
            <legend class="font-semibold">"Duration"</legend>
            {complaint.map(|words| view! { <p class="font-semibold text-failed">{words}</p> })}
            <div class="flex flex-wrap gap-x-5 gap-y-1">{choices.collect_view()}</div>
        </fieldset>
    }
}
