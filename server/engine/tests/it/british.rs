//! Phone numbers as tests need them: Britain's numbering plan, by its two rules.

use domain::{
    country::Country,
    phone::{InternationalOnly, Numbers},
};

/// Knows how Britain dials.
pub(crate) struct British;

fn is_british(country: Country) -> bool {
    country.as_str() == "GB"
}

impl Numbers for British {
    fn e164(&self, number: &str, country: Option<Country>) -> Option<String> {
        let plain: String = number.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
        let national = plain.strip_prefix('0').filter(|rest| rest.len() == 10);
        match national {
            Some(rest) if country.is_some_and(is_british) => Some(format!("+44{rest}")),
            _ => InternationalOnly.e164(&plain, country),
        }
    }

    fn e164_prefix(&self, prefix: &str, country: Option<Country>) -> Option<String> {
        match prefix.strip_prefix('0') {
            Some(rest) if country.is_some_and(is_british) => Some(format!("+44{rest}")),
            _ => InternationalOnly.e164_prefix(prefix, country),
        }
    }

    fn national(&self, e164: &str, country: Country) -> Option<String> {
        let rest = e164.strip_prefix("+44")?;
        is_british(country).then(|| format!("0{rest}"))
    }
}
