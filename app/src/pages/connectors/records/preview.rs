//! What becomes of the first rows of a file.

use domain::{
    connector::imports::{FilePreview, PreviewCall, PreviewRow},
    delivery::Status,
};
use leptos::prelude::*;

use crate::{
    components::status_badge::StatusIcon,
    html::{Html, IntoHtml},
};

#[component]
pub(super) fn Preview(preview: Result<FilePreview, String>) -> impl IntoView {
    let (lead, rows) = match preview {
        Err(message) => (message, None),
        Ok(preview) => (summary(&preview), Some(preview)),
    };
    let rows = rows.map(|preview| {
        let more = preview.more.then(|| view! { <p class="text-table text-ink-2">"The file has further rows."</p> });
        let rows = preview.rows.into_iter().map(row).collect_view();
        view! {
            <ol class="border-b border-line">{rows}</ol>
            {more}
        }
    });
    view! {
        <section class="grid gap-3" aria-labelledby="preview">
            <h2 class="text-large font-bold" id="preview">"Preview of the first rows"</h2>
            <p class="max-w-column text-ink-2">{lead}</p>
            {rows}
        </section>
    }
}

/// What the rows have in common.
fn summary(preview: &FilePreview) -> String {
    let count = |is: fn(&PreviewRow) -> bool| preview.rows.iter().filter(|row| is(row)).count();
    let calls = count(|row| matches!(row.result, Ok(Some(_))));
    let bad = count(|row| row.result.is_err());
    match (calls, bad) {
        (0, 0) if preview.rows.is_empty() => "The file has no rows.".to_owned(),
        (0, 0) => "None of these rows is a call that is imported.".to_owned(),
        (0, _) => {
            "None of these rows is understood. Choose another kind of file, or its columns, then update the preview."
                .to_owned()
        }
        (_, 0) => "Each call becomes a CallProcessed event. Compare a few with what you know.".to_owned(),
        (_, bad) => format!(
            "{bad} of these {} rows {} not understood. All others are imported.",
            preview.rows.len(),
            if bad == 1 { "is" } else { "are" }
        ),
    }
}

fn row(PreviewRow { line, result }: PreviewRow) -> impl IntoView {
    let (status, look, content) = match result {
        Ok(Some(call)) => (Status::Delivered, "text-delivered", understood(call)),
        Ok(None) => (
            Status::Held,
            "text-held",
            view! { <p class="text-table text-ink-2">"Not imported: a call between extensions, or no call."</p> }
                .into_html(),
        ),
        Err(reason) => (
            Status::Failed,
            "text-failed",
            view! { <p class="text-table text-failed wrap-anywhere">{reason}</p> }.into_html(),
        ),
    };
    view! {
        <li class="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 border-t border-line py-2 sm:grid-cols-[5rem_auto_minmax(0,1fr)]">
            <p class="col-span-2 text-meta text-ink-3 sm:col-span-1 sm:pt-0.5">{format!("Line {line}")}</p>
            <span class=format!("pt-1 {look}")><StatusIcon status=status class="size-3.5"/></span>
            {content}
        </li>
    }
}

fn understood(call: PreviewCall) -> Html {
    let PreviewCall { direction, from, to, at, duration_s, status } = call;
    let duration = talk(duration_s);
    view! {
        <div class="grid gap-x-4 md:grid-cols-[minmax(0,1fr)_auto]">
            <p class="font-semibold wrap-anywhere">{from}<span class="font-normal text-ink-3">" to "</span>{to}</p>
            <p class="text-table text-ink-2 md:text-right">"ended "{at}</p>
            <p class="text-table text-ink-2">{format!("{direction}, {status}, {duration}")}</p>
            <p class="text-table text-ink-3 md:text-right">"CallProcessed"</p>
        </div>
    }
    .into_html()
}

/// `1 min 23 s`
fn talk(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preview(results: Vec<Result<Option<PreviewCall>, String>>) -> FilePreview {
        let rows = results.into_iter().map(|result| PreviewRow { line: 1, result }).collect();
        FilePreview { rows, more: false }
    }

    #[test]
    fn a_preview_says_what_to_do_next() {
        let call = PreviewCall {
            direction: "Incoming".into(),
            from: "+441632960001".into(),
            to: "+441632960100".into(),
            at: String::new(),
            duration_s: 83,
            status: "answered".into(),
        };
        assert!(summary(&preview(vec![])).contains("no rows"));
        assert!(summary(&preview(vec![Err("no time".into())])).contains("Choose another kind"));
        assert!(summary(&preview(vec![Ok(Some(call.clone()))])).contains("CallProcessed"));
        let mixed = summary(&preview(vec![Ok(Some(call)), Err("no time".into())]));
        assert_eq!(mixed, "1 of these 2 rows is not understood. All others are imported.");
        assert_eq!([12, 60, 83].map(talk), ["12 s", "1 min", "1 min 23 s"]);
    }
}
