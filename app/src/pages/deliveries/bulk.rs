//! Retrying or resending many deliveries: what is selected, what can be done, and the buttons that do it.

use domain::{
    Error,
    actor::Permission,
    filter::DeliveryFilter,
    query::pairs,
    recover::{RATE_PER_S, about, estimate_ms},
};
use leptos::{prelude::*, server_fn::ServerFn as _};

use super::facets::{Names, sentence};
use crate::{
    api::recover::{BulkPreview, StartBulk, load_bulk_preview},
    components::{
        button::{Button, LinkButton, Weight},
        count_text::grouped,
        heading::Heading,
        panel::Panel,
        rate_field::RateField,
        render_context::RenderContext,
        sidebar::Part,
    },
    html::IntoHtml,
    pages::account_page,
};

/// `/a/:acct/deliveries/bulk`: with `id`s those deliveries, otherwise all that match the filter.
#[component]
pub fn BulkPage() -> impl IntoView {
    account_page(Part::Deliveries, async |route, frame| {
        frame.need(Permission::WriteDeliveries)?;
        let preview = load_bulk_preview(route.acct.clone(), route.query.clone()).await?;
        let view = RenderContext::from(&frame);
        let BulkPreview { retry, resend, endpoints } = preview;
        let selected = pairs(&route.query).filter(|(key, _)| key == "id").count();
        let selects = selected > 0 || pairs(&route.query).any(|(key, _)| key == "selected");
        let lead = lead(selects.then_some(selected), &route.query, &Names { endpoints, zone: view.zone.clone() });
        let back = if selects {
            view.path("deliveries")
        } else {
            view.path("deliveries") + &DeliveryFilter::parse(&route.query).to_query()
        };
        let query = route.query.clone();
        let form =
            |action, result| view! { <Act action=action result=result query=query.clone() acct=route.acct.clone()/> };
        let (retry, resend) = (form(Action::Retry, retry).into_html(), form(Action::Resend, resend).into_html());
        Ok(view! {
            <Heading title="Retry or resend deliveries" lead=lead/>
            <div class="grid max-w-column gap-6">{retry} {resend}</div>
            <p><LinkButton href=back>"Cancel"</LinkButton></p>
        }
        .into_html())
    })
}

fn lead(selected: Option<usize>, query: &str, names: &Names) -> String {
    let filter = sentence(&DeliveryFilter::parse(query), names);
    match (selected, filter.as_str()) {
        (None, "") => "All deliveries of this account.".to_owned(),
        (None, filter) => format!("All deliveries with {filter}, on every page of the list."),
        (Some(0), _) => "No delivery is selected. Go back and select some with their checkboxes.".to_owned(),
        (Some(1), _) => "1 selected delivery.".to_owned(),
        (Some(n), _) => format!("{n} selected deliveries."),
    }
}

#[derive(Clone, Copy)]
enum Action {
    Retry,
    Resend,
}

impl Action {
    const fn turn(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Resend => "resend",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Retry => "Retry what is waiting",
            Self::Resend => "Resend what has ended",
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Retry => {
                "Sent now instead of at the next scheduled retry, oldest first and in the order of each call. Paused endpoints are left alone."
            }
            Self::Resend => {
                "Sent again with the same event IDs and a new series of attempts. Call-start events are sent even though they are old. Delivered events are included only if you selected them or filtered by that status."
            }
        }
    }

    const fn nothing(self) -> &'static str {
        match self {
            Self::Retry => "None of these deliveries is waiting for an active endpoint.",
            Self::Resend => "None of these deliveries has ended and can be resent.",
        }
    }

    fn button(self, n: u32) -> String {
        let events = if n == 1 { "event" } else { "events" };
        match self {
            Self::Retry => format!("Retry {} {events} now", grouped(n)),
            Self::Resend => format!("Resend {} {events}", grouped(n)),
        }
    }
}

/// One action with the exact number of deliveries, or why it can't be done.
#[component]
fn Act(action: Action, result: Result<u32, Error>, query: String, acct: String) -> impl IntoView {
    let (turn, title) = (action.turn(), action.title());
    let content = match result {
        Err(error) => view! { <p class="text-failed">{message(&error)}</p> }.into_html(),
        Ok(0) => view! { <p class="text-ink-2">{action.nothing()}</p> }.into_html(),
        Ok(n) => {
            let duration = format!("Takes {} at {RATE_PER_S} per second.", about(estimate_ms(n, RATE_PER_S)));
            let id = if turn == "retry" { "retry-rate" } else { "resend-rate" };
            view! {
                <div class="grid gap-3">
                    <p class="text-ink-2">{action.meaning()} " " {duration}</p>
                    <form method="post" action=StartBulk::PATH class="flex flex-wrap items-center gap-3">
                        <input type="hidden" name="acct" value=acct/>
                        <input type="hidden" name="query" value=query/>
                        <Button weight=Weight::Primary name="turn" value=turn>{action.button(n)}</Button>
                        <RateField id=id/>
                    </form>
                </div>
            }
            .into_html()
        }
    };
    view! { <Panel title=title id=turn>{content}</Panel> }
}

fn message(error: &Error) -> String {
    error.fields().first().map_or_else(|| error.to_string(), |field| field.message.clone())
}
