//! Files with a row per call.

use std::io::BufRead;

use super::{Columns, Item};
use domain::{
    csv::{BadRow, Row, Rows},
    error::FieldError,
};

use crate::{
    event::Identity,
    http_in::{
        Locale, Mapper, Mapping, Outcome, Preset, Received, Request, Trial,
        fields::{BODY_MAX_BYTES, Fields},
    },
};

/// A kind of file that is understood without choosing columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TablePreset {
    /// Its name on the command line.
    pub name: &'static str,
    /// What people call the phone system.
    pub title: &'static str,
    /// Where its format is described.
    pub sources: &'static [&'static str],
    /// Whether the format was checked against the vendor's own documentation.
    pub documented: bool,
    /// The columns, if the file has no header.
    columns: &'static [&'static str],
    mapping: Option<&'static str>,
    /// The preset for requests, if a line can be JSON or has the same columns.
    http: Option<&'static str>,
}

/// Presets for files beside that of Asterisk.
pub const PRESETS: &[TablePreset] = &[
    TablePreset {
        name: "3cx",
        title: "3CX (CDR file)",
        sources: &["https://www.3cx.com/docs/cdr-call-data-records/", "https://www.tim4biz.com/pbx/3cx/"],
        documented: false,
        columns: &[
            "historyid",
            "callid",
            "duration",
            "time-start",
            "time-answered",
            "time-end",
            "reason-terminated",
            "from-no",
            "to-no",
            "from-dn",
            "to-dn",
            "dial-no",
            "reason-changed",
            "final-number",
            "final-dn",
            "bill-code",
            "bill-rate",
            "bill-cost",
            "bill-name",
            "chain",
        ],
        mapping: Some(include_str!("presets/3cx.json")),
        http: None,
    },
    TablePreset {
        name: "freeswitch",
        title: "FreeSWITCH (mod_cdr_csv, or a line of mod_json_cdr per call)",
        sources: &[
            "https://developer.signalwire.com/freeswitch/FreeSWITCH-Explained/Configuration/CDR",
            "https://raw.githubusercontent.com/signalwire/freeswitch/v1.11.3/conf/vanilla/autoload_configs/cdr_csv.conf.xml",
        ],
        documented: true,
        columns: &[
            "caller_id_name",
            "caller_id_number",
            "destination_number",
            "context",
            "start_stamp",
            "answer_stamp",
            "end_stamp",
            "duration",
            "billsec",
            "hangup_cause",
            "uuid",
            "bleg_uuid",
            "accountcode",
        ],
        mapping: Some(include_str!("presets/freeswitch.json")),
        http: Some("freeswitch"),
    },
    TablePreset {
        name: "grandstream",
        title: "Grandstream UCM (CDR file)",
        sources: &["https://www.manualslib.com/manual/995652/Grandstream-Networks-Ucm6510.html"],
        documented: false,
        columns: &[
            "acctid",
            "accountcode",
            "src",
            "dst",
            "dcontext",
            "clid",
            "channel",
            "dstchannel",
            "lastapp",
            "lastdata",
            "start",
            "answer",
            "end",
            "duration",
            "billsec",
            "disposition",
            "amaflags",
            "uniqueid",
            "userfield",
            "channel_ext",
            "dstchannel_ext",
            "service",
        ],
        mapping: None,
        http: Some("grandstream"),
    },
];

impl TablePreset {
    /// The preset with this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    fn mapper(&self, is_json: bool) -> Result<Mapper, String> {
        let mapping = match (self.mapping, self.http.and_then(Preset::find)) {
            (Some(json), _) if !is_json => Mapping::parse(json),
            (_, Some(preset)) => preset.mapping(),
            _ => return Err("Files of this phone system are tables, not JSON.".to_owned()),
        };
        let mapping = mapping.map_err(|error| error.message)?;
        mapping.compile().map_err(|errors| errors.into_iter().map(|error| error.message).collect())
    }
}

/// How a file is understood.
#[derive(Debug)]
pub(super) struct Table {
    identity: Identity,
    locale: Locale,
    lines: Lines,
}

#[derive(Debug)]
enum Lines {
    /// Each line is JSON.
    Json(Mapper),
    /// Columns with these names.
    Named(Mapper, Vec<String>, &'static [&'static str]),
    /// Columns that people chose: the mapping follows from the header.
    Chosen(Box<Columns>),
}

