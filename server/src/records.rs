//! How call record files are read: the same for the command line and for files that are uploaded.

use connect::{
    call::{InternalCalls, Settings},
    event::{CallEvent, CallType, Identity, Party, PartyId, Payload},
    http_in::Locale,
    records::{self, Columns, Format, Item, PRESETS, Records, TablePreset},
};
use domain::{
    Error, UnixMs,
    connector::{
        Connector,
        imports::{FileColumn, FilePreset, FilePreview, PreviewCall, PreviewRow, Reading, RecordFiles},
    },
    error::{FieldError, Result},
    time::SECOND_MS,
};
use jiff::tz::TimeZone;

use crate::mappings;

/// The preset whose rows are folded to calls.
pub(crate) const ASTERISK: &str = "asterisk";
/// Rows that a preview shows.
const PREVIEW_ROWS: usize = 20;
/// Longest text of a cell that a page shows, in characters.
const CELL_SHOWN_CHARS: usize = 40;

/// What is known of a phone system.
#[derive(Debug, Clone)]
pub(crate) struct PhoneSystem {
    /// Its name, from which call ids derive.
    pub(crate) identity: String,
    /// Its country and time zone.
    pub(crate) locale: Locale,
    /// Its endpoints that lead outside.
    pub(crate) trunks: Vec<String>,
    /// Whether calls between extensions are reported.
    pub(crate) include_internal: bool,
}

impl PhoneSystem {
    /// That of a connector, whose files have times in this zone, if one is named.
    pub(crate) fn of(connector: &Connector, zone: Option<TimeZone>) -> Self {
        let locale = mappings::locale(connector);
        Self {
            identity: connector.identity.clone(),
            locale: Locale { zone: zone.or(locale.zone), ..locale },
            trunks: connector.trunks.clone(),
            include_internal: connector.include_internal,
        }
    }

    /// How its files are read with a preset.
    ///
    /// # Errors
    /// A sentence, for an unknown preset, and for one that needs trunks.
    pub(crate) fn preset(self, name: &str) -> std::result::Result<Format, String> {
        if name == ASTERISK {
            return self.asterisk().map(Format::Asterisk);
        }
        let names = PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ");
        let preset = TablePreset::find(name);
        let preset = preset.ok_or_else(|| format!("there is no preset {name:?}; there are {ASTERISK}, {names}"))?;
        Ok(Format::Preset(preset, Identity::new(&self.identity), self.locale))
    }

    /// How its files are read with these columns.
    pub(crate) fn columns(self, columns: Columns) -> Format {
        Format::Columns(Box::new(columns), Identity::new(&self.identity), self.locale)
    }

    fn asterisk(self) -> std::result::Result<Settings, String> {
        if self.trunks.is_empty() {
            return Err(NO_TRUNKS.to_owned());
        }
        let internal = if self.include_internal { InternalCalls::Report } else { InternalCalls::Ignore };
        Ok(Settings {
            phone_system: connect::call::PhoneSystem::Asterisk,
            system: self.identity,
            trunks: self.trunks.into_iter().collect(),
            internal,
        })
    }
}

/// Why an Asterisk's file can't be read.
pub(crate) const NO_TRUNKS: &str = "The trunks are not known: calls through them come from outside or go there.";

/// How a file of this connector is read.
///
/// # Errors
/// `Invalid` per field of the reading.
pub(crate) fn format(connector: &Connector, reading: &Reading) -> Result<Format> {
    let zone = connect::moment::zone(&reading.zone).map_err(|message| Error::invalid("zone", message))?;
    let system = PhoneSystem::of(connector, Some(zone));
    if reading.preset == Reading::COLUMNS {
        return Ok(system.columns(columns(reading)?));
    }
    let edit = "Edit the connector and add its trunks, then come back.";
    let sentence = |message: String| if message == NO_TRUNKS { format!("{NO_TRUNKS} {edit}") } else { message };
    system.preset(&reading.preset).map_err(|message| Error::invalid("preset", sentence(message)))
}

/// The columns that people chose.
fn columns(reading: &Reading) -> Result<Columns> {
    let some = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let columns = Columns {
        caller: reading.caller.trim().to_owned(),
        callee: reading.callee.trim().to_owned(),
        start: reading.start.trim().to_owned(),
        answer: some(&reading.answer),
        end: some(&reading.end),
        duration: some(&reading.duration),
        status: some(&reading.status),
        statuses: Columns::statuses(&reading.statuses.replace('\n', ";"))
            .map_err(|message| Error::invalid("statuses", message))?,
        direction: some(&reading.direction),
        directions: Columns::directions(&reading.directions.replace('\n', ";"))
            .map_err(|message| Error::invalid("directions", message))?,
        extension: some(&reading.extension),
        id: some(&reading.call),
        cost: some(&reading.cost),
        zone: None,
    };
    let missing = missing(&columns);
    if missing.is_empty() { Ok(columns) } else { Err(Error::Invalid(missing)) }
}

