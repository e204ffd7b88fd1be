//! What a page says when it cannot be shown: what happened, whether anything was lost, what to do.

use domain::Error;
use leptos::prelude::*;

use super::button::{LinkButton, Weight};
use super::heading::TabTitle;
use crate::error::UiError;
use crate::links;
use crate::visit::{Frame, PageError};

struct Words {
    title: &'static str,
    what: String,
    then: &'static str,
}

fn words(error: &UiError) -> Words {
    let what = format!("{}{}", error, if error.to_string().ends_with('.') { "" } else { "." });
    let (title, then) = match error {
        UiError::Domain(Error::NotFound(noun)) => {
            let what = format!("{noun} not found. It may belong to another account, or its address may be mistyped.");
            return Words { title: "The number you have dialled is not in service", what, then: "" };
        }
        UiError::Domain(Error::Forbidden(said)) if said.contains("role") => {
            ("You may not see this page", "An admin of the account can change your role.")
        }
        UiError::Domain(Error::Forbidden(_)) => ("You may not see this page", ""),
        UiError::Domain(Error::Suspended(_)) => {
            ("This account is suspended", "Until then everything in it can be read.")
        }
        UiError::Domain(Error::Unauthenticated(_)) => ("Sign in to see this page", ""),
        UiError::Domain(Error::TooMany { .. }) => ("Too many attempts", ""),
        UiError::Domain(Error::Unavailable { .. }) => {
            ("Offhook cannot answer just now", "Nothing was lost. Reload the page in a minute.")
        }
        UiError::Domain(Error::Internal) => (
            "Our side failed",
            "Events are still taken in and sent. Reload the page; if it fails again, send us the request ID.",
        ),
        _ => ("This page cannot be shown", ""),
    };
    Words { title, what, then }
}

/// The words of an error, with a way on.
#[component]
pub fn ErrorPage(
    /// The error and the request's id.
    refusal: PageError,
) -> impl IntoView {
    let Words { title, what, then } = words(&refusal.error);
    let missing = matches!(refusal.error, UiError::Domain(Error::NotFound(_)));
    let request_id = refusal.request_id.filter(|_| refusal.error.status() >= 500);
    view! {
        <TabTitle title=title.to_owned()/>
        <div class="grid max-w-column gap-4 py-8">
            <h1 class="text-verdict font-bold leading-row">{title}</h1>
            <p class="text-ink-2">{what} " " {then}</p>
            {missing.then(|| view! { <SearchInstead/> })}
            {request_id.map(|id| view! { <p>"Request ID " <code class="select-all">{id}</code></p> })}
        </div>
    }
}

/// Where to look for something whose address was wrong.
#[component]
fn SearchInstead() -> impl IntoView {
    let (href, label) = use_context::<Frame>().map_or_else(
        || ("/".to_owned(), "Go to the start page"),
        |frame| (links::account(frame.acct(), "deliveries"), "Search deliveries by ID, call or number"),
    );
    view! { <p><LinkButton href=href weight=Weight::Primary>{label}</LinkButton></p> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_a_title_and_whole_sentences() {
        let errors = [
            UiError::not_found("Endpoint"),
            UiError::Domain(Error::Forbidden("This needs the role developer or admin.".into())),
            UiError::INTERNAL,
            UiError::Unreadable,
        ];
        for error in errors {
            let words = words(&error);
            assert!(!words.title.is_empty() && words.what.ends_with('.'), "{error:?}");
        }
    }
}
