//! What all guides share: the list of guides, a column to read, parts with an address, and tables.

use leptos::prelude::*;

use crate::components::code_block::CodeBlock;
use crate::components::heading::TabTitle;
use crate::html::{Html, IntoHtml};
use crate::links;
use crate::pages::public_page;
use islands::copy::Copy;

/// The guides: the rest of their address after `/help`, title, and what each answers.
pub const GUIDES: [(&str, &str, &str); 5] = [
    ("/setting-up", "Set up a webhook", "From signing up to the first delivery: what arrives and what to answer."),
    ("/verify", "Verify a request", "Two ways to know that a request is genuine, in six languages."),
    ("/retries", "Retries and order", "When a failed delivery is tried again, and what each status means."),
    ("/causes", "Causes of failures", "Every reason why a delivery fails, how to check and how to fix it."),
    ("/api", "REST API", "Post events, manage endpoints and read deliveries from a program."),
];

/// How running text looks inside a guide. The pages are prose: plain elements, dressed here once.
const PROSE: &str = "max-w-column leading-body \
    [&_p]:mt-3 [&_ul]:mt-3 [&_ul]:pl-6 [&_ul]:list-disc [&_ol]:mt-3 [&_ol]:pl-6 [&_ol]:list-decimal [&_li]:mt-1.5 \
    [&_p_code]:bg-sunk [&_li_code]:bg-sunk [&_td_code]:bg-sunk [&_p_code]:px-1 [&_li_code]:px-1 [&_td_code]:px-1 \
    [&_td_code]:wrap-anywhere [&_h3]:mt-6 [&_h3]:font-semibold [&_h3]:text-large";

/// A guide whose text depends on nothing but itself.
pub fn guide_page(
    here: &'static str,
    title: &'static str,
    lead: &'static str,
    parts: impl FnOnce() -> Html + Send + 'static,
) -> impl IntoView {
    public_page(async move |_, _| Ok(view! { <Guide here=here title=title lead=lead>{parts()}</Guide> }.into_html()))
}

/// A guide with the list of all guides above it.
#[component]
pub fn Guide(
    /// The heading.
    #[prop(into)]
    title: String,
    /// One sentence: what the reader will know afterwards.
    #[prop(into)]
    lead: String,
    /// The rest of this page's address after `/help`.
    here: &'static str,
    /// The parts.
    children: Html,
) -> impl IntoView {
    view! {
        <TabTitle title=title.clone()/>
        <GuideList here=here/>
        <article class=PROSE>
            <h1 class="mt-6 text-verdict font-bold leading-row">{title}</h1>
            <p class="text-large text-ink-2">{lead}</p>
            {children}
        </article>
        <Copy/>
    }
}

#[component]
fn GuideList(here: &'static str) -> impl IntoView {
    let guide = move |(path, title, _): (&'static str, &'static str, &'static str)| {
        let current = (path == here).then_some("page");
        let class = "inline-flex items-center min-h-6 aria-[current]:font-semibold aria-[current]:no-underline";
        view! { <li><a class=class href=format!("{}{path}", links::HELP) aria-current=current>{title}</a></li> }
    };
    view! {
        <nav aria-label="Guides" class="border-b border-line pb-2">
            <ul class="flex flex-wrap gap-x-5 gap-y-1 text-table">{GUIDES.into_iter().map(guide).collect_view()}</ul>
        </nav>
    }
}

/// A part of a guide; its heading is a link to itself.
#[component]
pub fn Part(
    /// Name in the address after `#`.
    id: &'static str,
    /// The heading.
    #[prop(into)]
    title: String,
    /// Its text.
    children: Html,
) -> impl IntoView {
    view! {
        <section aria-labelledby=id class="mt-10">
            <h2 id=id class="text-title font-bold">
                <a href=format!("#{id}") class="hover:underline">{title}</a>
            </h2>
            {children}
        </section>
    }
}

/// A cell; on a phone the cells of a row stand one under the other, since columns would break words apart.
const CELL: &str = "py-1.5 pr-4 align-top tabular-nums max-sm:block max-sm:py-0 max-sm:wrap-anywhere \
    max-sm:before:text-ink-3 max-sm:before:content-[attr(data-head)]";

/// A table whose first column names what the row is about. Cells are text; `code` says which columns are for machines.
#[component]
pub fn Grid(
    /// What the table holds, for those who cannot see it at a glance.
    caption: &'static str,
    /// Headings of the columns.
    head: &'static [&'static str],
    /// The rows.
    rows: Vec<Vec<String>>,
    /// Whether the first column is written in the fixed-width face.
    #[prop(optional)]
    code: bool,
) -> impl IntoView {
    let heading =
        |name: &&'static str| view! { <th scope="col" class="py-1.5 pr-4 font-semibold text-left">{*name}</th> };
    let cell = move |(at, text): (usize, String)| {
        let text = if code && at == 0 { view! { <code>{text}</code> }.into_html() } else { text.into_html() };
        // Stacked, what stands between the name and its meaning needs its heading beside it.
        let said = (at > 0 && at + 1 < head.len()).then(|| format!("{}: ", head[at]));
        view! { <td class=CELL data-head=said>{text}</td> }
    };
    let row = move |cells: Vec<String>| {
        view! {
            <tr class="border-t border-line max-sm:block max-sm:py-1.5">{cells.into_iter().enumerate().map(cell).collect_view()}</tr>
        }
    };
    view! {
        <section class="mt-4 overflow-x-auto" aria-label=caption tabindex="0">
            <table class="w-full text-table max-sm:block">
                <caption class="sr-only">{caption}</caption>
                <thead class="max-sm:sr-only"><tr>{head.iter().map(heading).collect_view()}</tr></thead>
                <tbody class="max-sm:block">{rows.into_iter().map(row).collect_view()}</tbody>
            </table>
        </section>
    }
}

/// Rows of a table from constant text.
#[must_use]
pub fn rows<const COLUMNS: usize>(text: &[[&str; COLUMNS]]) -> Vec<Vec<String>> {
    text.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
}

/// Code with its copy button, set off from the text.
#[component]
pub fn Sample(
    /// What it is: `signature check in Python`.
    #[prop(into)]
    what: String,
    /// The text.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! { <div class="mt-4"><CodeBlock text=text what=what/></div> }
}
