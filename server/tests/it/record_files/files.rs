//! Files that are wrong, large or hostile.

use domain::connector::imports::{FILE_MAX_BYTES, ImportState};

use super::{COLUMNS, Desk, calls, upload_named};
use crate::test_app::{TestApp, raw};

async fn previewed(desk: &mut Desk<'_>, name: &str, file: &[u8]) -> (String, String) {
    let page = desk.upload(name, file).await;
    desk.post("start", &page, &[&COLUMNS[..], &[("then", "preview")]].concat()).await;
    let text = desk.browser.get(&page).await.text;
    (page, text)
}

#[tokio::test]
async fn a_file_that_can_not_be_imported_says_what_to_do() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut desk = Desk::of(&app, &tenant).await;
    assert!(desk.refused("calls.csv", b"").await.contains("The file is empty."));
    assert!(desk.refused("", b"x").await.contains("Choose a file."));
    for (file, says) in [
        (&b"PK\x03\x04\x00\x00\n1,2\n"[..], "This is no text file. Save the table as CSV"),
        (b"\xff\xfea\x00,\x00", "UTF-16"),
        (&calls(0), "The file has no rows"),
    ] {
        let (page, shown) = previewed(&mut desk, "x.csv", file).await;
        assert!(shown.contains(says), "{says}: {shown}");
        desk.post("start", &page, &[&COLUMNS[..], &[("then", "import")]].concat()).await;
        assert!(desk.browser.get(&page).await.text.contains("None of the first rows is understood."), "{says}");
        desk.post("cancel", &page, &[]).await;
    }
    let wrong = [
        ("form[preset]", "columns"),
        ("form[zone]", "UTC"),
        ("form[caller]", "2"),
        ("form[start]", "99"),
        ("form[callee]", "3"),
        ("form[duration]", "1"),
        ("then", "import"),
    ];
    let page = desk.upload("x.csv", &calls(1)).await;
    desk.post("start", &page, &wrong).await;
    assert!(desk.browser.get(&page).await.text.contains("The file has no column 99, only 6."));
    let values = [&COLUMNS[..7], &[("form[statuses]", "::::"), ("then", "import")]].concat();
    desk.post("start", &page, &values).await;
    assert!(desk.browser.get(&page).await.text.contains("a valid status. Use answered"));
    let direction = [&COLUMNS[..], &[("form[direction]", "inwards"), ("then", "preview")]].concat();
    desk.post("start", &page, &direction).await;
    assert!(desk.browser.get(&page).await.text.contains("The file has no column “inwards”."));
}

#[tokio::test]
async fn too_many_and_too_large_files_are_refused_with_a_sentence() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut desk = Desk::of(&app, &tenant).await;
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\nsec-fetch-site: same-origin\r\nconnection: close\r\n\
         expect: 100-continue\r\n\
         content-type: multipart/form-data; boundary=b\r\ncontent-length: {}\r\n\r\n",
        desk.path(""),
        app.address,
        desk.browser.cookie(),
        FILE_MAX_BYTES * 2,
    );
    assert!(raw(&app, &head).await.starts_with("HTTP/1.1 303"));
    assert!(desk.browser.get(&desk.path("")).await.text.contains("A file has at most 256 MiB."));
    for _ in 0..3 {
        desk.upload("x.csv", &calls(1)).await;
    }
    assert!(desk.refused("x.csv", &calls(1)).await.contains("Import or discard one of them first."));
}

#[tokio::test]
async fn headings_and_cells_are_never_markup_or_formulas() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut desk = Desk::of(&app, &tenant).await;
    let file = b"<script>alert(1)</script>;Von;{2 | e164};Dauer;Ergebnis\n\
        28.11.2026 09:30:00;01632960001;01632960100;0:12;Beantwortet\n\
        =HYPERLINK(\"x\");01632960001;01632960100;0:12;Beantwortet\n\
        28.11.2026 09:30:00;<b>x</b>;01632960100;=1+1;Beantwortet\n";
    let (page, shown) = previewed(&mut desk, "<i>x</i>.csv", file).await;
    assert!(!shown.contains("<script>alert") && !shown.contains("<b>x") && !shown.contains("<i>x"), "{shown}");
    assert!(shown.contains("&lt;script&gt;"), "{shown}");
    let import = desk.import(&page).await;
    assert_eq!((import.state, import.progress.imported), (ImportState::Done, 1));
    let table = desk.browser.get(&format!("{page}/not-imported.csv")).await;
    assert_eq!(table.header("content-disposition"), "attachment; filename=\"not-imported.csv\"");
    assert!(table.text.lines().all(|line| !line.contains(",\"=")), "{}", table.text);
}

#[tokio::test]
async fn an_asterisk_needs_its_trunks_and_a_paused_connector_imports_nothing() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut desk = Desk::of(&app, &tenant).await;
    let page = desk.upload("Master.csv", b"a,b\n").await;
    desk.post("start", &page, &[("form[preset]", "asterisk"), ("form[zone]", "UTC"), ("then", "import")]).await;
    let shown = desk.browser.get(&page).await.text;
    assert!(shown.contains("The trunks are not known") && shown.contains("Edit the connector"), "{shown}");
    let path = format!("/api/v1/connectors/{}/pause", desk.con);
    assert_eq!(tenant.post(&path, &serde_json::json!({})).await.status, 200);
    let page = desk.browser.get(&desk.path("")).await.text;
    assert!(page.contains("This connector is paused.") && !page.contains("type=\"file\""), "{page}");
    assert!(desk.refused("x.csv", &calls(1)).await.contains("paused"));
}

#[tokio::test]
async fn every_name_of_a_file_is_accepted_or_refused_for_its_own_sake() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut desk = Desk::of(&app, &tenant).await;
    for (sent, shown) in [
        (&b"gespr\xe4che.csv"[..], "gespräche.csv"),
        ("gespräche.csv".as_bytes(), "gespräche.csv"),
        (b"a\tb.csv", "ab.csv"),
        (b"a\\\"b.csv", "a\"b.csv"),
    ] {
        let sent = upload_named(&desk.browser, &desk.path(""), sent, &calls(1)).await;
        let page = sent.header("location").to_owned();
        let text = desk.browser.get(&page).await.text;
        assert!(text.contains(&format!("Import {shown}")), "{shown}: {text}");
        desk.post("cancel", &page, &[]).await;
        assert!(desk.browser.get(&desk.path("")).await.text.contains("File discarded."));
    }
    for name in [&b"a\x01.csv"[..], b"a\x00.csv", b"a\x7f.csv", b"a\rb.csv"] {
        let sent = upload_named(&desk.browser, &desk.path(""), name, &calls(1)).await;
        assert_eq!(sent.header("location"), desk.path(""));
        let text = desk.browser.get(&desk.path("")).await.text;
        assert!(text.contains("Rename the file") && !text.contains("New file"), "{name:?}: {text}");
    }
}
