//! WHERE conditions, present only where a filter asks for them, so that each list uses the index that fits. Values are
//! always bound; only constant SQL is concatenated.

/// A bound value.
pub(super) enum Bind {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

/// The conditions of a WHERE clause with their bound values, in order.
pub(super) struct Conditions {
    /// The SQL after WHERE.
    pub sql: String,
    /// Its bound values.
    pub binds: Vec<Bind>,
    /// The id ranges once more, for an index whose `n.place` is the id.
    pub places: String,
}

impl Conditions {
    /// No condition: for lists across all accounts, which only staff can see.
    pub(super) fn all() -> Self {
        Self { sql: "1 = 1".to_owned(), binds: Vec::new(), places: String::new() }
    }

    /// Restricts to one account: the first condition of every tenant query.
    pub(super) fn of(account: &str, column: &str) -> Self {
        let mut conditions = Self::all();
        conditions.text(&format!("{column} = ?"), account);
        conditions
    }

    /// Adds a condition with `?` bound to this text.
    pub(super) fn text(&mut self, condition: &str, value: &str) {
        self.add(condition, Bind::Text(value.to_owned()));
    }

    /// Adds an alternative to a condition that began with an open parenthesis.
    pub(super) fn or_text(&mut self, condition: &str, value: &str) {
        self.binds.push(Bind::Text(value.to_owned()));
        self.sql.push_str(" OR ");
        self.sql.push_str(&condition.replace('?', &format!("${}", self.binds.len())));
    }

    /// Adds a condition with `?` bound to this number.
    pub(super) fn number(&mut self, condition: &str, value: i64) {
        self.add(condition, Bind::Number(value));
    }

    /// Adds a range of delivery ids: an operator and an id.
    pub(super) fn id_range(&mut self, operator: &str, id: &str) {
        let param = self.bind(Bind::Text(id.to_owned()));
        self.fixed(&format!("d.id {operator} {param}"));
        self.places.push_str(&format!(" AND n.place {operator} {param}"));
    }

    /// Binds a value without a condition and returns its placeholder.
    pub(super) fn bind(&mut self, value: Bind) -> String {
        self.binds.push(value);
        format!("${}", self.binds.len())
    }

    fn add(&mut self, condition: &str, value: Bind) {
        let param = self.bind(value);
        self.sql.push_str(" AND ");
        self.sql.push_str(&condition.replace('?', &param));
    }

    /// Adds a condition without a value.
    pub(super) fn fixed(&mut self, condition: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }
}

/// Binds the values of conditions to a query for either database.
macro_rules! bound {
    ($query:expr, $binds:expr) => {
        $binds.iter().fold($query, |query, bind| match bind {
            Bind::Text(text) => query.bind(text.clone()),
            Bind::Number(number) => query.bind(*number),
        })
    };
}
pub(super) use bound;

/// The ids of suspended accounts, whose events are held. Shared, so that every query derives it alike; it walks an index
/// of the few there are.
macro_rules! suspended {
    () => {
        "(SELECT id FROM accounts WHERE suspended_ms IS NOT NULL)"
    };
}
pub(crate) use suspended;
