//! No circle between modules, no arrow upward.

use std::{collections::BTreeMap, fs};

use crate::{
    modules::{Arrow, Modules, Path, circles},
    source::{Source, code_only, none, root, rust},
};

/// Known circles: crate, folder in it, modules. The test fails on a circle that is not listed, and on a listed one that is
/// gone.
const KNOWN_CIRCLES: &[(&str, &str, &str)] = &[];
/// The same for arrows upward: crate, and the two modules.
const KNOWN_UPWARD: &[(&str, &str, &str)] = &[];

/// Crate, module, and modules above or beside it that it must not use. Names without a file are layers that are planned or
/// gone.
const UPWARD: &[(&str, &str, &[&str])] = &[
    ("engine", "store", &["engine", "service", "delivery", "background", "outbound"]),
    ("engine", "outbound", &["engine", "service", "delivery", "background", "store"]),
    ("engine", "delivery", &["engine", "service", "background"]),
    ("engine", "background", &["engine", "service"]),
    ("app", "components", &["routes", "pages", "ssr"]),
    ("app", "forms", &["routes", "pages", "components"]),
    ("app", "api", &["routes", "pages", "components"]),
    ("app", "ssr", &["routes", "pages", "api"]),
    ("app", "islands", &["routes", "pages", "api", "ssr"]),
    ("server", "rest", &["web", "command"]),
];

/// The crates of the workspace: name and folder of the source.
fn crates(files: &[Source]) -> Vec<(String, String)> {
    let ends = ["lib.rs", "main.rs"];
    let is_root = |file: &&Source| ends.iter().any(|end| file.path.ends_with(&format!("/src/{end}")));
    let sources = files.iter().filter(is_root).map(|file| file.path.rsplit_once('/').unwrap().0.to_owned() + "/");
    let mut found: Vec<_> = sources.map(|src| (package(&src), src)).collect();
    found.sort();
    found.dedup();
    found
}

fn package(src: &str) -> String {
    let manifest = fs::read_to_string(root().join(src).join("../Cargo.toml")).unwrap();
    let line = manifest.lines().find(|line| line.starts_with("name")).unwrap();
    line.split('"').nth(1).unwrap().to_owned()
}

fn by_folder(arrows: &[Arrow]) -> BTreeMap<Path, Vec<Arrow>> {
    let mut folders: BTreeMap<Path, Vec<Arrow>> = BTreeMap::new();
    for arrow in arrows {
        folders.entry(arrow.folder.clone()).or_default().push(arrow.clone());
    }
    folders
}

#[test]
fn no_two_modules_use_each_other() {
    let (mut complaints, mut known) = (Vec::new(), KNOWN_CIRCLES.to_vec());
    for (name, src) in crates(rust()) {
        for (folder, arrows) in by_folder(&Modules::read(rust(), &src).arrows()) {
            let folder = folder.join("::");
            for circle in circles(&arrows) {
                let members = circle.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
                let is_same = |one: &(&str, &str, &str)| *one == (name.as_str(), folder.as_str(), members.as_str());
                if let Some(at) = known.iter().position(is_same) {
                    known.remove(at);
                } else {
                    let within = |arrow: &&Arrow| circle.contains(&arrow.from) && circle.contains(&arrow.to);
                    complaints.push(report(&name, &folder, &members, arrows.iter().filter(within)));
                }
            }
        }
    }
    complaints.extend(known.iter().map(|one| format!("gone; take it off the list of known circles: {one:?}")));
    none(complaints);
}

/// The circle and one place for each of its arrows.
fn report<'a>(name: &str, folder: &str, members: &str, arrows: impl Iterator<Item = &'a Arrow>) -> String {
    let mut places: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for arrow in arrows {
        places.entry((&arrow.from, &arrow.to)).or_default().push(&arrow.at);
    }
    let line = |((from, to), at): (&(&str, &str), &Vec<&str>)| {
        let more = if at.len() > 1 { format!(" and {} more", at.len() - 1) } else { String::new() };
        format!("\n    {from} → {to}: {}{more}", at[0])
    };
    let lines: String = places.iter().map(line).collect();
    format!("{name}: circle in {}: {members}{lines}", if folder.is_empty() { "the crate" } else { folder })
}

