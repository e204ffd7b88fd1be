//! The repository as the rules see it: its files, and their text without strings and comments.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// Folders that hold no source of this project.
const FOREIGN: &[&str] = &["target", "node_modules", "data", "results"];

/// A file of the repository.
pub(crate) struct Source {
    /// Path from the root, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
    /// The same with spaces in place of strings, characters and comments; line numbers stay the same.
    pub code: String,
}

impl Source {
    /// The line (from 1) at which the tests at the end of the file start; past the end if there are none.
    pub(crate) fn tests_begin(&self) -> usize {
        let lines = self.text.lines().collect::<Vec<_>>();
        lines.iter().position(|line| *line == "#[cfg(test)]").map_or(lines.len() + 1, |at| at + 1)
    }

    /// Whether it is compiled for tests only.
    pub(crate) fn is_test(&self) -> bool {
        ["/tests/", "server/tidy/"].iter().any(|part| self.path.contains(part)) || self.path.ends_with("/tests.rs")
    }

    /// Lines of `code` with their numbers.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().enumerate().map(|(at, line)| (at + 1, line))
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// All Rust files, read once.
pub(crate) fn rust() -> &'static [Source] {
    static FILES: LazyLock<Vec<Source>> = LazyLock::new(|| {
        let mut found = Vec::new();
        for folder in ["app", "server"] {
            walk(&root().join(folder), &mut found);
        }
        assert!(found.len() > 50, "the repository was not found");
        found
    });
    &FILES
}

fn walk(folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !FOREIGN.contains(&name.as_str()) && !name.starts_with('.') {
            walk(&path, found);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).unwrap();
            let path = path.strip_prefix(root()).unwrap().display().to_string();
            found.push(Source { path, code: code_only(&text), text });
        }
    }
}

/// Fails with all complaints, one a line.
#[track_caller]
pub(crate) fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// The text with spaces in place of strings, characters and comments.
pub(crate) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    while at < chars.len() {
        let end = opaque_end(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        }
        while at < end {
            out.push(if chars[at] == '\n' { '\n' } else { ' ' });
            at += 1;
        }
    }
    out
}

/// Where the string, character or comment that starts here ends; here if none starts.
fn opaque_end(chars: &[char], at: usize) -> usize {
    let starts = |text: &str| text.chars().enumerate().all(|(n, c)| chars.get(at + n) == Some(&c));
    let in_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match chars[at] {
        '/' if starts("//") => find(chars, at, &['\n']),
        '/' if starts("/*") => find(chars, at + 2, &['*', '/']) + 2,
        '"' => string_end(chars, at + 1),
        'r' if !in_word && (starts("r\"") || starts("r#")) => raw_end(chars, at),
        '\'' if chars.get(at + 1) == Some(&'\\') => find(chars, at + 3, &['\'']) + 1,
        '\'' if chars.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
}

fn string_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

fn raw_end(chars: &[char], at: usize) -> usize {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        // A raw identifier: r#type.
        return at;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    find(chars, at + 2 + hashes, &close) + close.len()
}

fn find(chars: &[char], from: usize, wanted: &[char]) -> usize {
    let rest = chars.get(from..).unwrap_or_default();
    rest.windows(wanted.len()).position(|window| window == wanted).map_or(chars.len() - wanted.len(), |n| from + n)
}

#[test]
fn strings_characters_and_comments_become_spaces_and_lines_stay() {
    let text = "let a = \"{\\\"\"; // {\nlet b = '{'; /* {\n */ fn f<'a>(r#in: &'a str) { r#\"}\"# }";
    let code = code_only(text);
    assert_eq!(code.lines().count(), text.lines().count());
    assert_eq!((code.matches('{').count(), code.matches('}').count()), (1, 1), "{code}");
}
