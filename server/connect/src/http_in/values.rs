//! Fields that have only some values: a mapping that gives another one is refused when it is saved.

use super::{mapping::Field, template::Template};

/// Most of a wrong value that is shown, in characters.
const SHOWN_MAX_CHARS: usize = 100;

impl Field {
    /// Its values, if it has only some.
    #[must_use]
    pub const fn values(self) -> &'static [&'static str] {
        match self {
            Self::Status => &["answered", "not_answered", "busy", "failed", "cancelled", "voicemail", "by_answer"],
            Self::Direction => &["incoming", "outgoing", "internal"],
            _ => &[],
        }
    }

    /// Why it can't have this value.
    #[must_use]
    pub fn refused(self, value: &str) -> Option<String> {
        let values = self.values();
        if values.is_empty() || values.contains(&value) {
            return None;
        }
        let shown: String = value.chars().filter(|c| !c.is_control()).take(SHOWN_MAX_CHARS).collect();
        let (last, others) = values.split_last()?;
        Some(format!("“{shown}” isn't a valid {}. Use {} or {last}.", self.name(), others.join(", ")))
    }

    /// A template, whose fixed values this field can have.
    pub(super) fn template(self, text: &str) -> Result<Template, String> {
        let template = Template::parse(text)?;
        // Nothing is nothing stated: the beginning of the call says it.
        let mut values = template.fixed_values().into_iter().filter(|value| !value.is_empty());
        values.find_map(|value| self.refused(value)).map_or(Ok(template.clone()), Err)
    }
}

#[cfg(test)]
mod tests {
    use crate::http_in::{Mapper, Mapping};

    fn compile(json: &str) -> Result<Mapper, Vec<domain::error::FieldError>> {
        Mapping::parse(json).unwrap().compile()
    }

    #[test]
    fn a_misspelt_value_is_refused_when_the_mapping_is_saved() {
        let mapping = |status: &str, direction: &str| {
            let fields = serde_json::json!({ "key": "{id}", "status": status, "direction": direction });
            let rule = serde_json::json!({ "name": "end", "event": "processed", "fields": fields });
            compile(&serde_json::json!({ "version": 1, "rules": [rule] }).to_string())
        };
        for (status, direction) in [
            ("answered", "incoming"),
            ("{s}", "{d}"),
            ("by_answer", "{d | default() | map{in=incoming, out=outgoing, =}}"),
            ("{s | map{a=answered, *=failed} | default(busy)}", "{d | lower}"),
            ("{s | map{a=x} | map{x=busy}}", "{d | map{a=INCOMING} | lower}"),
        ] {
            assert!(mapping(status, direction).is_ok(), "{status} {direction}");
        }
        for (status, direction, field) in [
            ("picked_up", "incoming", "rules.0.fields.status"),
            ("answered", "inwards", "rules.0.fields.direction"),
            ("{s | map{a=answered, b=picked_up}}", "incoming", "rules.0.fields.status"),
            ("{s | map{a=answered, *=gone}}", "incoming", "rules.0.fields.status"),
            ("answered", "{d | map{a=incoming} | default(in)}", "rules.0.fields.direction"),
        ] {
            let errors = mapping(status, direction).unwrap_err();
            assert_eq!((errors.len(), errors[0].field.as_str()), (1, field), "{status} {direction}");
            assert!(errors[0].message.contains("isn't a valid "), "{errors:?}");
        }
    }
}
