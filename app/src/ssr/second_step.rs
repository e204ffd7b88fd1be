//! Session state of the second sign-in step and of setting up a second factor. None of it grants access: a pending
//! sign-in has no user in the session yet, and the rest is sealed.

use domain::second_factor::PendingSignIn;
use serde::{Deserialize, Serialize};

use super::visitor::{CODES_KEY, DRAFT_KEY, PENDING_KEY, lost, session};
use crate::error::UiError;
use qrcode::{Color, EcLevel, QrCode};

/// A QR code as an SVG path on a grid of modules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QrCodePath {
    /// Width in modules.
    pub size: usize,
    /// The dark modules.
    pub path: String,
}

/// Records that the password was correct. The session gets a new id; the user is not signed in yet.
///
/// # Errors
/// `Internal` if the session cannot be stored.
pub async fn begin_second_step(pending: &PendingSignIn) -> Result<(), UiError> {
    let session = session()?;
    session.cycle_id().await.map_err(lost)?;
    session.insert(PENDING_KEY, pending).await.map_err(lost)
}

/// The pending sign-in, even if it has expired.
///
/// # Errors
/// `Internal` if the session cannot be read.
pub async fn pending_sign_in() -> Result<Option<PendingSignIn>, UiError> {
    session()?.get(PENDING_KEY).await.map_err(lost)
}

/// Discards the pending sign-in.
///
/// # Errors
/// `Internal` if the session cannot be stored.
pub async fn forget_pending_sign_in() -> Result<(), UiError> {
    forget(PENDING_KEY).await
}

/// Stores the sealed key of a second factor until its first code is verified, or discards it.
///
/// # Errors
/// As [`forget_pending_sign_in`].
pub async fn keep_draft(draft: Option<&str>) -> Result<(), UiError> {
    match draft {
        Some(draft) => session()?.insert(DRAFT_KEY, draft).await.map_err(lost),
        None => forget(DRAFT_KEY).await,
    }
}

/// The sealed key that has not been verified yet.
///
/// # Errors
/// As [`pending_sign_in`].
pub async fn draft() -> Result<Option<String>, UiError> {
    session()?.get(DRAFT_KEY).await.map_err(lost)
}

/// Stores sealed recovery codes for the page that shows them.
///
/// # Errors
/// As [`forget_pending_sign_in`].
pub async fn keep_codes(codes: &str) -> Result<(), UiError> {
    session()?.insert(CODES_KEY, codes).await.map_err(lost)
}

/// Removes and returns the sealed recovery codes.
///
/// # Errors
/// As [`forget_pending_sign_in`].
pub async fn take_codes() -> Result<Option<String>, UiError> {
    session()?.remove(CODES_KEY).await.map_err(lost)
}

async fn forget(key: &str) -> Result<(), UiError> {
    session()?.remove_value(key).await.map(|_| ()).map_err(lost)
}

/// A text as a QR code; none if it is too long.
#[must_use]
pub fn drawing(text: &str) -> Option<QrCodePath> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let (size, colors) = (code.width(), code.into_colors());
    let rows = colors.chunks(size).enumerate();
    let path = rows.flat_map(|(y, row)| dark_runs(row).into_iter().map(move |(x, n)| format!("M{x} {y}h{n}v1h-{n}z")));
    Some(QrCodePath { size, path: path.collect() })
}

/// The start and length of each run of dark squares in a row.
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
    fn a_qr_code_begins_with_two_finder_patterns() {
        let drawing = drawing("otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ").unwrap();
        let last = drawing.size - 7;
        assert!(drawing.path.starts_with("M0 0h7v1h-7z"), "{}", drawing.path);
        assert!(drawing.path.contains(&format!("M{last} 0h7v1h-7z")), "{}", drawing.path);
        assert_eq!((drawing.size - 17) % 4, 0, "a valid QR code size");
        assert!(super::drawing(&"x".repeat(5_000)).is_none());
    }

    #[test]
    fn adjacent_dark_squares_form_one_run() {
        use Color::{Dark, Light};
        assert_eq!(dark_runs(&[Dark, Dark, Light, Dark, Light]), [(0, 2), (3, 1)]);
        assert_eq!(dark_runs(&[Light]), []);
    }
}
