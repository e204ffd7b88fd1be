//! Which column is what, as people choose it on a page or write it: `caller=2,callee=3,start=Date,duration=8,status=9`.

use std::{collections::BTreeMap, io::BufRead, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    http_in::{
        Condition, Locale, Mapping,
        mapping::{Field, Kind, Rule, VERSION},
    },
    moment,
};

/// A number with fewer digits is an extension.
const NUMBER_MIN_DIGITS: usize = 7;

/// Rows that are looked at to know how many columns a file has: titles may be above its table.
const LOOKED_AT_ROWS: usize = 20;
/// What the direction of all calls can be, instead of a column.
const ALL_CALLS: [&str; 2] = ["incoming", "outgoing"];

/// The columns of a file, each by its number from 1 or by its name in the header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Columns {
    /// The number of the caller.
    pub caller: String,
    /// The number called.
    pub callee: String,
    /// When the call began.
    pub start: String,
    /// When it was answered.
    pub answer: Option<String>,
    /// When it ended.
    pub end: Option<String>,
    /// How long it was talked.
    pub duration: Option<String>,
    /// How it ended; without it, calls with a duration were answered.
    pub status: Option<String>,
    /// Statuses of the contract for those of the file.
    pub statuses: BTreeMap<String, String>,
    /// The direction, or `incoming` or `outgoing` for all calls. Without it, long numbers are outside.
    pub direction: Option<String>,
    /// Directions of the contract for those of the file.
    pub directions: BTreeMap<String, String>,
    /// The extension that took part.
    pub extension: Option<String>,
    /// The call's ID.
    pub id: Option<String>,
    /// What it cost.
    pub cost: Option<String>,
    /// The time zone of the file's times.
    pub zone: Option<String>,
}

impl FromStr for Columns {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut columns = Self::default();
        for part in text.split(',') {
            let (name, value) =
                part.split_once('=').ok_or("Columns are written caller=2,callee=3,start=1,duration=8.")?;
            columns.set(name.trim(), value.trim())?;
        }
        columns.check()?;
        Ok(columns)
    }
}

