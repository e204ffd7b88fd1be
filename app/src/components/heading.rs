//! The head of a page: tab title, heading, actions, and the outcome of the previous form.

use leptos::prelude::*;
use leptos_meta::Title;

use super::notices::Notices;
use crate::flash::Flash;
use crate::html::Html;
use crate::visit::Frame;

/// The head of a page. Its children are the actions.
#[component]
pub fn Heading(
    /// The title.
    #[prop(into)]
    title: String,
    /// A line below the heading.
    #[prop(optional, into)]
    lead: Option<String>,
    /// Tab title, if it differs from the heading.
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
                    {lead.map(|text| view! { <p class="max-w-column text-ink-2">{text}</p> })}
                </div>
                {children.map(|actions| view! { <div class="flex flex-wrap gap-2">{actions}</div> })}
            </div>
            <Notices/>
        </header>
    }
}

/// The tab title: errors first, then the page, the account, the product.
#[component]
pub fn TabTitle(
    /// The title.
    title: String,
) -> impl IntoView {
    let refused = use_context::<Flash>().is_some_and(|flash| flash.refused());
    let account = use_context::<Frame>().map(|frame| format!(" · {}", frame.here.account.name));
    let text = format!("{}{title}{} · Offhook", if refused { "Error: " } else { "" }, account.unwrap_or_default());
    view! { <Title text=escaped(&text)/> }
}

/// `leptos_meta` writes a title without escaping it, and names in it are chosen by users.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_title_is_escaped() {
        assert_eq!(escaped("</title><b> & co"), "&lt;/title&gt;&lt;b&gt; &amp; co");
    }
}
