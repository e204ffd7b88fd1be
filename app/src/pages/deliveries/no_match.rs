//! Nothing matches the filter: the filter in words, and the one part whose removal would give results.

use domain::filter::DeliveryFilter;
use leptos::prelude::*;

use super::facets::{Facet, Names, sentence, words};
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

/// What the list says when nothing matches.
pub struct NoMatch {
    said: String,
    clear: String,
    looser: Option<Looser>,
    /// Where events stand that were for nobody, when a phone number was looked for.
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
    /// Counts what each part of the filter keeps away.
    ///
    /// # Errors
    /// As the counting itself.
    pub async fn load(view: &RenderContext, filter: &DeliveryFilter, names: &Names) -> Result<Self, UiError> {
        let facets: Vec<Facet> = Facet::of(filter).collect();
        let queries: Vec<String> = facets.iter().map(|facet| facet.without(filter).to_query()).collect();
        let matching = api::deliveries::count(view.acct.clone(), queries.clone()).await?;
        let clear = view.path("deliveries");
        let looser = best(&matching).map(|at| Looser {
            without: words(facets[at], filter, names),
            href: format!("{clear}{}", queries[at]),
            matching: matching[at],
        });
        let unsent = filter.text.as_deref().is_some_and(is_number).then(|| view.path("events") + "?not_sent=1");
        Ok(Self { said: sentence(filter, names), clear, looser, unsent })
    }

    /// The words and the links.
    pub fn view(self) -> impl IntoView {
        let title = if self.said.is_empty() {
            "No deliveries on this page".to_owned()
        } else {
            format!("No deliveries match {}", self.said)
        };
        let hint = match &self.looser {
            Some(looser) => format!("Without {} there {}.", looser.without, are(looser.matching)),
            None => "No single filter keeps them away: nothing is left when any of them is removed.".to_owned(),
        };
        let looser = self.looser.map(|looser| view! {
            <LinkButton href=looser.href weight=Weight::Primary>{format!("Show without {}", looser.without)}</LinkButton>
        });
        view! {
            <EmptyState title=title words=hint>
                {looser}
                <LinkButton href=self.clear>"Clear filters"</LinkButton>
                {self.unsent.map(|href| view! { <LinkButton href=href>"Events that were not sent"</LinkButton> })}
            </EmptyState>
        }
    }
}

/// Whether this looks like a phone number and not like an id.
fn is_number(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || " +-/().".contains(c))
}

fn are(matching: u32) -> String {
    format!("{} {}", if matching == 1 { "is" } else { "are" }, number(matching))
}

/// The part whose removal gives the fewest results but some: it changes the question least.
fn best(matching: &[u32]) -> Option<usize> {
    matching.iter().enumerate().filter(|(_, n)| **n > 0).min_by_key(|(_, n)| **n).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_is_offered_whose_removal_gives_something_and_not_everything() {
        assert_eq!(best(&[0, 212, 9_000]), Some(1));
        assert_eq!(best(&[0, 0]), None);
        assert_eq!(are(1), "is 1");
        assert!(
            is_number("+44 1202 91-2204") && !is_number("dlv_01k9") && !is_number("2f533604-aaaf") && !is_number("()")
        );
    }
}
