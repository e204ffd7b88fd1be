//! What a request says, as fields: the query, a form, or JSON, flattened to names such as `data.payload.from`.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde_json::Value;

/// Largest body, in bytes.
pub const BODY_MAX_BYTES: usize = 256 * 1_024;
/// Largest query, in bytes.
pub const QUERY_MAX_BYTES: usize = 16 * 1_024;
/// Most fields of a request, and most of the same name.
const FIELDS_MAX: usize = 4_000;
const SAME_NAME_MAX: usize = 100;
/// Longest value that is looked at, in bytes; the rest of it is not. No number, name or time is as long, and the rules of a
/// mapping look at a value hundreds of times.
const VALUE_MAX_BYTES: usize = 1_024;
/// Most levels of objects and arrays.
const LEVELS_MAX: usize = 16;
/// Most calls in one request, where a request has a list of them.
pub const ITEMS_MAX: usize = 500;

/// A request as it came in.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The query, without the question mark.
    pub query: &'a str,
    /// The header `Content-Type`.
    pub content_type: Option<&'a str>,
    /// The body; empty for GET.
    pub body: &'a [u8],
}

/// Names and values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields {
    own: BTreeMap<String, String>,
    /// Those of the whole request, where these are of one of its calls: a request with 500 calls has them once.
    shared: Arc<BTreeMap<String, String>>,
}

impl fmt::Debug for Fields {
    /// Without numbers: logs are kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields").field("count", &self.own.len()).finish_non_exhaustive()
    }
}

impl Fields {
    /// Reads a request.
    ///
    /// # Errors
    /// A sentence that says why it can't be read.
    pub fn of(request: Request<'_>) -> Result<Self, String> {
        if request.body.len() > BODY_MAX_BYTES {
            return Err(format!("The body is larger than {} KiB.", BODY_MAX_BYTES / 1_024));
        }
        if request.query.len() > QUERY_MAX_BYTES {
            return Err(format!("The query is longer than {} KiB.", QUERY_MAX_BYTES / 1_024));
        }
        let mut fields = Self::default();
        fields.add_form(request.query.as_bytes())?;
        fields.add_body(request)?;
        Ok(fields)
    }

    /// The cells of a row: by the names of their columns in lower case, and by their numbers from 1.
    #[must_use]
    pub fn of_row(names: &[String], cells: &[String]) -> Self {
        let numbered = cells.iter().enumerate().map(|(at, cell)| ((at + 1).to_string(), cell.clone()));
        let named = names.iter().zip(cells).map(|(name, cell)| (name.trim().to_lowercase(), cell.clone()));
        Self { own: named.chain(numbered).collect(), shared: Arc::default() }
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.own.get(name).or_else(|| self.shared.get(name)).map(String::as_str)
    }

    /// The fields once for each call: those under `root` can be used without it. If `root` is a list, each of its entries is a
    /// call of its own.
    #[must_use]
    pub fn items(self, root: Option<&str>) -> Vec<Self> {
        let Some(root) = root else { return vec![self] };
        let mut calls: Vec<_> = (0..ITEMS_MAX).map_while(|at| self.under(&format!("{root}.{at}."))).collect();
        if calls.is_empty() {
            calls.extend(self.under(&format!("{root}.")));
        }
        if calls.is_empty() {
            return vec![self];
        }
        let shared = Arc::new(self.own);
        calls.into_iter().map(|own| Self { own, shared: Arc::clone(&shared) }).collect()
    }

    fn under(&self, prefix: &str) -> Option<BTreeMap<String, String>> {
        let range = self.own.range(prefix.to_owned()..);
        let inside = range.take_while(|(name, _)| name.starts_with(prefix));
        let item: BTreeMap<_, _> =
            inside.map(|(name, value)| (name[prefix.len()..].to_owned(), value.clone())).collect();
        (!item.is_empty()).then_some(item)
    }

    fn add_body(&mut self, request: Request<'_>) -> Result<(), String> {
        let kind = request.content_type.unwrap_or_default().to_ascii_lowercase();
        let start = request.body.iter().find(|byte| !byte.is_ascii_whitespace());
        match start {
            None => Ok(()),
            Some(b'{' | b'[') => self.add_json(request.body),
            Some(_) if kind.contains("json") => self.add_json(request.body),
            Some(_) if kind.starts_with("multipart/") => {
                Err("Forms of several parts (multipart/form-data) can't be read. Send a plain form or JSON.".to_owned())
            }
            Some(b'<') => Err("XML can't be read. Send a form or JSON.".to_owned()),
            Some(_) => self.add_form(request.body),
        }
    }

    fn add_json(&mut self, body: &[u8]) -> Result<(), String> {
        let value: Value =
            serde_json::from_slice(body).map_err(|error| format!("The body is no valid JSON: {error}."))?;
        self.add_value(String::new(), &value, 0)
    }

    fn add_form(&mut self, text: &[u8]) -> Result<(), String> {
        for (name, value) in form_urlencoded::parse(text) {
            self.add_text(name.into_owned(), &value, 0)?;
        }
        Ok(())
    }

    fn add_value(&mut self, name: String, value: &Value, level: usize) -> Result<(), String> {
        if level > LEVELS_MAX {
            return Err(format!("The body is nested deeper than {LEVELS_MAX} levels."));
        }
        let inner = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
        match value {
            Value::Object(members) => {
                members.iter().try_for_each(|(key, value)| self.add_value(inner(key), value, level + 1))
            }
            Value::Array(values) => {
                let mut values = values.iter().enumerate();
                values.try_for_each(|(at, value)| self.add_value(inner(&at.to_string()), value, level + 1))
            }
            Value::String(text) => self.add_text(name, text, level),
            Value::Null => self.insert(name, String::new()),
            other => self.insert(name, other.to_string()),
        }
    }

