//! Call record files that are uploaded: what a browser without script does, and what becomes of the file.

mod access;
pub(crate) mod continues;
mod files;

use domain::{
    account::Role,
    connector::imports::{ImportState, RecordImport},
    id::{ConnectorId, ImportId},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    browser::Browser,
    test_app::{Tenant, TestApp, TestResponse, response},
};

/// Which column is what in [`calls`].
const COLUMNS: [(&str, &str); 8] = [
    ("form[preset]", "columns"),
    ("form[zone]", "Europe/Berlin"),
    ("form[start]", "1"),
    ("form[caller]", "2"),
    ("form[callee]", "3"),
    ("form[duration]", "4"),
    ("form[status]", "5"),
    ("form[statuses]", "Beantwortet: answered\nBesetzt: busy"),
];

/// German headings, Latin-1, semicolons.
fn calls(rows: usize) -> Vec<u8> {
    let mut file = b"Datum;Von;An;Dauer;Ergebnis;Ger\xe4t\r\n".to_vec();
    for row in 0..rows {
        let (hour, minute, second) = (row / 3_600, row / 60 % 60, row % 60);
        let line =
            format!("28.11.2026 {hour:02}:{minute:02}:{second:02};01632960001;01632960100;0:12;Beantwortet;T\r\n");
        file.extend_from_slice(line.as_bytes());
    }
    file
}

/// An account with a connector for files, and an admin in a browser.
struct Desk<'a> {
    app: &'a TestApp,
    browser: Browser<'a>,
    acct: String,
    con: String,
}

impl<'a> Desk<'a> {
    async fn of(app: &'a TestApp, tenant: &Tenant<'a>) -> Self {
        Self::with(tenant, app, Browser::of_member(app, &tenant.account, Role::Admin).await).await
    }

    /// With this browser of an admin.
    async fn with(tenant: &Tenant<'a>, app: &'a TestApp, browser: Browser<'a>) -> Self {
        let wanted = json!({ "name": "Old PBX", "system": "other", "way": "files", "country": "GB", "time_zone": "Europe/Berlin" });
        let created = tenant.post("/api/v1/connectors", &wanted).await.json();
        assert_eq!((&created["way"], &created["time_zone"]), (&json!("files"), &json!("Europe/Berlin")), "{created}");
        let con = created["id"].as_str().unwrap().to_owned();
        Self { app, browser, acct: tenant.account.id.to_string(), con }
    }

    fn path(&self, rest: &str) -> String {
        format!("/a/{}/connectors/{}/records{rest}", self.acct, self.con)
    }

    /// The path of the page of an uploaded file.
    async fn upload(&self, name: &str, file: &[u8]) -> String {
        let sent = upload(&self.browser, &self.path(""), name, file).await;
        assert_eq!(sent.status, 303, "{sent:?}");
        sent.header("location").to_owned()
    }

    /// Why a file is not accepted.
    async fn refused(&mut self, name: &str, file: &[u8]) -> String {
        assert_eq!(self.upload(name, file).await, self.path(""));
        self.browser.get(&self.path("")).await.text
    }

    async fn post(&mut self, function: &str, page: &str, fields: &[(&str, &str)]) -> TestResponse {
        let imp = page.rsplit('/').next().unwrap().to_owned();
        let (acct, con) = (self.acct.clone(), self.con.clone());
        let named = [("acct", acct.as_str()), ("con", con.as_str()), ("imp", imp.as_str())];
        self.browser.post(&format!("/api/connectors/records/{function}"), &[&named, fields].concat()).await
    }

    /// Imports a file, and waits until that has ended.
    async fn import(&mut self, page: &str) -> RecordImport {
        let started = self.post("start", page, &[&COLUMNS[..], &[("then", "import")]].concat()).await;
        assert!(started.status.is_redirection(), "{started:?}");
        ended(self.app, page).await
    }
}

/// Sends a file as a browser does.
async fn upload(browser: &Browser<'_>, path: &str, name: &str, file: &[u8]) -> TestResponse {
    upload_named(browser, path, name.as_bytes(), file).await
}

