//! Requests ("actions", in AMI's terms) to bytes.

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request(Vec<(&'static str, String)>);

/// A value that would end its line, and so could begin a request of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the value of {0} has a line break or another control character, so it can't be sent to Asterisk")]
pub struct UnsafeValue(pub &'static str);

impl Request {
    /// A request of this name.
    #[must_use]
    pub fn new(action: &'static str) -> Self {
        Self(vec![("Action", action.to_owned())])
    }

    /// The request with one more value.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.push((key, value.into()));
        self
    }

    /// The bytes to send.
    ///
    /// # Errors
    /// `UnsafeValue` if a value has a control character.
    pub fn encode(&self) -> Result<Vec<u8>, UnsafeValue> {
        let mut out = Vec::new();
        for (key, value) in &self.0 {
            if value.chars().any(char::is_control) {
                return Err(UnsafeValue(key));
            }
            out.extend_from_slice(format!("{key}: {value}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_encoded_as_lines() {
        let request = Request::new("GetVar").with("ActionID", "1").with("Channel", "PJSIP/provider-00000001");
        let bytes = request.encode().unwrap();
        assert_eq!(bytes, b"Action: GetVar\r\nActionID: 1\r\nChannel: PJSIP/provider-00000001\r\n\r\n");
    }

    #[test]
    fn no_value_can_begin_another_request() {
        for value in ["a\r\n\r\nAction: Originate", "a\nb", "a\rb", "a\0"] {
            assert_eq!(Request::new("Login").with("Secret", value).encode(), Err(UnsafeValue("Secret")));
        }
    }
}
