//! Gaps are filled from call records.

use serde_json::Value;

use super::{
    mock_server::MockServer,
    pbx::Pbx,
    program::Machine,
    recording::{Recording, read},
};

/// The call records of a recording, with its IDs and in a zone five hours behind UTC.
pub(super) fn records(recording: &Recording, name: &str) -> String {
    let id = recording
        .messages
        .iter()
        .find_map(|message| message.split("\r\n").find_map(|line| line.strip_prefix("Linkedid: ")));
    let id = id.unwrap();
    let began_s: i64 = id.split(['-', '.']).nth(1).unwrap().parse().unwrap();
    let text = read(&format!("{name}.csv"));
    let recorded = text.split('"').find(|cell| cell.starts_with("lab-1795")).unwrap();
    let recorded_s: i64 = recorded.split(['-', '.']).nth(1).unwrap().parse().unwrap();
    let shift_ms = (began_s - recorded_s - 5 * 3_600) * 1_000;
    let shifted = |cell: &str| {
        let time = domain::time::parse_utc(&cell.replace(' ', "T"))?;
        let local = domain::time::iso_utc(time.plus_ms(shift_ms));
        Some(local[..19].replace('T', " "))
    };
    let cells = text
        .split('"')
        .map(|cell| if cell.len() == 19 { shifted(cell).unwrap_or_else(|| cell.to_owned()) } else { cell.to_owned() });
    cells.collect::<Vec<_>>().join("\"").replace(recorded, id)
}

#[tokio::test]
async fn calls_that_ended_or_came_and_went_in_a_gap_are_filled_from_call_records() {
    let [open, unseen] = ["in_answered", "in_busy"].map(|name| Recording::ending_in(name, 20));
    let (open, unseen) = (open.nth(1), unseen.nth(2));
    let mut server = MockServer::start().await;
    let mut pbx = Pbx::playing(&[&open]).await;
    let machine = Machine::new("token");
    let file = machine.path("Master.csv");
    // Years of older calls, which nobody reads.
    let old = "\"\",\"01632960001\",\"01632960100\",\"from-provider\",\"\",\"PJSIP/trunk-00000001\",\"PJSIP/7048-00000002\",\"Dial\",\"\",\"2020-01-01 00:00:00\",\"2020-01-01 00:00:00\",\"2020-01-01 00:00:09\",9,9,\"ANSWERED\",\"DOCUMENTATION\",\"lab-1577836800.1\",\"\",\"\",\"lab-1577836800.1\",1\n";
    std::fs::write(&file, old.repeat(20_000)).unwrap();
    let more = ["--connector", "con_00000000000000000000000001", "--cdr-csv", file.to_str().unwrap()];
    let _connector = pbx.followed_by(|| machine.start(&pbx.address, &server.url, &more)).await;
    let (before, after) = open.split_at("Event: HangupRequest");
    pbx.play(&before).await;
    assert_eq!(server.accepted().await.0, "IncomingCall");
    pbx.vanish().await;
    after.iter().chain(&unseen.messages).for_each(|message| _ = pbx.happen(message));
    let rows = records(&open, "in_answered") + &records(&unseen, "in_busy");
    std::fs::write(&file, old.repeat(20_000) + &rows).unwrap();
    pbx.listen().await;
    let mut statuses = Vec::new();
    for _ in 0..2 {
        let sent = server.next("/events").await;
        assert!(sent.body["details"]["incomplete"].is_null(), "{}", sent.body);
        let payload = &sent.body["payload"];
        assert_eq!(payload["event"], "CallProcessed");
        statuses.push((payload["call_status"].clone(), payload["source"].clone()));
    }
    statuses.sort_by_key(|(status, _)| status.to_string());
    // Of a call that only records tell about, nobody knows whether its number was withheld.
    let expected: [(Value, Value); 2] =
        [("answered".into(), "01632960001".into()), ("busy".into(), "anonymous".into())];
    assert_eq!(statuses, expected);
    let mut gap = Value::Null;
    while gap["to"].is_null() {
        gap = server.next("/gaps").await.body;
    }
    assert_eq!((&gap["reason"], &gap["calls_closed"]), (&"connection_lost".into(), &2.into()));
    assert_eq!((&gap["filled"], &gap["incomplete"]), (&2.into(), &0.into()));
}
