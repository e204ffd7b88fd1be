//! Limits on the length of files and functions.

use crate::source::{Source, none, rust};

/// Most lines of a file, without comments and the tests at its end: fields need their documentation.
const FILE_MAX_LINES: usize = 400;
/// Most lines of a function, from its name to its closing brace.
const FUNCTION_MAX_LINES: usize = 70;
/// The same for a component, which is mostly markup.
const COMPONENT_MAX_LINES: usize = 80;

#[test]
fn no_file_is_longer_than_its_limit() {
    let complaints = rust().iter().filter_map(|file| {
        let end = file.tests_begin();
        let counted = |(n, line): (usize, &str)| n < end && !line.trim_start().starts_with("//");
        let lines = file.text.lines().enumerate().filter(|(at, line)| counted((at + 1, line))).count();
        (lines > FILE_MAX_LINES).then(|| format!("{}:1: {lines} lines, at most {FILE_MAX_LINES}", file.path))
    });
    none(complaints.collect());
}

#[test]
fn no_function_is_longer_than_its_limit() {
    none(rust().iter().flat_map(long_functions).collect());
}

fn long_functions(file: &Source) -> Vec<String> {
    let lines: Vec<&str> = file.code.lines().collect();
    let starts = (0..lines.len()).filter(|at| is_function(lines[*at]));
    starts.filter_map(|at| too_long(file, &lines, at)).collect()
}

fn too_long(file: &Source, lines: &[&str], at: usize) -> Option<String> {
    let length = length(&lines[at..])?;
    let before = &lines[at.saturating_sub(3)..at];
    let is_view = before.iter().any(|line| line.contains("#[component") || line.contains("#[island"));
    let limit = if is_view { COMPONENT_MAX_LINES } else { FUNCTION_MAX_LINES };
    (length > limit).then(|| format!("{}:{}: a function of {length} lines, at most {limit}", file.path, at + 1))
}

fn is_function(line: &str) -> bool {
    let line = line.trim_start();
    let known = ["pub ", "pub(super) ", "pub(crate) ", "async ", "const ", "unsafe ", "extern "];
    let bare = (0..4).fold(line, |line, _| known.iter().find_map(|word| line.strip_prefix(word)).unwrap_or(line));
    bare.starts_with("fn ")
}

/// Lines up to the brace that closes the first one; `None` for a declaration without a body.
fn length(lines: &[&str]) -> Option<usize> {
    let mut depth = 0_usize;
    for (n, line) in lines.iter().enumerate() {
        for c in line.chars() {
            match c {
                ';' if depth == 0 => return None,
                '{' => depth += 1,
                '}' if depth == 1 => return Some(n + 1),
                '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }
    None
}

#[test]
fn the_length_of_a_function_is_counted_to_its_closing_brace() {
    assert_eq!(length(&["fn a() {", "if x {", "}", "}", "fn b() {}"]), Some(4));
    assert_eq!(length(&["fn a();", "fn b() {}"]), None);
    assert!(is_function("    pub(super) async fn run() {") && !is_function("let fn_ = 1;"));
}
