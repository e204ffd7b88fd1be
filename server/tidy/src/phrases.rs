//! Plain English: no phrase of `phrases.txt` in code, comments, strings or documents.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use crate::source::{code_only, root};

/// What is searched: folders and files from the root.
const ROOTS: [&str; 16] = [
    "app",
    "server",
    "docs",
    "end2end",
    "style",
    ".make",
    ".ci",
    "Makefile",
    "Cargo.toml",
    "clippy.toml",
    "deny.toml",
    "README.md",
    "ARCHITECTURE.md",
    "STYLE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
];
const ENDINGS: [&str; 9] = [".rs", ".ts", ".mjs", ".js", ".md", ".css", ".toml", ".html", ".sh"];
/// Not read: what is generated or stored, released migrations, and the list itself.
const SKIPPED: [&str; 6] = ["target", "node_modules", "migrations", "results", "tidy", "data"];

/// Most hits that are left, by area. To be emptied.
const PENDING: &[(&str, usize)] = &[
    ("app/", 0),
    ("app/domain", 0),
    ("documents", 0),
    ("end2end", 0),
    ("server/engine/src", 0),
    ("server/engine/tests", 0),
    ("server/src", 0),
    ("server/tests", 0),
];

struct Rule {
    words: Vec<Vec<String>>,
    /// The phrase does not count before one of these.
    not_before: Vec<String>,
    text: String,
    prose: bool,
    names: bool,
    instead: String,
}

fn rules() -> Vec<Rule> {
    let text = fs::read_to_string(root().join("server/tidy/phrases.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let parsed = |line: &str| {
        let [phrase, at, instead] = fields(line);
        assert!(["any", "prose", "names"].contains(&at), "{line}");
        rule(phrase, at, instead)
    };
    lines.map(parsed).collect()
}

fn rule(phrase: &str, at: &str, instead: &str) -> Rule {
    let either = |words: &str| words.split('/').map(str::to_lowercase).collect();
    let (words, not_before) = phrase.split_once(" !").map_or((phrase, Vec::new()), |(words, not)| (words, either(not)));
    Rule {
        words: words.split(' ').map(either).collect(),
        not_before,
        text: phrase.to_owned(),
        prose: at != "names",
        names: at != "prose",
        instead: instead.to_owned(),
    }
}

fn fields(line: &str) -> [&str; 3] {
    let parts: Vec<&str> = line.split('|').map(str::trim).collect();
    parts.try_into().unwrap_or_else(|_| panic!("three fields expected: {line}"))
}

/// A word in lower case and its line; `STOP` for punctuation.
type Word = (String, usize);

/// The words of a text. Identifiers fall apart into theirs.
fn words(text: &str) -> Vec<Word> {
    let mut all: Vec<Word> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let (mut word, mut before) = (String::new(), ' ');
        let mut end = |word: &mut String| {
            if !word.is_empty() {
                all.push((std::mem::take(word), at + 1));
            }
        };
        for c in line.chars() {
            if c.is_alphanumeric() {
                if c.is_uppercase() && before.is_lowercase() {
                    end(&mut word);
                }
                word.extend(c.to_lowercase());
            } else if c != '\'' && c != '’' {
                end(&mut word);
                if ".;:,(){}[]|<>=\"`".contains(c) {
                    end(&mut String::from(STOP));
                }
            }
            before = c;
        }
        end(&mut word);
    }
    all
}

/// In place of punctuation, which no phrase spans.
const STOP: &str = "\u{1}";

impl Rule {
    /// Whether the phrase starts with the first of these words.
    fn starts(&self, words: &[Word]) -> bool {
        let fits = |word: &str, wanted: &String| match wanted.strip_suffix('*') {
            Some(start) => word.starts_with(start),
            None => word == wanted,
        };
        let here = words.iter().zip(&self.words).all(|((word, _), either)| either.iter().any(|one| fits(word, one)));
        let is_excepted = || words.get(self.words.len()).is_some_and(|(next, _)| self.not_before.contains(next));
        here && words.len() >= self.words.len() && !is_excepted()
    }
}

/// Rules by their first word, which is never a beginning only.
type Index<'a> = HashMap<&'a str, Vec<&'a Rule>>;

fn index(rules: &[Rule]) -> Index<'_> {
    let mut index = Index::new();
    for rule in rules {
        assert!(rule.words[0].iter().all(|word| !word.ends_with('*')), "{}", rule.text);
        rule.words[0].iter().for_each(|word| index.entry(word).or_default().push(rule));
    }
    index
}

