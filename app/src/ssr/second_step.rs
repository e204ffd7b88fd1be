//! The second step of signing in, and what of a second factor waits in the session. None of it opens anything by
//! itself: a pending sign-in is nobody's, and the rest is sealed.

use domain::second_factor::PendingSignIn;

use super::visitor::{lost, session};
use crate::api::second_factor::QrCodePath;
use crate::error::UiError;
use qrcode::{Color, EcLevel, QrCode};

const PENDING_KEY: &str = "pending_sign_in";
const DRAFT_KEY: &str = "factor_draft";
const CODES_KEY: &str = "recovery_codes";
/// What waits for the person of before: whoever signs in next finds none of it.
pub(super) const WAITING: [&str; 3] = [PENDING_KEY, DRAFT_KEY, CODES_KEY];

/// Remembers that somebody gave a right password. The session gets a new id, and nobody is signed in by it.
///
/// # Errors
/// Our own fault when the session cannot be stored.
pub async fn begin_second_step(pending: &PendingSignIn) -> Result<(), UiError> {
    let session = session()?;
    session.cycle_id().await.map_err(lost)?;
    session.insert(PENDING_KEY, pending).await.map_err(lost)
}

/// The password that waits for its code, also one that waited too long.
///
/// # Errors
/// Our own fault when the session cannot be read.
pub async fn pending_sign_in() -> Result<Option<PendingSignIn>, UiError> {
    session()?.get(PENDING_KEY).await.map_err(lost)
}

/// Forgets it.
///
/// # Errors
/// Our own fault when the session cannot be stored.
pub async fn forget_pending_sign_in() -> Result<(), UiError> {
    forget(PENDING_KEY).await
}

/// Keeps the sealed key of a second factor until its first code, or forgets it.
///
/// # Errors
/// As [`forget_pending_sign_in`].
pub async fn keep_draft(draft: Option<&str>) -> Result<(), UiError> {
    match draft {
        Some(draft) => session()?.insert(DRAFT_KEY, draft).await.map_err(lost),
        None => forget(DRAFT_KEY).await,
    }
}

/// The sealed key that waits for its first code.
///
/// # Errors
/// As [`pending_sign_in`].
pub async fn draft() -> Result<Option<String>, UiError> {
    session()?.get(DRAFT_KEY).await.map_err(lost)
}

/// Keeps sealed recovery codes for the page that shows them.
///
/// # Errors
/// As [`forget_pending_sign_in`].
pub async fn keep_codes(codes: &str) -> Result<(), UiError> {
    session()?.insert(CODES_KEY, codes).await.map_err(lost)
}

/// Takes sealed recovery codes; they wait no longer then.
///
/// # Errors
/// As [`forget_pending_sign_in`].
pub async fn take_codes() -> Result<Option<String>, UiError> {
    session()?.remove(CODES_KEY).await.map_err(lost)
}

async fn forget(key: &str) -> Result<(), UiError> {
    session()?.remove_value(key).await.map(|_| ()).map_err(lost)
}

/// A text as a QR code; none when it is longer than one holds.
#[must_use]
pub fn drawing(text: &str) -> Option<QrCodePath> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let (size, colors) = (code.width(), code.into_colors());
    let rows = colors.chunks(size).enumerate();
    let path = rows.flat_map(|(y, row)| dark_runs(row).into_iter().map(move |(x, n)| format!("M{x} {y}h{n}v1h-{n}z")));
    Some(QrCodePath { size, path: path.collect() })
}

/// Where dark squares begin in a row, and how many stand together.
fn dark_runs(row: &[Color]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (x, _) in row.iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
        match runs.last_mut() {
            Some((begin, n)) if *begin + *n == x => *n += 1,
            _ => runs.push((x, 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_begins_with_the_upper_edge_of_two_finders() {
        let drawing = drawing("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ").unwrap();
        let last = drawing.size - 7;
        assert!(drawing.path.starts_with("M0 0h7v1h-7z"), "{}", drawing.path);
        assert!(drawing.path.contains(&format!("M{last} 0h7v1h-7z")), "{}", drawing.path);
        assert_eq!((drawing.size - 17) % 4, 0, "a width of a real version");
        assert!(super::drawing(&"x".repeat(5_000)).is_none());
    }

    #[test]
    fn dark_squares_that_touch_are_one_run() {
        use Color::{Dark, Light};
        assert_eq!(dark_runs(&[Dark, Dark, Light, Dark, Light]), [(0, 2), (3, 1)]);
        assert_eq!(dark_runs(&[Light]), []);
    }
}
