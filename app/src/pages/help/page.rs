//! A rendered help page: the list of all guides, a heading and the text.

use leptos::prelude::*;

use crate::components::code_block::CodeBlock;
use crate::components::heading::TabTitle;
use crate::error::UiError;
use crate::html::{Html, IntoHtml};
use crate::links;
use crate::pages::public_page;
use islands::copy::Copy;

/// A file of `docs/help`, as `build.rs` renders it.
#[derive(Debug)]
pub struct Page {
    /// The rest of its address after `/help`.
    pub path: &'static str,
    /// The heading.
    pub title: &'static str,
    /// The introduction below it.
    pub lead: &'static str,
    /// The text.
    pub blocks: &'static [Block],
}

/// A piece of a page.
#[derive(Debug)]
pub enum Block {
    /// Trusted HTML from our own files.
    Html(&'static str),
    /// A code block.
    Code {
        /// What it is, for the name of the copy button: `sample in Python`.
        what: &'static str,
        /// The code.
        text: &'static str,
    },
}

include!(concat!(env!("OUT_DIR"), "/help.rs"));

/// The page with that address.
///
/// # Errors
/// Not found where no file has it.
pub fn find(path: &str) -> Result<&'static Page, UiError> {
    let mut all = GUIDES.iter().chain(CAUSES);
    all.find(|page| page.path == path).ok_or_else(|| UiError::not_found("Help page"))
}

/// A page that consists of its file alone.
pub fn help_page(path: &'static str) -> impl IntoView {
    public_page(async move |_, _| {
        let Page { title, lead, blocks, .. } = find(path)?;
        Ok(view! { <Guide path=path title=*title lead=*lead><Blocks blocks=*blocks/></Guide> }.into_html())
    })
}

/// A guide below the list of all guides.
#[component]
pub fn Guide(
    /// The rest of its address after `/help`.
    path: &'static str,
    /// The heading.
    title: &'static str,
    /// The introduction below it.
    lead: &'static str,
    /// The text.
    children: Html,
) -> impl IntoView {
    view! {
        <TabTitle title=title.to_owned()/>
        <GuideList path=path/>
        <article class="prose">
            <h1 class="mt-6 text-verdict font-bold leading-row">{title}</h1>
            <p class="text-large text-ink-2">{lead}</p>
            {children}
        </article>
        <Copy/>
    }
}

#[component]
fn GuideList(path: &'static str) -> impl IntoView {
    let guide = move |page: &Page| {
        let current = (page.path == path).then_some("page");
        let class = "inline-flex items-center min-h-6 aria-[current]:font-semibold aria-[current]:no-underline";
        view! { <li><a class=class href=format!("{}{}", links::HELP, page.path) aria-current=current>{page.title}</a></li> }
    };
    let guides = GUIDES.iter().filter(|page| !page.path.is_empty()).map(guide).collect_view();
    view! {
        <nav aria-label="Guides" class="border-b border-line pb-2">
            <ul class="flex flex-wrap gap-x-5 gap-y-1 text-table">{guides}</ul>
        </nav>
    }
}

/// The text of a page.
#[component]
pub fn Blocks(
    /// Its pieces.
    blocks: &'static [Block],
) -> impl IntoView {
    let block = |block: &'static Block| match *block {
        Block::Html(html) => view! { <div inner_html=html></div> }.into_html(),
        Block::Code { what, text } => view! { <div class="mt-4"><CodeBlock text=text what=what/></div> }.into_html(),
    };
    blocks.iter().map(block).collect_view()
}
