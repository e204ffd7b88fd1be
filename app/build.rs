//! Renders the help texts in `docs/help` to `$OUT_DIR/help.rs`.
//!
//! A page becomes a list of blocks: HTML to insert as it is, and code blocks, which the page shows with their copy
//! button. Mistakes in the texts (a dead link, a cause without one of its sections) fail the build.
#![expect(clippy::expect_used, clippy::panic, reason = "a mistake in the help texts must fail the build")]
#![expect(clippy::disallowed_macros, reason = "cargo reads what a build script prints")]
#![expect(clippy::disallowed_methods, reason = "cargo passes its settings in the environment")]

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// Headings of the text about a cause, with their ids.
const CAUSE_HEADINGS: [(&str, &str); 4] = [
    ("Possible causes", "possible"),
    ("How to check", "check"),
    ("How to fix", "fix"),
    ("In the meantime", "meanwhile"),
];

struct Page {
    path: String,
    title: String,
    lead: String,
    order: u32,
    blocks: Vec<Block>,
}

enum Block {
    Html(String),
    Code { what: String, text: String },
}

fn main() {
    let docs = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../docs/help");
    println!("cargo::rerun-if-changed={}", docs.display());
    println!("cargo::rerun-if-changed=build.rs");
    let mut guides = pages(&docs, &docs);
    guides.sort_by_key(|page| page.order);
    let causes = pages(&docs, &docs.join("causes"));
    let text = format!("const GUIDES: &[Page] = {};\nconst CAUSES: &[Page] = {};\n", list(&guides), list(&causes));
    fs::write(PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo")).join("help.rs"), text).expect("written");
}

fn pages(docs: &Path, folder: &Path) -> Vec<Page> {
    let files = fs::read_dir(folder).expect("docs/help is there").map(|entry| entry.expect("readable").path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|ending| ending == "md")).collect();
    files.sort();
    files.iter().map(|file| page(docs, file)).collect()
}

fn page(docs: &Path, file: &Path) -> Page {
    let text = fs::read_to_string(file).expect("readable");
    let (head, body) = text
        .strip_prefix("---\n")
        .and_then(|text| text.split_once("\n---\n"))
        .unwrap_or_else(|| panic!("{}: front matter is missing", file.display()));
    let field = |name: &str| {
        let value = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or_else(|| panic!("{}: front matter lacks {name}", file.display())).to_owned()
    };
    let is_cause = file.parent().is_some_and(|folder| folder.ends_with("causes"));
    let order = if is_cause { 0 } else { field("order").parse().expect("order is a number") };
    let body = with_files(docs, body);
    let mut rendering = Rendering::new(docs, file, is_cause);
    rendering.run(&body);
    if is_cause {
        let wanted: Vec<_> = CAUSE_HEADINGS.iter().map(|(title, _)| *title).collect();
        assert_eq!(rendering.headings, wanted, "{}: sections", file.display());
    }
    Page { path: path(docs, file), title: field("title"), lead: field("lead"), order, blocks: rendering.blocks }
}

/// A link to a file in `docs/deploy` on a line of its own becomes the file: readers of the help have no repository.
fn with_files(docs: &Path, body: &str) -> String {
    let with_file = |line: &str| {
        let name = line.strip_suffix(')').and_then(|line| line.split_once("](../deploy/")).map(|(_, name)| name);
        let Some(name) = name.filter(|_| line.starts_with('[')) else { return line.to_owned() };
        let file = docs.with_file_name("deploy").join(name);
        println!("cargo::rerun-if-changed={}", file.display());
        let text = fs::read_to_string(&file).unwrap_or_else(|_| panic!("no file {}", file.display()));
        format!("```text {name}\n{}\n```", text.trim_end())
    };
    body.lines().map(with_file).collect::<Vec<_>>().join("\n")
}

/// The rest of a page's address after `/help`.
fn path(docs: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(docs).expect("inside docs/help").with_extension("");
    let relative = relative.to_str().expect("UTF-8");
    if relative == "README" { String::new() } else { format!("/{relative}") }
}

struct Rendering<'a> {
    docs: &'a Path,
    file: &'a Path,
    is_cause: bool,
    blocks: Vec<Block>,
    /// What the next HTML block is made of.
    events: Vec<Event<'a>>,
    headings: Vec<String>,
    ids: BTreeSet<String>,
    /// Headings of the columns of the current table.
    columns: Vec<String>,
    /// The tables since the latest heading.
    tables: usize,
}

impl<'a> Rendering<'a> {
    fn new(docs: &'a Path, file: &'a Path, is_cause: bool) -> Self {
        let (blocks, events, headings) = (Vec::new(), Vec::new(), Vec::new());
        Self { docs, file, is_cause, blocks, events, headings, ids: BTreeSet::new(), columns: Vec::new(), tables: 0 }
    }