async fn upload_named(browser: &Browser<'_>, path: &str, name: &[u8], file: &[u8]) -> TestResponse {
    let head = b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"";
    let body = [head, name, b"\"\r\ncontent-type: text/csv\r\n\r\n", file, b"\r\n--b--\r\n"].concat();
    let request = browser.request(Method::POST, path).header("sec-fetch-site", "same-origin");
    response(request.header("content-type", "multipart/form-data; boundary=b").body(body)).await
}

fn ids(page: &str) -> (ConnectorId, ImportId) {
    let mut parts = page.split('/').skip_while(|part| *part != "connectors").skip(1);
    let con = ConnectorId::parse(parts.next().unwrap()).unwrap();
    (con, ImportId::parse(page.rsplit('/').next().unwrap()).unwrap())
}

async fn state(app: &TestApp, page: &str) -> Option<RecordImport> {
    let actor = access::reader(app, page).await;
    let (con, imp) = ids(page);
    app.room.backend.record_import(&actor, &con, &imp).await.ok()
}

/// An import that has ended.
async fn ended(app: &TestApp, page: &str) -> RecordImport {
    app.until(async || state(app, page).await.filter(|import| import.state.is_final())).await
}

/// The same without the feed: the import of a platform's connector, and one that ended before anyone listened.
async fn ended_by_polling(app: &TestApp, page: &str) -> RecordImport {
    loop {
        if let Some(import) = state(app, page).await.filter(|import| import.state.is_final()) {
            return import;
        }
        tokio::task::yield_now().await;
    }
}

async fn events(tenant: &Tenant<'_>) -> Vec<Value> {
    tenant.get("/api/v1/events?limit=250").await.json()["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_file_is_previewed_and_imported_and_a_second_time_adds_nothing() {
    let app = TestApp::start().await;
    let tenant = app.account("acme").await;
    let mut desk = Desk::of(&app, &tenant).await;
    let mut file = calls(2);
    file.extend_from_slice(
        b"gestern;01632960001;01632960100;0:12;Besetzt;\r\n28.11.2026 10:00:00;7048;7049;0:12;Beantwortet;\r\n",
    );
    let page = desk.upload("anrufe.csv", &file).await;
    let shown = desk.browser.get(&page).await.text;
    assert!(shown.contains("Import anrufe.csv") && shown.contains("2 · Von (01632960001)"), "{shown}");
    assert!(shown.contains("Choose which column is what, then update the preview."), "nothing is chosen yet");
    desk.post("start", &page, &[&COLUMNS[..], &[("then", "preview")]].concat()).await;
    let shown = desk.browser.get(&page).await.text;
    for expected in
        ["+441632960001", "28 Nov 2026, 00:00:12 CET", "Incoming, answered, 12 s", "CallProcessed", "Line 4", "gestern"]
    {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert!(events(&tenant).await.is_empty());
    let import = desk.import(&page).await;
    let progress = import.progress;
    assert_eq!((import.state, progress.rows, progress.imported), (ImportState::Done, 4, 2));
    assert_eq!((progress.ignored, progress.not_understood, progress.bytes_read), (1, 1, file.len() as u64));
    let events = events(&tenant).await;
    assert_eq!(
        (events.len(), &events[0]["event"], &events[0]["caller"]),
        (2, &json!("CallProcessed"), &json!("+441632960001"))
    );
    let report = desk.browser.get(&page).await.text;
    assert!(report.contains("2 calls imported") && report.contains("Rows that were not imported"), "{report}");
    let table = desk.browser.get(&format!("{page}/not-imported.csv")).await;
    assert!(table.text.starts_with("\"line\",\"reason\"\r\n\"4\",\"") && table.text.contains("gestern"), "{table:?}");
    let again = desk.upload("anrufe.csv", &file).await;
    let remembered = desk.browser.get(&again).await.text;
    assert!(remembered.contains("Incoming, answered, 12 s"), "the columns are remembered");
    let progress = desk.import(&again).await.progress;
    assert_eq!((progress.imported, progress.known), (0, 2));
    assert!(desk.browser.get(&again).await.text.contains("Nothing new"));
}
