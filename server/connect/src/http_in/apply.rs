//! From a request to events, with every step.

use std::fmt;

use std::collections::BTreeMap;

use domain::error::FieldError;
use uuid::Uuid;

use super::{
    condition::Condition,
    ended::{Ended, Status},
    fields::{Fields, Request},
    mapping::{Field, Kind, Mapper, ParsedRule},
    template::Locale,
};
use crate::{
    event::{ANONYMOUS, CallEvent, CallStatus, CallType, Cost, Details, Identity, Payload, Route, Started},
    number,
};

/// Longest name of a call in the phone system, in characters.
const KEY_MAX_CHARS: usize = 256;
/// Longest number or name, in characters: as in the payload contract.
const NUMBER_MAX_CHARS: usize = 64;
const YES: &[&str] = &["1", "true", "yes", "on"];

/// What a mapping needs to know beside the request.
#[derive(Debug, Clone)]
pub struct Received<'a> {
    /// The namespace of the connector's calls.
    pub identity: Identity,
    /// Country and time zone of the connector.
    pub locale: &'a Locale,
    /// When the request came in: the time of events that have none.
    pub at_s: i64,
}

/// What a call in a request became, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The rules that did not match before one did.
    pub tried: Vec<Tried>,
    /// The rule that matched.
    pub rule: Option<String>,
    /// Its fields.
    pub fields: Vec<FieldTrial>,
    /// The result.
    pub outcome: Outcome,
}

/// A rule that did not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Its name.
    pub rule: String,
    /// The first condition that did not hold: “event was ringing”.
    pub reason: String,
}

/// A field of the rule that matched.
#[derive(Clone, PartialEq, Eq)]
pub struct FieldTrial {
    /// Which field.
    pub field: Field,
    /// The fields of the request that its template looked at.
    pub inputs: Vec<(String, Option<String>)>,
    /// Its value, or a sentence that says why there is none.
    pub value: Result<String, String>,
}

impl fmt::Debug for FieldTrial {
    /// Without numbers: logs are kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldTrial").field("field", &self.field).finish_non_exhaustive()
    }
}

/// What a request reported about a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A call began.
    Started(Box<CallEvent>),
    /// A call was answered.
    Answered {
        /// The call.
        call_id: Uuid,
        /// When, as a Unix time in seconds.
        at_s: i64,
        /// Who answered.
        extension: Option<String>,
    },
    /// A call ended. What the request left out is known from its beginning ([`super::Calls`]).
    Ended(Box<Ended>),
    /// The rule says that this is nothing of interest.
    Ignored,
    /// No rule matched.
    Unmatched,
    /// The rule matched, but fields are missing or wrong.
    Failed(Vec<FieldError>),
}

impl Trial {
    /// A sentence for a log or a page.
    #[must_use]
    pub fn summary(&self) -> String {
        let rule = self.rule.as_deref().unwrap_or_default();
        match &self.outcome {
            Outcome::Started(event) => format!("“{rule}” gave {}.", kind_of(&event.payload)),
            Outcome::Answered { .. } => format!("“{rule}” noted that the call was answered."),
            Outcome::Ended(_) => format!("“{rule}” gave CallProcessed."),
            Outcome::Ignored => format!("“{rule}” ignores this request."),
            Outcome::Unmatched => {
                let reasons: Vec<_> =
                    self.tried.iter().map(|tried| format!("“{}”: {}", tried.rule, tried.reason)).collect();
                let rules = match self.tried.len() {
                    1 => "The rule did not match".to_owned(),
                    count => format!("None of the {count} rules matched"),
                };
                format!("{rules}: {}.", reasons.join("; "))
            }
            Outcome::Failed(errors) => {
                let errors: Vec<_> = errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect();
                format!("“{rule}” matched, but {}", errors.join(" "))
            }
        }
    }
}

fn kind_of(payload: &Payload) -> &'static str {
    match payload {
        Payload::IncomingCall(_) => "IncomingCall",
        Payload::OutgoingCall(_) => "OutgoingCall",
        Payload::CallProcessed(_) => "CallProcessed",
    }
}