impl Table {
    pub(super) fn of_preset(
        preset: &TablePreset,
        is_json: bool,
        identity: Identity,
        locale: Locale,
    ) -> Result<Self, String> {
        let mapper = preset.mapper(is_json)?;
        let lines = if is_json { Lines::Json(mapper) } else { Lines::Named(mapper, Vec::new(), preset.columns) };
        Ok(Self { identity, locale, lines })
    }

    pub(super) fn of_columns(columns: Box<Columns>, identity: Identity, locale: Locale) -> Self {
        let zone = columns.zone.as_deref().and_then(|zone| crate::moment::zone(zone).ok());
        let locale = Locale { zone: zone.or(locale.zone), ..locale };
        Self { identity, locale, lines: Lines::Chosen(columns) }
    }

    pub(super) fn step(&mut self, rows: &mut Rows<impl BufRead>, count: &mut u64) -> Option<Item> {
        loop {
            if let Lines::Json(mapper) = &self.lines {
                let (line, body) = match rows.next_plain(BODY_MAX_BYTES)? {
                    Ok(line) => line,
                    Err(bad) => return Some(Item::Bad(bad)),
                };
                *count += 1;
                return Some(self.json(mapper, line, &body));
            }
            let row = match rows.next()? {
                Ok(row) => row,
                Err(bad) => return Some(Item::Bad(bad)),
            };
            match self.is_header(&row, *count == 0) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(reason) => {
                    // Every other row would fail in the same way.
                    rows.stop();
                    return Some(Item::Bad(BadRow::new(row.line, reason)));
                }
            }
            *count += 1;
            let Lines::Named(mapper, names, _) = &self.lines else { return None };
            let trial = mapper.try_fields(&Fields::of_row(names, &row.cells), &self.received());
            return Some(understood(row.line, trial));
        }
    }

    fn received(&self) -> Received<'_> {
        Received { identity: self.identity, locale: &self.locale, at_s: 0 }
    }

    fn json(&self, mapper: &Mapper, line: u64, body: &[u8]) -> Item {
        let request = Request { query: "", content_type: Some("application/json"), body };
        match mapper.apply(request, &self.received()) {
            Ok(mut trials) => match (trials.next(), trials.next()) {
                (Some(trial), None) => understood(line, trial),
                _ => Item::Bad(BadRow::new(line, "A line must be one call.")),
            },
            Err(reason) => Item::Bad(BadRow::new(line, reason)),
        }
    }

    /// Whether the row names the columns. The first row decides what the columns are.
    fn is_header(&mut self, row: &Row, is_first: bool) -> Result<bool, String> {
        match &mut self.lines {
            Lines::Json(_) => Ok(false),
            Lines::Named(_, names, columns) => {
                if !names.is_empty() {
                    return Ok(false);
                }
                let has = |column: &str| row.cells.iter().any(|cell| cell.eq_ignore_ascii_case(column));
                let is_header = is_first
                    && columns.iter().filter(|column| has(column)).count() * 2 > row.cells.len().min(columns.len());
                *names =
                    if is_header { row.cells.clone() } else { columns.iter().map(|name| (*name).to_owned()).collect() };
                Ok(is_header)
            }
            Lines::Chosen(columns) => {
                let is_header = columns.is_header(&row.cells, &self.locale);
                let mapping = columns.mapping(if is_header { &row.cells } else { &[] })?;
                let mapper = mapping
                    .compile()
                    .map_err(|errors| errors.first().map(|error| error.message.clone()).unwrap_or_default())?;
                self.lines = Lines::Named(mapper, row.cells.iter().map(|_| String::new()).collect(), &[]);
                Ok(is_header)
            }
        }
    }
}

fn understood(line: u64, trial: Trial) -> Item {
    let summary = trial.summary();
    let event = match trial.outcome {
        Outcome::Ended(ended) => ended.complete(None),
        Outcome::Ignored | Outcome::Started(_) | Outcome::Answered { .. } => return Item::Ignored,
        Outcome::Failed(errors) => return bad(line, errors),
        Outcome::Unmatched => return Item::Bad(BadRow::new(line, summary)),
    };
    match event {
        Ok(event) if event.timestamp_s > 0 => Item::Event(Box::new(event)),
        Ok(_) => Item::Bad(BadRow::new(line, "The row has no time.")),
        Err(errors) => bad(line, errors),
    }
}

/// Why a row has no event. Rules are of no interest to whoever has a table.
fn bad(line: u64, errors: Vec<FieldError>) -> Item {
    let errors: Vec<_> = errors.into_iter().map(|error| format!("{}: {}", error.field, error.message)).collect();
    Item::Bad(BadRow::new(line, errors.join(" ")))
}
