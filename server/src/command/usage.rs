//! Errors in how a command was typed.

use clap::{
    CommandFactory as _, Error,
    builder::StyledStr,
    error::{ContextKind, ContextValue},
};

use super::CommandLine;

/// Settings whose values are not shown in errors: they may contain a password or a key.
const SECRET: [&str; 2] = ["--database-url", "--secret-key "];

/// The error with the usage line of `--help`, and without secrets. clap's own usage line lists each setting that the
/// environment sets, as if it were required.
pub(super) fn explain(mut error: Error) -> Error {
    if error.get(ContextKind::Usage).is_some() {
        error.insert(
            ContextKind::Usage,
            ContextValue::StyledStr(usage(std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()))),
        );
    }
    let setting = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    if SECRET.iter().any(|secret| setting.starts_with(secret)) {
        error.insert(ContextKind::InvalidValue, ContextValue::String("…".to_owned()));
    }
    error
}

/// The usage line of the command that these arguments name.
fn usage(arguments: impl Iterator<Item = String>) -> StyledStr {
    let mut command = CommandLine::command();
    command.build();
    let named = arguments.fold(&command, |named, word| named.find_subcommand(&word).unwrap_or(named));
    named.clone().render_usage()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_matches_the_help_of_the_command() {
        let of = |words: &[&str]| usage(words.iter().map(|word| (*word).to_owned())).to_string();
        assert_eq!(of(&["backup", "--data", "x"]), "Usage: offhook backup [OPTIONS] <FILE>");
        assert_eq!(of(&["account", "create"]), "Usage: offhook account create [OPTIONS] --name <NAME>");
        assert!(of(&["dial"]).starts_with("Usage: offhook [OPTIONS]"));
    }
}