fn missing(columns: &Columns) -> Vec<FieldError> {
    let needed = [("caller", &columns.caller), ("callee", &columns.callee), ("start", &columns.start)];
    let empty = needed.into_iter().filter(|(_, column)| column.is_empty());
    let mut missing: Vec<_> = empty.map(|(field, _)| FieldError::new(field, "Choose a column.")).collect();
    if columns.duration.is_none() && (columns.answer.is_none() || columns.end.is_none()) {
        missing.push(FieldError::new("duration", "Choose a column, or the columns “Answered” and “End of the call”."));
    }
    missing
}

/// The rules of crate `connect`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConnectRecords;

impl RecordFiles for ConnectRecords {
    fn presets(&self) -> Vec<FilePreset> {
        let asterisk =
            FilePreset { name: ASTERISK.to_owned(), title: "Asterisk (Master.csv)".to_owned(), documented: true };
        let others = PRESETS.iter().map(|preset| FilePreset {
            name: preset.name.to_owned(),
            title: preset.title.to_owned(),
            documented: preset.documented,
        });
        std::iter::once(asterisk).chain(others).collect()
    }

    fn columns(&self, start: &[u8]) -> Vec<FileColumn> {
        let mut rows = records::preview(whole_lines(start), 2).into_iter().filter_map(std::result::Result::ok);
        let (first, second) = (rows.next().unwrap_or_default(), rows.next().unwrap_or_default());
        let column = |(at, cell): (usize, &String)| FileColumn {
            number: at + 1,
            first: shortened(cell),
            example: second.get(at).map(|cell| shortened(cell)).unwrap_or_default(),
        };
        first.iter().enumerate().map(column).collect()
    }

    fn preview(&self, connector: &Connector, reading: &Reading, start: &[u8]) -> Result<FilePreview> {
        let format = format(connector, reading)?;
        refuse_missing(&format, whole_lines(start))?;
        let zone = connect::moment::zone(&reading.zone).unwrap_or(TimeZone::UTC);
        let mut records = Records::new(whole_lines(start), format).map_err(|why| Error::invalid("preset", why))?;
        let mut preview = FilePreview::default();
        while let Some((line, item)) = records.next_item() {
            if preview.rows.len() == PREVIEW_ROWS {
                preview.more = true;
                break;
            }
            let (line, result) = match item {
                Item::Event(event) => (line, Ok(shown(&event, &zone))),
                Item::Ignored => (line, Ok(None)),
                Item::Bad(bad) => (bad.line, Err(bad.reason)),
            };
            preview.rows.push(PreviewRow { line, result });
        }
        Ok(preview)
    }
}

/// Refuses columns that the file does not have.
fn refuse_missing(format: &Format, start: &[u8]) -> Result<()> {
    let Format::Columns(columns, _, locale) = format else { return Ok(()) };
    let missing = columns.missing_in(start, locale);
    // A form has an ID already, that of the import.
    let field = |name| if name == "id" { "call" } else { name };
    let missing: Vec<_> = missing.into_iter().map(|(name, why)| FieldError::new(field(name), why)).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::Invalid(missing)) }
}

/// The beginning of a file up to its last complete line; all of it, if it has none.
fn whole_lines(start: &[u8]) -> &[u8] {
    if start.len() < domain::connector::imports::PIECE_BYTES {
        return start;
    }
    let end = start.iter().rposition(|byte| *byte == b'\n');
    end.and_then(|end| start.get(..end)).unwrap_or(start)
}

fn shortened(cell: &str) -> String {
    let text: String = cell.chars().filter(|c| !c.is_control()).take(CELL_SHOWN_CHARS).collect();
    if text.len() < cell.len() { format!("{text}…") } else { text }
}

/// An event as a page shows it; nothing for anything but the end of a call.
fn shown(event: &CallEvent, zone: &TimeZone) -> Option<PreviewCall> {
    let Payload::CallProcessed(call) = &event.payload else { return None };
    let at = jiff::Timestamp::from_millisecond(UnixMs(event.timestamp_s * SECOND_MS).0).ok()?;
    let direction = match call.call_type {
        CallType::Incoming => "Incoming",
        CallType::Outgoing => "Outgoing",
        CallType::Internal => "Internal",
    };
    let status = serde_json::to_value(call.call_status).ok()?;
    Some(PreviewCall {
        direction: direction.to_owned(),
        from: party(&call.source),
        to: party(&call.destination),
        at: at.to_zoned(zone.clone()).strftime("%-d %b %Y, %H:%M:%S %Z").to_string(),
        duration_s: call.call_duration,
        status: status.as_str().unwrap_or_default().replace('_', " "),
    })
}

fn party(party: &Party) -> String {
    match party {
        Party::Number(number) => shortened(number),
        Party::Stored { kind, id } => {
            let id = match id {
                PartyId::Number(number) => number.to_string(),
                PartyId::Text(text) => shortened(text),
            };
            format!("{} {id}", kind.replace('_', " "))
        }
    }
}
