//! Conditions of a WHERE that are present only where something is asked, so that a list walks the index that fits.
//! Values are always bound; only fixed texts are joined.

/// A value that a condition binds.
pub(super) enum Bind {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
}

/// Conditions of a WHERE with the values they bind, in order.
pub(super) struct Conditions {
    /// What stands after WHERE.
    pub sql: String,
    /// What it binds.
    pub binds: Vec<Bind>,
    /// The ranges of ids among them once more, for an index whose `n.place` is the id.
    pub places: String,
}

impl Conditions {
    /// No condition yet: for lists over all accounts, which only staff see.
    pub fn all() -> Self {
        Self { sql: "1 = 1".to_owned(), binds: Vec::new(), places: String::new() }
    }

    /// Only what belongs to this account: the first condition of every list.
    pub fn of(account: &str, column: &str) -> Self {
        let mut conditions = Self::all();
        conditions.text(&format!("{column} = ?"), account);
        conditions
    }

    /// Adds a condition whose `?` is this text.
    pub fn text(&mut self, condition: &str, value: &str) {
        self.add(condition, Bind::Text(value.to_owned()));
    }

    /// Adds the second half of a condition that began with an open bracket.
    pub fn or_text(&mut self, condition: &str, value: &str) {
        self.binds.push(Bind::Text(value.to_owned()));
        self.sql.push_str(" OR ");
        self.sql.push_str(&condition.replace('?', &format!("${}", self.binds.len())));
    }

    /// Adds a condition whose `?` is this number.
    pub fn number(&mut self, condition: &str, value: i64) {
        self.add(condition, Bind::Number(value));
    }

    /// Adds a range of ids of deliveries: an operator and an id.
    pub fn id_range(&mut self, operator: &str, id: &str) {
        let place = self.bind(Bind::Text(id.to_owned()));
        self.fixed(&format!("d.id {operator} {place}"));
        self.places.push_str(&format!(" AND n.place {operator} {place}"));
    }

    /// Binds a value without a condition; returns its place.
    pub fn bind(&mut self, value: Bind) -> String {
        self.binds.push(value);
        format!("${}", self.binds.len())
    }

    fn add(&mut self, condition: &str, value: Bind) {
        let place = self.bind(value);
        self.sql.push_str(" AND ");
        self.sql.push_str(&condition.replace('?', &place));
    }

    /// Adds a condition without a value.
    pub fn fixed(&mut self, condition: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }
}

/// Binds the values of conditions to a query, whichever database it is for.
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