impl Mapper {
    /// What each call in a request became, one after the other: a request may have 500, and each is shown with all it looked at.
    ///
    /// # Errors
    /// A sentence, if the request can't be read at all.
    pub fn apply<'a>(
        &'a self,
        request: Request<'_>,
        received: &'a Received<'a>,
    ) -> Result<impl Iterator<Item = Trial> + use<'a>, String> {
        let items = Fields::of(request)?.items(self.root.as_deref());
        Ok(items.into_iter().map(|fields| self.try_fields(&fields, received)))
    }

    /// The connector's locale with the mapping's time zone, if that has one.
    fn locale(&self, of_connector: &Locale) -> Locale {
        Locale { country: of_connector.country, zone: self.zone.clone().or_else(|| of_connector.zone.clone()) }
    }

    /// What a call became whose fields were read from elsewhere.
    #[must_use]
    pub fn try_fields(&self, fields: &Fields, received: &Received<'_>) -> Trial {
        let mut trial = Trial { tried: Vec::new(), rule: None, fields: Vec::new(), outcome: Outcome::Unmatched };
        for rule in &self.rules {
            match rule.mismatch(fields) {
                Some(reason) => trial.tried.push(Tried { rule: rule.name.clone(), reason }),
                None => {
                    trial.rule = Some(rule.name.clone());
                    trial.fields = rule.render(fields, &self.locale(received.locale));
                    trial.outcome = Values::of(&trial.fields).outcome(rule, received);
                    return trial;
                }
            }
        }
        trial
    }
}

impl ParsedRule {
    fn mismatch(&self, fields: &Fields) -> Option<String> {
        let condition = self.when.iter().find(|condition| !condition.holds(fields.get(&condition.field)))?;
        Some(reason(condition, fields.get(&condition.field)))
    }

    fn render(&self, fields: &Fields, locale: &Locale) -> Vec<FieldTrial> {
        let trial = |(field, template): (&Field, &super::template::Template)| {
            let rendered = template.render(fields, locale);
            FieldTrial { field: *field, inputs: rendered.inputs, value: rendered.value }
        };
        let mut trials: Vec<_> = self.fields.iter().map(trial).collect();
        withhold(&mut trials);
        trials
    }
}

fn reason(condition: &Condition, value: Option<&str>) -> String {
    let shown: String = value.unwrap_or_default().chars().take(NUMBER_MAX_CHARS).collect();
    match value {
        None => format!("there is no field {}", condition.field),
        Some("") => format!("{} is empty", condition.field),
        Some(_) => format!("{} was {shown}", condition.field),
    }
}

/// A withheld number is one in whatever way the vendor says so: instead of the number, in the field before functions, or in
/// a field of its own.
fn withhold(trials: &mut [FieldTrial]) {
    let says_so = |trial: &FieldTrial| {
        let yes = trial.value.as_ref().is_ok_and(|value| YES.contains(&value.to_lowercase().as_str()));
        trial.field == Field::Withheld && yes
    };
    let flagged = trials.iter().any(says_so);
    let Some(caller) = trials.iter_mut().find(|trial| trial.field == Field::Caller) else { return };
    let used = caller.inputs.iter().filter_map(|(_, value)| value.as_deref()).find(|value| !value.is_empty());
    let exists = caller.inputs.is_empty() || caller.inputs.iter().any(|(_, value)| value.is_some());
    let withheld = flagged
        || used.is_some_and(number::is_withheld)
        || caller.value.as_ref().is_ok_and(|value| number::is_withheld(value))
        || (used.is_none() && exists && !caller.inputs.is_empty());
    if withheld {
        caller.value = Ok(ANONYMOUS.to_owned());
    }
}

/// The values of a rule's fields, and what is wrong with them.
struct Values {
    values: BTreeMap<Field, String>,
    errors: Vec<FieldError>,
}

impl Values {
    fn of(trials: &[FieldTrial]) -> Self {
        let mut all = Self { values: BTreeMap::new(), errors: Vec::new() };
        for trial in trials {
            match &trial.value {
                Ok(value) => {
                    all.values.insert(trial.field, value.trim().to_owned());
                }
                Err(message) => all.reject(trial.field, message.clone()),
            }
        }
        all
    }

    fn reject(&mut self, field: Field, message: impl Into<String>) {
        self.errors.push(FieldError::new(field.name(), message));
    }

    /// A value that is not empty.
    fn text(&self, field: Field) -> Option<String> {
        self.values.get(&field).filter(|value| !value.is_empty()).cloned()
    }

    fn required(&mut self, field: Field, max_chars: usize) -> String {
        let value = self.checked(field, max_chars);
        let failed = self.errors.iter().any(|error| error.field == field.name());
        if value.is_none() && !failed {
            self.reject(field, "This field is empty.");
        }
        value.unwrap_or_default()
    }

    fn checked(&mut self, field: Field, max_chars: usize) -> Option<String> {
        let value = self.text(field)?;
        if value.chars().count() > max_chars || value.chars().any(char::is_control) {
            self.reject(
                field,
                format!("This value has more than {max_chars} characters, or some that can't be printed."),
            );
            return None;
        }
        Some(value)
    }

    fn number(&mut self, field: Field) -> Option<String> {
        self.checked(field, NUMBER_MAX_CHARS)
    }