    /// A text that is JSON itself is opened: FreeSWITCH sends it in a form, Yeastar as a string in JSON.
    fn add_text(&mut self, name: String, text: &str, level: usize) -> Result<(), String> {
        let text = text.trim();
        if text.starts_with(['{', '['])
            && let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text)
        {
            return self.add_value(name, &value, level + 1);
        }
        self.insert(name, text.to_owned())
    }

    /// A name that occurs again gets a number: `user[]`, `user[].1`.
    fn insert(&mut self, name: String, value: String) -> Result<(), String> {
        if self.own.len() >= FIELDS_MAX {
            return Err(format!("The request has more than {FIELDS_MAX} fields."));
        }
        let mut free = Some(name.clone());
        if self.own.contains_key(&name) {
            let mut numbered = (1..SAME_NAME_MAX).map(|at| format!("{name}.{at}"));
            free = numbered.find(|numbered| !self.own.contains_key(numbered));
        }
        let Some(free) = free else { return Err(format!("A field occurs more than {SAME_NAME_MAX} times.")) };
        let mut value = value;
        value.truncate(value.floor_char_boundary(VALUE_MAX_BYTES));
        self.own.insert(free, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(fields: &Fields) -> Vec<(&str, &str)> {
        fields.own.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn json(body: &str) -> Result<Fields, String> {
        Fields::of(Request { query: "", content_type: Some("application/json"), body: body.as_bytes() })
    }

    #[test]
    fn query_form_and_json_are_fields() {
        let request = Request {
            query: "site=1",
            content_type: Some("application/x-www-form-urlencoded"),
            body: b"event=newCall&user%5B%5D=Alice&user[]=Bob&from=%2B441632960001",
        };
        let fields = Fields::of(request).unwrap();
        let expected =
            [("event", "newCall"), ("from", "+441632960001"), ("site", "1"), ("user[]", "Alice"), ("user[].1", "Bob")];
        assert_eq!(all(&fields), expected);
        let fields = json(r#"{"data":{"n":5,"ok":true,"no":null,"list":[{"a":" x "}]}}"#).unwrap();
        assert_eq!(all(&fields), [("data.list.0.a", "x"), ("data.n", "5"), ("data.no", ""), ("data.ok", "true")]);
    }

    #[test]
    fn debug_output_has_no_numbers() {
        let fields = json(r#"{"from":"01632960001"}"#).unwrap();
        assert!(!format!("{fields:?}").contains("01632960001"));
    }

    #[test]
    fn json_in_a_string_is_opened() {
        let fields = json(r#"{"type":30012,"msg":"{\"call_id\":\"1.2\"}"}"#).unwrap();
        assert_eq!(fields.get("msg.call_id"), Some("1.2"));
        assert_eq!(json(r#"{"msg":"{not json"}"#).unwrap().get("msg"), Some("{not json"));
    }

    #[test]
    fn the_entries_of_a_list_are_calls_of_their_own() {
        let items = json(r#"{"cdr":[{"src":"1"},{"src":"2"}],"mac":"x"}"#).unwrap().items(Some("cdr"));
        let seen: Vec<_> = items.iter().map(|item| (item.get("src").unwrap(), item.get("mac").unwrap())).collect();
        assert_eq!(seen, [("1", "x"), ("2", "x")]);
        let items = json(r#"{"cdr":{"src":"1"}}"#).unwrap().items(Some("cdr"));
        assert_eq!((items.len(), items[0].get("src")), (1, Some("1")));
        assert_eq!(json(r#"{"src":"1"}"#).unwrap().items(Some("cdr"))[0].get("src"), Some("1"));
    }

    #[test]
    fn what_is_too_large_too_deep_or_of_another_kind_is_refused_with_a_sentence() {
        let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
        assert!(json(&deep).unwrap_err().contains("nested"));
        let wide = format!("[{}1]", "1,".repeat(FIELDS_MAX));
        assert!(json(&wide).unwrap_err().contains("fields"));
        assert!(json(&" ".repeat(BODY_MAX_BYTES + 1)).unwrap_err().contains("KiB"));
        assert!(json("{").unwrap_err().contains("JSON"));
        assert!(json("hello").unwrap_err().contains("JSON"));
        let of = |content_type, body| Fields::of(Request { query: "", content_type: Some(content_type), body });
        assert!(of("multipart/form-data; boundary=x", b"--x").unwrap_err().contains("multipart"));
        assert!(of("text/xml", b"<a/>").unwrap_err().contains("XML"));
        // Each level doubles the backslashes, so few levels fit into a body.
        let strings = (0..6).fold("1".to_owned(), |text, _| serde_json::json!({ "a": text }).to_string());
        assert!(json(&strings).unwrap().get("a.a.a.a.a.a").is_some());
    }

    #[test]
    fn a_value_is_looked_at_up_to_a_limit_and_a_name_occurs_as_often() {
        let long = "\u{e9}".repeat(VALUE_MAX_BYTES);
        let fields = json(&serde_json::json!({ "via": long }).to_string()).unwrap();
        assert_eq!(fields.get("via").map(str::len), Some(VALUE_MAX_BYTES));
        let of = |count: usize| "a=1&".repeat(count);
        let read = |body: &str| Fields::of(Request { query: body, content_type: None, body: b"" });
        assert!(read(&of(SAME_NAME_MAX)).is_ok());
        assert!(read(&of(SAME_NAME_MAX + 1)).unwrap_err().contains("100 times"));
    }

    proptest::proptest! {
        #[test]
        fn every_request_is_read_or_refused(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..500)) {
            let _ = Fields::of(Request { query: "a=1", content_type: None, body: &body });
        }
    }
}
