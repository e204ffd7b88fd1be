//! The page shown instead of one that failed: what happened, whether anything was lost, what to do.

use domain::Error;
use leptos::prelude::*;

use super::button::{LinkButton, Weight};
use super::heading::TabTitle;
use crate::error::UiError;
use crate::links;
use crate::visit::{Frame, PageError};

struct Text {
    title: String,
    detail: String,
    advice: &'static str,
}

fn text(error: &UiError, ready: bool) -> Text {
    let full_stop = if error.to_string().ends_with('.') { "" } else { "." };
    let detail = format!("{error}{full_stop}");
    let (title, advice) = match error {
        UiError::Domain(Error::NotFound(noun)) => return not_found(noun),
        UiError::Domain(Error::Forbidden(reason)) if reason.contains("role") => {
            ("You don't have access to this page", "An admin of the account can change your role.")
        }
        UiError::Domain(Error::Forbidden(_)) => ("You don't have access to this page", ""),
        UiError::Domain(Error::Suspended(_)) => ("This account is suspended", "You can still read everything in it."),
        UiError::Domain(Error::Unauthenticated(_)) => ("Sign in to see this page", ""),
        UiError::Domain(Error::TooMany { .. }) => ("Too many attempts", ""),
        UiError::Domain(Error::LimitReached { .. }) => ("Too many requests", ""),
        UiError::Domain(Error::Unavailable { .. }) if ready => {
            ("Offhook is temporarily unavailable", "Events are being accepted and sent. Reload the page in a minute.")
        }
        UiError::Domain(Error::Unavailable { .. } | Error::Internal) if !ready => (
            "Offhook is temporarily unavailable",
            "New events may be refused, and accepted ones may be sent late. Reload the page in a minute.",
        ),
        UiError::Domain(Error::Internal) => (
            "Something failed on our side",
            "Events are still being accepted and sent. Reload the page. If it fails again, send us the request ID.",
        ),
        _ => ("This page can't be shown", ""),
    };
    Text { title: title.to_owned(), detail, advice }
}

/// Says what was not found. What belongs to another account looks the same as what never existed.
fn not_found(noun: &str) -> Text {
    let name = if noun.starts_with("API") { noun.to_owned() } else { noun.to_lowercase() };
    let title = match noun {
        "Account" => "This account doesn't exist, or you don't have access to it".to_owned(),
        "API token" | "Call" | "Delivery" | "Endpoint" | "Event" | "Job" | "Member" => {
            format!("This {name} doesn't exist, or belongs to another account")
        }
        _ => format!("This {name} doesn't exist"),
    };
    Text { title, detail: "Check the address for typos.".to_owned(), advice: "" }
}

/// The text of an error, with a link onwards.
#[component]
pub fn ErrorPage(
    /// The error and the request ID.
    failure: PageError,
) -> impl IntoView {
    view! {
        <TabTitle title=title(&failure)/>
        <ErrorText failure=failure/>
    }
}

/// The title of an error's page.
pub(crate) fn title(failure: &PageError) -> String {
    text(&failure.error, failure.ready).title
}

/// What [`ErrorPage`] says, for any document.
#[component]
pub(crate) fn ErrorText(
    /// The error and the request ID.
    failure: PageError,
) -> impl IntoView {
    let Text { title, detail, advice } = text(&failure.error, failure.ready);
    let missing = matches!(failure.error, UiError::Domain(Error::NotFound(_)));
    let request_id = failure.request_id.filter(|_| failure.error.status() >= 500);
    view! {
        <div class="grid max-w-column gap-4 py-8">
            <h1 class="text-verdict font-bold leading-row">{title}</h1>
            <p class="text-ink-2">{detail} " " {advice}</p>
            {missing.then(|| view! { <SearchInstead/> })}
            {request_id.map(|id| view! { <p>"Request ID " <code class="select-all">{id}</code></p> })}
        </div>
    }
}

/// A link to where the missing record may be found.
#[component]
fn SearchInstead() -> impl IntoView {
    let (href, label) = use_context::<Frame>().map_or_else(
        || ("/".to_owned(), "Go to the start page"),
        |frame| (links::account(frame.acct(), "deliveries"), "Search deliveries by ID, call or number"),
    );
    view! {
        <p><LinkButton href=href weight=Weight::Primary>{label}</LinkButton></p>
        <p class="text-table text-ink-3">"The number you have dialled is not in service."</p>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_a_title_and_full_sentences() {
        let errors = [
            UiError::not_found("Endpoint"),
            UiError::Domain(Error::Forbidden("This needs the role developer or admin.".into())),
            UiError::INTERNAL,
            UiError::Unreadable,
        ];
        for error in errors {
            let text = text(&error, true);
            assert!(!text.title.is_empty() && text.detail.ends_with('.'), "{error:?}");
        }
    }

    #[test]
    fn only_a_ready_server_claims_to_accept_events() {
        let unavailable = Error::Unavailable { detail: "The disk is full.".into(), retry_after_s: 5 };
        for error in [UiError::INTERNAL, UiError::Domain(unavailable)] {
            assert!(text(&error, true).advice.contains("accepted and sent"), "{error:?}");
            assert!(text(&error, false).advice.contains("may be refused"), "{error:?}");
        }
    }
}
