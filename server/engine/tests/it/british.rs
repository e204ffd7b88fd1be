//! Phone numbers as tests need them: Britain's numbering plan, by its two rules.

use domain::{
    country::Country,
    phone::{InternationalOnly, Numbers},
    phone_key::dialled,
};

/// Knows how Britain dials.
pub(crate) struct British;

fn is_british(country: Country) -> bool {
    country.as_str() == "GB"
}

impl Numbers for British {
    fn e164(&self, number: &str, country: Option<Country>) -> Option<String> {
        let plain = dialled(number)?;
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

    fn dialled_from(&self, e164: &str, country: Country) -> Vec<String> {
        let rest = e164.strip_prefix("+44").filter(|_| is_british(country));
        rest.map(|rest| format!("0{rest}")).into_iter().collect()
    }
}
