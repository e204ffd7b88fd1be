//! Updates the displayed page with its new content.

use leptos::prelude::document;
use web_sys::{Document, Element};

/// Id of the region that is kept up to date.
const REGION: &str = "live";
/// Id of the list in it, if there is one.
const LIST: &str = "live-list";
/// Id of the counts above the list.
const COUNTS: &str = "live-counts";
/// Attribute that changes with the content of an element.
const VERSION: &str = "data-v";

/// What happened to the new content.
pub(super) enum Patched {
    /// All of it is shown.
    Done,
    /// This list with this many new rows waits.
    Rows(Element, u32),
    /// This region waits.
    Whole(Element),
}

/// The live region of a document.
pub(super) fn region(page: &Document) -> Option<Element> {
    page.get_element_by_id(REGION)
}

/// When the server rendered this region.
pub(super) fn moment(region: &Element) -> String {
    region.get_attribute("data-now").unwrap_or_default()
}

/// Whether the content of this region is final.
pub(super) fn ended(region: &Element) -> bool {
    region.has_attribute("data-ended")
}

/// Applies `new` to the page unless that would disturb the user.
pub(super) fn apply(old: &Element, new: &Element) -> Patched {
    match (inside(old, LIST), inside(new, LIST)) {
        (Some(old_list), Some(new_list)) => {
            if let (Some(old_counts), Some(new_counts)) = (inside(old, COUNTS), inside(new, COUNTS)) {
                let _ = old_counts.replace_with_with_node_1(&new_counts);
            }
            rows(&old_list, new_list)
        }
        _ => whole(old, new.clone()),
    }
}

fn rows(old: &Element, new: Element) -> Patched {
    let page = document();
    let mut arrived = 0;
    let mut next = new.first_element_child();
    while let Some(row) = next {
        next = row.next_element_sibling();
        match page.get_element_by_id(&row.id()) {
            Some(shown) => refresh(&shown, &row),
            None if row.has_attribute(VERSION) => arrived += 1,
            None => {}
        }
    }
    if arrived == 0 {
        Patched::Done
    } else if is_idle(old) {
        put(&new);
        Patched::Done
    } else {
        Patched::Rows(new, arrived)
    }
}

/// Replaces a row, unless it has the focus.
fn refresh(shown: &Element, row: &Element) {
    if !same(shown, row)
        && !matches(shown, ":focus-within")
        && let Ok(copy) = row.clone_node_with_deep(true)
    {
        keep_selection(shown, &copy);
        let _ = shown.replace_with_with_node_1(&copy);
    }
}

/// A selected row stays selected.
fn keep_selection(shown: &Element, copy: &web_sys::Node) {
    let checkbox = wasm_bindgen::JsCast::dyn_ref::<Element>(copy)
        .and_then(|copy| copy.query_selector("input[type=checkbox]").ok().flatten());
    if let (Some(checkbox), Ok(Some(_))) = (checkbox, shown.query_selector("input[type=checkbox]:checked")) {
        let _ = checkbox.set_attribute("checked", "");
    }
}

fn whole(old: &Element, new: Element) -> Patched {
    if same(old, &new) {
        Patched::Done
    } else if matches(old, ":focus-within") || is_selecting() {
        Patched::Whole(new)
    } else {
        put(&new);
        Patched::Done
    }
}

/// Replaces the element with the same id. Open and closed `<details>` stay as they are.
pub(super) fn put(new: &Element) {
    let Some(old) = document().get_element_by_id(&new.id()) else { return };
    if let Ok(folds) = old.query_selector_all("details[id]") {
        for fold in (0..folds.length()).filter_map(|at| folds.get(at).and_then(element)) {
            if let Some(same) = inside(new, &fold.id()) {
                let _ = same.toggle_attribute_with_force("open", fold.has_attribute("open"));
            }
        }
    }
    let _ = old.replace_with_with_node_1(new);
}

fn element(node: web_sys::Node) -> Option<Element> {
    wasm_bindgen::JsCast::dyn_into(node).ok()
}

/// Whether the user is not pointing at the list, focusing or scrolling it, or selecting rows or text.
fn is_idle(list: &Element) -> bool {
    if list.query_selector("input:checked").is_ok_and(|selected| selected.is_some()) {
        return false;
    }
    !matches(list, ":hover, :focus-within") && list.get_bounding_client_rect().top() > 0.0 && !is_selecting()
}

fn is_selecting() -> bool {
    document().get_selection().ok().flatten().is_some_and(|selection| !selection.is_collapsed())
}

fn same(a: &Element, b: &Element) -> bool {
    a.get_attribute(VERSION) == b.get_attribute(VERSION)
}

fn matches(element: &Element, selector: &str) -> bool {
    element.matches(selector).unwrap_or(false)
}

fn inside(element: &Element, id: &str) -> Option<Element> {
    element.query_selector(&format!("[id=\"{id}\"]")).ok().flatten()
}
