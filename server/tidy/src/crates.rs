//! Which crate may depend on which, as drawn in the architecture.

use std::fs;

use crate::source::{none, root};

/// Folder, our crates it may depend on, and foreign ones it must not depend on.
const CRATES: [(&str, &[&str], &[&str]); 5] = [
    ("app/domain", &[], &["leptos", "axum", "tokio", "sqlx", "reqwest", "rand", "argon2"]),
    (
        "app/islands",
        &["domain"],
        &["leptos_axum", "leptos_router", "axum", "tokio", "sqlx", "reqwest", "rand", "argon2"],
    ),
    ("app", &["domain", "islands"], &["sqlx", "reqwest", "argon2"]),
    ("server/connect", &["domain"], &["leptos", "axum", "tower-sessions", "reqwest"]),
    ("server/engine", &["domain"], &["leptos", "axum", "tower-sessions"]),
];
const OURS: [&str; 6] = ["domain", "islands", "app", "connect", "engine", "server"];

#[test]
fn crates_depend_on_each_other_as_drawn() {
    let mut complaints = Vec::new();
    for (folder, may, never) in CRATES {
        let path = format!("{folder}/Cargo.toml");
        let manifest = fs::read_to_string(root().join(&path)).unwrap();
        for (line, name) in dependencies(&manifest) {
            let upward = OURS.contains(&name) && !may.contains(&name);
            let banned = never.iter().any(|banned| name == *banned || name.starts_with(&format!("{banned}_")));
            if upward || banned {
                complaints.push(format!("{path}:{line}: {folder} must not depend on {name}"));
            }
        }
    }
    none(complaints);
}

/// The names under `[dependencies]`, with their lines. Dev-dependencies do not count.
pub(crate) fn dependencies(manifest: &str) -> Vec<(usize, &str)> {
    let mut inside = false;
    let mut found = Vec::new();
    for (at, line) in manifest.lines().enumerate() {
        if line.starts_with('[') {
            inside = line.contains("dependencies") && !line.contains("dev-dependencies");
        } else if inside && line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            found.push((at + 1, name));
        }
    }
    found
}

#[test]
fn names_are_read_from_a_manifest() {
    let manifest = "[dependencies]\na.workspace = true\nb = \"1\"\n[dev-dependencies]\nc = \"1\"\n";
    assert_eq!(dependencies(manifest), [(2, "a"), (3, "b")]);
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |kind: &str| {
        let folder = root().join("server/engine/migrations").join(kind);
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = entries.filter(|name| name.ends_with(".sql")).collect();
        names.sort();
        names
    };
    let (sqlite, postgres) = (names("sqlite"), names("postgres"));
    assert!(!sqlite.is_empty(), "server/engine/migrations/sqlite:1: no migrations");
    let only = |mine: &[String], other: &[String], kind: &str| -> Vec<String> {
        let missing = mine.iter().filter(|name| !other.contains(name));
        missing.map(|name| format!("server/engine/migrations/{kind}/{name}:1: the other database has none")).collect()
    };
    none([only(&sqlite, &postgres, "sqlite"), only(&postgres, &sqlite, "postgres")].concat());
}
