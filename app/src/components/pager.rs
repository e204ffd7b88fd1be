//! Older and newer pages of a list that is paged by position. The database only knows the way to older rows, so the
//! link itself carries the positions that were passed: that is the way back.

use domain::query::{Writer, pairs};
use leptos::prelude::*;

/// Most positions that a link carries. From further down, "Newer" leads to the first page.
const TRAIL_MAX: usize = 20;

/// The positions of the newer pages, first page left out, in the order in which they were passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail(Vec<String>);

impl Trail {
    /// Reads the positions out of a page's query string.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        Self(pairs(query).filter(|(key, _)| key == "trail").map(|(_, cursor)| cursor).take(TRAIL_MAX).collect())
    }

    /// What is added to the query of the older page, coming from the page at `cursor`.
    fn onward(&self, cursor: Option<&str>) -> Self {
        let passed: Vec<String> = self.0.iter().map(String::as_str).chain(cursor).map(str::to_owned).collect();
        Self(passed[passed.len().saturating_sub(TRAIL_MAX)..].to_vec())
    }

    /// The position of the newer page and the trail that it has.
    fn back(&self) -> (Option<String>, Self) {
        let mut rest = self.0.clone();
        (rest.pop(), Self(rest))
    }

    /// The trail as it stands behind a query string that may be empty.
    fn behind(&self, query: &str) -> String {
        let written = self.0.iter().fold(Writer::default(), |writer, cursor| writer.with("trail", cursor)).finish();
        if query.is_empty() { written } else { query.to_owned() + &written.replacen('?', "&", 1) }
    }
}

/// The two addresses of a pager.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paging {
    /// The page of newer rows; none on the first page.
    pub newer: Option<String>,
    /// The page of older rows; none on the last.
    pub older: Option<String>,
}

impl Paging {
    /// The pages around the one at `cursor`. `address` writes the query string of the same list at a position.
    #[must_use]
    pub fn around(
        trail: &Trail,
        cursor: Option<&str>,
        next: Option<&str>,
        address: impl Fn(Option<String>) -> String,
    ) -> Self {
        let newer = cursor.map(|_| {
            let (position, rest) = trail.back();
            or_same_page(rest.behind(&address(position)))
        });
        let older = next.map(|next| trail.onward(cursor).behind(&address(Some(next.to_owned()))));
        Self { newer, older }
    }
}

/// An empty link would keep the query that the page has.
fn or_same_page(query: String) -> String {
    if query.is_empty() { "?".to_owned() } else { query }
}

/// The links to newer and older rows. Nothing where all rows fit on one page.
#[component]
pub fn Pager(
    /// Where they lead.
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
    fn newer_leads_back_over_every_page_that_was_passed() {
        let first = around("", None, Some("c2"));
        assert_eq!((first.newer, first.older.as_deref()), (None, Some("?status=failed&cursor=c2")));
        let second = around("", Some("c2"), Some("c3"));
        assert_eq!(second.newer.as_deref(), Some("?status=failed"));
        assert_eq!(second.older.as_deref(), Some("?status=failed&cursor=c3&trail=c2"));
        let third = around("?status=failed&cursor=c3&trail=c2", Some("c3"), None);
        assert_eq!((third.newer.as_deref(), third.older), (Some("?status=failed&cursor=c2"), None));
    }

    #[test]
    fn a_link_does_not_grow_without_end() {
        let long: String = (0..100).map(|n| format!("&trail=c{n}")).collect();
        let older = around(&long, Some("now"), Some("next")).older.unwrap_or_default();
        assert_eq!(older.matches("trail=").count(), TRAIL_MAX);
    }

    #[test]
    fn the_way_back_to_everything_drops_the_query() {
        let paging = Paging::around(&Trail::default(), Some("c2"), None, |at| {
            Writer::default().with("cursor", at.unwrap_or_default()).finish()
        });
        assert_eq!(paging.newer.as_deref(), Some("?"));
    }
}
