//! The templates of a mapping: text with fields in braces, and a few functions. `{from, caller_id | e164}` is the first of
//! the two fields that is not empty, in E.164. No code, no loops, no recursion; a template is parsed once.

use std::fmt;

use jiff::tz::TimeZone;

use super::fields::Fields;
use crate::{
    moment,
    number::{self, Country},
};

/// Longest template, in bytes.
const TEMPLATE_MAX_BYTES: usize = 2_048;
/// Longest value, in bytes.
const VALUE_MAX_BYTES: usize = 1_024;
/// Most of a field that is shown as what was looked at, in bytes.
const SHOWN_MAX_BYTES: usize = 64;
/// Most parts of a template, fields of a part, functions of a part, and entries of a map.
const PARTS_MAX: usize = 16;
const ENTRIES_MAX: usize = 64;
/// What functions there are, for the message about one that does not exist.
const FUNCTIONS: &str = "digits, e164, seconds, epoch(zone), lower, map{a=b, *=c} and default(text)";

/// A parsed template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Field { names: Vec<String>, functions: Vec<Function> },
}

#[derive(Debug, Clone, PartialEq)]
enum Function {
    Digits,
    E164,
    Seconds,
    Epoch(Option<TimeZone>),
    Lower,
    Map(Vec<(String, String)>, Option<String>),
    Default(String),
}

/// What templates need to know of their connector.
#[derive(Debug, Clone, Default)]
pub struct Locale {
    /// What numbers without a country code mean.
    pub country: Option<Country>,
    /// What times without a zone mean.
    pub zone: Option<TimeZone>,
}

/// The value of a template for a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The fields that were looked at, with their values.
    pub inputs: Vec<(String, Option<String>)>,
    /// The value, or a sentence that says why there is none.
    pub value: Result<String, String>,
}

impl fmt::Debug for Rendered {
    /// Without numbers: logs are kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rendered").field("is_ok", &self.value.is_ok()).finish_non_exhaustive()
    }
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > TEMPLATE_MAX_BYTES {
            return Err(format!("A template has at most {TEMPLATE_MAX_BYTES} bytes."));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find('{') {
            let (before, from) = rest.split_at(start);
            push_text(&mut parts, before)?;
            let end = closing(from).ok_or("A brace is opened but not closed.")?;
            parts.push(field(from.get(1..end).unwrap_or_default())?);
            rest = from.get(end + 1..).unwrap_or_default();
        }
        push_text(&mut parts, rest)?;
        if parts.len() > PARTS_MAX {
            return Err(format!("A template has at most {PARTS_MAX} parts."));
        }
        if parts.is_empty() {
            return Err("The template is empty. Name a field of the request in braces: {from}.".to_owned());
        }
        Ok(Self(parts))
    }

    /// The values that it can have whatever a request says: those of its text, of its last map, and defaults. None if it is
    /// made of several parts.
    #[must_use]
    pub fn fixed_values(&self) -> Vec<&str> {
        let [part] = self.0.as_slice() else { return Vec::new() };
        match part {
            Part::Text(text) => vec![text.trim()],
            Part::Field { functions, .. } => functions.iter().fold(Vec::new(), |values, function| match function {
                Function::Map(entries, otherwise) => {
                    entries.iter().map(|(_, to)| to).chain(otherwise).map(String::as_str).collect()
                }
                Function::Default(text) => values.into_iter().chain([text.as_str()]).collect(),
                _ => Vec::new(),
            }),
        }
    }

    /// The value for these fields.
    #[must_use]
    pub fn render(&self, fields: &Fields, locale: &Locale) -> Rendered {
        let mut rendered = Rendered { inputs: Vec::new(), value: Ok(String::new()) };
        for part in &self.0 {
            let piece = match part {
                Part::Text(text) => Ok(text.clone()),
                Part::Field { names, functions } => {
                    let value = first(names, fields, &mut rendered.inputs);
                    apply(functions, value, names, locale)
                }
            };
            rendered.value = match (rendered.value, piece) {
                (Ok(value), Ok(piece)) if value.len() + piece.len() > VALUE_MAX_BYTES => {
                    Err(format!("The value is longer than {VALUE_MAX_BYTES} bytes."))
                }
                (Ok(value), Ok(piece)) => Ok(value + &piece),
                (Err(error), _) | (_, Err(error)) => Err(error),
            };
        }
        rendered
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) -> Result<(), String> {
    if text.contains('}') {
        return Err("A brace is closed but not opened.".to_owned());
    }
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
    Ok(())
}

