//! No delivery matches: describes the filter, and offers to remove the part that excludes the fewest results.

use domain::filter::DeliveryFilter;
use leptos::prelude::*;

use super::facets::{Facet, Names, describe, sentence};
use crate::{
    api,
    components::{
        button::{LinkButton, Weight},
        count_text::number,
        empty_state::EmptyState,
        render_context::RenderContext,
    },
    error::UiError,
};

/// The state of the list when nothing matches.
pub struct NoMatch {
    filter: String,
    clear: String,
    looser: Option<Looser>,
    /// The list of events that were not sent, if the search was for a phone number.
    unsent: Option<String>,
}

/// The filter without one of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Looser {
    without: String,
    href: String,
    matching: u32,
}

impl NoMatch {
    /// Counts the matches without each part of the filter.
    ///
    /// # Errors
    /// As `delivery_counts` of the port.
    pub async fn load(view: &RenderContext, filter: &DeliveryFilter, names: &Names) -> Result<Self, UiError> {
        let facets: Vec<Facet> = Facet::of(filter).collect();
        let queries: Vec<String> = facets.iter().map(|facet| facet.without(filter).to_query()).collect();
        let matching = api::deliveries::count(view.acct.clone(), queries.clone()).await?;
        let clear = view.path("deliveries");
        let looser = best(&matching).map(|at| Looser {
            without: describe(facets[at], filter, names),
            href: format!("{clear}{}", queries[at]),
            matching: matching[at],
        });
        let unsent = filter.text.as_deref().is_some_and(is_number).then(|| view.path("events") + "?not_sent=1");
        Ok(Self { filter: sentence(filter, names), clear, looser, unsent })
    }

    /// Renders it.
    pub fn view(self) -> impl IntoView {
        let title = if self.filter.is_empty() {
            "No deliveries on this page".to_owned()
        } else {
            format!("No deliveries match {}", self.filter)
        };
        let hint = match &self.looser {
            Some(looser) => format!("{} without {}.", matches(looser.matching), looser.without),
            None => "Removing any single filter doesn't help. Clear them all or change the search.".to_owned(),
        };
        let looser = self.looser.map(|looser| view! {
            <LinkButton href=looser.href weight=Weight::Primary>{format!("Remove filter: {}", looser.without)}</LinkButton>
        });
        view! {
            <EmptyState title=title words=hint>
                {looser}
                <LinkButton href=self.clear>"Clear filters"</LinkButton>
                {self.unsent.map(|href| view! { <LinkButton href=href>"Events not sent"</LinkButton> })}
            </EmptyState>
        }
    }
}

/// Whether this looks like a phone number rather than an ID.
fn is_number(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || " +-/().".contains(c))
}

fn matches(n: u32) -> String {
    format!("{} {}", number(n), if n == 1 { "match" } else { "matches" })
}

/// The part whose removal gives the fewest results, but some: it changes the query least.
fn best(matching: &[u32]) -> Option<usize> {
    matching.iter().enumerate().filter(|(_, n)| **n > 0).min_by_key(|(_, n)| **n).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_with_the_fewest_further_results_is_offered() {
        assert_eq!(best(&[0, 212, 9_000]), Some(1));
        assert_eq!(best(&[0, 0]), None);
        assert_eq!(matches(1), "1 match");
        assert!(
            is_number("+44 1202 91-2204") && !is_number("dlv_01k9") && !is_number("2f533604-aaaf") && !is_number("()")
        );
    }
}
