//! Responses that a phone system acts on.

use serde::{Deserialize, Serialize};

/// A response that a phone system acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// sipgate reports answers and ends only to the URLs in the response to the beginning of a call.
    Sipgate,
}

impl Response {
    /// Content type and body, for the URL that the request came to.
    #[must_use]
    pub fn of(self, url: &str) -> (&'static str, String) {
        let url = url.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        let Self::Sipgate = self;
        let body = format!(r#"<?xml version="1.0" encoding="UTF-8"?><Response onAnswer="{url}" onHangup="{url}"/>"#);
        ("application/xml", body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sipgate_is_asked_for_answers_and_ends() {
        let (kind, body) = Response::Sipgate.of("https://hooks.example.com/in/con_1/s?a=1&b=\"");
        assert_eq!(kind, "application/xml");
        let url = "https://hooks.example.com/in/con_1/s?a=1&amp;b=&quot;";
        assert!(body.ends_with(&format!(r#"<Response onAnswer="{url}" onHangup="{url}"/>"#)));
    }
}
