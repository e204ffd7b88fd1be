//! How a file is read: its kind and time zone, and its columns if they are chosen by hand.

use domain::connector::imports::{FileColumn, FilePreset, Reading};
use leptos::prelude::*;

use crate::{
    api::connectors::load_file_presets,
    components::field::{CONTROL, FieldErrorText, FieldState},
    html::{Html, IntoHtml},
    zone::Zone,
};

#[component]
pub(super) fn ReadingFields(reading: Reading, columns: Vec<FileColumn>, edit: String) -> impl IntoView {
    let presets = load_file_presets().unwrap_or_default();
    let unchecked = presets.iter().any(|preset| preset.name == reading.preset && !preset.documented);
    let by_hand = reading.preset == Reading::COLUMNS;
    let note = if by_hand {
        view! { <Columns reading=reading.clone() columns=columns/> }.into_html()
    } else {
        hidden_columns(&reading).into_html()
    };
    view! {
        {choice("preset", "Kind of file", "", kinds(presets), &reading.preset)}
        {unchecked.then(|| view! {
            <p class="text-table text-ink-2">"This kind was not checked against the vendor’s documentation. Compare the preview with calls you know."</p>
        })}
        {choice("zone", "Time zone of its times", "", zones(), &reading.zone)}
        {note}
        <p class="text-table text-ink-2">"Numbers are read by the connector’s country. "<a href=edit>"Edit the connector"</a></p>
    }
}

fn kinds(presets: Vec<FilePreset>) -> Vec<(String, String)> {
    let own = (Reading::COLUMNS.to_owned(), "Choose the columns".to_owned());
    presets.into_iter().map(|preset| (preset.name, preset.title)).chain([own]).collect()
}

fn zones() -> Vec<(String, String)> {
    Zone::names().into_iter().map(|name| (name.clone(), name)).collect()
}

/// What was chosen before is kept while another kind is tried.
fn hidden_columns(reading: &Reading) -> impl IntoView + use<> {
    let kept = [
        ("caller", &reading.caller),
        ("callee", &reading.callee),
        ("start", &reading.start),
        ("duration", &reading.duration),
        ("answer", &reading.answer),
        ("end", &reading.end),
        ("status", &reading.status),
        ("statuses", &reading.statuses),
        ("direction", &reading.direction),
        ("directions", &reading.directions),
        ("extension", &reading.extension),
        ("call", &reading.call),
        ("cost", &reading.cost),
    ];
    let kept = kept.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| {
        let value = value.clone();
        view! { <input type="hidden" name=format!("form[{name}]") value=value/> }
    });
    kept.collect_view()
}

#[component]
fn Columns(reading: Reading, columns: Vec<FileColumn>) -> impl IntoView {
    let of_file: Vec<_> = columns.iter().map(|column| (column.number.to_string(), label(column))).collect();
    let none = ("".to_owned(), "None".to_owned());
    let optional: Vec<_> = std::iter::once(none).chain(of_file.clone()).collect();
    let needed: Vec<_> = std::iter::once((String::new(), "Choose…".to_owned())).chain(of_file.clone()).collect();
    let mut directions = vec![
        (String::new(), "By the numbers: long ones are outside".to_owned()),
        ("incoming".to_owned(), "All calls are incoming".to_owned()),
        ("outgoing".to_owned(), "All calls are outgoing".to_owned()),
    ];
    directions.extend(of_file);
    let further =
        [&reading.answer, &reading.end, &reading.extension, &reading.call, &reading.cost, &reading.directions];
    let more = further.iter().any(|column| !column.is_empty());
    view! {
        {choice("caller", "Caller’s number", "", needed.clone(), &reading.caller)}
        {choice("callee", "Number called", "", needed.clone(), &reading.callee)}
        {choice("start", "Beginning of the call", "", needed, &reading.start)}
        {choice("duration", "Duration", "Seconds, or hours:minutes:seconds.", optional.clone(), &reading.duration)}
        {choice("status", "Result", "Without it, calls with a duration were answered.", optional.clone(), &reading.status)}
        {lines("statuses", "What the results mean", "One per line, such as Beantwortet: answered. Also busy, not_answered, cancelled, failed and voicemail.", &reading.statuses)}
        {choice("direction", "Direction", "", directions, &reading.direction)}
        <details open=more>
            <summary class="font-semibold">"More columns"</summary>
            <div class="mt-4 grid gap-5">
                {lines("directions", "What the directions mean", "One per line, such as eingehend: incoming. Also outgoing and internal.", &reading.directions)}
                {choice("answer", "Answered", "Instead of a duration, with the end.", optional.clone(), &reading.answer)}
                {choice("end", "End of the call", "", optional.clone(), &reading.end)}
                {choice("extension", "Extension", "Whoever answered, or made an outgoing call.", optional.clone(), &reading.extension)}
                {choice("call", "ID of the call", "Without it, beginning and numbers distinguish calls.", optional.clone(), &reading.call)}
                {choice("cost", "Cost", "", optional, &reading.cost)}
            </div>
        </details>
    }
}

/// `2 · Von (01632960001)`
fn label(column: &FileColumn) -> String {
    let name = if column.first.is_empty() { "empty" } else { &column.first };
    let example = if column.example.is_empty() { String::new() } else { format!(" ({})", column.example) };
    format!("{} · {name}{example}", column.number)
}

fn choice(
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    options: Vec<(String, String)>,
    chosen: &str,
) -> Html {
    let state = FieldState::of(name, !hint.is_empty());
    let options = options.into_iter().map(|(value, text)| {
        let selected = value == chosen;
        view! { <option value=value selected=selected>{text}</option> }
    });
    let options = options.collect_view();
    view! {
        <div class="grid gap-1">
            <label class="font-semibold" for=name>{label}</label>
            {(!hint.is_empty()).then(|| view! { <p class="text-table text-ink-2" id=format!("{name}-hint")>{hint}</p> })}
            <FieldErrorText name=name error=state.error.clone()/>
            <select class=CONTROL id=name name=format!("form[{name}]") aria-invalid=state.invalid() aria-describedby=state.described_by>{options}</select>
        </div>
    }
    .into_html()
}

fn lines(name: &'static str, label: &'static str, hint: &'static str, value: &str) -> Html {
    let state = FieldState::of(name, true);
    let value = value.to_owned();
    view! {
        <div class="grid gap-1">
            <label class="font-semibold" for=name>{label} <span class="font-normal text-ink-3">" (optional)"</span></label>
            <p class="text-table text-ink-2" id=format!("{name}-hint")>{hint}</p>
            <FieldErrorText name=name error=state.error.clone()/>
            <textarea class=format!("{CONTROL} font-mono text-table") id=name name=format!("form[{name}]") rows=3 spellcheck="false"
                autocomplete="off" aria-invalid=state.invalid() aria-describedby=state.described_by>{value}</textarea>
        </div>
    }
    .into_html()
}
