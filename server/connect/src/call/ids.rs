//! What the IDs of channels tell.

/// Fewest digits of the seconds in a channel's ID: in shorter numbers it is something else.
const SECONDS_MIN_DIGITS: usize = 9;

/// The second in which a channel began, from its ID, e.g. `lab-1795832696.205`.
pub(crate) fn began_s(channel_id: &str) -> Option<i64> {
    let (before, number) = channel_id.split(':').next()?.rsplit_once('.')?;
    let digits = before.len() - before.bytes().rev().take_while(u8::is_ascii_digit).count();
    let seconds = &before[digits..];
    let fits = seconds.len() >= SECONDS_MIN_DIGITS && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| seconds.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_of_the_start_is_read_from_the_id() {
        for (id, seconds) in [
            ("lab-1795832696.205", Some(1_795_832_696)),
            ("1795832696.205", Some(1_795_832_696)),
            ("1795832696.205:out", Some(1_795_832_696)),
            ("12.5", None),
            ("1795832696", None),
            ("1795832696.", None),
            ("99999999999999999999.1", None),
            ("", None),
        ] {
            assert_eq!(began_s(id), seconds, "{id}");
        }
    }
}