impl Columns {
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let text = || Some(value.to_owned());
        match name {
            "caller" => value.clone_into(&mut self.caller),
            "callee" => value.clone_into(&mut self.callee),
            "start" => value.clone_into(&mut self.start),
            "answer" => self.answer = text(),
            "end" => self.end = text(),
            "duration" => self.duration = text(),
            "status" => self.status = text(),
            "direction" => self.direction = text(),
            "extension" => self.extension = text(),
            "id" => self.id = text(),
            "cost" => self.cost = text(),
            "zone" => self.zone = text(),
            "statuses" => self.statuses = Self::statuses(value)?,
            "directions" => self.directions = Self::directions(value)?,
            _ => {
                return Err(format!(
                    "There is no column “{name}”. There are caller, callee, start, answer, end, duration, status, statuses, \
                     direction, directions, extension, id, cost and zone."
                ));
            }
        }
        Ok(())
    }

    /// Statuses of the contract for those of a file: `ANSWERED:answered;NO ANSWER:not_answered`.
    ///
    /// # Errors
    /// A sentence that says how they are written, or which one does not exist.
    pub fn statuses(text: &str) -> Result<BTreeMap<String, String>, String> {
        entries(text, Field::Status, "Statuses are written ANSWERED:answered;BUSY:busy.")
    }

    /// Directions of the contract for those of a file: `IN:incoming;OUT:outgoing`.
    ///
    /// # Errors
    /// As [`Columns::statuses`].
    pub fn directions(text: &str) -> Result<BTreeMap<String, String>, String> {
        entries(text, Field::Direction, "Directions are written IN:incoming;OUT:outgoing.")
    }

    /// The columns that a file which begins like this does not have, each with a sentence: otherwise one that may be empty
    /// would be left out of every call.
    #[must_use]
    pub fn missing_in(&self, start: impl BufRead, locale: &Locale) -> Vec<(&'static str, String)> {
        let rows: Vec<_> = super::preview(start, LOOKED_AT_ROWS).into_iter().filter_map(Result::ok).collect();
        let Some(first) = rows.first() else { return Vec::new() };
        let header = if self.is_header(first, locale) { first.as_slice() } else { &[] };
        let count = rows.iter().map(Vec::len).max().unwrap_or_default();
        let missing = |(name, column): (&'static str, Option<&str>)| {
            let column = column.filter(|column| !column.is_empty())?;
            let is_all = name == "direction" && ALL_CALLS.contains(&column);
            let why = match position(column, header) {
                _ if is_all => return None,
                Ok(number) if number.parse::<usize>().is_ok_and(|number| number <= count) => return None,
                Ok(number) => format!("The file has no column {number}, only {count}."),
                Err(why) if name == "direction" => format!("Choose incoming, outgoing, or a column. {why}"),
                Err(why) => why,
            };
            Some((name, why))
        };
        self.all().into_iter().filter_map(missing).collect()
    }

    fn all(&self) -> [(&'static str, Option<&str>); 11] {
        [
            ("caller", Some(&self.caller)),
            ("callee", Some(&self.callee)),
            ("start", Some(&self.start)),
            ("answer", self.answer.as_deref()),
            ("end", self.end.as_deref()),
            ("duration", self.duration.as_deref()),
            ("status", self.status.as_deref()),
            ("direction", self.direction.as_deref()),
            ("extension", self.extension.as_deref()),
            ("id", self.id.as_deref()),
            ("cost", self.cost.as_deref()),
        ]
    }

    /// Whether all that is needed is chosen.
    ///
    /// # Errors
    /// A sentence that names what is missing.
    pub fn check(&self) -> Result<(), String> {
        let needed = [("caller", &self.caller), ("callee", &self.callee), ("start", &self.start)];
        if let Some((name, _)) = needed.iter().find(|(_, column)| column.is_empty()) {
            return Err(format!("Choose the column of the {name}."));
        }
        if self.duration.is_none() && (self.answer.is_none() || self.end.is_none()) {
            return Err("Choose the column of the duration, or those of the answer and the end.".to_owned());
        }
        self.zone.as_deref().map_or(Ok(()), |zone| moment::zone(zone).map(|_| ()))
    }

    /// Whether the first row names the columns: where the beginning of a call should be, there is no time.
    pub(super) fn is_header(&self, first: &[String], locale: &Locale) -> bool {
        let Ok(start) = self.start.parse::<usize>() else { return true };
        let cell = start.checked_sub(1).and_then(|at| first.get(at));
        cell.is_none_or(|cell| {
            moment::epoch_s(cell, Some(&locale.zone.clone().unwrap_or(jiff::tz::TimeZone::UTC))).is_err()
        })
    }

    /// The mapping for a file with this header.
    pub(super) fn mapping(&self, header: &[String]) -> Result<Mapping, String> {
        self.check()?;
        let at = |column: &str| position(column, header);
        let optional = |column: &Option<String>| column.as_deref().map(at).transpose();
        let (caller, callee, start) = (at(&self.caller)?, at(&self.callee)?, at(&self.start)?);
        let mut fields = BTreeMap::new();
        let mut set = |name: &str, template: String| fields.insert(name.to_owned(), template);
        set("caller", format!("{{{caller} | default(anonymous) | e164}}"));
        set("callee", format!("{{{callee} | e164}}"));
        set("start", format!("{{{start} | epoch}}"));
        let key = optional(&self.id)?
            .map_or_else(|| format!("{{{start}}}-{{{caller}}}-{{{callee}}}"), |id| format!("{{{id}}}"));
        set("key", key);
        let plain = [
            ("extension", &self.extension, ""),
            ("cost", &self.cost, ""),
            ("answer", &self.answer, " | epoch"),
            ("timestamp", &self.end, " | epoch"),
            ("duration", &self.duration, " | seconds"),
        ];
        for (name, column, function) in plain {
            if let Some(column) = optional(column)? {
                set(name, format!("{{{column}{function} | default()}}"));
            }
        }
        let status = optional(&self.status)?;
        set(
            "status",
            status.map_or_else(|| "by_answer".to_owned(), |column| mapped(&column, &self.statuses, STATUSES)),
        );
        Ok(Mapping {
            version: VERSION,
            root: None,
            response: None,
            zone: None,
            rules: self.rules(fields, &caller, &callee, header)?,
        })
    }

    /// One rule if the direction is known, else one for each.
    fn rules(
        &self,
        fields: BTreeMap<String, String>,
        caller: &str,
        callee: &str,
        header: &[String],
    ) -> Result<Vec<Rule>, String> {
        let rule = |name: &str, when: Vec<Condition>, direction: Option<String>| {
            let mut fields = fields.clone();
            let event = if direction.is_some() { Kind::Processed } else { Kind::Ignore };
            fields.extend(direction.map(|direction| ("direction".to_owned(), direction)));
            let fields = if event == Kind::Ignore { BTreeMap::new() } else { fields };
            Rule { name: name.to_owned(), when, event, fields }
        };
        let number = |column: &str| Condition {
            field: column.to_owned(),
            min_digits: Some(NUMBER_MIN_DIGITS),
            ..Condition::default()
        };
        let withheld = Condition { field: caller.to_owned(), present: Some(false), ..Condition::default() };
        Ok(match self.direction.as_deref() {
            Some(all) if ALL_CALLS.contains(&all) => vec![rule("call", Vec::new(), Some(all.to_owned()))],
            Some(column) => {
                let column = position(column, header)?;
                vec![rule("call", Vec::new(), Some(mapped(&column, &self.directions, DIRECTIONS)))]
            }
            None => vec![
                rule("incoming call", vec![number(caller)], Some("incoming".to_owned())),
                rule("outgoing call", vec![number(callee)], Some("outgoing".to_owned())),
                rule("incoming call without number", vec![withheld], Some("incoming".to_owned())),
                rule("internal call", Vec::new(), None),
            ],
        })
    }
}

