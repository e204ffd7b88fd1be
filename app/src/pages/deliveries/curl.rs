//! The request as it was sent, and a curl command that sends the same. Neither contains credentials.

use domain::{
    attempt::Attempt,
    delivery::{DeliveryDetail, DeliveryRow},
    secret::masked,
    signature::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER},
};

/// Placeholder for the auth token in the command.
const TOKEN_PLACEHOLDER: &str = "YOUR_AUTH_TOKEN";
/// Placeholder for the signature, which covers the body with its placeholder.
const SIGNATURE_PLACEHOLDER: &str = "v1,YOUR_SIGNATURE";

/// The header lines of this attempt's request, `name: value`, without custom headers.
#[must_use]
pub fn request_head(row: &DeliveryRow, attempt: &Attempt) -> String {
    lines(row, attempt.number, attempt.started_at.unix_seconds(), &attempt.signature).join("\n")
}

fn lines(row: &DeliveryRow, number: u32, timestamp_s: i64, signature: &str) -> Vec<String> {
    vec![
        "content-type: application/json".to_owned(),
        format!("{ID_HEADER}: {}", row.event_id),
        format!("{TIMESTAMP_HEADER}: {timestamp_s}"),
        format!("{SIGNATURE_HEADER}: {signature}"),
        format!("Offhook-Event: {}", row.kind),
        format!("Offhook-Delivery: {}", row.id),
        format!("Offhook-Attempt: {number}"),
        format!("User-Agent: Offhook/{}", env!("CARGO_PKG_VERSION")),
    ]
}

/// The body with the auth token masked; none if the payload is past retention.
#[must_use]
pub fn masked_body(detail: &DeliveryDetail) -> Option<String> {
    detail.body(&masked(""))
}

/// A command that sends the same request, with placeholders for the credentials.
#[must_use]
pub fn command(detail: &DeliveryDetail, attempt: Option<&Attempt>) -> Option<String> {
    let body = detail.body(TOKEN_PLACEHOLDER)?;
    let url = attempt.map_or(&detail.endpoint_url, |attempt| &attempt.url);
    let number = attempt.map_or(1, |attempt| attempt.number);
    let second = attempt.map_or(detail.event_timestamp, |attempt| attempt.started_at.unix_seconds());
    let head = lines(&detail.row, number, second, SIGNATURE_PLACEHOLDER);
    let head: String = head.iter().map(|line| format!("  -H {} \\\n", quoted(line))).collect();
    Some(format!("curl -X POST {} \\\n{head}  -d {}", quoted(url), quoted(&body)))
}

/// Quotes a text as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use domain::delivery::Status;

    use super::*;
    use crate::components::sample;

    fn detail(payload: Option<&str>) -> DeliveryDetail {
        DeliveryDetail {
            row: sample::row(Status::Failed),
            event_timestamp: 1_507_305_504,
            payload: payload.map(str::to_owned),
            details: None,
            endpoint_url: "https://crm.acme.example/it's".into(),
            attempts: Vec::new(),
        }
    }

    #[test]
    fn a_command_quotes_its_values_and_contains_no_credentials() {
        let command = command(&detail(Some(r#"{"x":"'; rm -rf /; '"}"#)), None).unwrap_or_default();
        assert!(command.starts_with(r"curl -X POST 'https://crm.acme.example/it'\''s' \"));
        assert!(command.contains(r#"{"x":"'\''; rm -rf /; '\''"}"#) && command.contains(TOKEN_PLACEHOLDER));
        assert!(command.contains("Offhook-Attempt: 1"));
    }

    #[test]
    fn there_is_no_body_and_no_command_past_retention() {
        assert_eq!((command(&detail(None), None), masked_body(&detail(None))), (None, None));
        let shown = masked_body(&detail(Some("{}"))).unwrap_or_default();
        assert_eq!(shown, r#"{"payload":{},"timestamp":1507305504,"auth_token":"••••••••"}"#);
    }
}
