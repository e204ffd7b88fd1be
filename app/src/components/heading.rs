//! The head of a page: its title in the tab, its heading, its actions, and what became of the form before.

use leptos::prelude::*;
use leptos_meta::Title;

use super::notices::Notices;
use crate::flash::Flash;
use crate::html::Html;
use crate::visit::Frame;

/// The head of a page. Html are its actions.
#[component]
pub fn Heading(
    /// What the page is about.
    #[prop(into)]
    title: String,
    /// A line under the heading.
    #[prop(optional, into)]
    lead: Option<String>,
    /// What the tab says instead of the title.
    #[prop(optional, into)]
    tab: Option<String>,
    /// Buttons beside the heading.
    #[prop(optional)]
    children: Option<Html>,
) -> impl IntoView {
    view! {
        <TabTitle title=tab.unwrap_or_else(|| title.clone())/>
        <header class="grid grid-cols-1 gap-4">
            <div class="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
                <div class="min-w-0">
                    <h1 class="text-title font-bold leading-row wrap-break-word">{title}</h1>
                    {lead.map(|words| view! { <p class="max-w-column text-ink-2">{words}</p> })}
                </div>
                {children.map(|actions| view! { <div class="flex flex-wrap gap-2">{actions}</div> })}
            </div>
            <Notices/>
        </header>
    }
}

/// The title in the tab: what went wrong first, then the page, the account, the product.
#[component]
pub fn TabTitle(
    /// What the page is about.
    title: String,
) -> impl IntoView {
    let refused = use_context::<Flash>().is_some_and(|flash| flash.refused());
    let account = use_context::<Frame>().map(|frame| format!(" · {}", frame.here.account.name));
    let text = format!("{}{title}{} · Offhook", if refused { "Error: " } else { "" }, account.unwrap_or_default());
    view! { <Title text=escaped(&text)/> }
}

/// A title is written into the document as it is, so that what is part of it must not be markup: names are chosen by
/// people, and read by others.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_title_is_no_markup() {
        assert_eq!(escaped("</title><b> & co"), "&lt;/title&gt;&lt;b&gt; &amp; co");
    }
}