#[test]
fn no_arrow_leads_upward() {
    let (mut complaints, mut gone) = (Vec::new(), KNOWN_UPWARD.to_vec());
    for (name, src) in crates(rust()) {
        for arrow in Modules::read(rust(), &src).arrows().iter().filter(|arrow| arrow.folder.is_empty()) {
            let (from, to) = (arrow.from.as_str(), arrow.to.as_str());
            let is_upward = UPWARD.iter().any(|rule| (rule.0, rule.1) == (name.as_str(), from) && rule.2.contains(&to));
            let one = (name.as_str(), from, to);
            gone.retain(|known| *known != one);
            if is_upward && !KNOWN_UPWARD.contains(&one) {
                complaints.push(format!("{}: {from} must not use {to}", arrow.at));
            }
        }
    }
    complaints.extend(gone.iter().map(|one| format!("gone; take it off the list of known arrows: {one:?}")));
    none(complaints);
}

fn made_up(files: &[(&str, &str)]) -> Vec<Arrow> {
    let source = |(path, text): &(&str, &str)| Source {
        path: format!("src/{path}"),
        text: (*text).to_owned(),
        code: code_only(text),
    };
    Modules::read(&files.iter().map(source).collect::<Vec<_>>(), "src/").arrows()
}

fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let folders = by_folder(&made_up(files));
    let found = folders.iter().flat_map(|(folder, arrows)| {
        let named = |names: Vec<String>| [&folder[..], &["(".to_owned()], &names, &[")".to_owned()]].concat().join(" ");
        circles(arrows).into_iter().map(move |circle| named(circle.into_iter().collect())).collect::<Vec<_>>()
    });
    found.collect()
}

#[test]
fn a_circle_of_two_and_one_of_three_are_found() {
    let two = [("a.rs", "use crate::b::B;"), ("b.rs", "fn f() { crate::a::g() }"), ("c.rs", "use crate::a;")];
    assert_eq!(circles_of(&two), ["( a b )"]);
    let three = [("a.rs", "use super::b;"), ("b.rs", "use crate::{x, c::{C, D as E}};"), ("c.rs", "use crate::a::A;")];
    assert_eq!(circles_of(&three), ["( a b c )"]);
}

#[test]
fn no_circle_is_found_where_arrows_lead_one_way() {
    let chain = [("a.rs", "use crate::{b::B, c::C};"), ("b.rs", "pub use crate::c;"), ("c.rs", "use std::a::b;")];
    assert_eq!(circles_of(&chain), [""; 0]);
    assert_eq!(made_up(&chain).len(), 3);
}

#[test]
fn tests_comments_and_strings_make_no_arrows() {
    let tests = "#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}";
    let files =
        [("a.rs", tests), ("b.rs", "// crate::a\nconst A: &str = \"use crate::a;\";"), ("b/tests.rs", "use crate::a;")];
    assert_eq!(made_up(&files), []);
}

#[test]
fn folders_are_compared_where_their_paths_part() {
    let files = [
        ("store/mod.rs", "pub mod a; pub mod b;\npub struct Store;"),
        ("store/a.rs", "use super::{Store, b};"),
        ("store/b.rs", "use crate::store::a::A;"),
        ("service/mod.rs", "use crate::store::a;"),
        ("service/x.rs", "use super::Service;"),
    ];
    assert_eq!(circles_of(&files), ["store ( a b )"], "a folder and its own files are one module");
}

#[test]
fn a_re_export_counts_as_the_module_that_defines_the_name() {
    let files = [
        ("lib.rs", "mod a; mod b;\npub use a::A;\npub use b::inner::{B, C as D};"),
        ("a.rs", "use crate::{\n    D,\n};"),
        ("b/mod.rs", "mod inner; mod outer;\npub use inner::B;"),
        ("b/inner.rs", "fn f() -> crate::A { }"),
        ("b/outer.rs", "use super::B;"),
    ];
    assert_eq!(circles_of(&files), ["( a b )"]);
    let within: Vec<_> = made_up(&files).into_iter().filter(|arrow| arrow.folder == ["b"]).collect();
    assert_eq!(
        within.iter().map(|arrow| (arrow.from.as_str(), arrow.to.as_str())).collect::<Vec<_>>(),
        [("outer", "inner")]
    );
}
