//! The rules for an endpoint's URL that its text alone decides. The addresses it resolves to are
//! checked by the egress guard when the endpoint is saved and on each connect.

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// Maximum length of a URL in characters, as typed and as sent: one that is not ASCII is sent as up to twelve.
const URL_MAX_CHARS: usize = 2_048;
const TOO_LONG: &str = "This URL is too long. The maximum is 2,048 characters.";
/// Maximum length of a host name in characters (RFC 1035 section 2.3.4, as text).
const HOST_MAX_CHARS: usize = 253;
/// Maximum length of a part of a host name, between dots.
const LABEL_MAX_CHARS: usize = 63;

/// A valid endpoint URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TargetUrl(String);

impl TargetUrl {
    /// Parses a URL as typed.
    ///
    /// # Errors
    /// One sentence: what is wrong and what to do.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            return Err("Enter the URL that should receive the events.");
        }
        if text.chars().count() > URL_MAX_CHARS {
            return Err(TOO_LONG);
        }
        let url = Url::parse(text).map_err(|error| parse_complaint(text, error))?;
        complaint(text, &url).map_or_else(|| Ok(Self(url.into())), Err)
    }

    /// A URL from the store, which was checked before.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host without the port: `crm.acme.example`, `[::1]`.
    #[must_use]
    pub fn host(&self) -> String {
        Url::parse(&self.0).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }

    /// The host in the one spelling by which its endpoints are counted: without a dot at the end of a name, and as IPv4 if it
    /// is an IPv4-mapped address.
    #[must_use]
    pub fn canonical_host(&self) -> String {
        match Url::parse(&self.0).ok().as_ref().and_then(Url::host) {
            Some(Host::Domain(name)) => name.strip_suffix('.').unwrap_or(name).to_owned(),
            Some(Host::Ipv6(address)) => match address.to_ipv4_mapped() {
                Some(mapped) => mapped.to_string(),
                None => self.host(),
            },
            Some(Host::Ipv4(_)) | None => self.host(),
        }
    }

    /// The port; defaults to 443 or 80 depending on the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        Url::parse(&self.0).ok().and_then(|url| url.port_or_known_default()).unwrap_or_default()
    }
}

fn parse_complaint(text: &str, error: url::ParseError) -> &'static str {
    match error {
        url::ParseError::RelativeUrlWithoutBase => {
            "Start the URL with https://, for example https://crm.acme.example/calls."
        }
        url::ParseError::InvalidPort => "The port must be a number from 1 to 65535.",
        url::ParseError::InvalidIpv4Address | url::ParseError::InvalidIpv6Address => {
            "The address in this URL is not valid."
        }
        _ if !text.contains("://") => "Start the URL with https://, for example https://crm.acme.example/calls.",
        _ => "This is not a valid URL. Check it for spaces and typos.",
    }
}

fn complaint(text: &str, url: &Url) -> Option<&'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        // `localhost:3000/x` parses with the scheme `localhost`.
        return Some("Start the URL with https:// or http://. Other schemes aren't supported.");
    }
    if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
        return Some("Remove the user name and password from the URL and add an Authorization header instead.");
    }
    if url.as_str().len() > URL_MAX_CHARS {
        return Some(TOO_LONG);
    }
    if url.port() == Some(0) {
        return Some("Port 0 is not valid. Use the port your server listens on.");
    }
    if url.fragment().is_some() {
        return Some("Remove the part after # from the URL. It is never sent to a server.");
    }
    match url.host() {
        Some(Host::Ipv4(address)) if written_host(text) != address.to_string() => {
            Some("Write the IP address as four decimal numbers, for example 203.0.113.9.")
        }
        Some(Host::Domain(name)) if !is_host_name(name) => Some("The host name in this URL is not valid."),
        _ => None,
    }
}

