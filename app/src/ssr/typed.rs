//! Form input as pairs of name and value, so that a page can restore it.

use serde::Serialize;
use serde_json::Value;

/// Fields that are never kept.
const NEVER_KEPT: &[&str] = &["password", "current_password", "code"];

/// The pairs of a form: lists repeat their name, a checked checkbox is `true`, passwords and codes are left out.
pub fn typed(posted: &impl Serialize) -> Vec<(String, String)> {
    let Ok(Value::Object(fields)) = serde_json::to_value(posted) else { return Vec::new() };
    let kept = fields.into_iter().filter(|(name, _)| !NEVER_KEPT.contains(&name.as_str()));
    kept.flat_map(|(name, value)| texts(value).into_iter().map(move |text| (name.clone(), text))).collect()
}

fn texts(value: Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text],
        Value::Bool(true) => vec!["true".to_owned()],
        Value::Number(number) => vec![number.to_string()],
        Value::Array(items) => items.into_iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use domain::account::SignUp;
    use domain::endpoint::EndpointForm;

    use super::*;

    #[test]
    fn a_password_is_never_kept() {
        let form = SignUp { email: "ana@acme.example".into(), password: "correct horse".into(), ..SignUp::default() };
        let kept = typed(&form);
        assert!(kept.contains(&("email".into(), "ana@acme.example".into())));
        assert!(kept.iter().all(|(name, value)| name != "password" && !value.contains("horse")));
    }

    #[test]
    fn lists_repeat_their_name_and_unchecked_checkboxes_are_omitted() {
        let form =
            EndpointForm { events: vec!["IncomingCall".into(), "CallProcessed".into()], ..EndpointForm::default() };
        let kept = typed(&form);
        assert_eq!(kept.iter().filter(|(name, _)| name == "events").count(), 2);
        assert!(!kept.iter().any(|(name, _)| name == "deliver_late"));
    }
}
