//! A table of routes as text.

use super::{NewRoute, Pattern, ROUTES_MAX};
use crate::{
    csv::Rows,
    error::{Error, FieldError, Result},
};

/// Most lines that are reported as wrong.
const COMPLAINTS_MAX: usize = 20;

/// Reads a table of routes: a line per route, `number,account` (or separated by semicolons or tabs), with or without a
/// heading, in which a field may be in quotes.
///
/// # Errors
/// `Invalid` naming the first lines that are wrong, `TooLarge` for more than [`ROUTES_MAX`].
pub fn parse_csv(text: &str) -> Result<Vec<NewRoute>> {
    let (mut routes, mut errors) = (Vec::new(), Vec::new());
    for (index, row) in Rows::new(text.as_bytes()).enumerate() {
        if errors.len() >= COMPLAINTS_MAX {
            break;
        }
        let row = match row {
            Ok(row) => row,
            Err(bad) => {
                errors.push(bad.to_string());
                continue;
            }
        };
        let cell = |at: usize| row.cells.get(at).map_or("", String::as_str);
        let (number, account) = (cell(0), cell(1));
        if index == 0 && account.eq_ignore_ascii_case("account") {
            continue;
        }
        match Pattern::parse(number) {
            Ok(pattern) if !account.is_empty() => routes.push(NewRoute { pattern, account: account.to_owned() }),
            Ok(_) => errors.push(format!("Line {}: the account is missing.", row.line)),
            Err(message) => errors.push(format!("Line {}: {message}", row.line)),
        }
        if routes.len() > ROUTES_MAX {
            return Err(Error::TooLarge("A connector has at most 100,000 routes.".to_owned()));
        }
    }
    if errors.is_empty() {
        return Ok(routes);
    }
    Err(Error::Invalid(errors.into_iter().map(|message| FieldError::new("routes", message)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_with_any_separator_and_names_its_wrong_lines() {
        let expected = ["+441632960001 customer-1", "* acct"];
        for text in [
            "number,account\n+441632960001,customer-1\n*,acct",
            "\u{feff}\"0044 1632 960001\";\"customer-1\"\r\n\r\n*;acct\r\n",
        ] {
            let routes = parse_csv(text).unwrap();
            let routes: Vec<String> = routes.iter().map(|r| format!("{} {}", r.pattern.as_str(), r.account)).collect();
            assert_eq!(routes, expected, "{text:?}");
        }
        let error = parse_csv("+441632960001,a\nhello,b\n*,\n").unwrap_err();
        let messages: Vec<_> = error.fields().iter().map(|error| error.message.as_str()).collect();
        assert!(messages[0].starts_with("Line 2: \"hello\" is no pattern"), "{messages:?}");
        assert_eq!(messages[1], "Line 3: the account is missing.");
        let many = "x,y\n".repeat(200_000);
        assert_eq!(parse_csv(&many).unwrap_err().fields().len(), COMPLAINTS_MAX);
        assert!(matches!(parse_csv(&"1,y\n".repeat(ROUTES_MAX + 1)), Err(Error::TooLarge(_))));
    }
}