/// Whether clients accept this as a name: `url` also lets pass empty labels, quotes, commas and other punctuation, which no
/// request can be sent to. International names are in their ASCII form here, and some networks have names with underscores.
fn is_host_name(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_label = |label: &str| (1..=LABEL_MAX_CHARS).contains(&label.len()) && label.bytes().all(is_part);
    // A dot at the end belongs to a complete name (RFC 1034 section 3.1).
    name.len() <= HOST_MAX_CHARS && name.strip_suffix('.').unwrap_or(name).split('.').all(is_label)
}

/// The part between `//` and the path.
fn authority(text: &str) -> &str {
    let rest = text.split_once(':').map_or(text, |(_, rest)| rest).trim_start_matches(['/', '\\']);
    rest.split(['/', '?', '#', '\\']).next().unwrap_or_default()
}

fn written_host(text: &str) -> String {
    let host = authority(text);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    host.rsplit_once(':').map_or(host, |(host, _)| host).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_url_is_accepted_and_normalised() {
        for (typed, kept) in [
            (" https://crm.acme.example/calls ", "https://crm.acme.example/calls"),
            ("https://CRM.acme.example", "https://crm.acme.example/"),
            ("http://203.0.113.9:8080/x?y=1", "http://203.0.113.9:8080/x?y=1"),
            ("https://[2001:db8::1]/", "https://[2001:db8::1]/"),
        ] {
            assert_eq!(TargetUrl::parse(typed).map(|url| url.as_str().to_owned()), Ok(kept.to_owned()));
        }
    }

    #[test]
    fn each_invalid_url_gets_its_own_message() {
        for (typed, expected) in [
            ("", "Enter the URL"),
            ("crm.acme.example/calls", "Start the URL with https://"),
            ("localhost:3000/x", "Start the URL with https://"),
            ("ftp://acme.example", "Other schemes"),
            ("https://ana:pw@acme.example", "user name and password"),
            ("https://@acme.example", "user name and password"),
            ("https://acme.example:0/", "Port 0"),
            ("https://acme.example:99999/", "1 to 65535"),
            ("http://2130706433/", "four decimal numbers"),
            ("http://0177.0.0.1/", "four decimal numbers"),
            ("http://0x7f.1/", "four decimal numbers"),
            ("http://127.1/", "four decimal numbers"),
            ("http:\\\\2130706433\\", "four decimal numbers"),
            ("https://acme.example/#top", "after #"),
            ("https://", "not a valid URL"),
            ("https:\"//acme.example/", "host name"),
            ("https://acme.example,b/", "host name"),
            ("https://a!b.example/", "host name"),
            ("https://a..example/", "host name"),
            ("https://.example/", "host name"),
            ("http://localhost../", "host name"),
            (&format!("https://{}.example/", "a".repeat(64)), "host name"),
        ] {
            let message = TargetUrl::parse(typed).unwrap_err();
            assert!(message.contains(expected), "{typed}: {message}");
        }
        assert!(TargetUrl::parse(&format!("https://a.example/{}", "x".repeat(2_031))).is_err());
        assert!(TargetUrl::parse(&format!("https://a.example/{}", "x".repeat(2_030))).is_ok());
        let encoded = format!("https://a.example/{}", "ä".repeat(1_000));
        assert!(TargetUrl::parse(&encoded).is_err(), "it is longer as it is stored and sent");
    }

    #[test]
    fn spellings_of_a_host_are_counted_as_one() {
        for (typed, host) in [
            ("http://localhost/", "localhost"),
            ("http://LOCALHOST./x", "localhost"),
            ("https://crm.acme.example.:8443/", "crm.acme.example"),
            ("http://[::ffff:127.0.0.1]/", "127.0.0.1"),
            ("http://[0:0:0:0:0:ffff:7f00:1]:81/", "127.0.0.1"),
            ("http://127.0.0.1/", "127.0.0.1"),
            ("https://[2001:0db8::1]/", "[2001:db8::1]"),
        ] {
            assert_eq!(TargetUrl::parse(typed).unwrap().canonical_host(), host, "{typed}");
        }
    }
}
