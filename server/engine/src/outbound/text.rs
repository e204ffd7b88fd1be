//! Response bodies as text that a person can read and both databases can keep.

use std::io::Read as _;

use domain::attempt::RESPONSE_KEPT_BYTES;
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, header};

/// A body as text: unpacked if it is packed with gzip, and decoded as its charset says.
pub(super) fn readable(headers: &HeaderMap, bytes: Vec<u8>) -> String {
    let bytes = if is_gzip(headers) { unpacked(&bytes).unwrap_or(bytes) } else { bytes };
    if is_latin1(headers, &bytes) {
        // Latin-1 numbers its characters as Unicode does.
        return without_nul(bytes.into_iter().map(char::from).collect());
    }
    storable(&bytes)
}

/// Bytes as text that both databases can keep: invalid UTF-8 and NUL become the replacement character.
pub(super) fn storable(bytes: &[u8]) -> String {
    without_nul(String::from_utf8_lossy(bytes).into_owned())
}

fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// We ask for no compression; some servers compress all the same.
fn is_gzip(headers: &HeaderMap) -> bool {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
    matches!(encoding.as_deref(), Some(b"gzip" | b"x-gzip"))
}

/// As much as is there: the end may be missing. None when it is not gzip at all.
fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    let limit = u64::try_from(RESPONSE_KEPT_BYTES).unwrap_or(u64::MAX);
    let mut text = Vec::new();
    let result = MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut text);
    (result.is_ok() || !text.is_empty()).then_some(text)
}

/// Whether a body is in Latin-1: its type says so, or says nothing and the body is not UTF-8.
fn is_latin1(headers: &HeaderMap, bytes: &[u8]) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes().to_ascii_lowercase());
    let content_type = content_type.map(|value| String::from_utf8_lossy(&value).into_owned()).unwrap_or_default();
    let Some((_, charset)) = content_type.split_once("charset=") else {
        // A character that the limit cut in two is no other encoding.
        return std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_some()) && !bytes.contains(&0);
    };
    let charset = charset.split(';').next().unwrap_or_default().trim().trim_matches('"');
    matches!(charset, "iso-8859-1" | "iso-8859-15" | "latin1" | "windows-1252")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use http::HeaderValue;

    use super::*;

    fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    fn packed(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_is_kept_can_be_stored_in_both_databases() {
        assert_eq!(storable(b"a\0b\xff"), "a\u{fffd}b\u{fffd}");
        assert_eq!(readable(&with(header::CONTENT_TYPE, "text/html; charset=latin1"), b"a\0".to_vec()), "a\u{fffd}");
    }

    #[test]
    fn a_packed_body_is_unpacked_also_when_its_end_is_missing_and_never_beyond_the_limit() {
        let gzip = with(header::CONTENT_ENCODING, "GZip");
        assert_eq!(readable(&gzip, packed("no such user")), "no such user");
        let long = packed(&(0..2_000).map(|n| format!("{n} ")).collect::<String>());
        let begun = readable(&gzip, long[..long.len() - 20].to_vec());
        assert!(begun.starts_with("0 1 2 3 "), "{begun}");
        assert_eq!(readable(&gzip, packed(&"x".repeat(1_000_000))).len(), RESPONSE_KEPT_BYTES);
        assert_eq!(readable(&gzip, b"plain text".to_vec()), "plain text", "the header is wrong");
    }

    #[test]
    fn latin1_is_readable() {
        assert_eq!(
            readable(&with(header::CONTENT_TYPE, "text/html; charset=ISO-8859-1"), b"gr\xfc\xdfe".to_vec()),
            "grüße"
        );
        assert_eq!(readable(&HeaderMap::new(), b"gr\xfc\xdfe".to_vec()), "grüße");
        assert_eq!(readable(&HeaderMap::new(), "grü".as_bytes()[..3].to_vec()), "gr\u{fffd}", "cut within a character");
        assert_eq!(readable(&with(header::CONTENT_TYPE, "text/plain; charset=utf-8"), b"a\xff".to_vec()), "a\u{fffd}");
    }
}
