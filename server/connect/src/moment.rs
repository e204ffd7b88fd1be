//! Times and durations as phone systems write them.

use jiff::{Timestamp, civil::DateTime, fmt::rfc2822, tz::TimeZone};

/// Longest text that is read as a time.
const TEXT_MAX_BYTES: usize = 64;
/// Forms without a time zone. Where the day comes first, it is followed by dots: `03/04/2026` means two different days.
const LOCAL_FORMS: &[&str] = &[
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S%.f",
    "%d.%m.%Y %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y %H:%M",
    "%Y%m%d%H%M%S",
];
const SECONDS_PER_MINUTE: u64 = 60;

/// A time zone by its name (IANA), such as `Europe/London` or `UTC`.
///
/// # Errors
/// A sentence that says what a name looks like.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name)
        .map_err(|_| format!("“{name}” is no time zone. Use a name such as Europe/London, Europe/Berlin or UTC."))
}

/// A time as a Unix time in seconds: Unix times in seconds, milliseconds or microseconds, RFC 3339, RFC 2822, and local times,
/// which need the zone.
///
/// # Errors
/// A sentence that says why it is no time.
pub fn epoch_s(text: &str, zone: Option<&TimeZone>) -> Result<i64, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("There is no time.".to_owned());
    }
    if text.len() > TEXT_MAX_BYTES {
        return Err("This is too long for a time.".to_owned());
    }
    if let Some(seconds) = unix_time(text) {
        return Ok(seconds);
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp.as_second());
    }
    if let Ok(zoned) = rfc2822::parse(text) {
        return Ok(zoned.timestamp().as_second());
    }
    let local = LOCAL_FORMS.iter().find_map(|form| DateTime::strptime(form, text).ok());
    let Some(local) = local else {
        return Err(format!(
            "“{text}” is no time that can be read with certainty. Use 2026-11-28 09:30:00 or a Unix time."
        ));
    };
    let Some(zone) = zone else {
        return Err(format!("“{text}” has no time zone. Set the time zone of the connector or of the file."));
    };
    let zoned = local.to_zoned(zone.clone()).map_err(|error| error.to_string())?;
    Ok(zoned.timestamp().as_second())
}

/// Digits only, or with a fraction: the length tells the unit.
fn unix_time(text: &str) -> Option<i64> {
    let whole = text.split('.').next()?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !text.strip_prefix(whole)?.strip_prefix('.').is_none_or(digits) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    match whole.len() {
        9..=11 => Some(number),
        13 => Some(number / 1_000),
        16 => Some(number / 1_000_000),
        _ => None,
    }
}

/// A duration as whole seconds: `83`, `83.9`, `1:23`, `0:01:23`, `00:01:23.4567`.
///
/// # Errors
/// A sentence that says why it is no duration.
pub fn seconds(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let wrong = || format!("“{text}” is no duration. Use seconds, or hours:minutes:seconds.");
    if text.is_empty() || text.len() > TEXT_MAX_BYTES {
        return Err(wrong());
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) || whole.split(':').count() > 3 {
        return Err(wrong());
    }
    whole.split(':').try_fold(0_u64, |total, part| {
        let is_number = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let part: u64 = part.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
        total.checked_mul(SECONDS_PER_MINUTE).and_then(|total| total.checked_add(part)).ok_or_else(wrong)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_the_forms_of_vendors_are_the_same_second() {
        let london = zone("Europe/London").unwrap();
        let zone = Some(&london);
        for text in [
            "1787034367",
            "1787034367.25",
            "1787034367250",
            "1787034367250000",
            "2026-08-18T06:26:07Z",
            "2026-08-18 06:26:07.521992Z",
            "2026-08-18T08:26:07+02:00",
            "Tue, 18 Aug 2026 06:26:07 +0000",
            "2026-08-18 07:26:07",
            "2026/08/18 07:26:07",
            "18.08.2026 07:26:07",
            "2026-08-18T07:26:07.5",
            "20260818072607",
        ] {
            assert_eq!(epoch_s(text, zone), Ok(1_787_034_367), "{text}");
        }
    }

    #[test]
    fn a_time_that_could_mean_two_things_is_refused() {
        assert!(epoch_s("03/04/2026 10:00:00", Some(&TimeZone::UTC)).is_err());
        assert!(epoch_s("2026-08-18 07:26:07", None).unwrap_err().contains("time zone"));
        for text in ["", "yesterday", "12", "1e9", "99999999999999999999", "2026-13-01 00:00:00", &"1".repeat(100)] {
            assert!(epoch_s(text, Some(&TimeZone::UTC)).is_err(), "{text}");
        }
        assert!(zone("Mars/Base").unwrap_err().contains("Europe/London"));
    }

    #[test]
    fn durations_are_whole_seconds() {
        for (text, expected) in
            [("83", 83), ("83.9", 83), ("1:23", 83), ("00:01:23", 83), ("00:01:23.4567", 83), ("0", 0)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "-1", "1:2:3:4", "x", "1::2", "99999999999999999999", "1.x"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
