//! Links to older and newer pages of a list with cursor pagination. The database only pages towards older rows, so
//! each link carries the cursors of the pages already passed: the trail back.

use domain::query::{Writer, pairs};
use leptos::prelude::*;

/// Most cursors in a trail. From further down, "Newer" leads to the first page.
const TRAIL_MAX: usize = 20;

/// The cursors of the newer pages in visiting order, without the first page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail(Vec<String>);

impl Trail {
    /// Parses the trail from a page's query string.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        Self(pairs(query).filter(|(key, _)| key == "trail").map(|(_, cursor)| cursor).take(TRAIL_MAX).collect())
    }

    /// The trail of the older page, coming from the page at `cursor`.
    fn onward(&self, cursor: Option<&str>) -> Self {
        let passed: Vec<String> = self.0.iter().map(String::as_str).chain(cursor).map(str::to_owned).collect();
        Self(passed[passed.len().saturating_sub(TRAIL_MAX)..].to_vec())
    }

    /// The cursor and the trail of the newer page.
    fn back(&self) -> (Option<String>, Self) {
        let mut rest = self.0.clone();
        (rest.pop(), Self(rest))
    }

    /// Appends the trail to a query string, which may be empty.
    fn append_to(&self, query: &str) -> String {
        let written = self.0.iter().fold(Writer::default(), |writer, cursor| writer.with("trail", cursor)).finish();
        if query.is_empty() { written } else { query.to_owned() + &written.replacen('?', "&", 1) }
    }
}

/// The two URLs of a pager.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paging {
    /// The page of newer rows; none on the first page.
    pub newer: Option<String>,
    /// The page of older rows; none on the last.
    pub older: Option<String>,
}

impl Paging {
    /// The pages around the one at `cursor`. `address` writes the query string of the same list at a cursor.
    #[must_use]
    pub fn around(
        trail: &Trail,
        cursor: Option<&str>,
        next: Option<&str>,
        address: impl Fn(Option<String>) -> String,
    ) -> Self {
        let newer = cursor.map(|_| {
            let (position, rest) = trail.back();
            or_same_page(rest.append_to(&address(position)))
        });
        let older = next.map(|next| trail.onward(cursor).append_to(&address(Some(next.to_owned()))));
        Self { newer, older }
    }
}

/// An empty link would keep the current query.
fn or_same_page(query: String) -> String {
    if query.is_empty() { "?".to_owned() } else { query }
}

/// Links to newer and older rows. Nothing if all rows fit on one page.
#[component]
pub fn Pager(
    /// The link targets.
    paging: Paging,
) -> impl IntoView {
    let link =
        "inline-flex items-center min-h-9 px-3 border border-control rounded-s bg-surface no-underline hover:bg-sunk";
    let any = paging.newer.is_some() || paging.older.is_some();
    any.then(|| {
        view! {
            <nav aria-label="Pages" class="flex gap-2 py-4 text-table">
                {paging.newer.map(|href| view! { <a class=link rel="prev" href=href>"← Newer"</a> })}
                {paging.older.map(|href| view! { <a class=link rel="next" href=href>"Older →"</a> })}
            </nav>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(query: &str, cursor: Option<&str>, next: Option<&str>) -> Paging {
        Paging::around(&Trail::parse(query), cursor, next, |at| {
            Writer::default().with("status", "failed").with("cursor", at.unwrap_or_default()).finish()
        })
    }

    #[test]
    fn newer_links_lead_back_through_every_page() {
        let first = around("", None, Some("c2"));
        assert_eq!((first.newer, first.older.as_deref()), (None, Some("?status=failed&cursor=c2")));
        let second = around("", Some("c2"), Some("c3"));
        assert_eq!(second.newer.as_deref(), Some("?status=failed"));
        assert_eq!(second.older.as_deref(), Some("?status=failed&cursor=c3&trail=c2"));
        let third = around("?status=failed&cursor=c3&trail=c2", Some("c3"), None);
        assert_eq!((third.newer.as_deref(), third.older), (Some("?status=failed&cursor=c2"), None));
    }

    #[test]
    fn the_trail_has_a_maximum_length() {
        let long: String = (0..100).map(|n| format!("&trail=c{n}")).collect();
        let older = around(&long, Some("now"), Some("next")).older.unwrap_or_default();
        assert_eq!(older.matches("trail=").count(), TRAIL_MAX);
    }

    #[test]
    fn the_link_back_to_the_first_page_drops_the_query() {
        let paging = Paging::around(&Trail::default(), Some("c2"), None, |at| {
            Writer::default().with("cursor", at.unwrap_or_default()).finish()
        });
        assert_eq!(paging.newer.as_deref(), Some("?"));
    }
}