/// Values of the contract for those of a file.
fn entries(text: &str, field: Field, how: &str) -> Result<BTreeMap<String, String>, String> {
    let entry = |entry: &str| {
        let (from, to) = entry.split_once(':').ok_or(how)?;
        let (from, to) = (from.trim(), to.trim());
        if from.contains(['=', ',', '{', '}', '(', ')']) {
            return Err(format!("“{from}” can’t be mapped: it has one of the characters = , {{ }} ( )."));
        }
        field.refused(to).map_or_else(|| Ok((from.to_owned(), to.to_owned())), |why| Err(format!("{why} {how}")))
    };
    text.split(';').filter(|one| !one.trim().is_empty()).map(entry).collect()
}

/// What files usually call them, if people map nothing.
const STATUSES: &str = "answered=answered, answer=answered, normal_clearing=answered, completed=answered, ok=answered, \
    no answer=not_answered, no_answer=not_answered, noanswer=not_answered, missed=not_answered, not answered=not_answered, \
    unanswered=not_answered, busy=busy, user_busy=busy, cancel=cancelled, cancelled=cancelled, originator_cancel=cancelled, \
    voicemail=voicemail, *=failed";
const DIRECTIONS: &str = "in=incoming, inbound=incoming, incoming=incoming, out=outgoing, outbound=outgoing, outgoing=outgoing, internal=internal";

fn mapped(column: &str, entries: &BTreeMap<String, String>, usual: &str) -> String {
    let own: Vec<_> = entries.iter().map(|(from, to)| format!("{from}={to}")).collect();
    let own = own.join(", ");
    let all = if own.is_empty() { usual.to_owned() } else { format!("{own}, {usual}") };
    format!("{{{column} | map{{{all}}}}}")
}

/// The number of a column.
fn position(column: &str, header: &[String]) -> Result<String, String> {
    if column.parse::<usize>().is_ok_and(|number| number > 0) {
        return Ok(column.to_owned());
    }
    let found = header.iter().position(|name| name.eq_ignore_ascii_case(column));
    found.map(|at| (at + 1).to_string()).ok_or_else(|| format!("The file has no column “{column}”."))
}