    fn run(&mut self, body: &'a str) {
        let mut events = Parser::new_ext(body, Options::ENABLE_TABLES);
        while let Some(event) = events.next() {
            match event {
                Event::Start(Tag::Heading { level, .. }) => {
                    self.heading(level, inside(&mut events, &TagEnd::Heading(level)))
                }
                Event::Start(Tag::Table(_)) => self.table(&mut events),
                Event::Start(Tag::CodeBlock(kind)) => self.code(&kind, &inside(&mut events, &TagEnd::CodeBlock)),
                Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                    let dest_url = self.target(&dest_url).into();
                    self.events.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
                }
                other => self.events.push(other),
            }
        }
        self.flush();
    }

    fn flush(&mut self) {
        let mut out = String::new();
        html::push_html(&mut out, self.events.drain(..));
        if !out.trim().is_empty() {
            self.blocks.push(Block::Html(out));
        }
    }

    fn push(&mut self, html: String) {
        self.events.push(Event::Html(html.into()));
    }

    /// A heading's id is given by an anchor in front of its words, which code hosts understand too, or made of them.
    fn heading(&mut self, level: HeadingLevel, inside: Vec<Event<'a>>) {
        let title = plain(&inside);
        let anchor = inside.iter().find_map(|event| match event {
            Event::InlineHtml(tag) => tag.strip_prefix("<a id=\"")?.strip_suffix("\">").map(str::to_owned),
            _ => None,
        });
        let known = CAUSE_HEADINGS.iter().find(|(heading, _)| self.is_cause && *heading == title);
        let id = anchor.or_else(|| known.map(|(_, id)| (*id).to_owned())).unwrap_or_else(|| slug(&title));
        assert!(self.ids.insert(id.clone()), "{}: two headings have the id {id}", self.file.display());
        let (open, close) =
            if level == HeadingLevel::H2 { (format!("<a href=\"#{id}\">"), "</a>") } else { (String::new(), "") };
        self.push(format!("<{level} id=\"{id}\">{open}"));
        self.events.extend(inside.into_iter().filter(|event| !matches!(event, Event::InlineHtml(_))));
        self.push(format!("{close}</{level}>\n"));
        self.headings.push(title);
        self.tables = 0;
    }

    /// A table, named by the heading above it, and numbered if that has several. On a phone its cells stand below each other: see `.prose` in the CSS.
    fn table(&mut self, events: &mut Parser<'a>) {
        self.tables += 1;
        let heading = self.headings.last();
        let heading = escaped(heading.unwrap_or_else(|| panic!("{}: a table without a heading", self.file.display())));
        let caption = if self.tables > 1 { format!("{heading} ({})", self.tables) } else { heading };
        self.push(format!(
            "<section aria-label=\"{caption}\" tabindex=\"0\"><table><caption>{caption}</caption>\n<thead><tr>"
        ));
        self.columns.clear();
        let (mut is_head, mut column) = (true, 0);
        while let Some(event) = events.next() {
            match event {
                Event::End(TagEnd::Table) => break,
                Event::End(TagEnd::TableHead) => {
                    self.push("</tr></thead>\n<tbody>\n".to_owned());
                    is_head = false;
                }
                Event::Start(Tag::TableRow) => {
                    self.push("<tr>".to_owned());
                    column = 0;
                }
                Event::End(TagEnd::TableRow) => self.push("</tr>\n".to_owned()),
                Event::Start(Tag::TableCell) => {
                    let inside = inside(events, &TagEnd::TableCell);
                    self.cell(is_head, column, inside);
                    column += 1;
                }
                _ => {}
            }
        }
        self.push("</tbody></table></section>\n".to_owned());
    }

    fn cell(&mut self, is_head: bool, column: usize, inside: Vec<Event<'a>>) {
        if is_head {
            let heading = plain(&inside);
            assert!(!heading.trim().is_empty(), "{}: a column without a heading", self.file.display());
            self.columns.push(heading);
            self.push("<th scope=\"col\">".to_owned());
        } else if column > 0 && column + 1 < self.columns.len() {
            self.push(format!("<td data-head=\"{}: \">", escaped(&self.columns[column])));
        } else {
            self.push("<td>".to_owned());
        }
        for event in inside {
            let event = match event {
                Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                    Event::Start(Tag::Link { link_type, dest_url: self.target(&dest_url).into(), title, id })
                }
                other => other,
            };
            self.events.push(event);
        }
        self.push(if is_head { "</th>" } else { "</td>" }.to_owned());
    }

    /// The first word after the fence is the language, the rest says what the code is.
    fn code(&mut self, kind: &CodeBlockKind<'_>, inside: &[Event<'_>]) {
        let CodeBlockKind::Fenced(info) = kind else { panic!("{}: indented code", self.file.display()) };
        let what = info.split_once(' ').map_or("command", |(_, what)| what).to_owned();
        self.flush();
        self.blocks.push(Block::Code { what, text: plain(inside).trim_end().to_owned() });
    }

    /// Links between the files become links between the pages.
    fn target(&self, url: &str) -> String {
        let (file, anchor) = url.split_once('#').unwrap_or((url, ""));
        if url.contains("://") || !file.ends_with(".md") {
            return url.to_owned();
        }
        let file = self.file.with_file_name(file);
        let file = file.canonicalize().unwrap_or_else(|_| panic!("{}: no file {url}", self.file.display()));
        let page = path(&self.docs.canonicalize().expect("docs/help is there"), &file);
        if anchor.is_empty() { format!("/help{page}") } else { format!("/help{page}#{anchor}") }
    }
}

/// The events up to the end of an element.
fn inside<'a>(events: &mut Parser<'a>, end: &TagEnd) -> Vec<Event<'a>> {
    events.take_while(|event| !matches!(event, Event::End(tag) if tag == end)).collect()
}

fn plain(events: &[Event<'_>]) -> String {
    let text = events.iter().filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
        _ => None,
    });
    text.collect()
}

/// As code hosts make the ids of headings.
fn slug(title: &str) -> String {
    let kept = title.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// The pages as a Rust expression.
fn list(pages: &[Page]) -> String {
    let block = |block: &Block| match block {
        Block::Html(html) => format!("Block::Html({html:?})"),
        Block::Code { what, text } => format!("Block::Code {{ what: {what:?}, text: {text:?} }}"),
    };
    let page = |Page { path, title, lead, blocks, .. }: &Page| {
        let blocks = blocks.iter().map(block).collect::<Vec<_>>().join(", ");
        format!("Page {{ path: {path:?}, title: {title:?}, lead: {lead:?}, blocks: &[{blocks}] }}")
    };
    format!("&[{}]", pages.iter().map(page).collect::<Vec<_>>().join(",\n"))
}
