//! A delivery as Markdown for a ticket: cause, times in UTC, ids; numbers masked, and no credentials.

use domain::{UnixMs, delivery::DeliveryDetail, masking, time::iso_utc};

use crate::components::cause;

/// The text that goes into a ticket.
#[must_use]
pub fn markdown(detail: &DeliveryDetail, now: UnixMs) -> String {
    let row = &detail.row;
    let (caller, callee) = (masking::number(&row.caller), masking::number(&row.callee));
    let mut lines = vec![
        format!("**{}: {} to {}**", row.status.word(), row.kind, row.endpoint_name),
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
    lines.extend(row.finished_at.map(|at| format!("- Ended: {}", iso_utc(at))));
    lines.extend(detail.attempts.iter().map(|attempt| {
        let said = attempt.failure.as_ref().map_or_else(
            || attempt.status_code.map_or_else(|| "no answer".to_owned(), |code| code.to_string()),
            |failure| failure.sentence(now),
        );
        format!("- Attempt {}: {}, {} ms, {said}", attempt.number, iso_utc(attempt.started_at), attempt.duration_ms)
    }));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use domain::delivery::{DeliveryRow, Status};

    use super::*;
    use crate::components::sample;

    #[test]
    fn a_ticket_has_ids_and_times_in_utc_and_no_whole_number() {
        let row = DeliveryRow { caller: "+441202901222".into(), ..sample::row(Status::Failed) };
        let (id, detail) = (
            row.id.to_string(),
            DeliveryDetail {
                row,
                event_timestamp: 0,
                payload: None,
                endpoint_url: "https://crm.acme.example/calls?key=secret".into(),
                attempts: Vec::new(),
            },
        );
        let text = markdown(&detail, UnixMs(0));
        assert!(text.contains(&format!("- Delivery: `{id}`")) && text.contains("- Accepted: ") && text.contains("Z"));
        assert!(!text.contains("1202901222") && !text.contains("secret"), "{text}");
    }
}
