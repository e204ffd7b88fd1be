//! Call record files of all kinds: what becomes of their rows.

use std::collections::BTreeMap;

use connect::{
    event::{CallEvent, CallStatus, Identity, Payload},
    http_in::Locale,
    records::{Columns, Counts, Format, PRESETS, ROWS_APART_MAX, Records, TablePreset, preview},
};
use domain::csv::BadRow;

use crate::{
    outcome::{line, lines},
    scenario::{Scenario, read, scenarios, settings},
};

fn import(file: &[u8], format: Format) -> (Vec<CallEvent>, Vec<BadRow>, Counts) {
    let mut records = Records::new(file, format).unwrap();
    let (mut events, mut bad) = (Vec::new(), Vec::new());
    for record in records.by_ref() {
        match record {
            Ok(event) => events.push(event),
            Err(row) => bad.push(row),
        }
    }
    assert_eq!(records.bytes(), file.len() as u64);
    (events, bad, records.counts())
}

fn locale() -> Locale {
    Locale { country: "GB".parse().ok(), zone: connect::moment::zone("Europe/London").ok() }
}

fn preset(name: &str) -> Format {
    Format::Preset(TablePreset::find(name).unwrap(), Identity::new("con_1"), locale())
}

fn columns(text: &str) -> Format {
    Format::Columns(Box::new(text.parse().unwrap()), Identity::new("con_1"), locale())
}

/// The lines about ends of calls, with the number that the records keep.
fn ends(scenario: &Scenario, different: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let caller = if scenario.name == "in_withheld" { "+447700900123 ->" } else { "01632960001 ->" };
    let all = different.get(&scenario.name).unwrap_or(&scenario.outcome).iter();
    let mut ends: Vec<String> =
        all.filter(|line| line.starts_with("CallProcessed")).map(|line| line.replace("anonymous ->", caller)).collect();
    ends.sort();
    ends
}