/// Where the brace that the text begins with is closed: `map{…}` has braces of its own.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    text.char_indices().find_map(|(at, c)| {
        open = match c {
            '{' => open + 1,
            '}' => open.saturating_sub(1),
            _ => open,
        };
        (open == 0).then_some(at)
    })
}

/// The texts between separators that are not inside of braces or parentheses.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut open, mut start, mut parts) = (0_usize, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' | '(' => open += 1,
            '}' | ')' => open = open.saturating_sub(1),
            _ if c == separator && open == 0 => {
                parts.push(text[start..at].trim());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

fn field(text: &str) -> Result<Part, String> {
    let mut parts = split(text, '|').into_iter();
    let names: Vec<_> = parts.next().unwrap_or_default().split(',').map(|name| name.trim().to_owned()).collect();
    if names.iter().any(String::is_empty) {
        return Err("A field has no name. Name a field of the request in braces: {from}.".to_owned());
    }
    let functions: Vec<_> = parts.map(function).collect::<Result<_, _>>()?;
    if names.len() > PARTS_MAX || functions.len() > PARTS_MAX {
        return Err(format!("At most {PARTS_MAX} fields and {PARTS_MAX} functions can be used at once."));
    }
    Ok(Part::Field { names, functions })
}

fn function(text: &str) -> Result<Function, String> {
    let argument = |name: &str, open: char, close: char| {
        text.strip_prefix(name)?.trim_start().strip_prefix(open)?.strip_suffix(close).map(str::trim)
    };
    Ok(match text {
        "digits" => Function::Digits,
        "e164" => Function::E164,
        "seconds" => Function::Seconds,
        "lower" => Function::Lower,
        "epoch" => Function::Epoch(None),
        _ => {
            if let Some(zone) = argument("epoch", '(', ')') {
                Function::Epoch(Some(moment::zone(zone)?))
            } else if let Some(text) = argument("default", '(', ')') {
                Function::Default(text.to_owned())
            } else if let Some(entries) = argument("map", '{', '}') {
                map(entries)?
            } else {
                return Err(format!("There is no function “{text}”. There are {FUNCTIONS}."));
            }
        }
    })
}

fn map(text: &str) -> Result<Function, String> {
    let mut entries = Vec::new();
    let mut otherwise = None;
    for entry in text.split(',') {
        let (from, to) =
            entry.split_once('=').ok_or("An entry of map is written value=result, separated by commas.")?;
        let (from, to) = (from.trim(), to.trim().to_owned());
        // As with any other value, the first entry decides.
        if from == "*" {
            otherwise.get_or_insert(to);
        } else {
            entries.push((from.to_lowercase(), to));
        }
    }
    if entries.len() > ENTRIES_MAX {
        return Err(format!("A map has at most {ENTRIES_MAX} entries."));
    }
    Ok(Function::Map(entries, otherwise))
}

/// The first field that is not empty, else an empty one, else nothing.
fn first(names: &[String], fields: &Fields, inputs: &mut Vec<(String, Option<String>)>) -> Option<String> {
    let mut found = None;
    for name in names {
        let value = fields.get(name);
        let shown = value.map(|value| value[..value.floor_char_boundary(SHOWN_MAX_BYTES)].to_owned());
        inputs.push((name.clone(), shown));
        match value {
            Some("") => found = found.or(Some(String::new())),
            Some(value) => return Some(value.to_owned()),
            None => {}
        }
    }
    found
}

fn apply(functions: &[Function], value: Option<String>, names: &[String], locale: &Locale) -> Result<String, String> {
    let value = functions.iter().try_fold(value, |value, function| match (function, value) {
        (Function::Default(text), None) => Ok(Some(text.clone())),
        (Function::Default(text), Some(value)) if value.is_empty() => Ok(Some(text.clone())),
        (_, None) => Ok(None),
        (function, Some(value)) => function.call(value, locale).map(Some),
    })?;
    value.ok_or_else(|| match names {
        [name] => format!("The request has no field “{name}”."),
        names => format!("The request has none of the fields {}.", names.join(", ")),
    })
}

impl Function {
    fn call(&self, value: String, locale: &Locale) -> Result<String, String> {
        Ok(match self {
            Self::Digits => value.chars().filter(char::is_ascii_digit).collect(),
            Self::E164 => number::normalise(&value, locale.country),
            Self::Lower => value.to_lowercase(),
            Self::Default(_) => value,
            // Empty here means not answered: vendors leave times and durations empty.
            Self::Seconds | Self::Epoch(_) if value.is_empty() => value,
            Self::Seconds => moment::seconds(&value)?.to_string(),
            Self::Epoch(zone) => moment::epoch_s(&value, zone.as_ref().or(locale.zone.as_ref()))?.to_string(),
            Self::Map(entries, otherwise) => {
                let key = value.to_lowercase();
                let entry = entries.iter().find(|(from, _)| *from == key).map(|(_, to)| to);
                entry
                    .or(otherwise.as_ref())
                    .cloned()
                    .ok_or_else(|| format!("The map has no entry for “{value}”. Add one, or *= for everything else."))?
            }
        })
    }
}

impl fmt::Display for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Ok(text) | Err(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http_in::fields::Request;

    fn fields() -> Fields {
        let body =
            br#"{"from":"01632 960001","empty":"","status":"NO ANSWER","time":"2026-11-28 09:30:00","d":"0:01:05"}"#;
        Fields::of(Request { query: "", content_type: None, body }).unwrap()
    }

    fn render(template: &str) -> Result<String, String> {
        let locale = Locale { country: "GB".parse().ok(), zone: None };
        Template::parse(template)?.render(&fields(), &locale).value
    }

    #[test]
    fn fields_and_functions_give_a_value() {
        for (template, expected) in [
            ("{from}", "01632 960001"),
            ("{from | digits}", "01632960001"),
            ("{from|e164}", "+441632960001"),
            ("x-{status|lower}-{from|digits}", "x-no answer-01632960001"),
            ("{time | epoch(UTC)}", "1795858200"),
            ("{time | epoch(Europe/Berlin)}", "1795854600"),
            ("{d | seconds}", "65"),
            ("{status | map{answered=answered, no answer=not_answered}}", "not_answered"),
            ("{status | map{answered=answered, *=failed}}", "failed"),
            ("{nothing, empty, from | digits}", "01632960001"),
            ("{nothing, empty | default(none)}", "none"),
            ("{nothing | seconds | default(0)}", "0"),
            ("{empty}", ""),
            ("{empty | seconds}", ""),
            ("fixed", "fixed"),
        ] {
            assert_eq!(render(template), Ok(expected.to_owned()), "{template}");
        }
    }

    #[test]
    fn a_template_without_value_says_why() {
        for (template, part) in [
            ("{nothing}", "no field “nothing”"),
            ("{nothing, other}", "none of the fields nothing, other"),
            ("{status | map{answered=answered}}", "no entry for “NO ANSWER”"),
            ("{status | seconds}", "no duration"),
            ("{time | epoch}", "no time zone"),
        ] {
            assert!(render(template).unwrap_err().contains(part), "{template}: {:?}", render(template));
        }
    }

    #[test]
    fn a_wrong_template_is_refused_when_it_is_saved() {
        for (template, part) in [
            ("", "empty"),
            ("{from", "not closed"),
            ("from}", "not opened"),
            ("{}", "no name"),
            ("{from | upper}", "no function “upper”"),
            ("{from | map{a}}", "value=result"),
            ("{from | epoch(Mars/Base)}", "no time zone"),
            (&"x".repeat(TEMPLATE_MAX_BYTES + 1), "at most"),
            (&"{a}".repeat(PARTS_MAX + 1), "at most"),
        ] {
            assert!(Template::parse(template).unwrap_err().contains(part), "{template}");
        }
    }

    #[test]
    fn a_value_has_a_limit_and_less_of_it_is_shown() {
        let body = serde_json::json!({ "a": "x".repeat(600) }).to_string();
        let fields = Fields::of(Request { query: "", content_type: None, body: body.as_bytes() }).unwrap();
        let rendered = |template: &str| Template::parse(template).unwrap().render(&fields, &Locale::default());
        assert_eq!(rendered("{a}").value.map(|value| value.len()), Ok(600));
        assert_eq!(rendered("{a}").inputs[0].1.as_ref().map(String::len), Some(SHOWN_MAX_BYTES));
        assert!(rendered("{a}{a}").value.unwrap_err().contains("longer"));
    }

    #[test]
    fn the_fields_that_were_looked_at_are_shown() {
        let rendered = Template::parse("{nothing, from}").unwrap().render(&fields(), &Locale::default());
        assert_eq!(
            rendered.inputs,
            [("nothing".to_owned(), None), ("from".to_owned(), Some("01632 960001".to_owned()))]
        );
    }

    proptest::proptest! {
        #[test]
        fn every_text_is_a_template_or_refused(text in "[{}|(),=*a-z ü]{0,40}") {
            let _ = render(&text);
        }
    }
}
