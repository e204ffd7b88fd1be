//! Where things belong.

use crate::source::{Source, none, rust};

/// Names that say nothing.
const EMPTY_NAMES: [&str; 8] = ["util", "utils", "helper", "helpers", "common", "manager", "misc", "shared"];
/// Starts of SQL statements. Only strings are searched, so that prose in comments does not count.
const SQL: [&str; 5] = ["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "PRAGMA "];
/// Calls that stop the program.
const STOPS: [&str; 6] = [".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!(", "unreachable!("];

/// Ways to wait for an amount of time.
const SLEEPS: [&str; 4] = ["::sleep(", "::sleep_until(", "::sleep_ms(", "use std::thread::sleep"];
/// A store test runs on each database under these names; its sentence is the module around them.
const STAMPED: [&str; 2] = ["sqlite", "postgres"];

/// Complaints about the lines of code that break a rule.
fn lines_that(files: &[Source], says: &str, wrong: impl Fn(&Source, usize, &str) -> bool) -> Vec<String> {
    let all = files.iter().flat_map(|file| file.lines().map(move |(n, line)| (file, n, line)));
    all.filter(|(file, n, line)| wrong(file, *n, line))
        .map(|(file, n, _)| format!("{}:{n}: {says}", file.path))
        .collect()
}

#[test]
fn no_code_depends_on_the_feature_ssr() {
    // The name of the feature is a string, so the text is searched. This file names it.
    let files = rust().iter().filter(|file| !file.path.ends_with("tidy/places.rs"));
    let found = files.flat_map(|file| {
        let lines = file.text.lines().enumerate().filter(|(_, line)| line.contains("feature = \"ssr\""));
        lines.map(|(at, _)| format!("{}:{}: pages exist on the server only", file.path, at + 1)).collect::<Vec<_>>()
    });
    none(found.collect());
}

#[test]
fn sql_is_in_the_store_only() {
    let mut complaints = Vec::new();
    for file in rust().iter().filter(|file| !file.path.contains("engine/src/store/") && !file.is_test()) {
        let end = file.tests_begin();
        for (at, line) in file.text.lines().enumerate().take_while(|(at, _)| at + 1 < end) {
            let is_comment = line.trim_start().starts_with("//");
            let found = SQL.iter().any(|sql| line.split('"').skip(1).any(|part| part.trim_start().starts_with(sql)));
            if found && !is_comment {
                complaints.push(format!("{}:{}: SQL belongs into engine/src/store", file.path, at + 1));
            }
        }
    }
    none(complaints);
}

#[test]
fn sqlx_is_used_in_the_store_only() {
    let outside = |file: &Source| !file.path.contains("engine/src/store/") && !file.is_test();
    none(lines_that(rust(), "sqlx belongs into engine/src/store", |file, n, line| {
        outside(file) && n < file.tests_begin() && line.contains("sqlx::")
    }));
}

#[test]
fn there_is_one_http_client() {
    let outside = |file: &Source| {
        let allowed = ["server/engine/src/outbound/", "server/src/http_client.rs", "server/bench/"];
        !allowed.iter().any(|place| file.path.starts_with(place)) && !file.is_test()
    };
    none(lines_that(rust(), "HTTP clients belong into engine/src/outbound", |file, n, line| {
        outside(file) && n < file.tests_begin() && (line.contains("reqwest::") || line.contains("client::legacy"))
    }));
}

#[test]
fn every_task_of_the_engine_is_supervised_or_detached() {
    let own = ["engine/src/supervisor.rs", "engine/src/detached.rs"];
    none(lines_that(rust(), "start it with the supervisor, or detach it", |file, n, line| {
        let inside = file.path.contains("engine/src/") && !file.is_test() && n < file.tests_begin();
        inside && line.contains("tokio::spawn(") && !own.iter().any(|end| file.path.ends_with(end))
    }));
}

#[test]
fn nothing_stops_the_program_outside_tests() {
    none(lines_that(rust(), "return an error, or expect the lint with a reason", |file, n, line| {
        let inside = !file.is_test() && !file.path.ends_with("build.rs") && n < file.tests_begin();
        inside && STOPS.iter().any(|stop| line.contains(stop)) && !is_excused(file, n)
    }));
}

/// One of the preceding lines has an exception with its reason.
fn is_excused(file: &Source, n: usize) -> bool {
    let before = file.text.lines().take(n).collect::<Vec<_>>();
    before.iter().rev().take(12).any(|line| line.contains("expect(clippy::") && line.contains("reason"))
}

#[test]
fn production_code_never_hashes_passwords_cheaply() {
    none(lines_that(rust(), "only tests hash passwords at this cost", |file, n, line| {
        let is_definition = line.contains("pub const FOR_TESTS");
        !file.is_test() && n < file.tests_begin() && line.contains("FOR_TESTS") && !is_definition
    }));
}

#[test]
fn components_get_data_and_call_no_server() {
    // The path of a form is not a call.
    let calls = [".await", "Resource::new", "ServerAction::", "Action::new"];
    none(lines_that(rust(), "only pages call the server", |file, _, line| {
        file.path.starts_with("app/src/components/") && calls.iter().any(|call| line.contains(call))
    }));
}

#[test]
fn names_are_words_of_the_domain() {
    let parts = |path: &str| path.trim_end_matches(".rs").split('/').map(str::to_owned).collect::<Vec<_>>();
    let wrong = rust().iter().filter(|file| parts(&file.path).iter().any(|part| EMPTY_NAMES.contains(&part.as_str())));
    none(wrong.map(|file| format!("{}:1: this name says nothing", file.path)).collect());
}

#[test]
fn tests_wait_on_signals_and_never_sleep() {
    none(lines_that(rust(), "wait for a signal, not for a time", |file, n, line| {
        (file.is_test() || n > file.tests_begin()) && SLEEPS.iter().any(|call| line.contains(call))
    }));
}

#[test]
fn names_of_tests_are_sentences() {
    none(lines_that(rust(), "a test's name is a sentence", |file, n, line| {
        let name = line.trim().trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
        let before = file.code.lines().take(n - 1).collect::<Vec<_>>();
        let marked = before
            .iter()
            .rev()
            .take_while(|line| line.trim_start().starts_with("#["))
            .any(|line| line.contains("test"));
        // Where a macro stamps tests, their names are at its call.
        let is_named = |name: &str| name.matches('_').count() >= 2 || STAMPED.contains(&name) || name.starts_with('$');
        marked && name.is_some_and(|name| !is_named(name))
    }));
}