/// Comments and strings, the rest blank.
fn prose(text: &str, code: &str) -> String {
    text.chars().zip(code.chars()).map(|(c, code)| if c == code && c != '\n' { ' ' } else { c }).collect()
}

/// Line and rule of each banned phrase.
fn hits<'a>(path: &str, text: &str, index: &Index<'a>) -> Vec<(usize, &'a Rule)> {
    let is_code = [".rs", ".ts", ".mjs", ".js"].iter().any(|end| path.ends_with(end));
    let code = if is_code { code_only(text) } else { String::new() };
    let prose = if is_code { prose(text, &code) } else { text.to_owned() };
    let mut all = Vec::new();
    for (words, is_prose) in [(words(&prose), true), (words(&code), false)] {
        for (at, (word, line)) in words.iter().enumerate() {
            let rules = index.get(word.as_str()).into_iter().flatten();
            let here = rules.filter(|rule| if is_prose { rule.prose } else { rule.names });
            all.extend(here.filter(|rule| rule.starts(&words[at..])).map(|rule| (*line, *rule)));
        }
    }
    all.sort_by_key(|(line, _)| *line);
    all
}

fn files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    ROOTS.iter().for_each(|one| collect(&root().join(one), &mut found));
    assert!(found.len() > 300, "the repository was not found");
    found.sort();
    found
}

fn collect(path: &Path, found: &mut Vec<(String, String)>) {
    let name = path.file_name().unwrap().to_string_lossy();
    if path.is_dir() {
        if !SKIPPED.contains(&&*name) {
            fs::read_dir(path).unwrap().for_each(|entry| collect(&entry.unwrap().path(), found));
        }
    } else if ENDINGS.iter().any(|end| name.ends_with(end)) || !name.contains('.') {
        let shown = path.strip_prefix(root()).unwrap().display().to_string();
        found.push((shown, fs::read_to_string(path).unwrap()));
    }
}

/// Groups the complaints; documents and single files together.
fn area(path: &str) -> &'static str {
    let areas =
        ["app/domain", "app/", "server/engine/src", "server/engine/tests", "server/src", "server/tests", "end2end"];
    areas.into_iter().find(|area| path.starts_with(area)).unwrap_or("documents")
}

#[test]
fn no_banned_phrase_is_used() {
    let text = fs::read_to_string(root().join("server/tidy/allowed.txt")).unwrap();
    let allowed: Vec<[&str; 3]> = text.lines().filter(|line| !line.starts_with('#')).map(fields).collect();
    let (rules, mut used) = (rules(), vec![false; allowed.len()]);
    let index = index(&rules);
    let mut complaints: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, text) in files() {
        for (line, rule) in hits(&path, &text, &index) {
            let excuse = allowed.iter().position(|[at, phrase, _]| path.starts_with(at) && rule.text == *phrase);
            if let Some(excuse) = excuse {
                used[excuse] = true;
            } else {
                let complaint = format!("{path}:{line}: \"{}\"; write: {}", rule.text, rule.instead);
                complaints.entry(area(&path)).or_default().push(complaint);
            }
        }
    }
    let idle = allowed.iter().zip(used).filter(|(_, used)| !used).map(|(one, _)| format!("nothing needs: {one:?}"));
    let mut too_many = Vec::new();
    for (area, found) in complaints {
        let most = PENDING.iter().find(|(name, _)| *name == area).map_or(0, |(_, most)| *most);
        if found.len() > most {
            too_many.extend(found.iter().cloned().chain([format!("{area}: {} phrases, at most {most}", found.len())]));
        }
    }
    crate::source::none(too_many.into_iter().chain(idle).collect());
}

#[test]
fn phrases_are_found_in_comments_strings_and_identifiers() {
    let rules = [
        rule("letter/letters !and", "any", ""),
        rule("goes/went on", "prose", ""),
        rule("everywhere", "names", ""),
        rule("e mail*", "prose", ""),
    ];
    let found = |text: &str| hits("a.rs", text, &index(&rules)).iter().map(|(line, _)| *line).collect::<Vec<_>>();
    assert_eq!(found("// It goes\n// on here.\nlet x = \"Letters\";"), [1, 3]);
    assert_eq!(found("fn letters_leave() {\n    newLetter(SENT_LETTER)\n}"), [1, 2, 2]);
    assert_eq!(found("// It goes. On everywhere\nlet goes_on = everywhere;"), [2]);
    assert_eq!(found("// Letters and digits\nlet x = \"E-mails\";"), [2]);
    assert_eq!(found("// The better newsletter\nlet lets = 1;"), []);
}
