//! A delivery as Markdown for a support ticket: cause, times in UTC, IDs. Phone numbers are masked; no credentials.

use domain::{UnixMs, delivery::DeliveryDetail, masking, time::iso_utc};

use crate::components::cause;

/// The text of the ticket.
#[must_use]
pub fn markdown(detail: &DeliveryDetail, now: UnixMs) -> String {
    let row = &detail.row;
    let (caller, callee) = (masking::number(&row.caller), masking::number(&row.callee));
    let mut lines = vec![
        format!("**{}: {} to {}**", row.status.label(), row.kind, row.endpoint_name),
        String::new(),
        cause::verdict(row, now),
        String::new(),
        format!("- Delivery: `{}`", row.id),
        format!("- Event: `{}`", row.event_id),
        format!("- Call: `{}`, {caller} → {callee}", row.call_id),
        format!("- URL: `{}`", masking::url(&detail.endpoint_url)),
        format!("- Accepted: {}", iso_utc(row.created_at)),
    ];
    lines.extend(row.next_attempt_at.map(|at| format!("- Next attempt: {}", iso_utc(at))));
    lines.extend(row.finished_at.map(|at| format!("- Finished: {}", iso_utc(at))));
    lines.extend(detail.attempts.iter().map(|attempt| {
        let result = attempt.failure.as_ref().map_or_else(
            || attempt.status_code.map_or_else(|| "no response".to_owned(), |code| code.to_string()),
            |failure| failure.sentence(now),
        );
        format!("- Attempt {}: {}, {} ms, {result}", attempt.number, iso_utc(attempt.started_at), attempt.duration_ms)
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use domain::delivery::{DeliveryRow, Status};

    use super::*;
    use crate::components::sample;

    #[test]
    fn a_ticket_has_ids_and_utc_times_but_no_full_phone_number() {
        let row = DeliveryRow { caller: "+441202901222".into(), ..sample::row(Status::Failed) };
        let (id, detail) = (
            row.id.to_string(),
            DeliveryDetail {
                row,
                event_timestamp: 0,
                payload: None,
                details: None,
                endpoint_url: "https://crm.acme.example/calls?key=secret".into(),
                attempts: Vec::new(),
            },
        );
        let text = markdown(&detail, UnixMs(0));
        assert!(text.contains(&format!("- Delivery: `{id}`")) && text.contains("- Accepted: ") && text.contains("Z"));
        assert!(!text.contains("1202901222") && !text.contains("secret"), "{text}");
    }
}