    fn whole<T: std::str::FromStr>(&mut self, field: Field) -> Option<T> {
        let value = self.text(field)?;
        let number = value.parse().ok();
        if number.is_none() {
            self.reject(
                field,
                format!("“{value}” is no whole number. Use the function seconds for a duration, and epoch for a time."),
            );
        }
        number
    }

    fn named<T: serde::de::DeserializeOwned>(&mut self, field: Field) -> Option<T> {
        let value = self.text(field)?;
        if let Some(why) = field.refused(&value) {
            self.reject(field, format!("{why} Use the function map."));
        }
        serde_json::from_value(serde_json::Value::String(value)).ok()
    }

    fn outcome(mut self, rule: &ParsedRule, received: &Received<'_>) -> Outcome {
        if rule.event == Kind::Ignore {
            return Outcome::Ignored;
        }
        let key = self.required(Field::Key, KEY_MAX_CHARS);
        let call_id = received.identity.call_id(&key);
        let at_s = self.whole(Field::Timestamp).or_else(|| self.computed_end()).unwrap_or(received.at_s);
        let outcome = match rule.event {
            Kind::Incoming | Kind::Outgoing => Outcome::Started(Box::new(self.started(rule.event, call_id, at_s))),
            Kind::Answered => Outcome::Answered { call_id, at_s, extension: self.number(Field::Extension) },
            Kind::Processed => Outcome::Ended(Box::new(self.ended(call_id, at_s))),
            Kind::Ignore => Outcome::Ignored,
        };
        if self.errors.is_empty() { outcome } else { Outcome::Failed(self.errors) }
    }

    fn started(&mut self, kind: Kind, call_id: Uuid, at_s: i64) -> CallEvent {
        let caller_number = self.required(Field::Caller, NUMBER_MAX_CHARS);
        let callee_number = self.required(Field::Callee, NUMBER_MAX_CHARS);
        let started = Started { call_id, callee_number, caller_number };
        if kind == Kind::Incoming {
            let dialled = self.number(Field::Dialled).or_else(|| Some(started.callee_number.clone()));
            return CallEvent::new(at_s, Payload::IncomingCall(started), Route { dialled, ..Route::default() });
        }
        let caller = Some(started.caller_number.clone()).filter(|caller| caller != ANONYMOUS);
        let route = Route {
            dialled: None,
            presented: self.number(Field::Presented).or(caller),
            extension: self.number(Field::Extension),
            context: self.number(Field::Context),
        };
        CallEvent::new(at_s, Payload::OutgoingCall(started), route)
    }

    fn ended(&mut self, call_id: Uuid, at_s: i64) -> Ended {
        let details = Details {
            call_result: self.number(Field::Result),
            ring_s: self.whole(Field::Ring),
            hangup_cause: self.whole(Field::Cause),
            ..Details::default()
        };
        Ended {
            call_id,
            at_s,
            status: self.status(),
            direction: self.named::<CallType>(Field::Direction),
            duration_s: self.whole(Field::Duration).or_else(|| {
                let answered_s: i64 = self.whole(Field::Answer)?;
                u64::try_from(at_s - answered_s).ok()
            }),
            caller: self.number(Field::Caller),
            callee: self.number(Field::Callee),
            extension: self.number(Field::Extension),
            voicemail_box: self.number(Field::VoicemailBox),
            cost: self.cost(),
            dialled: self.number(Field::Dialled),
            presented: self.number(Field::Presented),
            context: self.number(Field::Context),
            details,
        }
    }

    /// The end of a call whose record only has its beginning and lengths.
    fn computed_end(&mut self) -> Option<i64> {
        let duration_s: i64 = self.whole(Field::Duration).unwrap_or(0);
        let from_answer = self.whole(Field::Answer);
        let ring_s: i64 = self.whole(Field::Ring).unwrap_or(0);
        from_answer.or_else(|| Some(self.whole::<i64>(Field::Start)?.saturating_add(ring_s)))?.checked_add(duration_s)
    }

    fn status(&mut self) -> Status {
        if self.text(Field::Status).as_deref() == Some("by_answer") {
            return Status::ByAnswer;
        }
        self.required(Field::Status, NUMBER_MAX_CHARS);
        self.named::<CallStatus>(Field::Status).map_or(Status::ByAnswer, Status::Is)
    }

    fn cost(&mut self) -> Cost {
        let Some(value) = self.text(Field::Cost) else { return Cost::UNKNOWN };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let unsigned = value.strip_prefix('-').unwrap_or(&value);
        let is_cost =
            unsigned.split('.').all(digits) && unsigned.split('.').count() <= 2 && value.len() <= NUMBER_MAX_CHARS;
        if is_cost {
            return Cost::Decimal(value);
        }
        self.reject(Field::Cost, format!("“{value}” is no amount such as 0.01."));
        Cost::UNKNOWN
    }
}