#[test]
fn every_recorded_file_gives_the_ends_of_its_calls_with_their_numbers() {
    let different = read("from_records.txt").into_iter().map(|one| (one.name, one.outcome)).collect();
    let mut wrong = Vec::new();
    for scenario in scenarios() {
        let (events, bad, _) = import(&scenario.bytes("csv"), Format::Asterisk(settings()));
        let mut found = lines(&events);
        found.sort();
        if found != ends(&scenario, &different) || !bad.is_empty() {
            wrong.push(format!("{}\n    {}", scenario.name, found.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn an_imported_call_has_the_ids_of_the_live_connector() {
    for scenario in scenarios() {
        let live = scenario.recording("ami").replay(settings()).events;
        let (events, ..) = import(&scenario.bytes("csv"), Format::Asterisk(settings()));
        for event in &events {
            assert!(live.iter().any(|live| live.id == event.id), "{} {}", scenario.name, line(event));
        }
    }
}

#[test]
fn a_file_imported_twice_gives_the_same_events_and_rows_of_other_calls_may_stand_between() {
    let all: Vec<Vec<u8>> = scenarios().iter().map(|scenario| scenario.bytes("csv")).collect();
    let mut rows: Vec<Vec<&[u8]>> = all.iter().map(|file| file.split_inclusive(|b| *b == b'\n').collect()).collect();
    let mut mixed = Vec::new();
    while rows.iter().any(|rows| !rows.is_empty()) {
        for rows in &mut rows {
            if !rows.is_empty() {
                mixed.extend_from_slice(rows.remove(0));
            }
        }
    }
    let sorted = |file: &[u8]| {
        let (mut events, bad, _) = import(file, Format::Asterisk(settings()));
        assert_eq!(bad, []);
        events.sort_by(|a, b| a.id.cmp(&b.id));
        events
    };
    let apart = sorted(&all.concat());
    assert_eq!(sorted(&mixed), apart);
    assert_eq!(sorted(&mixed), sorted(&mixed));
}

/// A row of an answered call that begins at this second.
fn asterisk_row(second: usize, sequence: usize) -> String {
    format!(
        "\"\",\"01632960001\",\"01632960100\",\"from-trunk\",\"\",\"PJSIP/trunk-{second:08x}\",\"PJSIP/7048-{second:08x}\",\"Dial\",\
         \"PJSIP/7048,8\",\"2026-11-28 02:25:50\",\"2026-11-28 02:25:51\",\"2026-11-28 02:25:54\",4,3,\"ANSWERED\",\"DOCUMENTATION\",\
         \"lab-1795832750.{second}\",\"\",\"\",\"lab-1795832750.{second}\",{sequence}\n"
    )
}

#[test]
fn calls_are_given_before_the_end_of_a_large_file_and_a_row_that_comes_too_late_is_named() {
    let count = usize::try_from(ROWS_APART_MAX).unwrap() + 10;
    let mut file: String = (0..count).map(|second| asterisk_row(second, second)).collect();
    file += &asterisk_row(0, count);
    let mut records = Records::new(file.as_bytes(), Format::Asterisk(settings())).unwrap();
    assert!(records.next().unwrap().is_ok());
    assert!(records.bytes() < file.len() as u64, "the first call is complete before the file ends");
    let late: Vec<BadRow> = records.by_ref().filter_map(Result::err).collect();
    assert_eq!(late.len(), 1);
    assert_eq!(late[0].line, count as u64 + 1);
    assert!(late[0].reason.contains("rows before"));
    assert_eq!(records.counts().events, count as u64);
}

#[test]
fn rows_that_are_no_call_records_are_named_with_their_line() {
    let file = format!("accountcode,src\n{}hello,world\n{}", asterisk_row(1, 1), asterisk_row(2, 2));
    let (events, bad, counts) = import(file.as_bytes(), Format::Asterisk(settings()));
    assert_eq!((events.len(), bad.len(), bad[0].line), (2, 1, 3));
    assert_eq!(counts, Counts { rows: 3, events: 2, ignored: 0, not_understood: 1 });
}

#[test]
fn a_file_of_freeswitch_is_read_with_its_documented_columns() {
    let file = concat!(
        "\"Caller\",\"01632960001\",\"01632960100\",\"public\",\"2026-11-28 09:00:00\",\"2026-11-28 09:00:04\",\"2026-11-28 09:00:24\",\"24\",\"20\",\"NORMAL_CLEARING\",\"a5c9f6c0-e752-11e3-8bfb-65b6c3cdac7d\",\"\",\"\",\"\",\"\"\n",
        "\"9008\",\"9008\",\"+441632960002\",\"default\",\"2026-11-28 09:01:32\",\"\",\"2026-11-28 09:01:40\",\"8\",\"0\",\"USER_BUSY\",\"e29ff0ae-e752-11e3-8bff-65b6c3cdac7d\",\"\",\"\",\"\",\"\"\n",
        "\"9008\",\"9008\",\"9009\",\"default\",\"2026-11-28 09:01:32\",\"\",\"2026-11-28 09:01:40\",\"8\",\"0\",\"NORMAL_CLEARING\",\"e2fe712e-e752-11e3-8c03-65b6c3cdac7d\",\"\",\"\",\"\",\"\"\n",
    );
    let (events, bad, counts) = import(file.as_bytes(), preset("freeswitch"));
    assert_eq!(bad, []);
    assert_eq!(
        lines(&events),
        [
            "CallProcessed incoming answered 20 s, +441632960001 -> +441632960100",
            "CallProcessed outgoing busy 0 s, 9008 -> +441632960002",
        ]
    );
    assert_eq!((counts.ignored, events[0].timestamp_s), (1, 1_795_856_424));
}

#[test]
fn a_line_of_json_per_call_is_read_like_a_request() {
    let call = r#"{"variables":{"uuid":"a5c9f6c0-e752-11e3-8bfb-65b6c3cdac7d","call_direction":"inbound","sip_req_user":"01632960100","hangup_cause":"USER_BUSY","end_epoch":"1795856424","billsec":"0"},"callflow":[{"caller_profile":{"caller_id_number":"01632960001","destination_number":"01632960100"}}]}"#;
    let file = format!("{call}\n\n{{\"variables\":\n");
    let (events, bad, _) = import(file.as_bytes(), preset("freeswitch"));
    assert_eq!(lines(&events), ["CallProcessed incoming busy 0 s, +441632960001 -> +441632960100"]);
    assert_eq!((bad.len(), bad[0].line), (1, 3));
}

#[test]
fn a_file_of_grandstream_is_read_with_its_header() {
    let file = "AcctId,accountcode,src,dst,dcontext,clid,channel,dstchannel,lastapp,lastdata,start,answer,end,duration,billsec,disposition,amaflags,uniqueid,userfield,channel_ext,dstchannel_ext,service\n\
        62,,5300,5301,from-internal,\"Desk\" <5300>,SIP/5300-00000000,SIP/5301-00000001,Dial,\"SIP/5301,60,\",2026-12-03 11:46:40,2026-12-03 11:46:43,2026-12-03 11:46:49,9,6,ANSWERED,DOCUMENTATION,1386092800.0,EXT,5300,5301,s\n\
        63,,01632960001,01632960100,from-trunk,x,SIP/trunk-00000000,SIP/5301-00000001,Dial,\"SIP/5301,60,\",2026-12-03 11:46:40,2026-12-03 11:46:43,2026-12-03 11:46:49,9,6,ANSWERED,DOCUMENTATION,1386100901.0,Inbound,,5301,s\n";
    let (events, bad, counts) = import(file.as_bytes(), preset("grandstream"));
    assert_eq!(bad, []);
    assert_eq!(lines(&events), ["CallProcessed incoming answered 6 s, +441632960001 -> extension 5301"]);
    assert_eq!((counts.rows, counts.ignored), (2, 1));
}

#[test]
fn a_file_of_3cx_is_read_with_its_documented_columns() {
    let file = "Call 1,00000A1,00:00:57,2026/11/28 09:00:00,2026/11/28 09:00:08,2026/11/28 09:01:05,TerminatedBySrc,01632960001,Ext.105,,,01632960100,,,,,,,,\n\
        Call 2,00000A2,,2026/11/28 09:00:00,,2026/11/28 09:00:20,TerminatedBySrc,01632960001,Ext.105,,,01632960100,,,,,,,,\n\
        Call 3,00000A3,00:00:57,2026/11/28 09:00:00,2026/11/28 09:00:08,2026/11/28 09:01:05,TerminatedByDst,Ext.105,01632960002,,,01632960002,,,,,,0.02,,\n\
        Call 4,00000A4,00:00:57,2026/11/28 09:00:00,2026/11/28 09:00:08,2026/11/28 09:01:05,TerminatedByDst,Ext.105,Ext.106,,,106,,,,,,,,\n";
    let (events, bad, counts) = import(file.as_bytes(), preset("3cx"));
    assert_eq!(bad, []);
    assert_eq!(
        lines(&events),
        [
            "CallProcessed incoming answered 57 s, +441632960001 -> extension 105",
            "CallProcessed incoming not_answered 0 s, +441632960001 -> extension 105",
            "CallProcessed outgoing answered 57 s, extension 105 -> +441632960002",
        ]
    );
    assert_eq!(counts.ignored, 1);
}

#[test]
fn chosen_columns_are_read_in_latin_1_with_semicolons() {
    let file = b"Datum;Von;An;Dauer;Ergebnis;Name\r\n\
        28.11.2026 09:00:00;01632 960001;7048;0:01:05;Beantwortet;M\xfcller\r\n\
        28.11.2026 09:05:00;7048;01632 960002;0;Besetzt;M\xfcller\r\n\
        28.11.2026 09:06:00;7048;7049;5;Beantwortet;\r\n\
        28.11.2026 09:07:00;;7048;0;Verpasst;\r\n\
        heute;01632 960001;7048;5;Beantwortet;\r\n";
    let text = "caller=Von,callee=An,start=Datum,duration=Dauer,status=Ergebnis,zone=Europe/Berlin,\
                statuses=Beantwortet:answered;Besetzt:busy;Verpasst:not_answered";
    let (events, bad, counts) = import(file, columns(text));
    assert_eq!(
        lines(&events),
        [
            "CallProcessed incoming answered 65 s, +441632960001 -> 7048",
            "CallProcessed outgoing busy 0 s, 7048 -> +441632960002",
            "CallProcessed incoming not_answered 0 s, anonymous -> 7048",
        ]
    );
    assert_eq!((bad.len(), bad[0].line), (1, 6));
    assert!(bad[0].reason.contains("“heute” is no time"), "{}", bad[0].reason);
    assert_eq!((counts.ignored, events[0].timestamp_s), (1, 1_795_852_800 + 65));
    let numbered = text
        .replace("Von", "2")
        .replace("An,", "3,")
        .replace("Datum", "1")
        .replace("Dauer", "4")
        .replace("=Ergebnis", "=5");
    assert_eq!(import(file, columns(&numbered)).0, events);
    let without_header = &file[file.iter().position(|b| *b == b'\n').unwrap() + 1..];
    assert_eq!(import(without_header, columns(&numbered)).0, events);
}

#[test]
fn wrong_columns_are_refused_with_a_sentence() {
    for (text, part) in [
        ("caller", "caller=2"),
        ("caller=1,callee=2", "start"),
        ("caller=1,callee=2,start=3", "duration"),
        ("caller=1,callee=2,start=3,duration=4,colour=5", "no column “colour”"),
        ("caller=1,callee=2,start=3,duration=4,zone=Mars/Base", "time zone"),
        ("caller=1,callee=2,start=3,duration=4,statuses=x", "ANSWERED:answered"),
    ] {
        assert!(text.parse::<Columns>().unwrap_err().contains(part), "{text}");
    }
    let mut records =
        Records::new("a,b\n1,2\n3,4\n".as_bytes(), columns("caller=a,callee=b,start=c,duration=d")).unwrap();
    let bad = records.next().unwrap().unwrap_err();
    assert!(bad.reason.contains("no column “c”"), "{}", bad.reason);
    assert!(records.next().is_none() && records.stopped_early());
}

#[test]
fn a_value_that_does_not_exist_is_refused_with_those_that_do() {
    for (text, part) in [
        ("::::", "“:::” isn't a valid status. Use answered, not_answered, busy"),
        ("OK:picked_up", "“picked_up” isn't a valid status"),
        ("OK", "ANSWERED:answered"),
        ("a=b:answered", "“a=b” can’t be mapped"),
    ] {
        assert!(Columns::statuses(text).unwrap_err().contains(part), "{text}: {:?}", Columns::statuses(text));
    }
    assert!(Columns::directions("IN:in").unwrap_err().contains("Use incoming, outgoing or internal."));
    assert_eq!(
        Columns::statuses(" OK : answered ; : busy;").unwrap().len(),
        2,
        "an empty cell can mean something, too"
    );
    let own = "caller=1,callee=2,start=3,duration=4,status=5,statuses=*:busy,zone=UTC";
    let row = "01632960001,01632960100,2026-11-28 09:30:00,0,gone\n";
    let event = Records::new(row.as_bytes(), columns(own)).unwrap().next().unwrap().unwrap();
    let Payload::CallProcessed(call) = event.payload else { panic!() };
    assert_eq!(call.call_status, CallStatus::Busy, "what people map comes first");
}

#[test]
fn columns_that_a_file_does_not_have_are_named_before_anything_is_read() {
    let missing = |text: &str, file: &str| {
        let missing = text.parse::<Columns>().unwrap().missing_in(file.as_bytes(), &Locale::default());
        missing.into_iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>()
    };
    let named = "Date,From,To,Seconds\n2026-11-28 09:30:00,1,2,3\n";
    let ok = "caller=From,callee=To,start=date,duration=4,direction=incoming";
    assert_eq!(missing(ok, named), [""; 0]);
    assert_eq!(
        missing("caller=Form,callee=To,start=Date,duration=9,cost=0,direction=inwards", named),
        [
            "caller: The file has no column “Form”.",
            "duration: The file has no column 9, only 4.",
            "direction: Choose incoming, outgoing, or a column. The file has no column “inwards”.",
            "cost: The file has no column “0”.",
        ]
    );
    assert_eq!(missing("caller=1,callee=3,start=2,duration=4", "A report\n\na,b,c,d\n"), [""; 0], "titles are short");
    assert_eq!(missing(ok, ""), [""; 0], "that a file is empty is reported elsewhere");
}

#[test]
fn a_preview_shows_the_first_rows_and_presets_name_their_sources() {
    let rows = preview("a;b\n1;2\n3;4\n".as_bytes(), 2);
    assert_eq!(rows, [Ok(vec!["a".to_owned(), "b".to_owned()]), Ok(vec!["1".to_owned(), "2".to_owned()])]);
    for preset in PRESETS {
        assert!(!preset.sources.is_empty());
        assert!(Records::new("x".as_bytes(), self::preset(preset.name)).is_ok());
    }
}

/// The row of a preset's table in a help page.
fn help_row(page: &str, name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/help");
    let text = std::fs::read_to_string(folder.join(page)).unwrap();
    text.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap_or_default().to_owned()
}

#[test]
fn the_help_pages_name_the_source_of_each_preset_and_whether_it_was_checked() {
    const UNCHECKED: &str = "Not checked against the vendor's documentation";
    let files = PRESETS.iter().map(|one| ("connect-records.md", one.name, one.sources, one.documented));
    let http = connect::http_in::presets::PRESETS.iter();
    for (page, name, sources, documented) in
        http.map(|one| ("connect-http.md", one.name, one.sources, one.documented)).chain(files)
    {
        let row = help_row(page, name);
        assert!(sources.iter().all(|source| row.contains(source)), "{page} {name}: {row}");
        assert_eq!(row.contains(UNCHECKED), !documented, "{page} {name}");
    }
}
