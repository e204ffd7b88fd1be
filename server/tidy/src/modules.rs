//! Which module of a crate uses which: read from `use` declarations and from paths that begin with `crate` or `super`.
//!
//! Two modules are compared where their paths part. `store::jobs → store::db` is an arrow from `jobs` to `db` in the folder
//! `store`; `service::events → store::jobs` one from `service` to `store` in the crate. So a folder counts as one module to
//! its neighbours, and as several within. A folder and its own files form one module: files may use what their `mod.rs`
//! declares, and the other way round. The crate root (`lib.rs`, `main.rs`) declares and re-exports; it is no module here.
//! A name that a `mod.rs` or the root re-exports counts as the module that defines it.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::Source;

/// A module by the names of its path from the crate root.
pub(crate) type Path = Vec<String>;

/// One use of a module by another, reduced to where their paths part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrow {
    /// What both lie in; empty for the crate itself.
    pub folder: Path,
    pub from: String,
    pub to: String,
    /// File and line of the use.
    pub at: String,
}

/// The modules of one crate and what they name.
pub(crate) struct Modules {
    /// Each module, and the names that it brings into scope with the paths behind them.
    known: BTreeMap<Path, BTreeMap<String, Path>>,
    uses: Vec<Use>,
}

struct Use {
    from: Path,
    to: Path,
    at: String,
}

impl Modules {
    /// Reads the files below `src`, e.g. `server/engine/src/`. Code for tests does not count.
    pub(crate) fn read(files: &[Source], src: &str) -> Self {
        let mut this = Self { known: BTreeMap::new(), uses: Vec::new() };
        for file in files.iter().filter(|file| file.path.starts_with(src) && !file.is_test()) {
            let module = module_of(&file.path[src.len()..]);
            let end = file.tests_begin();
            let code: String = file.code.lines().take(end - 1).flat_map(|line| [line, "\n"]).collect();
            let names = this.known.entry(module.clone()).or_default();
            for found in paths(&code) {
                let Some(to) = absolute(&module, &found.path) else { continue };
                if let Some(name) = found.name {
                    names.insert(name, to.clone());
                }
                this.uses.push(Use { from: module.clone(), to, at: format!("{}:{}", file.path, found.line) });
            }
        }
        this
    }

    /// All arrows, sorted.
    pub(crate) fn arrows(&self) -> Vec<Arrow> {
        let found: BTreeSet<Arrow> = self.uses.iter().filter_map(|one| self.arrow(one)).collect();
        found.into_iter().collect()
    }

    fn arrow(&self, one: &Use) -> Option<Arrow> {
        let to = self.definition(&one.to, 8);
        let common = one.from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let (from, to) = (one.from.get(common)?, to.get(common)?);
        Some(Arrow { folder: one.from[..common].to_vec(), from: from.clone(), to: to.clone(), at: one.at.clone() })
    }

    /// The module that a path leads to, re-exports followed this many times.
    fn definition(&self, path: &[String], hops: u32) -> Path {
        let reached = (0..=path.len()).rev().find(|n| self.known.contains_key(&path[..*n])).unwrap_or(0);
        let module = path[..reached].to_vec();
        let next = path.get(reached).and_then(|name| self.known.get(&module)?.get(name));
        match next {
            Some(next) if hops > 0 && *next != path[..=reached] => {
                self.definition(&[next, &path[reached + 1..]].concat(), hops - 1)
            }
            _ => module,
        }
    }
}

/// `store/jobs.rs` and `store/jobs/mod.rs` are `store::jobs`.
fn module_of(file: &str) -> Path {
    let mut parts: Path = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    let last = parts.last().cloned().unwrap_or_default();
    if last == "mod" || (parts.len() == 1 && (last == "lib" || last == "main")) {
        parts.pop();
    }
    parts
}

