//! SQL that is written once and reads right on both databases.
//!
//! Two things differ between SQLite and Postgres that bulk statements cannot do without: rows out of one bound
//! parameter, and skipping rows that another node has locked. They stand in the text as marks:
//!
//! * `{rows $1 r: id text, due_ms bigint}` – the JSON array of objects bound to `$1`, as a table named `r`
//! * `{list $1}` – the JSON array of strings bound to `$1`, as a list for `IN`
//! * `{skip_locked}` – `FOR UPDATE SKIP LOCKED`, or nothing where there is one writer anyway
//! * `{serialise}` – `FOR UPDATE`, or nothing

use std::sync::OnceLock;

use super::db::Dialect;

/// A statement with marks.
pub struct Sql {
    text: &'static str,
    sqlite: OnceLock<String>,
    postgres: OnceLock<String>,
}

impl Sql {
    /// A statement from its portable text.
    pub const fn new(text: &'static str) -> Self {
        Self { text, sqlite: OnceLock::new(), postgres: OnceLock::new() }
    }

    /// The statement for one database; made once.
    pub fn on(&'static self, dialect: Dialect) -> &'static str {
        let slot = match dialect {
            Dialect::Sqlite => &self.sqlite,
            Dialect::Postgres => &self.postgres,
        };
        slot.get_or_init(|| expand(self.text, dialect))
    }
}

/// The portable text with its marks replaced.
pub fn expand(text: &str, dialect: Dialect) -> String {
    let mut parts = text.split('{');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (mark, rest) = part.split_once('}').unwrap_or((part, ""));
        out.push_str(&marked(mark, dialect));
        out.push_str(rest);
    }
    out
}

fn marked(mark: &str, dialect: Dialect) -> String {
    if let Some(rows) = mark.strip_prefix("rows ") {
        return as_rows(rows, dialect);
    }
    if let Some(param) = mark.strip_prefix("list ") {
        return match dialect {
            Dialect::Sqlite => format!("(SELECT value FROM json_each({param}))"),
            Dialect::Postgres => format!("(SELECT value FROM json_array_elements_text({param}::json) AS t (value))"),
        };
    }
    match (mark, dialect) {
        ("skip_locked", Dialect::Postgres) => "FOR UPDATE SKIP LOCKED".to_owned(),
        ("serialise", Dialect::Postgres) => "FOR UPDATE".to_owned(),
        _ => String::new(),
    }
}

fn as_rows(rows: &str, dialect: Dialect) -> String {
    let (head, columns) = rows.split_once(':').unwrap_or((rows, ""));
    let (param, name) = head.split_once(' ').unwrap_or((head, "r"));
    if dialect == Dialect::Postgres {
        return format!("json_to_recordset({param}::json) AS {name} ({})", columns.trim());
    }
    let picked: Vec<String> = columns
        .split(',')
        .filter_map(|column| column.split_whitespace().next())
        .map(|column| format!("value ->> '{column}' AS {column}"))
        .collect();
    // As JSONB a row is parsed once, however many columns are read from it.
    format!("(SELECT {} FROM jsonb_each({param})) AS {name}", picked.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_reads_right_on_both() {
        let text = "SELECT r.id FROM {rows $1 r: id text, due_ms bigint} WHERE r.id IN {list $2} {skip_locked}";
        assert_eq!(
            expand(text, Dialect::Sqlite),
            "SELECT r.id FROM (SELECT value ->> 'id' AS id, value ->> 'due_ms' AS due_ms FROM jsonb_each($1)) AS r \
             WHERE r.id IN (SELECT value FROM json_each($2)) "
        );
        assert_eq!(
            expand(text, Dialect::Postgres),
            "SELECT r.id FROM json_to_recordset($1::json) AS r (id text, due_ms bigint) \
             WHERE r.id IN (SELECT value FROM json_array_elements_text($2::json) AS t (value)) FOR UPDATE SKIP LOCKED"
        );
    }
}
