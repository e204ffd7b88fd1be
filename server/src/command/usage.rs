//! What somebody reads who typed a command wrongly.

use clap::{
    CommandFactory as _, Error,
    builder::StyledStr,
    error::{ContextKind, ContextValue},
};

use super::CommandLine;

/// Settings whose values are not shown again: they may hold a password or a key.
const SECRET: [&str; 2] = ["--database-url", "--secret-key "];

/// The same error, with the usage line of `--help`, and without what must not stand in a log. clap's own line names each
/// setting that the environment has set, as if it had to be given.
pub(super) fn explained(mut error: Error) -> Error {
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

/// The usage line of the command that these words name.
fn usage(words: impl Iterator<Item = String>) -> StyledStr {
    let mut command = CommandLine::command();
    command.build();
    let named = words.fold(&command, |named, word| named.find_subcommand(&word).unwrap_or(named));
    named.clone().render_usage()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_that_of_the_command_as_its_help_has_it() {
        let of = |words: &[&str]| usage(words.iter().map(|word| (*word).to_owned())).to_string();
        assert_eq!(of(&["backup", "--data", "x"]), "Usage: offhook backup [OPTIONS] <FILE>");
        assert_eq!(of(&["account", "create"]), "Usage: offhook account create [OPTIONS] --name <NAME>");
        assert!(of(&["dial"]).starts_with("Usage: offhook [OPTIONS]"));
    }
}