/// The path from the crate root; none for other crates. A bare name counts when it is written as one of a child.
fn absolute(module: &[String], path: &[String]) -> Option<Path> {
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([module, &path[1..]].concat()),
        "super" => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            Some([&module[..module.len().checked_sub(ups)?], &path[ups..]].concat())
        }
        // `pub use child::Name` in a `mod.rs`. Names of other crates lead to no module and fall away.
        _ => Some([module, path].concat()),
    }
}

struct Found {
    path: Path,
    /// What the path is called from here on, in a `use`.
    name: Option<String>,
    line: usize,
}

fn paths(code: &str) -> Vec<Found> {
    let (mut found, mut rest) = (Vec::new(), String::with_capacity(code.len()));
    let mut declaration: Option<(usize, String)> = None;
    for (at, line) in code.lines().enumerate() {
        if declaration.is_none() && is_use(line) {
            declaration = Some((at + 1, String::new()));
        }
        if let Some((first, text)) = &mut declaration {
            text.push_str(line);
            text.push(' ');
            if line.contains(';') {
                let tree = text.split_once("use ").map_or("", |(_, tree)| tree);
                tree_paths(tree.split(';').next().unwrap_or_default(), &[], *first, &mut found);
                declaration = None;
            }
        } else {
            rest.push_str(line);
        }
        rest.push('\n');
    }
    found.extend(inline(&rest));
    found
}

fn is_use(line: &str) -> bool {
    let line = line.trim_start();
    let bare = line.strip_prefix("pub").map_or(line, |rest| {
        let rest = rest.trim_start();
        rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest.trim_start())
    });
    bare.starts_with("use ")
}

/// `a::{b, c as d, self}` as one path for each leaf.
fn tree_paths(tree: &str, before: &[String], line: usize, found: &mut Vec<Found>) {
    let tree = tree.trim();
    if let Some((head, group)) = tree.split_once('{') {
        let before = [before, &names(head)].concat();
        let group = group.trim_end().strip_suffix('}').unwrap_or(group);
        parts(group).into_iter().for_each(|part| tree_paths(part, &before, line, found));
        return;
    }
    let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias)));
    let mut path = [before, &names(path)].concat();
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let name = alias.map(|alias| alias.trim().to_owned()).or_else(|| path.last().cloned());
    if !path.is_empty() {
        found.push(Found { path, name, line });
    }
}

/// Split at the commas outside of inner braces.
fn parts(group: &str) -> Vec<&str> {
    let (mut depth, mut from, mut all) = (0_usize, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                all.push(&group[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    all.push(&group[from..]);
    all
}

fn names(path: &str) -> Path {
    path.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Paths in the middle of code.
fn inline(code: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    for (at, line) in code.lines().enumerate() {
        for start in ["crate::", "super::"] {
            for (n, _) in line.match_indices(start) {
                let before = line[..n].chars().next_back();
                if before.is_some_and(|c| in_word(c) || c == ':') {
                    continue;
                }
                let end = line[n..].find(|c: char| !in_word(c) && c != ':').map_or(line.len(), |end| n + end);
                found.push(Found { path: names(&line[n..end]), name: None, line: at + 1 });
            }
        }
    }
    found
}

/// The circles among the arrows of one folder: each as the names that reach each other, sorted.
pub(crate) fn circles(arrows: &[Arrow]) -> Vec<BTreeSet<String>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for arrow in arrows {
        next.entry(&arrow.from).or_default().insert(&arrow.to);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> = next.keys().map(|from| (*from, reachable(&next, from))).collect();
    let together = |a: &str, b: &str| reached[a].contains(b) && reached.get(b).is_some_and(|back| back.contains(a));
    let mut all: Vec<BTreeSet<String>> = Vec::new();
    for from in reached.keys().filter(|from| reached[*from].contains(**from)) {
        if !all.iter().any(|circle| circle.contains(*from)) {
            all.push(reached.keys().filter(|to| together(from, to)).map(|name| (*name).to_owned()).collect());
        }
    }
    all
}

fn reachable<'a>(next: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(one) = open.pop() {
        open.extend(next.get(one).into_iter().flatten().filter(|to| seen.insert(**to)));
    }
    seen
}
