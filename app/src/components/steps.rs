//! The steps of a wizard. Each is a page of its own, so that it can be closed and continued later.

use leptos::prelude::*;

use crate::html::{Html, IntoHtml};

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub label: &'static str,
    /// Its page; none if it cannot be opened yet.
    pub href: Option<String>,
    /// Whether it is complete.
    pub done: bool,
}

const CHECK: &str = "M3 8.5 6.5 12 13 4.5";
const NUMBER: &str = "border-control";
const CURRENT_NUMBER: &str = "border-ink bg-highlight text-ink dark:text-page";

/// All steps, with the current one marked. On narrow screens they are one below the other.
#[component]
pub fn Steps(
    /// The steps in order.
    steps: Vec<Step>,
    /// Index of the current one.
    here: usize,
) -> impl IntoView {
    let items = steps.into_iter().enumerate().map(|(at, step)| item(at, step, at == here));
    view! { <ol aria-label="Steps" class="flex gap-x-6 border-y border-line max-md:flex-col md:flex-wrap">{items.collect_view()}</ol> }
}

fn item(at: usize, step: Step, current: bool) -> impl IntoView {
    let done = step.done && !current;
    let label = match step.href.filter(|_| !current) {
        Some(href) => view! { <a class="inline-flex min-h-6 items-center" href=href>{step.label}</a> }.into_html(),
        None => view! { <span>{step.label}</span> }.into_html(),
    };
    view! {
        <li aria-current=current.then_some("step") class="flex min-h-10 items-center gap-2 border-b-2 border-transparent text-table text-ink-2 aria-[current]:border-ink aria-[current]:font-semibold aria-[current]:text-ink">
            {mark(at + 1, done, current)} {label} {done.then(|| view! { <span class="sr-only">", complete"</span> })}
        </li>
    }
}

fn mark(n: usize, done: bool, current: bool) -> Html {
    if done {
        return view! {
            <svg class="size-4 shrink-0 text-delivered" viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true">
                <path d=CHECK></path>
            </svg>
        }
        .into_html();
    }
    let look = if current { CURRENT_NUMBER } else { NUMBER };
    view! {
        <span aria-hidden="true" class=format!("flex size-5 shrink-0 items-center justify-center rounded-s border text-meta font-bold {look}")>{n}</span>
    }
    .into_html()
}
